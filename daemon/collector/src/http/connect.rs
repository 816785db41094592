//! From a URL to a connection: names, addresses that may be contacted, proxies, TLS.

use super::{
    Client,
    error::{Error, io},
};
use http_body_util::Empty;
use hyper::{
    Method, Request, Uri,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderValue, PROXY_AUTHORIZATION},
};
use hyper_util::{client::proxy::matcher::Intercept, rt::TokioIo};
use rustls::pki_types::ServerName;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::{Host, Url};

/// How long one address may take, so that another one of the same name has a chance.
const PATIENCE: Duration = Duration::from_secs(3);

/// Addresses of a name that are tried.
const TRIES: usize = 4;

/// A connection of either kind.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection over which a URL can be asked.
pub struct Connected {
    pub stream: Box<dyn Stream>,
    /// The proxy that is asked for whole URLs, where it is one for http.
    pub proxy: Option<Intercept>,
    /// Whether it is by IPv6; nobody knows behind a proxy.
    pub is_v6: Option<bool>,
}

/// Host and port of a URL.
pub fn target(url: &Url) -> Result<(Host<&str>, u16), Error> {
    url.host().zip(url.port_or_known_default()).ok_or_else(|| Error::Url(url.to_string()))
}

impl Client {
    /// Connects to whom a URL names, directly or by a proxy.
    pub(super) async fn connect(&self, url: &Url) -> Result<Connected, Error> {
        let (host, port) = target(url)?;
        let uri: Uri = url.as_str().parse().map_err(|_| Error::Url(url.to_string()))?;
        let proxy = self.proxies.intercept(&uri);
        let is_tls = url.scheme() == "https";
        let mut is_v6 = None;
        let stream: Box<dyn Stream> = match &proxy {
            None => {
                let stream = self.open(&host, port).await?;
                is_v6 = stream.peer_addr().ok().map(|peer| peer.is_ipv6());
                Box::new(stream)
            }
            Some(proxy) => {
                // A name is looked up by the proxy, an address is known.
                literal(&host).map_or(Ok(()), |address| self.permitted(&host, address))?;
                let stream = self.open_proxy(proxy).await?;
                if is_tls { tunnel(stream, proxy, &host, port).await? } else { stream }
            }
        };
        if !is_tls {
            return Ok(Connected { stream, proxy, is_v6 });
        }
        let stream = self.secure(stream, &host).await?;
        Ok(Connected { stream, proxy: None, is_v6 })
    }

    /// By which family whom a URL names can be connected to; nothing is known where a proxy or no name server is between.
    pub async fn families(&self, url: &Url) -> [Option<bool>; 2] {
        let unknown = [None, None];
        let (Ok((host, port)), Ok(uri)) = (target(url), url.as_str().parse()) else { return unknown };
        if self.proxies.intercept(&uri).is_some() {
            return unknown;
        }
        let Ok(addresses) = self.addresses(&host, port).await else { return unknown };
        let answers = async |is_family: fn(&SocketAddr) -> bool| match addresses.iter().find(|a| is_family(a))
        {
            Some(address) => {
                Some(timeout(PATIENCE, TcpStream::connect(address)).await.is_ok_and(|c| c.is_ok()))
            }
            None => Some(false),
        };
        let (four, six) = tokio::join!(answers(SocketAddr::is_ipv4), answers(SocketAddr::is_ipv6));
        [four, six]
    }

    /// Whether whom a URL names has addresses of IPv6 and no others.
    pub async fn is_v6_alone(&self, url: &Url) -> bool {
        let Ok((host, port)) = target(url) else { return false };
        let addresses = timeout(PATIENCE, self.addresses(&host, port)).await;
        addresses.is_ok_and(|found| found.is_ok_and(|found| found.iter().all(SocketAddr::is_ipv6)))
    }

    /// A connection to an address that may be contacted.
    async fn open(&self, host: &Host<&str>, port: u16) -> Result<TcpStream, Error> {
        let addresses = self.addresses(host, port).await?;
        first(addresses).await.map_err(|cause| Error::Connection(cause.to_string()))
    }

    /// The addresses of a host that may be contacted; an error if there is none.
    async fn addresses(&self, host: &Host<&str>, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let all = look_up(host, port).await.map_err(|error| Error::Name(host.to_string(), io(&error)))?;
        let Some(first) = all.first().copied() else {
            return Err(Error::Name(host.to_string(), "none is there".into()));
        };
        let mut permitted = all;
        permitted.retain(|address| self.policy.permit(address.ip()));
        if permitted.is_empty() { Err(Error::Address(host.to_string(), first.ip())) } else { Ok(permitted) }
    }

    fn permitted(&self, host: &Host<&str>, address: IpAddr) -> Result<(), Error> {
        if self.policy.permit(address) { Ok(()) } else { Err(Error::Address(host.to_string(), address)) }
    }

    /// A connection to a proxy, wherever it is: the operator has named it.
    async fn open_proxy(&self, proxy: &Intercept) -> Result<Box<dyn Stream>, Error> {
        let failed = |cause: String| Error::Proxy(name(proxy), cause);
        let uri = proxy.uri();
        let host = uri.host().ok_or_else(|| failed("has no host".into()))?;
        let host = Host::parse(host).map_err(|error| failed(error.to_string()))?;
        let host = match &host {
            Host::Domain(name) => Host::Domain(&**name),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let addresses = look_up(&host, port).await.map_err(|error| failed(io(&error)))?;
        let stream = first(addresses).await.map_err(|cause| failed(cause.to_string()))?;
        match is_tls {
            true => self.secure(Box::new(stream), &host).await.map_err(|error| failed(error.to_string())),
            false => Ok(Box::new(stream)),
        }
    }

    async fn secure(&self, stream: Box<dyn Stream>, host: &Host<&str>) -> Result<Box<dyn Stream>, Error> {
        let name = match host {
            Host::Domain(name) => {
                ServerName::try_from((*name).to_owned()).map_err(|error| Error::Tls(error.to_string()))?
            }
            Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
        };
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            // Who goes away before he has said anything wrong may be back.
            Err(error) if error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>()) => {
                Err(Error::Tls(io(&error)))
            }
            Err(error) => Err(Error::Connection(format!("TLS does not begin: {}", io(&error)))),
        }
    }
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

async fn look_up(host: &Host<&str>, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    match (literal(host), host) {
        (Some(address), _) => Ok(vec![SocketAddr::new(address, port)]),
        (None, Host::Domain(name)) => lookup_host((*name, port)).await.map(Iterator::collect),
        (None, _) => Ok(Vec::new()),
    }
}

/// Why no address takes a connection: what the last one that was tried has done.
#[derive(Debug, thiserror::Error)]
enum Unreached {
    /// There is none.
    #[error("no address")]
    Nowhere,
    /// The system reported this.
    #[error("{}: {}", .0, io(.1))]
    Failed(IpAddr, std::io::Error),
    /// It is silent.
    #[error("{}: not within {} s", .0, PATIENCE.as_secs())]
    Late(IpAddr),
}

/// The first of some addresses that takes a connection.
async fn first(addresses: Vec<SocketAddr>) -> Result<TcpStream, Unreached> {
    let mut cause = Unreached::Nowhere;
    for address in addresses.into_iter().take(TRIES) {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => cause = Unreached::Failed(address.ip(), error),
            Err(_) => cause = Unreached::Late(address.ip()),
        }
    }
    Err(cause)
}

/// Has a proxy connect to a host.
async fn tunnel(
    stream: Box<dyn Stream>,
    proxy: &Intercept,
    host: &Host<&str>,
    port: u16,
) -> Result<Box<dyn Stream>, Error> {
    let failed = |cause: String| Error::Proxy(name(proxy), cause);
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(error.to_string()))?;
    tokio::spawn(async { drop(connection.with_upgrades().await) });
    let to = format!("{host}:{port}");
    let mut request = Request::builder().method(Method::CONNECT).uri(&to).header(HOST, &to);
    if let Some(who) = proxy.basic_auth() {
        request = request.header(PROXY_AUTHORIZATION, who);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| failed(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
    match response.status().as_u16() {
        200 => {}
        // It has tried.
        502..=504 => return Err(Error::Connection(format!("the proxy answers {}", response.status()))),
        _ => return Err(failed(format!("answers {} to CONNECT {to}", response.status()))),
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| failed(error.to_string()))?;
    Ok(Box::new(TokioIo::new(upgraded)))
}

/// Who a proxy is, without its password.
fn name(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    uri.host().map_or_else(String::new, |host| match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// What is added to a request that a proxy for http is asked.
pub fn authorization(proxy: &Intercept) -> Option<HeaderValue> {
    proxy.basic_auth().cloned()
}
