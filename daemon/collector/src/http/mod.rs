//! The HTTP client with which mirrors are asked: one request a connection, bounded in time, bytes and redirects.
//!
//! Where it may connect to: [`address`]. Proxies are those that `HTTPS_PROXY`, `http_proxy` and `NO_PROXY` name, as curl
//! reads them; what a name leads to is then theirs to judge. TLS: [`tls`].

pub mod address;
mod connect;
mod error;

pub use error::Error;

use crate::tls;
use address::Addresses;
use connect::{Connected, target};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    HeaderMap, Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT},
};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// Bytes and lines that the head of an answer may have.
const LONGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;

/// Asks for URLs.
pub struct Client {
    tls: TlsConnector,
    policy: Addresses,
    agent: HeaderValue,
    proxies: Matcher,
}

/// An answer, of the URL that the last redirect has led to.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header lines.
    pub headers: HeaderMap,
    /// The body of a 200; of other statuses nobody reads it.
    pub body: Vec<u8>,
    /// Who has answered.
    pub url: Url,
}

impl Answer {
    /// A header line's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When it was made, by the clock of who made it, in seconds since the epoch.
    pub fn date(&self) -> Option<u64> {
        let date = httpdate::parse_http_date(self.header("date")?).ok()?;
        date.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs())
    }
}

impl Client {
    /// A client that says in its User-Agent where its operator can be reached. An error says what is missing.
    pub fn new(contact: &str, policy: Addresses) -> Result<Client, String> {
        let agent = format!("mirrorlist-collect/{} (+{contact})", env!("CARGO_PKG_VERSION"));
        let agent = HeaderValue::from_str(&agent).map_err(|_| format!("contact `{contact}` is no text"))?;
        let mut config = tls::config()?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Client { tls, policy, agent, proxies: Matcher::from_env() })
    }

    /// Asks within a time; a body of more than `longest` bytes is an error.
    pub async fn ask(
        &self,
        method: &Method,
        url: &Url,
        longest: usize,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let answer = timeout(patience, self.follow(method, url, longest)).await;
        answer.unwrap_or(Err(Error::Time(patience)))
    }

    async fn follow(&self, method: &Method, url: &Url, longest: usize) -> Result<Answer, Error> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let answer = self.once(method, url.clone(), longest).await?;
            let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = answer.headers.get(LOCATION).filter(|_| is_redirect) else {
                return Ok(answer);
            };
            let said = String::from_utf8_lossy(location.as_bytes()).into_owned();
            let next = url.join(&said).map_err(|_| Error::Redirect(said.clone()))?;
            let is_followed = match next.scheme() {
                "https" => true,
                "http" => url.scheme() == "http",
                _ => false,
            };
            if !is_followed {
                return Err(Error::Redirect(next.to_string()));
            }
            url = next;
        }
        Err(Error::Redirects(REDIRECTS))
    }

    async fn once(&self, method: &Method, url: Url, longest: usize) -> Result<Answer, Error> {
        let broken = |error: hyper::Error| Error::Answer(error::chain(&error));
        let (host, _) = target(&url)?;
        let host = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let Connected { stream, proxy } = self.connect(&url).await?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
        let (mut sender, connection) =
            builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(broken)?;
        let to = match proxy {
            Some(_) => {
                let mut whole = url.clone();
                whole.set_fragment(None);
                // A name and a password of the mirror's URL are nobody's to see.
                let _ = whole.set_username("").and_then(|()| whole.set_password(None));
                whole.to_string()
            }
            None => url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(to)
            .header(HOST, host)
            .header(USER_AGENT, &self.agent)
            .header(CONNECTION, "close");
        if let Some(who) = proxy.as_ref().and_then(connect::authorization) {
            request = request.header(PROXY_AUTHORIZATION, who);
        }
        let request = request.body(Empty::new()).map_err(|_| Error::Url(url.to_string()))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let (head, body) = response.into_parts();
            let status = head.status.as_u16();
            let body = if status == 200 { whole(body, longest).await? } else { Vec::new() };
            Ok(Answer { status, headers: head.headers, body, url })
        };
        // The connection ends with the answer: nobody drives it afterwards.
        tokio::pin!(exchange, connection);
        tokio::select! {
            answer = &mut exchange => answer,
            ended = &mut connection => match ended {
                Err(error) => Err(broken(error)),
                Ok(()) => exchange.await,
            },
        }
    }
}

/// A body to its end.
async fn whole(mut body: Incoming, longest: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::Answer(error::chain(&error)))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > longest {
                return Err(Error::Length(longest));
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}
