//! The connection: where the database is, and as whom and how it is spoken to.
//!
//! Over TCP always with TLS, whose certificate must be that of the host by the system's roots, unless the URL says
//! `sslmode=disable`; over a UNIX socket without. Passwords come from the URL or from `~/.pgpass` and are never said.

mod error;
mod pgpass;

pub use error::Error;

use crate::tls;
use std::{fmt, path::Path, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{
    Client, Config, NoTls, Socket,
    config::{Host, SslMode},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take, unless the URL says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that has gone without a word is found out after a minute.
const SILENCE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// Where a database is. Printed without its password.
#[derive(Clone)]
pub struct Url {
    config: Config,
}

/// Why a text does not say where a database is.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It is no URL, or one of something else.
    #[error("is no postgres:// URL")]
    Scheme,
    /// The library does not understand it.
    #[error("{}", reason(.0))]
    Unreadable(#[from] tokio_postgres::Error),
    /// It is not clear who is to be asked.
    #[error(
        "names no host, or several; a UNIX socket is named by its folder, as in \
         postgres://USER@%2Frun%2Fpostgresql/NAME"
    )]
    Hosts,
    /// What follows an @ in a password was taken for the host.
    #[error("its host has an `@`, which in a password is written as %40")]
    At,
}

impl Url {
    /// Reads `postgres://USER@HOST/NAME`; the folder of a UNIX socket is written as a host, `%2Frun%2Fpostgresql`.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(UrlError::Scheme);
        }
        let mut config: Config = text.parse()?;
        let [host] = config.get_hosts() else {
            return Err(UrlError::Hosts);
        };
        // What follows an @ in a password, which must not be said as the name of a host.
        if matches!(host, Host::Tcp(name) if name.contains('@')) {
            return Err(UrlError::At);
        }
        match (host, config.get_ssl_mode()) {
            (Host::Unix(_), _) => drop(config.ssl_mode(SslMode::Disable)),
            // Whoever can forge answers can also answer that there is no TLS.
            (_, SslMode::Prefer) => drop(config.ssl_mode(SslMode::Require)),
            _ => {}
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.keepalives_idle(SILENCE).keepalives_interval(PROBE).keepalives_retries(PROBES);
        config.tcp_user_timeout(SILENCE + PROBE * PROBES).application_name("mirrorlist-collect");
        Ok(Url { config })
    }

    /// Whether a password stands in it.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Connects. The connection is served by a task of the runtime that this is called in.
    pub async fn connect(&self) -> Result<Client, Error> {
        let mut config = self.config.clone();
        if !self.has_password()
            && let Some(password) =
                pgpass::password(&self.target()).map_err(|error| Error::Config(error.to_string()))?
        {
            config.password(password);
        }
        let patience = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let opening = async {
            match config.get_ssl_mode() {
                SslMode::Disable => Ok(open(&config, NoTls).await),
                _ => {
                    let tls = tls::config().map_err(|error| Error::Config(error.to_string()))?;
                    Ok(open(&config, MakeRustlsConnect::new(tls)).await)
                }
            }
        };
        // The library's own limit ends when somebody is there who need not speak.
        let opened = timeout(patience, opening).await;
        let client = opened.map_err(|_| Error::frozen("cannot be connected to", patience))??;
        client.map_err(|error| match error.to_string() {
            // What the library says before it has asked the server: that it has no password, for instance.
            said if said.starts_with("invalid configuration") => {
                Error::Config(format!("{}; see url, and the password in ~/.pgpass", reason(&error)))
            }
            _ => Error::of("cannot be connected to", &error),
        })
    }

    /// What a line of a password file has to match.
    fn target(&self) -> pgpass::Target {
        let config = &self.config;
        let host = match config.get_hosts() {
            [Host::Tcp(name)] => name.clone(),
            _ => "localhost".into(),
        };
        let user = config.get_user().unwrap_or_default().to_owned();
        let database = config.get_dbname().unwrap_or(&user).to_owned();
        pgpass::Target { host, port: config.get_ports().first().copied().unwrap_or(5432), database, user }
    }
}

impl fmt::Display for Url {
    /// `HOST/NAME`, or the folder of the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.config.get_hosts() {
            [Host::Unix(folder)] => write!(f, "{}", Path::new(folder).display())?,
            [Host::Tcp(name)] => write!(f, "{name}")?,
            _ => {}
        }
        let named = self.config.get_dbname().or(self.config.get_user());
        named.map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Connects, and has the connection served.
async fn open<T>(config: &Config, tls: T) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static>,
{
    let (client, connection) = config.connect(tls).await?;
    // How it ends is said to whoever waits for an answer.
    tokio::spawn(async { drop(connection.await) });
    Ok(client)
}

/// What the library says is wrong with a URL, in one line.
fn reason(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_asked_for_over_tcp_and_not_over_a_socket_file() {
        for (url, mode, said) in [
            ("postgres://mm@db.example.org/mm", SslMode::Require, "db.example.org/mm"),
            ("postgresql://mm@db.example.org:5433/mm?sslmode=prefer", SslMode::Require, "db.example.org/mm"),
            ("postgres://mm@localhost/mm?sslmode=disable", SslMode::Disable, "localhost/mm"),
            ("postgres://mm@%2Frun%2Fpostgresql/mm", SslMode::Disable, "/run/postgresql/mm"),
            ("postgres:///mm?host=/run/postgresql&user=mm", SslMode::Disable, "/run/postgresql/mm"),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!((url.config.get_ssl_mode(), url.to_string()), (mode, said.to_owned()));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, cause) in [
            ("host=db", "is no postgres:// URL"),
            ("postgres:///mm?user=mm", "names no host, or several"),
            ("postgres://mm@a,b/mm", "names no host, or several"),
            ("postgres://mm:se@cret@db/mm", "its host has an `@`"),
            ("postgres://mm:secret@db/mm?sslmode=verify-full", "invalid value for option `sslmode`"),
            ("postgres://mm:secret@db:port/mm", "invalid value for option `port`"),
        ] {
            let error = Url::parse(url).unwrap_err().to_string();
            assert!(error.contains(cause) && !error.contains("cret"), "{url}: {error}");
        }
        let url = Url::parse("postgres://mm:secret@db/mm").unwrap();
        assert!(url.has_password() && !format!("{url} {url:?}").contains("secret"));
    }
}
