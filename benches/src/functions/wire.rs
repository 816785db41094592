//! Frames: what front end and workers say to each other, made and read.

use super::{Call, Parts};
use daemon::counters::Counters;
use std::{hint::black_box, net::IpAddr};
use wire::{
    Accept, Counter, Kind, MAX_REPLY, MAX_REQUEST, Message, Method, ReplyHead, ReplyStart, Request, Tier,
    UrlScheme, encode_counters, encode_request, next_frame,
};

const HEAD: ReplyHead = ReplyHead { status: 200, kind: Kind::Metalink, tier: Tier::Geoip };
const HEADERS: &[u8] = b"Content-Type: application/metalink+xml\r\n";

pub(super) fn request(_: &Parts) -> Call<'_> {
    let request = Request {
        method: Method::Get,
        scheme: UrlScheme::Https,
        accept: Accept::default(),
        client: Some(IpAddr::from([192, 0, 2, 7])),
        path: b"/metalink",
        query: b"repo=fedora-42&arch=x86_64&countme=1",
    };
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        encode_request(&mut out, 7, black_box(&request));
        read(&out, MAX_REQUEST);
    })
}

/// What a worker writes down of a request: how it was answered, and with how many bytes.
pub(super) fn count(_: &Parts) -> Call<'_> {
    let row = Counters::new(1).expect("shared memory is to be had").row(0);
    let heads = Tier::ALL.map(|tier| ReplyHead { tier, ..HEAD });
    let mut at = 0;
    Box::new(move || {
        at = (at + 1) % heads.len();
        row.answered(black_box(&heads[at]));
        row.add(Counter::BytesSent, black_box(26_000));
    })
}

pub(super) fn counters(_: &Parts) -> Call<'_> {
    let counters = Counters::new(256).expect("shared memory is to be had");
    (0..32).for_each(|row| counters.row(row).answered(&HEAD));
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        encode_counters(&mut out, 7, &counters.entries());
        read(&out, MAX_REPLY);
    })
}

pub(super) fn reply(_: &Parts) -> Call<'_> {
    let body = vec![b'x'; 26_000];
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        let start = ReplyStart::begin(&mut out, 7);
        out.extend_from_slice(HEADERS);
        out.extend_from_slice(black_box(&body));
        start.finish(&mut out, black_box(&HEAD), HEADERS.len());
        read(&out, MAX_REPLY);
    })
}

fn read(bytes: &[u8], limit: usize) {
    let frame = next_frame(black_box(bytes), limit).ok().flatten();
    black_box(frame.map(|frame| Message::decode(&frame)).is_some_and(|message| message.is_ok()));
}
