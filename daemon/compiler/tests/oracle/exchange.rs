//! A request that owns its bytes, and the reply that the program gives to it.

use crate::VERSION;
use answer::redirector::Redirector;
use answer::rules::Rules;
use answer::{Fragments, Scratch, Service};
use cache::{CacheBytes, View};
use rand::Rng;
use std::{fmt, net::IpAddr};
use wire::{Accept, Counter, Method, ReplyHead, Request, UrlScheme};

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub client: Option<IpAddr>,
    pub scheme: UrlScheme,
    /// What it lists in Accept.
    pub accept: Accept,
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
    /// What else is counted of it.
    pub counted: Option<Counter>,
}

impl Asked {
    /// The request as the worker gets it.
    pub fn wire(&self) -> Request<'_> {
        Request {
            method: self.method,
            scheme: self.scheme,
            accept: self.accept,
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
        let (method, scheme, accept) = (self.method, self.scheme, self.accept);
        write!(f, "{method:?} {path}?{query} from {client} by {scheme:?}, {accept:?}")
    }
}

/// A checked cache with what the daemon prepares for it.
pub struct Program<'a> {
    view: View<'a>,
    fragments: Fragments,
    rules: Rules,
    redirector: Option<Redirector>,
    scratch: Scratch,
}

impl<'a> Program<'a> {
    /// Checks the cache as the master does.
    pub fn start(bytes: &'a CacheBytes, rules: Rules) -> Program<'a> {
        let view = View::check(bytes).expect("a cache that was just written passes its check");
        let fragments = Fragments::prepare(&view).expect("a small cache");
        Program { view, fragments, rules, redirector: None, scratch: Scratch::default() }
    }

    /// The same with paths that lead to files.
    pub fn with(self, redirector: Redirector) -> Program<'a> {
        Program { redirector: Some(redirector), ..self }
    }

    /// Asks.
    pub fn ask(&mut self, asked: &Asked, now: u64, rng: &mut impl Rng) -> Reply {
        let service = Service {
            view: self.view,
            fragments: &self.fragments,
            rules: self.rules,
            redirector: self.redirector.as_ref(),
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
            counted: answer.counted,
        }
    }
}
