//! Judges the head of a request before hyper sees it.
//!
//! hyper answers a head that it refuses by itself: without `Cache-Control`, without a word, and it closes with unread
//! bytes in the socket, so that the answer may be lost. So no head reaches hyper that it would refuse: this file is at
//! least as strict, and what it refuses is answered by [`super::response::refusal`]. Bytes in, verdict out; no socket.

use hyper::Uri;
use memchr::memchr;
use std::{
    mem::{self, MaybeUninit},
    ops::Range,
};

/// Header lines of a request; one more is too many. It is hyper's own limit.
const MOST_HEADERS: usize = 100;
/// Bytes of a `Connection` line. It names a few options; hyper looks at each, and at nothing else so closely.
const LONGEST_CONNECTION: usize = 256;

/// What is to be done with the bytes at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// More must come before anything can be said.
    Incomplete,
    /// A head that hyper takes.
    Whole(Whole),
    /// The target, which stands there, is to be replaced by what [`escape`] makes of it; then judge again.
    Escape(Range<usize>),
    /// A head that is not taken. Where the next one would begin is unknown, so the connection ends.
    Refused(Refusal),
}

/// A head that hyper takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its bytes, the empty line included.
    pub length: usize,
    /// Whether a body follows, of whatever length. An announced length of 0 is no body.
    pub body: bool,
}

/// Why a head is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not HTTP/1.
    Malformed,
    /// Its target is longer than the limit.
    UriTooLong,
    /// It is longer than the limit, has more than a hundred lines, or one that is too long for its kind.
    TooLarge,
}

/// Longest target and head, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Of the target, as sent and as rewritten.
    pub uri: usize,
    /// Of the head in all.
    pub head: usize,
}

/// Judges the head that starts at the beginning of `bytes`, of which the first `seen` have been judged incomplete.
///
/// The caller has taken away empty lines before the head.
///
/// Cost: a head that arrives in pieces is parsed at its first and its last piece only.
pub fn judge(bytes: &[u8], seen: usize, limits: HeadLimits) -> Verdict {
    if seen > 0 && !ends_head(&bytes[seen.saturating_sub(3)..]) {
        return too_long_already(bytes, limits);
    }
    let place = target(bytes);
    let odd = count_odd(&bytes[place.clone()]);
    if odd > 0 {
        return if place.len() + 2 * odd > limits.uri {
            Verdict::Refused(Refusal::UriTooLong)
        } else if place.end < bytes.len() {
            Verdict::Escape(place)
        } else {
            too_long_already(bytes, limits)
        };
    }
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return too_long_already(bytes, limits),
        Err(httparse::Error::TooManyHeaders) => return Verdict::Refused(Refusal::TooLarge),
        Err(_) => return Verdict::Refused(Refusal::Malformed),
    };
    let target = request.path.unwrap_or_default();
    if target.len() > limits.uri {
        return Verdict::Refused(Refusal::UriTooLong);
    }
    if length > limits.head {
        return Verdict::Refused(Refusal::TooLarge);
    }
    // A target that begins with a slash and holds nothing to escape is a path; only others need hyper's opinion.
    if !target.starts_with('/') && !is_uri(target, request.method == Some("CONNECT")) {
        return Verdict::Refused(Refusal::Malformed);
    }
    if request.headers.iter().any(is_long_connection) {
        return Verdict::Refused(Refusal::TooLarge);
    }
    let Some(body) = has_body(request.version == Some(1), request.headers) else {
        return Verdict::Refused(Refusal::Malformed);
    };
    Verdict::Whole(Whole { length, body })
}

/// The target with every byte percent-encoded that HTTP does not allow in one and some client sends nevertheless.
///
/// The service decodes the target, so that its meaning stays the same.
pub fn escape(target: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = Vec::with_capacity(target.len() + 2 * count_odd(target));
    for byte in target {
        if is_odd(*byte) {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            escaped.extend_from_slice(&[b'%', high, low]);
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}

/// How many bytes of a target are to be escaped; each takes two more bytes then.
fn count_odd(target: &[u8]) -> usize {
    // In pieces that a byte can count, so that the compiler takes many bytes at a time.
    let odd = |piece: &[u8]| piece.iter().fold(0_u8, |count, byte| count + u8::from(is_odd(*byte)));
    target.chunks(255).map(|piece| usize::from(odd(piece))).sum()
}

/// Bytes that neither hyper nor its parser takes in every place of a target, but no controls: those are refused.
fn is_odd(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, b'"' | b'<' | b'>' | b'`')
}

/// Where the target stands in the first line: from the first blank to the second, or to where line or bytes end.
fn target(bytes: &[u8]) -> Range<usize> {
    let line = memchr(b'\n', bytes).unwrap_or(bytes.len());
    let blank = |from: usize| memchr(b' ', &bytes[from..line]).map(|at| from + at);
    let Some(start) = blank(0).map(|at| at + 1) else { return 0..0 };
    start..blank(start).unwrap_or(line)
}

/// Whether a target that is no path is one that HTTP knows: a whole URI, `*`, or for CONNECT a host.
fn is_uri(target: &str, connect: bool) -> bool {
    Uri::try_from(target).is_ok_and(|uri| uri.scheme().is_some() || target == "*" || connect)
}

/// Whether the end of a head is in `bytes`: an empty line.
fn ends_head(bytes: &[u8]) -> bool {
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    lines.map(|(at, _)| &bytes[at + 1..]).any(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

/// The verdict on a head whose end is not there yet.
fn too_long_already(bytes: &[u8], limits: HeadLimits) -> Verdict {
    if bytes.len() > limits.uri && target(bytes).len() > limits.uri {
        Verdict::Refused(Refusal::UriTooLong)
    } else if bytes.len() > limits.head {
        Verdict::Refused(Refusal::TooLarge)
    } else {
        Verdict::Incomplete
    }
}

/// Whether a line is a `Connection` of more options than anybody needs.
fn is_long_connection(header: &httparse::Header<'_>) -> bool {
    header.value.len() > LONGEST_CONNECTION && header.name.eq_ignore_ascii_case("connection")
}

/// Whether a body follows the head; `None` when its header lines contradict each other.
///
/// Both ways of framing at once, or twice the same with different values, is how requests are smuggled past proxies, as
/// are two hosts: refused. Source: RFC 9112 §3.2 and §6. A request without a host is taken, as it needs none here.
fn has_body(http_1_1: bool, headers: &[httparse::Header<'_>]) -> Option<bool> {
    let mut length = None;
    let mut chunked = false;
    let mut host = false;
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            let value = std::str::from_utf8(header.value).ok()?;
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            // The two highest numbers mean something else to hyper.
            let value = value.parse::<u64>().ok().filter(|value| *value < u64::MAX - 1)?;
            if length.is_some_and(|other| other != value) {
                return None;
            }
            length = Some(value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !http_1_1 || !header.value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("host") && mem::replace(&mut host, true) {
            return None;
        }
    }
    match (length, chunked) {
        (Some(_), true) => None,
        (length, chunked) => Some(chunked || length.is_some_and(|length| length > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { uri: 64, head: 256 };

    fn verdict(text: &str) -> Verdict {
        judge(text.as_bytes(), 0, LIMITS)
    }

    fn whole(text: &str) -> Whole {
        match verdict(text) {
            Verdict::Whole(whole) => whole,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_plain_head_is_taken_up_to_its_empty_line() {
        let head = "GET /mirrorlist?repo=a&arch=b HTTP/1.1\r\nHost: x\r\n\r\n";
        let expected = Whole { length: head.len(), body: false };
        assert_eq!(whole(&format!("{head}GET /next")), expected);
    }

    #[test]
    fn a_head_in_pieces_is_judged_as_in_one() {
        let head = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        for first in 1..head.len() {
            assert_eq!(judge(&head.as_bytes()[..first], 0, LIMITS), Verdict::Incomplete, "{first}");
            assert!(matches!(judge(head.as_bytes(), first, LIMITS), Verdict::Whole(_)), "{first}");
        }
        let bare = "GET /a HTTP/1.0\nX: y\n\n";
        for first in 1..bare.len() {
            assert!(matches!(judge(bare.as_bytes(), first, LIMITS), Verdict::Whole(_)), "{first}");
        }
    }

    #[test]
    fn what_hyper_would_refuse_is_refused() {
        for head in [
            "\x16\x03\x01\x02\x00",
            "GET\r\n\r\n",
            "GET / \r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET mirrorlist?x HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n: x\r\n\r\n",
            "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
            "GET http://[::1/ HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(verdict(head), Verdict::Refused(Refusal::Malformed), "{head:?}");
        }
    }

    #[test]
    fn limits_are_told_apart_and_told_early() {
        let long = "a".repeat(65);
        let uri = Verdict::Refused(Refusal::UriTooLong);
        let large = Verdict::Refused(Refusal::TooLarge);
        assert_eq!(verdict(&format!("GET /{long} HTTP/1.1\r\n\r\n")), uri);
        assert_eq!(verdict(&format!("GET /{long}")), uri, "no end of line in sight");
        assert_eq!(verdict(&format!("GET /{}", "a".repeat(999))), uri, "longer than a head too");
        assert_eq!(verdict(&format!("GET /{} HTTP/1.1\r\n\r\n", &long[..63])), {
            Verdict::Whole(Whole { length: 64 + 4 + 13, body: false })
        });
        let line = format!("A: {}\r\n", "b".repeat(122));
        assert_eq!(verdict(&format!("GET / HTTP/1.1\r\n{line}{line}\r\n")), large);
        assert_eq!(verdict(&format!("GET / HTTP/1.1\r\n{line}{line}")), large, "before its end");
        let many = "A:\r\n".repeat(101);
        let limits = HeadLimits { uri: 64, head: 9999 };
        assert_eq!(judge(format!("GET / HTTP/1.1\r\n{many}\r\n").as_bytes(), 0, limits), large);
        let hundred = "A:\r\n".repeat(100);
        let taken = judge(format!("GET / HTTP/1.1\r\n{hundred}\r\n").as_bytes(), 0, limits);
        assert!(matches!(taken, Verdict::Whole(_)));
    }

    #[test]
    fn a_target_with_bytes_that_http_forbids_is_rewritten() {
        let head = b"GET /a?path=caf\xe9\"<>` HTTP/1.1\r\n\r\n";
        assert_eq!(judge(b"GET /\xe9\r\n\r\n", 0, LIMITS), Verdict::Escape(4..7));
        let Verdict::Escape(target) = judge(head, 0, LIMITS) else { panic!("not to be escaped") };
        assert_eq!(&head[target.clone()], b"/a?path=caf\xe9\"<>`");
        assert_eq!(escape(&head[target]), b"/a?path=caf%E9%22%3C%3E%60");
        for cut in 1..head.len() {
            let verdict = judge(&head[..cut], 0, LIMITS);
            assert!(matches!(verdict, Verdict::Incomplete | Verdict::Escape(_)), "{cut}: {verdict:?}");
        }
    }

    #[test]
    fn a_target_that_is_too_long_once_rewritten_is_refused() {
        let mut head = b"GET /".to_vec();
        head.extend([0xe9; 22]);
        head.extend(b" HTTP/1.1\r\n\r\n");
        assert_eq!(judge(&head, 0, LIMITS), Verdict::Refused(Refusal::UriTooLong));
    }

    #[test]
    fn bytes_to_escape_are_counted_in_targets_of_any_length() {
        for length in [0, 1, 254, 255, 256, 511, 8192] {
            assert_eq!(count_odd(&vec![0xe9; length]), length);
            assert_eq!(escape(&vec![b'"'; length]), b"%22".repeat(length));
            assert_eq!(count_odd(&vec![b'a'; length]), 0);
        }
    }

    #[test]
    fn a_connection_line_of_many_options_is_too_large() {
        let limits = HeadLimits { uri: 64, head: 9999 };
        let head = |length| format!("GET / HTTP/1.1\r\nconnection: {}\r\n\r\n", ",".repeat(length));
        assert_eq!(judge(head(257).as_bytes(), 0, limits), Verdict::Refused(Refusal::TooLarge));
        assert!(matches!(judge(head(256).as_bytes(), 0, limits), Verdict::Whole(_)));
    }

    #[test]
    fn every_form_of_target_is_taken() {
        for target in ["/", "//x", "/?", "*", "http://h/p?q", "HTTP://h", "/a%zz{}|^\\[]"] {
            whole(&format!("OPTIONS {target} HTTP/1.1\r\n\r\n"));
        }
        whole("CONNECT h:443 HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn a_path_of_any_bytes_that_the_parser_takes_is_a_uri_once_escaped() {
        for byte in (0x21..=0xff).filter(|byte| *byte != 0x7f && *byte != b'#') {
            for target in [[b'/', byte, b'x'].as_slice(), &[b'/', b'?', byte]] {
                let head = [b"GET ", &escape(target)[..], b" HTTP/1.1\r\n\r\n"].concat();
                assert!(matches!(judge(&head, 0, LIMITS), Verdict::Whole(_)), "{byte:#x}");
                assert!(Uri::try_from(escape(target)).is_ok(), "{byte:#x}");
            }
        }
    }

    #[test]
    fn a_body_is_seen_and_contradictions_are_refused() {
        let with = |lines: &str| verdict(&format!("GET / HTTP/1.1\r\n{lines}\r\n"));
        let body = |lines: &str| matches!(with(lines), Verdict::Whole(Whole { body: true, .. }));
        let none = |lines: &str| matches!(with(lines), Verdict::Whole(Whole { body: false, .. }));
        assert!(body("Content-Length: 5\r\n"));
        assert!(body("content-length: 5\r\nCONTENT-LENGTH: 05\r\n"));
        assert!(body("Transfer-Encoding: Chunked\r\n"));
        assert!(none("Content-Length: 0\r\n"));
        assert!(none("Expect: 100-continue\r\n"));
        assert!(none("Host: x\r\n"));
        for lines in [
            "Host: x\r\nHost: y\r\n",
            "Host: x\r\nA: b\r\nhost: x\r\n",
            "Content-Length: \r\n",
            "Content-Length: x\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Content-Length: 18446744073709551615\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(with(lines), Verdict::Refused(Refusal::Malformed), "{lines:?}");
        }
        let old = "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(verdict(old), Verdict::Refused(Refusal::Malformed));
    }
}
