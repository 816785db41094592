//! A conversation with one mirror: one connection at a time, kept open while the mirror likes, with a pause between
//! requests.
//!
//! Bounded in time, bytes and redirects. A connection that has ended since the last request is replaced once: a server may
//! close one that is idle. Where it may lead: [`super::address`].

use super::{
    Answer, Client,
    connect::{self, Connected, target},
    error::{self, Error},
};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{
        ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, LOCATION, PROXY_AUTHORIZATION, RANGE, RETRY_AFTER,
        USER_AGENT,
    },
    http::response,
};
use hyper_util::{client::proxy::matcher::Intercept, rt::TokioIo};
use std::{pin::Pin, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// Bytes and lines that the head of an answer may have.
const LONGEST_HEAD: usize = 64 << 10;
const MOST_HEADERS: usize = 100;

/// Bytes of a body that nobody wants, read so that the connection can stay.
const LONGEST_UNWANTED: usize = 64 << 10;

/// What is wanted of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its content.
    Content,
    /// Its head alone.
    Head,
    /// Its head, of a server that knows no HEAD: by GET for its first byte.
    FirstByte,
}

/// Takes the body of a 200 as it comes; an error ends it.
pub trait Take {
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error>;
}

/// Takes nothing.
pub struct Nothing;

impl Take for Nothing {
    fn take(&mut self, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

/// Takes all, up to a length.
pub struct Whole {
    /// What came so far.
    pub bytes: Vec<u8>,
    /// The length.
    pub longest: usize,
}

impl Take for Whole {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len() + bytes.len() > self.longest {
            return Err(Error::Length(self.longest));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// What a conversation has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were made; by a proxy for http those over which a mirror has answered.
    pub connections: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Answers of another host than was asked.
    pub elsewhere: u64,
    /// Whether a connection was made by IPv4, and by IPv6.
    pub families: [bool; 2],
}

/// A conversation.
pub struct Session<'c> {
    client: &'c Client,
    /// The time between the beginnings of two requests; none is also told to the server, which may close.
    pause: Option<Duration>,
    open: Option<Open>,
    next: Option<Instant>,
    /// So far.
    pub counts: Counts,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>>>>;

/// A connection.
struct Open {
    /// Scheme, host and port.
    place: String,
    sender: SendRequest<Empty<Bytes>>,
    /// What moves bytes; none once the connection has ended.
    driver: Option<Driver>,
    /// The proxy that is asked for whole URLs, where it is one for http.
    proxy: Option<Intercept>,
    /// Whether it is among those that were made.
    is_counted: bool,
}

impl<'c> Session<'c> {
    /// One of many requests.
    pub fn new(client: &'c Client, pause: Duration) -> Session<'c> {
        Session { client, pause: Some(pause), open: None, next: None, counts: Counts::default() }
    }

    /// One of a single request.
    pub(super) fn single(client: &'c Client) -> Session<'c> {
        Session { client, pause: None, open: None, next: None, counts: Counts::default() }
    }

    /// Asks within a time, which begins when the pause is over; redirects are followed.
    pub async fn ask(
        &mut self,
        what: What,
        url: &Url,
        patience: Duration,
        body: &mut dyn Take,
    ) -> Result<Answer, Error> {
        self.wait().await;
        let answer = timeout(patience, self.follow(what, url, body)).await;
        let answer = answer.unwrap_or(Err(Error::Time(patience)))?;
        self.counts.elsewhere += u64::from(answer.url.host() != url.host());
        Ok(answer)
    }

    async fn wait(&mut self) {
        let Some(pause) = self.pause else { return };
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
        self.next = Some(Instant::now() + pause);
    }

    async fn follow(&mut self, what: What, url: &Url, body: &mut dyn Take) -> Result<Answer, Error> {
        let mut url = url.clone();
        for hop in 0..=REDIRECTS {
            if hop > 0 {
                self.wait().await;
            }
            let answer = self.once(what, url.clone(), body).await?;
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

    async fn once(&mut self, what: What, url: Url, body: &mut dyn Take) -> Result<Answer, Error> {
        let place = url.origin().ascii_serialization();
        // Before another one is made, the last one ends.
        let kept = self.open.take().filter(|open| open.place == place && !open.sender.is_closed());
        let is_kept = kept.is_some();
        let mut open = match kept {
            Some(open) => open,
            None => self.connect(&url, &place).await?,
        };
        self.counts.requests += 1;
        let mut response = self.send(&mut open, what, &url).await;
        if response.is_err() && is_kept {
            drop(open);
            open = self.connect(&url, &place).await?;
            response = self.send(&mut open, what, &url).await;
        }
        let (head, incoming) = response?.into_parts();
        let status = head.status.as_u16();
        if open.proxy.is_some() && is_of_proxy(&head) {
            return Err(Error::Connection(format!("the proxy answers {}", head.status)));
        }
        if !open.is_counted {
            open.is_counted = true;
            self.counts.connections += 1;
        }
        let is_whole = match (what, status) {
            (What::FirstByte, 200) => false,
            (What::Content, 200) => {
                drive(&mut open.driver, read(incoming, body)).await?;
                true
            }
            _ => {
                let mut unwanted = Whole { bytes: Vec::new(), longest: LONGEST_UNWANTED };
                drive(&mut open.driver, read(incoming, &mut unwanted)).await.is_ok()
            }
        };
        if is_whole && open.driver.is_some() {
            self.open = Some(open);
        }
        Ok(Answer { status, headers: head.headers, body: Vec::new(), url })
    }

    async fn connect(&mut self, url: &Url, place: &str) -> Result<Open, Error> {
        let Connected { stream, proxy, is_v6 } = self.client.connect(url).await?;
        // That there is a proxy says nothing of whom it is to reach.
        let is_counted = proxy.is_none();
        self.counts.connections += u64::from(is_counted);
        if let Some(is_v6) = is_v6 {
            self.counts.families[usize::from(is_v6)] = true;
        }
        let mut builder = http1::Builder::new();
        builder.max_buf_size(LONGEST_HEAD).max_headers(MOST_HEADERS);
        let (sender, connection) =
            builder.handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.map_err(broken)?;
        Ok(Open { place: place.to_owned(), sender, driver: Some(Box::pin(connection)), proxy, is_counted })
    }

    async fn send(&self, open: &mut Open, what: What, url: &Url) -> Result<Response<Incoming>, Error> {
        let (host, _) = target(url)?;
        let host = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let to = match open.proxy {
            Some(_) => {
                let mut whole = url.clone();
                whole.set_fragment(None);
                // A name and a password of the mirror's URL are nobody's to see.
                let _ = whole.set_username("").and_then(|()| whole.set_password(None));
                whole.to_string()
            }
            None => url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        };
        let method = if what == What::Head { Method::HEAD } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(to)
            .header(HOST, host)
            .header(USER_AGENT, &self.client.agent)
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if what == What::FirstByte {
            request = request.header(RANGE, HeaderValue::from_static("bytes=0-0"));
        }
        if self.pause.is_none() {
            request = request.header(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(who) = open.proxy.as_ref().and_then(connect::authorization) {
            request = request.header(PROXY_AUTHORIZATION, who);
        }
        let request = request.body(Empty::new()).map_err(|_| Error::Url(url.to_string()))?;
        let Open { sender, driver, .. } = open;
        let sent = async {
            sender.ready().await.map_err(broken)?;
            sender.send_request(request).await.map_err(broken)
        };
        drive(driver, sent).await
    }
}

/// Whether an answer that came by a proxy is likely to be its own: that it reaches nobody. Who says when to come again is reached.
fn is_of_proxy(head: &response::Parts) -> bool {
    matches!(head.status.as_u16(), 502..=504) && !head.headers.contains_key(RETRY_AFTER)
}

fn broken(error: hyper::Error) -> Error {
    Error::Answer(error::chain(&error))
}

/// Does something over a connection, whose driver is gone when the connection ends meanwhile.
async fn drive<T>(
    driver: &mut Option<Driver>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::pin!(work);
    if let Some(running) = driver {
        let ended = tokio::select! {
            biased;
            done = &mut work => return done,
            ended = running => ended,
        };
        *driver = None;
        ended.map_err(broken)?;
    }
    work.await
}

/// A body to its end.
async fn read(mut body: Incoming, to: &mut dyn Take) -> Result<(), Error> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken)?;
        if let Some(data) = frame.data_ref() {
            to.take(data)?;
        }
    }
    Ok(())
}
