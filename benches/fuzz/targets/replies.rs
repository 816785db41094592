//! What a worker says to the front end: whatever it is, a question ends with an answer that was given to it and that
//! HTTP can say, or at its deadline with none; and nothing that a worker says gathers.
//!
//! The first byte is how much comes first. Frames with the ids 1 to 4 are given those of the four questions asked.
#![no_main]

use bytes::BytesMut;
use frontend::{
    backend::{
        Answer, MOST_LINKS,
        link::take_frames,
        switchboard::{CallKey, Switchboard},
    },
    config::Relay,
    response,
};
use hyper::header;
use libfuzzer_sys::fuzz_target;
use program::options;
use std::{
    mem,
    sync::{Arc, LazyLock},
    task::{Poll, Waker},
    time::Instant,
};
use wire::{
    Accept, FrameHeader, HEADER_LEN, Hello, MAX_REPLY, MAX_REQUEST, Message, Method, Request, UrlScheme,
    next_frame,
};

static RELAY: LazyLock<Relay> = LazyLock::new(|| Relay { in_flight: 3, ..options::defaults() });
const QUESTION: Request<'_> = Request {
    method: Method::Get,
    scheme: UrlScheme::Http,
    accept: Accept::NONE,
    client: None,
    path: b"/mirrorlist",
    query: b"repo=epel-10&arch=x86_64",
};
/// What may wait for a worker that reads nothing: answers to its PINGs, and questions.
const MOST_UNREAD: usize = 80 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, said)) = bytes.split_first() else { return };
    let begin = Instant::now();
    let mut board = Switchboard::new(*RELAY, MOST_LINKS, Arc::default());
    let link = board.link_up(Hello { slot: 0, slots: 2, pid: 1, generation: 1 }, begin);
    // One more than is relayed at a time.
    let keys = [(); 4].map(|()| board.ask(&QUESTION, begin));
    let take_out = |board: &mut Switchboard| mem::take(&mut board.link(link).out);
    let said = with_ids(said, &ids(&take_out(&mut board)));

    let mut input = BytesMut::new();
    let (first, rest) = said.split_at(usize::from(*first).min(said.len()));
    let mut end = Ok(false);
    for piece in [first, rest] {
        input.extend_from_slice(piece);
        if end.is_ok() {
            end = take_frames(&mut input, link, &mut board);
        }
    }
    let out = take_out(&mut board);
    assert!(out.len() <= MOST_UNREAD, "{} bytes wait", out.len());
    if end.is_err() {
        board.link_down(link, begin);
    }
    let mut open: Vec<CallKey> = keys.into();
    open.retain(|key| match board.poll_answer(*key, Waker::noop()) {
        Poll::Ready(answer) => {
            judge(&said, answer.expect("it is too early to give up"));
            false
        }
        Poll::Pending => true,
    });
    board.tick(begin + RELAY.deadline);
    for key in open {
        assert!(matches!(board.poll_answer(key, Waker::noop()), Poll::Ready(None)), "asked for ever");
    }
    assert!(board.is_empty());
});

/// The ids of these requests.
fn ids(mut out: &[u8]) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(frame) = next_frame(out, MAX_REQUEST).expect("frames") {
        ids.push(frame.header.id);
        out = &out[frame.wire_len()..];
    }
    ids
}

/// What was said, with the ids that a worker would know.
fn with_ids(said: &[u8], ids: &[u64]) -> Vec<u8> {
    let mut said = said.to_vec();
    let mut at = 0;
    while let Ok(Some(frame)) = next_frame(&said[at..], MAX_REPLY) {
        let (length, header) = (frame.wire_len(), frame.header);
        if let Some(id) = (header.id as usize).checked_sub(1).and_then(|number| ids.get(number)) {
            said[at..at + HEADER_LEN].copy_from_slice(&FrameHeader { id: *id, ..header }.encode());
        }
        at += length;
    }
    said
}

/// It was said as it is, and is one that HTTP can say.
fn judge(mut said: &[u8], answer: Answer) {
    let given = answer.clone();
    let response = response::answer(answer);
    let status = response.status().as_u16();
    assert!((200..600).contains(&status) && ![204, 205, 304].contains(&status), "{status}");
    for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
        assert!(!response.headers().contains_key(&name), "{name}");
    }
    while let Ok(Some(frame)) = next_frame(said, MAX_REPLY) {
        if let Ok(Message::Reply(reply)) = Message::decode(&frame)
            && (reply.head, reply.body) == (given.head, &given.body[..])
        {
            return;
        }
        said = &said[frame.wire_len()..];
    }
    panic!("nobody has said {given:?}");
}
