//! Why a request came to no answer.

use std::{net::IpAddr, time::Duration};
use thiserror::Error;

/// Why there is no answer, as an operator reads it.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// The name leads nowhere.
    #[error("its name {0} has no address ({1})")]
    Name(String, String),
    /// It leads to where we do not go.
    #[error("{0} leads to {1}, which is no public address; allow-addresses may name it")]
    Address(String, IpAddr),
    /// Nobody is there.
    #[error("no connection ({0})")]
    Connection(String),
    /// Whoever is there cannot prove who he is, or speaks no TLS.
    #[error("TLS fails ({0})")]
    Tls(String),
    /// He does not speak HTTP, or stops half-way.
    #[error("the answer breaks off ({0})")]
    Answer(String),
    /// It takes too long.
    #[error("no answer within {} s", .0.as_secs_f64())]
    Time(Duration),
    /// There is more of it than there can be.
    #[error("the answer has more than {0} bytes")]
    Length(usize),
    /// It leads on and on.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// It leads to where we do not follow.
    #[error("redirects to {0}, which is not followed")]
    Redirect(String),
    /// The proxy does not do what it is there for.
    #[error("the proxy {0}: {1}")]
    Proxy(String, String),
    /// It is no URL that we can ask.
    #[error("`{0}` is no http or https URL")]
    Url(String),
}

impl Error {
    /// Whether clients that ask for the same come to grief, too; otherwise it is about us.
    pub fn is_for_clients_too(&self) -> bool {
        !matches!(self, Error::Address(..) | Error::Redirect(_) | Error::Proxy(..) | Error::Url(_))
    }
}

/// An error of a library and what is behind it, each said once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        behind = cause.source();
    }
    said
}

/// The same of an I/O error, whose own text is often that of the system.
pub fn io(error: &std::io::Error) -> String {
    match error.get_ref() {
        Some(inner) if inner.source().is_some() => chain(inner),
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}
