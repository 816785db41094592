//! A request of HTTP, and what becomes of it: a question to the workers, or an answer at once.
//!
//! Here it is found out who asks, by which scheme, and what answers he takes. No rule of the service is known: path and query go on as sent.

use crate::{
    accepted::accepted,
    backend::{Asked, Backend},
    clients::Client,
    config::Limits,
    log,
    response::{self, Body},
};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{CONNECTION, HOST, HeaderName, HeaderValue},
};
use std::{convert::Infallible, rc::Rc, sync::Once};
use wire::{
    UrlScheme,
    net::{Peer, Trusted},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Answers the requests of one thread.
#[derive(Debug)]
pub struct Requests {
    /// The way to the workers.
    pub backend: Rc<Backend>,
    /// Proxies that are believed.
    pub trusted: Trusted,
    /// What a client may take.
    pub limits: Limits,
}

impl Requests {
    /// The answer to a client's request. The connection ends with it if the request has a body, which nobody reads.
    pub fn answer(
        &self,
        client: &Rc<Client>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let client = Rc::clone(client);
        client.on_request(!request.body().is_end_stream());
        let asked = self.ask(client.peer, request);
        async move {
            let answer = match asked {
                Ok(asked) => asked.await.ok_or(StatusCode::SERVICE_UNAVAILABLE),
                Err(status) => Err(status),
            };
            let mut response = match answer {
                Ok(answer) => {
                    client.clients.counters.answered(&answer.head, answer.took);
                    response::answer(answer)
                }
                Err(status) => {
                    client.clients.counters.refused(status.as_u16());
                    response::refusal(status)
                }
            };
            if client.sends_body.get() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            client.on_answered(response.body().size_hint().lower() as usize);
            Ok(response)
        }
    }

    /// Asks the workers, or says with which status the request is refused.
    fn ask(&self, peer: Peer, request: Request<Incoming>) -> Result<Asked, StatusCode> {
        let (head, _) = request.into_parts();
        let method = match head.method {
            Method::GET => wire::Method::Get,
            Method::HEAD => wire::Method::Head,
            _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
        };
        // Proxies differ in which of two they take (RFC 9112 §3.2).
        if head.headers.get_all(HOST).into_iter().nth(1).is_some() {
            return Err(StatusCode::BAD_REQUEST);
        }
        if head.uri.path_and_query().is_some_and(|target| target.as_str().len() > wire::MAX_URI) {
            return Err(StatusCode::URI_TOO_LONG);
        }
        Ok(self.backend.ask(&wire::Request {
            method,
            scheme: self.scheme(peer, &head.headers),
            accept: accepted(&head.headers),
            client: self.trusted.client(peer, lines(&head.headers, &FORWARDED_FOR)),
            path: head.uri.path().as_bytes(),
            query: head.uri.query().unwrap_or_default().as_bytes(),
        }))
    }

    /// What a trusted proxy says that the client used; of several values that of the nearest proxy counts. Who comes
    /// without one has used what is spoken here.
    fn scheme(&self, peer: Peer, headers: &HeaderMap) -> UrlScheme {
        if !self.trusted.trusts(peer) {
            return UrlScheme::Http;
        }
        let nearest =
            lines(headers, &FORWARDED_PROTO).last().and_then(|line| line.rsplit(|b| *b == b',').next());
        match nearest.map(<[u8]>::trim_ascii) {
            Some(name) if name.eq_ignore_ascii_case(b"https") => UrlScheme::Https,
            Some(name) if name.eq_ignore_ascii_case(b"http") => UrlScheme::Http,
            nearest => {
                // A proxy, then, and not somebody who asks from its machine.
                if nearest.is_none() && headers.contains_key(FORWARDED_FOR) {
                    names_no_scheme(peer);
                }
                UrlScheme::Unknown
            }
        }
    }
}

/// Tells, once, of a proxy that does not say what its clients used.
fn names_no_scheme(proxy: Peer) {
    static TOLD: Once = Once::new();
    let proxy = match proxy {
        Peer::Unix => "on a socket file".to_owned(),
        Peer::Address(address) => address.to_string(),
    };
    TOLD.call_once(|| {
        log::warning(format_args!(
            "proxy {proxy}: sends no X-Forwarded-Proto; below a redirector's prefix its clients count as come by http"
        ));
    });
}

/// The values of a header's lines, in the order in which they were sent.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}
