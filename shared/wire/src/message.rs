//! The messages: what a frame's payload says.
//!
//! Each message has a fixed part, laid out here byte by byte, and then its variable parts in order. A later version may
//! add fields behind the last part, bits and numbers: what this version does not know it ignores, so that either side
//! may be the newer one. Nothing moves without a new [`super::VERSION`]. shared/README.md has the bytes in a table.

use super::{
    counters::{COUNTERS, Counters},
    frame::{Frame, FrameHeader, HEADER_LEN, MAX_URI, VERSION, WireError, frame},
    head::{Kind, ReplyHead, Tier},
};
use std::net::IpAddr;

/// Bytes of a request's fixed part.
pub const REQUEST_HEAD_LEN: usize = 24;
/// Bytes of a reply's fixed part.
pub const REPLY_HEAD_LEN: usize = 12;
/// The most workers that a generation has.
pub const MAX_SLOTS: u16 = 256;

const HELLO: u8 = 1;
const REQUEST: u8 = 2;
const REPLY: u8 = 3;
const GOAWAY: u8 = 4;
const PING: u8 = 5;
const PONG: u8 = 6;

/// Bits of a request's flags. The upper byte is [`Accept`].
const FLAG_HEAD: u16 = 1;
const FLAG_HTTP: u16 = 2;
const FLAG_HTTPS: u16 = 4;

/// One message, borrowed from the frame that it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Worker to front end, first on a connection.
    Hello(Hello),
    /// Front end to worker.
    Request(Request<'a>),
    /// Worker to front end.
    Reply(Reply<'a>),
    /// Worker to front end: send no more requests here; what was sent is still answered. The front end shuts its
    /// writing side when it has nothing more to say. With a reason in words when the connection is closed for an error.
    GoAway(&'a str),
    /// Either way: asks for a PONG with the same id.
    Ping,
    /// The answer to a PING.
    Pong,
    /// Empty from front end to worker, and the answer to that: what the daemon has counted.
    Counters(Counters<'a>),
    /// A type that this version does not know, to be skipped.
    Unknown(u8),
}

/// Who answers on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The worker's place among its generation's workers, from 0.
    pub slot: u16,
    /// How many workers the generation has, from 1 to [`MAX_SLOTS`].
    pub slots: u16,
    /// The worker's process id.
    pub pid: u32,
    /// The generation's number, counted up with each reload.
    pub generation: u64,
}

/// A request as HTTP had it, but for the client's address, which the front end has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// GET or HEAD; the front end refuses other methods itself.
    pub method: Method,
    /// How the client reached the front of the site, as far as known.
    pub scheme: UrlScheme,
    /// What answers the client takes.
    pub accept: Accept,
    /// Who asks; `None` when that is unknown.
    pub client: Option<IpAddr>,
    /// The path as sent, percent-encoded.
    pub path: &'a [u8],
    /// The query as sent, without the question mark; empty when there is none.
    pub query: &'a [u8],
}

/// The request's method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The answer with its body.
    Get,
    /// The headers that GET would give.
    Head,
}

/// The scheme of the URL that the client used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UrlScheme {
    /// A proxy stands between and does not say.
    #[default]
    Unknown,
    /// Plain HTTP.
    Http,
    /// HTTPS.
    Https,
}

/// What answers a client takes: media types that it lists, and whether it wants digests, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Accept(u8);

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Its fixed part.
    pub head: ReplyHead,
    /// Header lines that HTTP shall have besides the length, each `Name: value` and CR LF; Content-Type among them.
    pub headers: &'a [u8],
    /// The body. Of a reply to HEAD it is the body that GET would have given, for its length.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a frame's message.
    pub fn decode(frame: &Frame<'a>) -> Result<Message<'a>, WireError> {
        Ok(match frame.header.kind {
            HELLO => Message::Hello(Hello::decode(frame.payload)?),
            REQUEST => Message::Request(Request::decode(frame.payload)?),
            REPLY => Message::Reply(Reply::decode(frame.payload)?),
            GOAWAY => {
                Message::GoAway(std::str::from_utf8(frame.payload).unwrap_or("(a reason that is not UTF-8)"))
            }
            PING => Message::Ping,
            PONG => Message::Pong,
            COUNTERS => Message::Counters(Counters::decode(frame.payload)?),
            unknown => Message::Unknown(unknown),
        })
    }
}

impl Hello {
    fn decode(payload: &[u8]) -> Result<Hello, WireError> {
        let mut fields = Fields { what: "HELLO", rest: payload };
        let (slot, slots) = (fields.u16()?, fields.u16()?);
        if !(1..=MAX_SLOTS).contains(&slots) {
            return Err(WireError::BadValue { field: "slots", value: slots.into() });
        }
        if slot >= slots {
            return Err(WireError::BadValue { field: "slot", value: slot.into() });
        }
        Ok(Hello { slot, slots, pid: fields.u32()?, generation: fields.u64()? })
    }
}

impl Accept {
    /// Nothing in particular.
    pub const NONE: Accept = Accept(0);
    /// `text/html`
    pub const HTML: Accept = Accept(1);
    /// `application/json`
    pub const JSON: Accept = Accept(2);
    /// `application/metalink+xml`
    pub const METALINK3: Accept = Accept(4);
    /// `application/metalink4+xml`
    pub const METALINK4: Accept = Accept(8);
    /// Any media type: `*/*`
    pub const ANY: Accept = Accept(32);
    /// Digests of what it asks for: `Want-Digest` (RFC 3230 §4.3.1).
    pub const DIGEST: Accept = Accept(64);
    /// All bits that this version knows; 16 is none of them.
    const KNOWN: u8 = 111;

    /// Whether all of these are among them.
    pub const fn has(self, others: Accept) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and those.
    pub const fn with(self, others: Accept) -> Accept {
        Accept(self.0 | others.0)
    }
}

impl<'a> Request<'a> {
    fn decode(payload: &'a [u8]) -> Result<Request<'a>, WireError> {
        let mut fields = Fields { what: "REQUEST", rest: payload };
        let flags = fields.u16()?;
        let (path_len, query_len) = (fields.u16()?, fields.u16()?);
        let [family, _] = fields.array()?;
        let address: [u8; 16] = fields.array()?;
        let [a, b, c, d, ..] = address;
        Ok(Request {
            method: if flags & FLAG_HEAD == 0 { Method::Get } else { Method::Head },
            scheme: match flags & (FLAG_HTTP | FLAG_HTTPS) {
                0 => UrlScheme::Unknown,
                FLAG_HTTP => UrlScheme::Http,
                _ => UrlScheme::Https,
            },
            accept: Accept(flags.to_be_bytes()[0] & Accept::KNOWN),
            client: match family {
                4 => Some(IpAddr::from([a, b, c, d])),
                6 => Some(IpAddr::from(address)),
                _ => None,
            },
            path: fields.take(path_len.into())?,
            query: fields.take(query_len.into())?,
        })
    }
}

impl<'a> Reply<'a> {
    fn decode(payload: &'a [u8]) -> Result<Reply<'a>, WireError> {
        let mut fields = Fields { what: "REPLY", rest: payload };
        let status = fields.u16()?;
        let [kind, tier] = fields.array()?;
        let (headers_len, body_len) = (fields.u32()?, fields.u32()?);
        Ok(Reply {
            head: ReplyHead { status, kind: Kind::of(kind), tier: Tier::of(tier) },
            headers: fields.take(headers_len as usize)?,
            body: fields.take(body_len as usize)?,
        })
    }
}

/// Appends a HELLO frame.
pub fn encode_hello(out: &mut Vec<u8>, hello: &Hello) {
    frame(out, HELLO, 0, 16);
    out.extend_from_slice(&hello.slot.to_le_bytes());
    out.extend_from_slice(&hello.slots.to_le_bytes());
    out.extend_from_slice(&hello.pid.to_le_bytes());
    out.extend_from_slice(&hello.generation.to_le_bytes());
}

/// Appends a REQUEST frame.
///
/// Path and query together must fit into [`super::MAX_URI`]; what is beyond is cut off, so a caller checks first.
pub fn encode_request(out: &mut Vec<u8>, id: u64, request: &Request<'_>) {
    let path = &request.path[..request.path.len().min(MAX_URI)];
    let query = &request.query[..request.query.len().min(MAX_URI - path.len())];
    frame(out, REQUEST, id, REQUEST_HEAD_LEN + path.len() + query.len());
    let method = match request.method {
        Method::Get => 0,
        Method::Head => FLAG_HEAD,
    };
    let scheme = match request.scheme {
        UrlScheme::Unknown => 0,
        UrlScheme::Http => FLAG_HTTP,
        UrlScheme::Https => FLAG_HTTPS,
    };
    let flags = method | scheme | u16::from(request.accept.0) << 8;
    let mut address = [0; 16];
    let family = match request.client {
        None => 0,
        Some(IpAddr::V4(v4)) => {
            address[..4].copy_from_slice(&v4.octets());
            4
        }
        Some(IpAddr::V6(v6)) => {
            address = v6.octets();
            6
        }
    };
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&(path.len() as u16).to_le_bytes());
    out.extend_from_slice(&(query.len() as u16).to_le_bytes());
    out.extend_from_slice(&[family, 0]);
    out.extend_from_slice(&address);
    out.extend_from_slice(path);
    out.extend_from_slice(query);
}

/// Appends a GOAWAY frame; `reason` is empty for an orderly retirement.
pub fn encode_goaway(out: &mut Vec<u8>, reason: &str) {
    frame(out, GOAWAY, 0, reason.len());
    out.extend_from_slice(reason.as_bytes());
}

/// Appends a PING frame.
pub fn encode_ping(out: &mut Vec<u8>, id: u64) {
    frame(out, PING, id, 0);
}

/// Appends a PONG frame.
pub fn encode_pong(out: &mut Vec<u8>, id: u64) {
    frame(out, PONG, id, 0);
}

/// A REPLY frame under construction at the end of a buffer.
///
/// [`ReplyStart::begin`], then append the header lines (if any) and note where they end, then append the body, then
/// [`ReplyStart::finish`]: the body is rendered straight into the connection's buffer.
#[derive(Debug)]
#[must_use = "a reply that is begun must be finished"]
pub struct ReplyStart {
    at: usize,
    id: u64,
}

impl ReplyStart {
    /// Leaves room for the frame's header and the reply's fixed part.
    pub fn begin(out: &mut Vec<u8>, id: u64) -> ReplyStart {
        let at = out.len();
        out.resize(at + HEADER_LEN + REPLY_HEAD_LEN, 0);
        ReplyStart { at, id }
    }

    /// Fills in what [`ReplyStart::begin`] left open. The first `headers_len` bytes appended since are header lines.
    pub fn finish(self, out: &mut [u8], head: &ReplyHead, headers_len: usize) {
        let length = out.len() - self.at - HEADER_LEN;
        let header =
            FrameHeader { length: length as u32, kind: REPLY, flags: 0, version: VERSION, id: self.id };
        let (frame_head, rest) = out[self.at..].split_at_mut(HEADER_LEN);
        frame_head.copy_from_slice(&header.encode());
        let body_len = rest.len() - REPLY_HEAD_LEN - headers_len;
        rest[0..2].copy_from_slice(&head.status.to_le_bytes());
        rest[2] = head.kind as u8;
        rest[3] = head.tier as u8;
        rest[4..8].copy_from_slice(&(headers_len as u32).to_le_bytes());
        rest[8..12].copy_from_slice(&(body_len as u32).to_le_bytes());
    }
}

/// Reads fixed fields off the front of a payload.
struct Fields<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(WireError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_REPLY, MAX_REQUEST, next_frame};
    use super::*;

    fn request() -> Request<'static> {
        Request {
            method: Method::Head,
            scheme: UrlScheme::Https,
            accept: Accept::METALINK4.with(Accept::DIGEST),
            client: Some("2001:db8::7".parse().unwrap()),
            path: b"/metalink",
            query: b"repo=fedora-42&arch=x86_64",
        }
    }

    fn reply_bytes() -> Vec<u8> {
        let mut out = b"before".to_vec();
        let start = ReplyStart::begin(&mut out, 9);
        out.extend_from_slice(b"Location: https://a.example/\r\n");
        let headers = 30;
        out.extend_from_slice(b"see there\n");
        start.finish(&mut out, &head(), headers);
        out.split_off(6)
    }

    fn head() -> ReplyHead {
        ReplyHead { status: 302, kind: Kind::Redirect, tier: Tier::Asn }
    }

    #[test]
    fn a_request_comes_out_as_it_went_in() {
        for client in [None, Some("192.0.2.1".parse().unwrap()), request().client] {
            let mut out = Vec::new();
            let sent = Request { client, ..request() };
            encode_request(&mut out, 77, &sent);
            let frame = next_frame(&out, MAX_REQUEST).unwrap().unwrap();
            assert_eq!(frame.header.id, 77);
            assert_eq!(frame.wire_len(), out.len());
            assert_eq!(Message::decode(&frame), Ok(Message::Request(sent)));
        }
    }

    #[test]
    fn a_reply_is_built_in_place_behind_what_the_buffer_holds() {
        let bytes = reply_bytes();
        let frame = next_frame(&bytes, MAX_REPLY).unwrap().unwrap();
        let Ok(Message::Reply(reply)) = Message::decode(&frame) else { panic!("not a reply") };
        assert_eq!(reply.head, head());
        assert_eq!(reply.headers, b"Location: https://a.example/\r\n");
        assert_eq!(reply.body, b"see there\n");
    }

    #[test]
    fn a_worker_without_a_place_is_refused() {
        for (slot, slots, field) in [(0, 0, "slots"), (0, MAX_SLOTS + 1, "slots"), (4, 4, "slot")] {
            let mut out = Vec::new();
            encode_hello(&mut out, &Hello { slot, slots, pid: 1, generation: 1 });
            let frame = next_frame(&out, MAX_REPLY).unwrap().unwrap();
            let Err(WireError::BadValue { field: found, .. }) = Message::decode(&frame) else {
                panic!("{slot} of {slots}")
            };
            assert_eq!(found, field);
        }
    }

    #[test]
    fn small_messages_come_out_as_they_went_in() {
        let hello = Hello { slot: 1, slots: 4, pid: 4711, generation: 3 };
        let mut out = Vec::new();
        encode_hello(&mut out, &hello);
        encode_goaway(&mut out, "frame too long");
        encode_ping(&mut out, 5);
        encode_pong(&mut out, 6);
        let mut seen = Vec::new();
        let mut rest = &out[..];
        while let Some(frame) = next_frame(rest, MAX_REPLY).unwrap() {
            seen.push((frame.header.id, Message::decode(&frame).unwrap()));
            rest = &rest[frame.wire_len()..];
        }
        let expected = [
            (0, Message::Hello(hello)),
            (0, Message::GoAway("frame too long")),
            (5, Message::Ping),
            (6, Message::Pong),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error_or_waits_for_more() {
        let mut whole = Vec::new();
        encode_request(&mut whole, 1, &request());
        for cut in 0..whole.len() {
            assert_eq!(next_frame(&whole[..cut], MAX_REQUEST), Ok(None), "at {cut}");
        }
        // The same payloads with a length that fits the cut: the fixed parts are missing then.
        for (bytes, fixed) in [(whole, REQUEST_HEAD_LEN + 35), (reply_bytes(), REPLY_HEAD_LEN + 40)] {
            for cut in 0..fixed {
                let mut short = bytes[..HEADER_LEN + cut].to_vec();
                short[0..4].copy_from_slice(&(cut as u32).to_le_bytes());
                let frame = next_frame(&short, MAX_REPLY).unwrap().unwrap();
                assert!(matches!(Message::decode(&frame), Err(WireError::Truncated { .. })), "at {cut}");
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_is_refused_by_its_header() {
        let header = FrameHeader { length: 9000, kind: 2, flags: 0, version: VERSION, id: 0 };
        let too_long = next_frame(&header.encode(), MAX_REQUEST).map(|_| ());
        assert_eq!(too_long, Err(WireError::TooLong { length: 9000, limit: MAX_REQUEST }));
        let other = FrameHeader { version: VERSION + 1, ..header };
        assert_eq!(
            next_frame(&other.encode(), MAX_REQUEST).map(|_| ()),
            Err(WireError::Version { found: VERSION + 1 })
        );
    }
}
