//! The files `request` and `reply`.
//!
//! A request is a line `GET /mirrorlist?...` and lines `name: value` below it: `client` (an address; without it the
//! client is unknown), `minimum`, `netblock: only`, `log: full` or `short`, `seed`, `accept: text/html` or `digest` (that is
//! `Want-Digest`), `scheme: https`, `prefix` (those of the redirector, with blanks between); in place of `client` there may
//! be lines `forwarded`, the `X-Forwarded-For` of a proxy on this machine. Further requests follow after blank lines; what
//! begins with `#` is for the reader.
//!
//! A reply is shown as status and content type, header lines, a blank line, the body, and `log:` with the line of the
//! access log if there was one. Where a file has more than one request, each reply stands under its request line.

use crate::exchange::{Asked, Reply};
use answer::rules::{LogAddress, NetblockMode, Rules};
use std::net::Ipv4Addr;
use wire::{
    Accept, Method, UrlScheme,
    net::{Peer, Trusted},
};

/// When all goldens are asked: Fri, 20 Nov 2026 10:00:00 GMT.
pub const NOW: u64 = 1_795_168_800;

/// One request and what it is asked under.
#[derive(Debug)]
pub struct Step {
    /// The request line as the file has it.
    pub line: String,
    pub asked: Asked,
    /// Lines of `X-Forwarded-For`; the client is then what the front end makes of them.
    pub forwarded: Vec<Vec<u8>>,
    pub rules: Rules,
    pub seed: u64,
    /// Prefixes of the redirector.
    pub prefixes: Vec<String>,
}

/// The requests of a file, at least one; panics with the line that is none.
pub fn read(text: &str) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let blocks = lines.split(|line| line.is_empty()).filter(|block| !block.is_empty());
    let steps: Vec<Step> = blocks.map(step).collect();
    assert!(!steps.is_empty(), "no request in {text:?}");
    steps
}

fn step(block: &[&str]) -> Step {
    let (method, target) =
        block[0].split_once(' ').unwrap_or_else(|| panic!("no request line: {}", block[0]));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        other => panic!("a worker never gets {other}"),
    };
    let (scheme, accept) = (UrlScheme::Http, Accept::NONE);
    let asked = Asked { method, path: path.into(), query: query.into(), client: None, scheme, accept };
    let rules = Rules { minimum: 5, netblock: NetblockMode::First, log_address: LogAddress::Off };
    let mut step = Step {
        line: block[0].to_owned(),
        asked,
        forwarded: Vec::new(),
        rules,
        seed: 1,
        prefixes: Vec::new(),
    };
    for line in &block[1..] {
        match line.split_once(": ") {
            Some(("client", value)) => step.asked.client = Some(value.parse().expect(line)),
            Some(("forwarded", value)) => step.forwarded.push(value.into()),
            Some(("minimum", value)) => step.rules.minimum = value.parse().expect(line),
            Some(("accept", "text/html")) => step.asked.accept = Accept::HTML,
            Some(("accept", "digest")) => step.asked.accept = Accept::DIGEST,
            Some(("scheme", "https")) => step.asked.scheme = UrlScheme::Https,
            Some(("prefix", value)) => step.prefixes = value.split(' ').map(str::to_owned).collect(),
            Some(("seed", value)) => step.seed = value.parse().expect(line),
            Some(("netblock", "only")) => step.rules.netblock = NetblockMode::Only,
            Some(("log", "full")) => step.rules.log_address = LogAddress::Full,
            Some(("log", "short")) => step.rules.log_address = LogAddress::Short,
            Some(("log", "omit")) => step.rules.log_address = LogAddress::Omit,
            _ => panic!("not understood: {line}"),
        }
    }
    if !step.forwarded.is_empty() {
        let lines = step.forwarded.iter().map(Vec::as_slice);
        step.asked.client = Trusted::default().client(Peer::Address(Ipv4Addr::LOCALHOST.into()), lines);
    }
    step
}

/// A reply as a file has it.
pub fn shown(reply: &Reply) -> String {
    let (status, content_type) = (reply.head.status, &reply.content_type);
    let headers = reply.headers.replace("\r\n", "\n");
    let log = if reply.log.is_empty() { String::new() } else { format!("log: {}", reply.log) };
    format!("{status} {content_type}\n{headers}\n{}{log}", reply.body)
}
