//! One connection: bytes in, whole messages, answers, bytes out.
//!
//! A connection has turns. In each it reads and answers a bounded amount, so that the others get theirs, and it answers
//! nothing more while its socket does not take what there is, so that a peer that does not read costs little. Between
//! turns it holds only what is incomplete or unsent.

use super::{Desk, frames};
use crate::counters::Row;
use mio::net::UnixStream;
use std::{
    io::{self, Read as _, Write as _},
    mem,
    time::{Duration, Instant},
};
use wire::{Counter, Hello, encode_goaway, encode_hello};

/// Answers are sent as soon as there is so much of them; a connection holds no more unsent than this and one answer.
const SENT_AT_ONCE: usize = 16 * 1024;
/// Bytes that are read before the messages among them are answered; more than the longest message.
pub const MOST_READ: usize = 16 * 1024;
/// Messages answered in one turn.
const ANSWERED_IN_A_TURN: usize = 32;
/// What the answers' shared buffer may keep between turns.
const MOST_KEPT: usize = 64 * 1024;
/// Bytes of a refused peer that are read off, so that closing gives it no error.
const READ_OFF: usize = 4 * MOST_READ;

/// How long a connection that has asked for nothing yet is safe from being closed for others.
const SILENT: Duration = Duration::from_secs(2);
/// How long one that has is.
const IDLE: Duration = Duration::from_secs(10);

/// What a connection wants after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another turn when its socket has news.
    Wait,
    /// Another turn when the others have had theirs.
    Again,
    /// To be closed.
    Close,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    /// Whether it has asked for anything; a PING does not count, for it costs nothing to go on with them.
    pub asked: bool,
    /// When it last did, or came.
    heard: Instant,
    /// Whether it is in the event loop's queue of those that have something to do.
    pub queued: bool,
    /// Received, but not answered yet.
    pending: Vec<u8>,
    /// Answers that the socket has not taken yet, from `sent` on.
    unsent: Vec<u8>,
    sent: usize,
    readable: bool,
    writable: bool,
    /// The peer has shut its writing side, though not all before that need have been read.
    hung_up: bool,
    /// All that the peer will ever say has been read.
    ended: bool,
    /// Nothing more is answered.
    refused: bool,
}

impl Connection {
    /// A connection just accepted. The first that its peer hears is who answers.
    pub fn new(stream: UnixStream, hello: &Hello, now: Instant) -> Connection {
        let mut unsent = Vec::new();
        encode_hello(&mut unsent, hello);
        Connection {
            stream,
            asked: false,
            heard: now,
            queued: false,
            pending: Vec::new(),
            unsent,
            sent: 0,
            readable: true,
            writable: true,
            hung_up: false,
            ended: false,
            refused: false,
        }
    }

    /// Its socket, to be registered.
    pub fn stream_mut(&mut self) -> &mut UnixStream {
        &mut self.stream
    }

    /// The socket has news.
    pub fn notice(&mut self, event: &mio::event::Event) {
        self.hung_up |= event.is_read_closed() || event.is_error();
        self.readable |= event.is_readable() || self.hung_up;
        self.writable |= event.is_writable();
    }

    /// Since when it may be closed in favour of someone who waits to be accepted, if at `now` it may. A peer that has
    /// asked before loses nothing by that but has to connect again.
    pub fn dispensable(&self, now: Instant) -> Option<Instant> {
        let patience = if self.asked { IDLE } else { SILENT };
        (now.saturating_duration_since(self.heard) >= patience).then_some(self.heard)
    }

    /// Asks the peer to go; it is answered until it does.
    pub fn retire(&mut self) {
        encode_goaway(&mut self.unsent, "");
    }

    /// Reads, answers, sends. An error means that the peer is gone.
    pub fn turn(&mut self, desk: &mut Desk<'_>) -> io::Result<Next> {
        self.send(desk.counters)?;
        if !self.unsent.is_empty() {
            return Ok(Next::Wait);
        }
        let mut buffer = mem::take(&mut desk.input);
        let mut output = mem::take(&mut desk.output);
        let next = self.read_and_answer(&mut buffer, &mut output, desk);
        desk.input = buffer;
        output.clear();
        output.shrink_to(MOST_KEPT);
        desk.output = output;
        next
    }

    fn read_and_answer(
        &mut self,
        buffer: &mut [u8],
        output: &mut Vec<u8>,
        desk: &mut Desk<'_>,
    ) -> io::Result<Next> {
        let length = self.read(buffer)?;
        let mut input = &buffer[..length];
        let mut answered = 0;
        let mut more = true;
        while more && answered < ANSWERED_IN_A_TURN && self.unsent.is_empty() {
            while more && answered < ANSWERED_IN_A_TURN && output.len() < SENT_AT_ONCE {
                match self.answer_next(input, desk, output) {
                    Some((length, asked)) => {
                        input = &input[length..];
                        if asked {
                            (self.asked, self.heard) = (true, desk.moment);
                        }
                    }
                    None => more = false,
                }
                answered += 1;
            }
            let sent = self.write(output, desk.counters)?;
            self.unsent = output[sent..].to_vec();
            output.clear();
        }
        self.pending = if self.refused { Vec::new() } else { input.to_vec() };
        Ok(self.next(more))
    }

    /// Puts what is pending into `buffer` and reads once behind it, if there is something to read and room for it.
    /// Returns how many bytes there are.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (earlier, room) = buffer.split_at_mut(self.pending.len());
        earlier.copy_from_slice(&self.pending);
        if !self.readable || self.ended || self.refused || room.is_empty() {
            return Ok(earlier.len());
        }
        match retry(|| self.stream.read(room)) {
            Ok(0) => self.ended = true,
            Ok(count) => {
                // Less than asked for is all there was, unless the end follows.
                self.readable = count == room.len() || self.hung_up;
                return Ok(earlier.len() + count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) => return Err(error),
        }
        Ok(earlier.len())
    }

    /// Answers one message. Returns its length and whether it asked for anything; `None` when there is none, or none that
    /// can be understood.
    fn answer_next(
        &mut self,
        input: &[u8],
        desk: &mut Desk<'_>,
        output: &mut Vec<u8>,
    ) -> Option<(usize, bool)> {
        frames::answer_next(input, desk, output).unwrap_or_else(|error| {
            self.refused = true;
            desk.counters.add(Counter::FramesRefused, 1);
            encode_goaway(output, &error.to_string());
            None
        })
    }

    /// What comes after a turn that has left whole messages unanswered, or (not `more`) none.
    fn next(&mut self, more: bool) -> Next {
        if !self.unsent.is_empty() {
            return Next::Wait;
        }
        if self.refused {
            self.take_leave();
            return Next::Close;
        }
        if more || (self.readable && !self.ended) {
            return Next::Again;
        }
        if self.ended { Next::Close } else { Next::Wait }
    }

    /// Closing a socket with unread bytes would give the other side an error beside the reason that has just been sent.
    fn take_leave(&mut self) {
        let mut sink = [0; 1024];
        for _ in 0..READ_OFF / sink.len() {
            if !matches!(self.stream.read(&mut sink), Ok(1..)) {
                return;
            }
        }
    }

    /// Sends what is left of earlier turns.
    fn send(&mut self, counters: Row) -> io::Result<()> {
        let unsent = mem::take(&mut self.unsent);
        self.sent += self.write(&unsent[self.sent..], counters)?;
        if self.sent < unsent.len() {
            self.unsent = unsent;
        } else {
            self.sent = 0;
        }
        Ok(())
    }

    /// Writes what the socket takes.
    fn write(&mut self, bytes: &[u8], counters: Row) -> io::Result<usize> {
        let mut sent = 0;
        while self.writable && sent < bytes.len() {
            match retry(|| self.stream.write(&bytes[sent..])) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) => return Err(error),
            }
        }
        counters.add(Counter::BytesSent, sent as u64);
        Ok(sent)
    }
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
