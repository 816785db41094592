//! The bytes of every frame, and what is made of those of a newer peer: a change here breaks who speaks with an older
//! or a newer program, or has a client of his own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use wire::{
    Accept, Counter, FrameHeader, HEADER_LEN, Hello, Key, Kind, MAX_REPLY, MAX_REQUEST, MAX_URI, Message,
    Method, ReplyHead, ReplyStart, Request, Tier, UrlScheme, encode_counters, encode_goaway, encode_hello,
    encode_ping, encode_pong, encode_request, next_frame,
};

/// Bytes written in hexadecimal, with blanks where a reader wants them.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn sent(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

fn heard(bytes: &[u8]) -> Message<'_> {
    let frame = next_frame(bytes, MAX_REPLY).unwrap().unwrap();
    assert_eq!(frame.wire_len(), bytes.len());
    Message::decode(&frame).unwrap()
}

const REQUEST: Request<'static> = Request {
    method: Method::Head,
    scheme: UrlScheme::Https,
    accept: Accept::DIGEST,
    client: None,
    path: b"/metalink",
    query: b"repo=a",
};

const HEAD: ReplyHead = ReplyHead { status: 302, kind: Kind::Redirect, tier: Tier::Asn };

fn request(request: Request<'_>) -> Vec<u8> {
    sent(|out| encode_request(out, 0x1122_3344_5566_7788, &request))
}

fn reply(head: ReplyHead) -> Vec<u8> {
    sent(|out| {
        let start = ReplyStart::begin(out, 9);
        out.extend_from_slice(b"A: b\r\nbody");
        start.finish(out, &head, 6);
    })
}

/// The frame of a newer peer that adds a field to this message.
fn with_a_field_more(mut frame: Vec<u8>) -> Vec<u8> {
    frame.extend_from_slice(b"new field");
    let length = (frame.len() - HEADER_LEN) as u32;
    frame[0..4].copy_from_slice(&length.to_le_bytes());
    frame
}

#[test]
fn a_hello_has_these_bytes() {
    let hello = Hello { slot: 1, slots: 4, pid: 0x0a0b_0c0d, generation: 3 };
    let bytes = "10000000 01 00 0100 0000000000000000  0100 0400 0d0c0b0a 0300000000000000";
    assert_eq!(sent(|out| encode_hello(out, &hello)), hex(bytes));
}

#[test]
fn a_request_has_these_bytes() {
    let v6 = "27000000 02 00 0100 8877665544332211  0540 0900 0600 06 00 20010db8000000000000000000000007
        2f6d6574616c696e6b 7265706f3d61";
    assert_eq!(request(Request { client: "2001:db8::7".parse().ok(), ..REQUEST }), hex(v6));
    let v4 = "19000000 02 00 0100 8877665544332211  0200 0100 0000 04 00 c0000207000000000000000000000000 2f";
    let plain = Request {
        method: Method::Get,
        scheme: UrlScheme::Http,
        accept: Accept::default(),
        client: "192.0.2.7".parse().ok(),
        path: b"/",
        query: b"",
    };
    assert_eq!(request(plain), hex(v4));
    let unknown =
        "18000000 02 00 0100 8877665544332211  0000 0000 0000 00 00 00000000000000000000000000000000";
    let nothing = Request { scheme: UrlScheme::Unknown, client: None, path: b"", ..plain };
    assert_eq!(request(nothing), hex(unknown));
}

#[test]
fn each_thing_that_a_client_takes_has_a_bit() {
    let bits = [
        (Accept::HTML, 0x01),
        (Accept::JSON, 0x02),
        (Accept::METALINK3, 0x04),
        (Accept::METALINK4, 0x08),
        (Accept::ANY, 0x20),
        (Accept::DIGEST, 0x40),
    ];
    for (accept, bit) in bits {
        let bytes = request(Request { accept, ..REQUEST });
        assert_eq!(bytes[HEADER_LEN + 1], bit);
        let Message::Request(found) = heard(&bytes) else { panic!("no request") };
        assert_eq!(found.accept, accept);
    }
}

#[test]
fn a_reply_has_these_bytes() {
    let bytes = "16000000 03 00 0100 0900000000000000  2e01 03 03 06000000 04000000 413a20620d0a 626f6479";
    assert_eq!(reply(HEAD), hex(bytes));
}

#[test]
fn kinds_and_tiers_have_these_numbers() {
    let kinds = [
        Kind::Other,
        Kind::Mirrorlist,
        Kind::Metalink,
        Kind::Redirect,
        Kind::Metalink4,
        Kind::Apt,
        Kind::Json,
        Kind::Page,
        Kind::Hash,
        Kind::File,
    ];
    assert_eq!(Kind::ALL, kinds);
    let tiers =
        ["none", "location", "netblock", "asn", "country", "country's continent", "geoip", "continent"];
    let tiers = [&tiers[..], &["global", "other", "near", "origin"]].concat();
    assert_eq!(Tier::ALL.map(Tier::name)[..], tiers[..]);
    for (number, kind) in kinds.into_iter().enumerate() {
        assert_eq!(usize::from(reply(ReplyHead { kind, ..HEAD })[HEADER_LEN + 2]), number);
    }
    for (number, tier) in Tier::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(reply(ReplyHead { tier, ..HEAD })[HEADER_LEN + 3]), number);
    }
}

#[test]
fn the_small_frames_have_these_bytes() {
    let small = sent(|out| {
        encode_goaway(out, "");
        encode_goaway(out, "no");
        encode_ping(out, 5);
        encode_pong(out, 6);
        encode_counters(out, 7, &[]);
        encode_counters(out, 8, &[(Key::Counter(Counter::Generation), 0x0102)]);
    });
    let bytes = "00000000 04 00 0100 0000000000000000
        02000000 04 00 0100 0000000000000000  6e6f
        00000000 05 00 0100 0500000000000000
        00000000 06 00 0100 0600000000000000
        00000000 07 00 0100 0700000000000000
        0a000000 07 00 0100 0800000000000000  0100 0201000000000000";
    assert_eq!(small, hex(bytes));
}

#[test]
fn a_newer_peers_longer_messages_are_taken() {
    let hello = Hello { slot: 1, slots: 4, pid: 4711, generation: 3 };
    assert_eq!(heard(&with_a_field_more(sent(|out| encode_hello(out, &hello)))), Message::Hello(hello));
    assert_eq!(heard(&with_a_field_more(request(REQUEST))), Message::Request(REQUEST));
    let bytes = with_a_field_more(reply(HEAD));
    let Message::Reply(found) = heard(&bytes) else { panic!("no reply") };
    assert_eq!((found.head, found.headers, found.body), (HEAD, &b"A: b\r\n"[..], &b"body"[..]));
    assert_eq!(heard(&with_a_field_more(sent(|out| encode_ping(out, 5)))), Message::Ping);
    assert_eq!(heard(&with_a_field_more(sent(|out| encode_pong(out, 5)))), Message::Pong);
}

#[test]
fn a_newer_peers_longest_request_is_taken() {
    let path = [b'/'; MAX_URI];
    let longest = with_a_field_more(request(Request { path: &path, query: b"", ..REQUEST }));
    assert!(next_frame(&longest, MAX_REQUEST).unwrap().is_some());
}

#[test]
fn a_newer_peers_bits_and_numbers_are_ignored_or_other() {
    let mut bytes = request(REQUEST);
    bytes[5] = 0xff;
    bytes[HEADER_LEN] |= 0xf8;
    bytes[HEADER_LEN + 1] |= 0x80;
    bytes[HEADER_LEN + 7] = 0xff;
    assert_eq!(heard(&bytes), Message::Request(REQUEST));
    bytes[HEADER_LEN + 6] = 9;
    assert_eq!(heard(&bytes), Message::Request(REQUEST), "a family that is not known");

    for number in [Tier::ALL.len() as u8, 77, 255] {
        let mut bytes = reply(HEAD);
        bytes[HEADER_LEN + 2] = number;
        bytes[HEADER_LEN + 3] = number;
        let Message::Reply(found) = heard(&bytes) else { panic!("no reply") };
        assert_eq!((found.head.kind, found.head.tier), (Kind::Other, Tier::Other));
    }
}

#[test]
fn a_newer_peers_frame_types_are_passed_over() {
    let header = FrameHeader { length: 2, kind: 200, flags: 1, version: wire::VERSION, id: 0 };
    let bytes = [&header.encode()[..], b"hi"].concat();
    assert_eq!(heard(&bytes), Message::Unknown(200));
}
