//! A request as it goes over the wire: the oracle's question behind proxies, in every shape that HTTP allows.

use crate::{
    dice::Dice,
    exchange::Asked,
    model::{forwarded, prefix::Prefix},
    random_hops,
};
use std::{fmt, net::IpAddr};
use wire::{Accept, Method};

/// A request that is ready to be sent.
pub struct Written {
    /// What the service should take it for.
    pub asked: Asked,
    pub verb: &'static str,
    /// Path and query.
    pub target: Vec<u8>,
    pub bytes: Vec<u8>,
    /// Whether the connection ends with it.
    pub last: bool,
}

/// Methods that are not answered.
const OTHERS: [&str; 8] = ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get"];

/// Header lines that change nothing.
const IDLE: [&str; 9] = [
    "User-Agent: libdnf (Fedora Linux 42; generic; Linux.x86_64)",
    "Forwarded: for=203.0.113.10",
    "X-Real-IP: 203.0.113.10",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: elsewhere.example.org",
    "Range: bytes=0-9",
    "If-None-Match: *",
    "Accept: application/metalink+xml",
    "Cookie: repo=fedora-41",
];

impl Written {
    /// As plain as it can be: with these forwarded lines, or for a client behind one proxy, or for the proxy itself.
    pub fn plain(
        mut asked: Asked,
        forwarded: &[Vec<u8>],
        peer: Option<IpAddr>,
        trusted: &[Prefix],
    ) -> Written {
        let client = asked.client.map(|client| client.to_string().into_bytes());
        let hops = if forwarded.is_empty() { Vec::from_iter(client) } else { forwarded.to_vec() };
        asked.client = forwarded::client(peer, trusted, &hops);
        let verb = verb(&asked);
        let target = target(&mut asked);
        let mut bytes =
            [verb.as_bytes(), b" ", &target, b" HTTP/1.1\r\nHost: mirrors.example.org\r\n"].concat();
        for hop in hops {
            bytes.extend([&b"X-Forwarded-For: "[..], &hop, b"\r\n"].concat());
        }
        if asked.accept.has(Accept::HTML) {
            bytes.extend(b"Accept: text/html\r\n");
        }
        bytes.extend(b"\r\n");
        Written { asked, verb, target, bytes, last: false }
    }

    /// In any shape; who asks is what the model makes of the forwarded header.
    pub fn any(dice: &mut Dice, mut asked: Asked, peer: Option<IpAddr>, trusted: &[Prefix]) -> Written {
        let hops = match asked.client {
            _ if dice.percent(20) => random_hops::any(dice),
            Some(client) => random_hops::around(dice, client),
            None => Vec::new(),
        };
        asked.client = forwarded::client(peer, trusted, &hops);
        let verb = if dice.percent(4) { dice.one(&OTHERS) } else { verb(&asked) };
        let target = target(&mut asked);
        let (old, last) = (dice.percent(3), dice.percent(3));
        let mut lines: Vec<Vec<u8>> = Vec::new();
        if !old || dice.percent(50) {
            lines.push(b"Host: mirrors.example.org".to_vec());
        }
        if last {
            lines.push(b"Connection: close".to_vec());
        }
        for hop in &hops {
            let name = dice.one(&["X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"]);
            lines.push([name.as_bytes(), dice.one(&[&b": "[..], b":", b":\t"]), hop].concat());
        }
        if asked.accept.has(Accept::HTML) {
            lines.push(b"Accept: text/html, */*;q=0.8".to_vec());
        }
        for idle in dice.some(&IDLE, 15) {
            lines.insert(dice.below(lines.len() + 1), idle.as_bytes().to_vec());
        }
        let body = !matches!(verb, "GET" | "HEAD") && dice.percent(30);
        if body {
            lines.push(b"Content-Length: 3".to_vec());
        }
        let scheme_and_host = if dice.percent(3) { &b"http://mirrors.example.org"[..] } else { b"" };
        let version = if old { &b" HTTP/1.0"[..] } else { b" HTTP/1.1" };
        let end = if dice.percent(3) { &b"\n"[..] } else { b"\r\n" };
        let mut bytes = [verb.as_bytes(), b" ", scheme_and_host, &target, version, end].concat();
        for line in &lines {
            bytes.extend(line);
            bytes.extend(end);
        }
        bytes.extend(end);
        if body {
            bytes.extend(b"abc");
        }
        Written { asked, verb, target, bytes, last: old || last || body }
    }
}

/// As a person would repeat it.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.asked, self.bytes.escape_ascii())
    }
}

fn verb(asked: &Asked) -> &'static str {
    match asked.method {
        Method::Get => "GET",
        Method::Head => "HEAD",
    }
}

/// Path and query; a path in HTTP begins with a slash.
fn target(asked: &mut Asked) -> Vec<u8> {
    if !asked.path.starts_with(b"/") {
        asked.path.insert(0, b'/');
    }
    match asked.query.is_empty() {
        true => asked.path.clone(),
        false => [&asked.path[..], b"?", &asked.query].concat(),
    }
}
