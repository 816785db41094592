//! The HTTP client with which mirrors are asked, for one thing or for many: bounded in time, bytes and redirects.
//!
//! How one is spoken with: [`session`]; what of a content is looked at: [`content`]. Where it may connect to: [`address`]. Proxies are those that `HTTPS_PROXY`, `http_proxy` and `NO_PROXY` name, as curl
//! reads them; what a name leads to is then theirs to judge. TLS: [`tls`].

pub mod address;
mod connect;
pub mod content;
mod error;
pub mod session;

pub use error::Error;

use crate::tls;
use address::Addresses;
use hyper::{HeaderMap, Method, header::HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use program::failure::Failure;
use session::{Session, What, Whole};
use std::{sync::Arc, time::Duration};
use tokio_rustls::TlsConnector;
use url::Url;

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
    /// The body of a 200, where it was asked for by [`Client::ask`]; of other statuses nobody reads it.
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
    /// A client that says in its User-Agent where its operator can be reached. A failure says what is missing.
    pub fn new(contact: &str, policy: Addresses) -> Result<Client, Failure> {
        let agent = format!("mirrorlist-collect/{} (+{contact})", env!("CARGO_PKG_VERSION"));
        let agent = HeaderValue::from_str(&agent)
            .map_err(|_| Failure::config(format!("contact `{contact}` is no text")))?;
        let mut config = tls::config().map_err(|error| Failure::config(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Client { tls, policy, agent, proxies: Matcher::from_env() })
    }

    /// Asks for one thing, within a time; a body of more than `longest` bytes is an error.
    pub async fn ask(
        &self,
        method: &Method,
        url: &Url,
        longest: usize,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let what = if method == Method::HEAD { What::Head } else { What::Content };
        let mut body = Whole { bytes: Vec::new(), longest };
        let answer = Session::single(self).ask(what, url, patience, &mut body).await?;
        Ok(Answer { body: body.bytes, ..answer })
    }
}
