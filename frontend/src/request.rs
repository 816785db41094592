//! A request of HTTP, and what becomes of it: a question to the workers, or an answer at once.
//!
//! Here it is found out who asks, by which scheme, and what answers he takes. No rule of the service is known: path and query go on as sent.

use crate::{
    accepted::accepted,
    backend::{Asked, Backend, Question},
    clients::Guest,
    response::{self, Body},
};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Body as _, Incoming},
    header::{CONNECTION, HeaderName, HeaderValue},
    service::Service,
};
use std::{
    convert::Infallible,
    future::Ready,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use wire::{
    UrlScheme,
    net::{Peer, Trusted},
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Answers the requests of one connection.
#[derive(Debug)]
pub struct Requests {
    /// The way to the workers.
    pub backend: Rc<Backend>,
    /// Proxies that are believed.
    pub trusted: Rc<Trusted>,
    /// The other end of the connection.
    pub peer: Peer,
    /// The connection, to be told how long answers are.
    pub guest: Rc<Guest>,
}

/// An answer to come.
#[derive(Debug)]
pub struct Answering {
    source: Source,
    /// The connection ends with this answer, because the request has a body that nobody reads.
    last: bool,
    guest: Rc<Guest>,
}

#[derive(Debug)]
enum Source {
    Workers(Asked),
    Here(Ready<Response<Body>>),
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let last = !request.body().is_end_stream();
        let (head, _) = request.into_parts();
        let method = match head.method {
            Method::GET => wire::Method::Get,
            Method::HEAD => wire::Method::Head,
            _ => {
                self.guest.counters().answered_here(405);
                let refused = std::future::ready(response::method_not_allowed());
                return self.answering(Source::Here(refused), last);
            }
        };
        let question = Question {
            method,
            scheme: self.scheme(&head.headers),
            accept: accepted(&head.headers),
            client: self.trusted.client(self.peer, lines(&head.headers, &FORWARDED_FOR)),
            uri: head.uri,
        };
        self.answering(Source::Workers(self.backend.ask(question)), last)
    }
}

impl Requests {
    fn answering(&self, source: Source, last: bool) -> Answering {
        Answering { source, last, guest: Rc::clone(&self.guest) }
    }

    /// What a trusted proxy says that the client used; of several values that of the nearest proxy counts. Who comes
    /// without one has used what is spoken here.
    fn scheme(&self, headers: &HeaderMap) -> UrlScheme {
        if !self.trusted.trusts(self.peer) {
            return UrlScheme::Http;
        }
        let nearest =
            lines(headers, &FORWARDED_PROTO).last().and_then(|line| line.rsplit(|b| *b == b',').next());
        match nearest.map(<[u8]>::trim_ascii) {
            Some(name) if name.eq_ignore_ascii_case(b"https") => UrlScheme::Https,
            Some(name) if name.eq_ignore_ascii_case(b"http") => UrlScheme::Http,
            _ => UrlScheme::Unknown,
        }
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = match &mut this.source {
            Source::Here(response) => ready!(Pin::new(response).poll(cx)),
            Source::Workers(asked) => {
                let answer = ready!(Pin::new(asked).poll(cx));
                match &answer {
                    Some(answer) => this.guest.counters().answered(&answer.head, answer.took),
                    None => this.guest.counters().answered_here(503),
                }
                answer.map_or_else(response::unavailable, response::answer)
            }
        };
        if this.last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        this.guest.on_answered(response.body().size_hint().lower() as usize);
        Poll::Ready(Ok(response))
    }
}

/// The values of a header's lines, in the order in which they were sent.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}
