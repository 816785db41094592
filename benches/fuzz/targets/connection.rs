//! A worker's connection over a real socket: whatever a peer sends, in whatever pieces, it gets HELLO, whole frames, a
//! reply for each request, and its connection comes to an end.
#![no_main]

use daemon::{
    counters::Counters,
    worker::{
        Desk,
        connection::{Connection, Next},
    },
};
use fuzz::sample::{rules, service};
use libfuzzer_sys::fuzz_target;
use mio::{Events, Interest, Poll, Token, net::UnixStream};
use rand::{SeedableRng as _, rngs::SmallRng};
use std::{
    cell::RefCell,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream as Peer,
    time::{Duration, Instant},
};
use wire::{HEADER_LEN, Hello, MAX_REPLY, MAX_REQUEST, Message, next_frame};

const HELLO: Hello = Hello { slot: 0, slots: 1, pid: 1, generation: 1 };
/// What the socket holds without anybody reading it.
const MOST: usize = 64 * 1024;

struct Worker {
    desk: Desk<'static>,
    poll: Poll,
    events: Events,
}

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::new(Worker {
        desk: Desk::new(service(rules(8)), SmallRng::seed_from_u64(1), Counters::new(1).expect("shared memory").row(0)),
        poll: Poll::new().expect("a poll"),
        events: Events::with_capacity(8),
    });
}

fuzz_target!(|bytes: &[u8]| {
    // How long the first piece is, and when the worker asks its peer to go.
    let Some(([choice, piece], said)) = bytes.split_first_chunk::<2>() else { return };
    let said = &said[..said.len().min(MOST)];
    let (first, rest) = said.split_at(usize::from(*piece).min(said.len()));
    let heard = WORKER.with_borrow_mut(|worker| worker.serve(*choice, [first, rest]));
    is_frames(said, &heard);
});

const RETIRE_LAST: u8 = 2;
const RETIRE_BETWEEN: u8 = 8;

impl Worker {
    /// Serves a peer that says these pieces and then no more. Returns what it has heard.
    fn serve(&mut self, choice: u8, pieces: [&[u8]; 2]) -> Vec<u8> {
        let (mut peer, own) = Peer::pair().expect("a socket pair");
        peer.set_nonblocking(true).expect("a socket can be set");
        own.set_nonblocking(true).expect("a socket can be set");
        let mut connection = Connection::new(UnixStream::from_std(own), &HELLO, Instant::now());
        let registry = self.poll.registry();
        registry
            .register(connection.stream_mut(), Token(0), Interest::READABLE | Interest::WRITABLE)
            .expect("a socket can be watched");
        let mut heard = Vec::new();
        let mut open = true;
        for (number, piece) in pieces.into_iter().enumerate() {
            if number == 1 && choice & RETIRE_BETWEEN != 0 {
                connection.retire();
            }
            // Refused peers are not read to their end.
            let _said = peer.write_all(piece);
            open = open && self.turns(&mut connection, &mut peer, &mut heard);
        }
        if choice & RETIRE_LAST != 0 && open {
            connection.retire();
        }
        let _closed = peer.shutdown(Shutdown::Write);
        open = open && self.turns(&mut connection, &mut peer, &mut heard);
        assert!(!open, "the peer has said all, and is not done with");
        drop(connection);
        hear(&mut peer, &mut heard);
        self.desk.scratch.log.clear();
        heard
    }

    /// Gives the connection turns as long as it wants them; whether it is still open.
    fn turns(&mut self, connection: &mut Connection, peer: &mut Peer, heard: &mut Vec<u8>) -> bool {
        let mut idle = 0;
        for _ in 0..100_000 {
            self.poll.poll(&mut self.events, Some(Duration::ZERO)).expect("events");
            self.events.iter().for_each(|event| connection.notice(event));
            match connection.turn(&mut self.desk) {
                Ok(Next::Close) | Err(_) => return false,
                Ok(Next::Again) => {}
                // What it waits for may be that somebody reads.
                Ok(Next::Wait) if idle == 1 => return true,
                Ok(Next::Wait) => {
                    idle = if hear(peer, heard) { 0 } else { idle + 1 };
                }
            }
        }
        panic!("it wants turns for ever");
    }
}

/// Reads what is there; whether there was something.
fn hear(peer: &mut Peer, heard: &mut Vec<u8>) -> bool {
    let before = heard.len();
    let _rest = peer.read_to_end(heard);
    heard.len() > before
}

fn is_frames(said: &[u8], mut heard: &[u8]) {
    let mut ids = Vec::new();
    let mut hello = false;
    while let Some(frame) = next_frame(heard, MAX_REPLY).expect("frames") {
        match Message::decode(&frame).expect("a message") {
            Message::Hello(found) => {
                assert!(found == HELLO && !hello && ids.is_empty());
                hello = true;
            }
            Message::Reply(_) | Message::Pong | Message::Counters(_) => ids.push(frame.header.id),
            Message::GoAway(_) => {}
            other => panic!("{other:?}"),
        }
        heard = &heard[frame.wire_len()..];
    }
    assert!(hello && heard.is_empty(), "{}", heard.escape_ascii());
    assert_eq!(ids, asked(said));
}

/// The ids of the messages that are answered, up to the first that is not one of the protocol.
fn asked(mut said: &[u8]) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Ok(Some(frame)) = next_frame(said, MAX_REQUEST) {
        match Message::decode(&frame) {
            Ok(Message::Request(_) | Message::Ping) => ids.push(frame.header.id),
            Ok(Message::Counters(counters)) if counters.is_question() => ids.push(frame.header.id),
            Ok(_) => {}
            Err(_) => break,
        }
        said = &said[HEADER_LEN + frame.payload.len()..];
    }
    ids
}
