//! A request that owns its bytes, and the reply that the program gives to it.

use answer::rules::Rules;
use answer::{Fragments, Scratch, Service};
use cache::{CacheBytes, View};
use rand::Rng;
use std::{fmt, net::IpAddr};
use wire::{Accept, Method, ReplyHead, Request, UrlScheme};

/// The version that the service says it has.
pub const VERSION: &str = "1.2.3";

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub client: Option<IpAddr>,
    /// Whether it is a browser, which lists `text/html`.
    pub html: bool,
}

/// A reply, taken apart.
#[derive(Debug)]
pub struct Reply {
    pub head: ReplyHead,
    pub content_type: String,
    /// The other header lines, each with CR LF.
    pub headers: String,
    pub body: String,
    /// Lines of the access log.
    pub log: String,
}

impl Asked {
    /// The request as the worker gets it.
    pub fn wire(&self) -> Request<'_> {
        Request {
            method: self.method,
            scheme: UrlScheme::Http,
            accept: if self.html { Accept::HTML } else { Accept::NONE },
            client: self.client,
            path: &self.path,
            query: &self.query,
        }
    }
}

/// As a person would repeat it.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = (self.path.escape_ascii(), self.query.escape_ascii());
        let client = self.client.map_or("unknown".to_owned(), |client| client.to_string());
        write!(f, "{:?} {path}?{query} from {client}", self.method)
    }
}

/// A checked cache with what the daemon prepares for it.
pub struct Program<'a> {
    view: View<'a>,
    fragments: Fragments,
    rules: Rules,
    scratch: Scratch,
}

impl<'a> Program<'a> {
    /// Checks the cache as the master does.
    pub fn start(bytes: &'a CacheBytes, rules: Rules) -> Program<'a> {
        let view = View::check(bytes).expect("a cache that was just written passes its check");
        let fragments = Fragments::prepare(&view).expect("a small cache");
        Program { view, fragments, rules, scratch: Scratch::default() }
    }

    /// Asks.
    pub fn ask(&mut self, asked: &Asked, now: u64, rng: &mut impl Rng) -> Reply {
        let service = Service {
            view: self.view,
            fragments: &self.fragments,
            rules: self.rules,
            redirector: None,
            version: VERSION,
        };
        // Something stands in the buffer already, as in a connection with more than one request in flight.
        let mut out = b"earlier".to_vec();
        let answer = service.answer(&asked.wire(), now, rng, &mut self.scratch, &mut out);
        let log = std::mem::take(&mut self.scratch.log);
        assert_eq!(&out[..7], b"earlier", "what stood in the buffer is left alone: {asked}");
        let (headers, body) = out[7..].split_at(answer.headers_len);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("replies are UTF-8");
        let headers = text(headers);
        let (first, headers) = headers.split_once("\r\n").expect("a header line ends in CR LF");
        let content_type = first.strip_prefix("Content-Type: ").expect("every reply has a content type");
        Reply {
            head: answer.head,
            content_type: content_type.into(),
            headers: headers.into(),
            body: text(body),
            log: text(&log),
        }
    }
}
