//! One connection to one worker: moves the bytes and takes replies apart.
//!
//! All that is to be sent goes out in one write a turn of the loop. Replies are read into a shared buffer, and a body
//! is handed on as a part of that buffer, not copied. What a worker sends against the protocol ends the link; the
//! switchboard then asks another worker.

use super::{
    Backend,
    blocks::BLOCK,
    end::End,
    switchboard::{Answer, LinkId, Switchboard},
};
use bytes::{Buf as _, BytesMut};
use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use std::{
    future::poll_fn,
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    net::UnixStream,
};
use wire::{HEADER_LEN, Hello, MAX_REPLY, Message, REPLY_HEAD_LEN, ReplyHead};

/// Less room than this is not worth a read.
const LEAST_READ: usize = 4 * 1024;
/// Header lines that a reply may have: many times what any answer needs. A `HeaderMap` panics when it has to hold tens of
/// thousands.
const MOST_HEADERS: usize = 32;
/// A buffer of unsent requests above this is given back when it is empty.
const KEPT: usize = 64 * 1024;

/// An open connection whose worker has introduced itself.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    input: BytesMut,
    /// Whether `input` is longer than the blocks that are kept.
    outsized: bool,
}

impl Link {
    /// Reads a new connection's HELLO.
    pub async fn greeted(stream: UnixStream) -> Result<(Link, Hello), End> {
        let mut link = Link { stream, input: BytesMut::with_capacity(256), outsized: false };
        let hello =
            link.hear(|message| if let Message::Hello(hello) = message { Some(*hello) } else { None });
        let hello = hello.await?;
        Ok((link, hello))
    }

    /// Sends a frame, and reads until the worker says what `read` takes. For who does not [`run`](Link::run) the link.
    pub async fn ask<T>(&mut self, frame: &[u8], read: impl Fn(&Message<'_>) -> Option<T>) -> Result<T, End> {
        self.stream.write_all(frame).await?;
        self.hear(read).await
    }

    /// Reads until the worker says what `read` takes.
    async fn hear<T>(&mut self, read: impl Fn(&Message<'_>) -> Option<T>) -> Result<T, End> {
        loop {
            while let Some(frame) = wire::next_frame(&self.input, MAX_REPLY)? {
                let (said, length) = (read(&Message::decode(&frame)?), frame.wire_len());
                self.input.advance(length);
                if let Some(said) = said {
                    return Ok(said);
                }
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(End::Closed);
            }
        }
    }

    /// Moves bytes until the link ends. The switchboard must know the link by then, and is told of every reply.
    pub async fn run(mut self, id: LinkId, backend: &Backend) -> End {
        let end = poll_fn(|cx| self.turn(id, backend, cx).map_or_else(Poll::Ready, |()| Poll::Pending)).await;
        if matches!(end, End::Retired) {
            // The worker is closing too; whether it still hears this makes no difference.
            let _ = self.stream.shutdown().await;
        }
        end
    }

    /// Everything that can be done now: read, then write, so that what the replies caused to be sent goes out too.
    fn turn(&mut self, id: LinkId, backend: &Backend, cx: &mut Context<'_>) -> Result<(), End> {
        self.read(id, backend, cx)?;
        self.write(id, backend, cx)?;
        backend.board.borrow().may_stay(id, Instant::now)
    }

    fn write(&mut self, id: LinkId, backend: &Backend, cx: &mut Context<'_>) -> io::Result<()> {
        let mut board = backend.board.borrow_mut();
        let link = board.link(id);
        link.sender.clone_from(cx.waker());
        let unsent = &mut link.out;
        while !unsent.is_empty() {
            let Poll::Ready(sent) = Pin::new(&mut self.stream).poll_write(cx, unsent) else { return Ok(()) };
            unsent.drain(..sent?);
        }
        unsent.shrink_to(KEPT);
        Ok(())
    }

    fn read(&mut self, id: LinkId, backend: &Backend, cx: &mut Context<'_>) -> Result<(), End> {
        loop {
            // Also what came together with the HELLO.
            if take_frames(&mut self.input, id, &mut backend.board.borrow_mut())? {
                backend.lacking.notify_one();
            }
            self.make_room(backend);
            let Poll::Ready(read) = pin!(self.stream.read_buf(&mut self.input)).poll(cx) else { break };
            if read? == 0 {
                return Err(End::Closed);
            }
            // Whatever it says: it lives.
            backend.board.borrow_mut().link(id).silent_since = None;
        }
        if self.input.is_empty() && backend.board.borrow_mut().link(id).in_flight == 0 {
            self.give_block_back(backend);
        }
        Ok(())
    }

    /// Makes room for the rest of the frame that has begun, or for a good read.
    fn make_room(&mut self, backend: &Backend) {
        let length = self
            .input
            .first_chunk::<HEADER_LEN>()
            .map_or(0, |head| HEADER_LEN + (wire::FrameHeader::decode(head).length as usize).min(MAX_REPLY));
        let missing = length.saturating_sub(self.input.len()).max(LEAST_READ);
        if self.input.capacity() - self.input.len() < missing {
            let room = self.input.len() + missing;
            let mut next = backend.blocks.borrow_mut().take(room);
            next.extend_from_slice(&self.input);
            self.give_block_back(backend);
            self.input = next;
            self.outsized = room > BLOCK;
        }
    }

    fn give_block_back(&mut self, backend: &Backend) {
        let block = mem::take(&mut self.input);
        if block.capacity() > 0 && !self.outsized {
            backend.blocks.borrow_mut().give(block);
        }
    }
}

/// Takes what is whole off the input and tells the switchboard. Whether the worker asks to be left.
pub fn take_frames(input: &mut BytesMut, id: LinkId, board: &mut Switchboard) -> Result<bool, End> {
    let mut leaving = false;
    while let Some(frame) = wire::next_frame(input, MAX_REPLY)? {
        let (length, wire_id) = (frame.wire_len(), frame.header.id);
        match Message::decode(&frame)? {
            Message::Reply(reply) => {
                check(&reply.head)?;
                let headers = header_map(reply.headers)?;
                let (head, body_len) = (reply.head, reply.body.len());
                let before = HEADER_LEN + REPLY_HEAD_LEN + reply.headers.len();
                input.advance(before);
                let body = input.split_to(body_len).freeze();
                // What a later version says behind it.
                input.advance(length - before - body_len);
                let answer = Answer { head, headers, body, took: Duration::ZERO };
                board.answered(id, wire_id, answer, Instant::now());
                continue;
            }
            Message::GoAway("") => {
                board.link(id).retiring = true;
                leaving = true;
            }
            Message::GoAway(reason) => return Err(End::Violation(format!("it says: {reason}").into())),
            Message::Ping => board.link(id).pong(wire_id),
            Message::Pong | Message::Counters(_) | Message::Unknown(_) => {}
            Message::Hello(_) | Message::Request(_) => return broken("unexpected HELLO or REQUEST"),
        }
        input.advance(length);
    }
    Ok(leaving)
}

fn broken<T>(how: &'static str) -> Result<T, End> {
    Err(End::Violation(how.into()))
}

/// Whether HTTP can say the reply's status to a GET: final, and with a body.
fn check(head: &ReplyHead) -> Result<(), End> {
    match head.status {
        200..=599 if !matches!(head.status, 204 | 205 | 304) => Ok(()),
        _ => broken("reply with a status that no answer has"),
    }
}

/// The reply's header lines. Those that frame the message are the front end's own.
fn header_map(lines: &[u8]) -> Result<HeaderMap, End> {
    let mut headers = HeaderMap::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let colon = line.iter().position(|byte| *byte == b':');
        let (Some(line), Some(colon)) = (line.strip_suffix(b"\r\n"), colon) else {
            return broken("reply with a header line without colon or end");
        };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) else {
            return broken("reply with a header that is none");
        };
        if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(&name) {
            return broken("reply with a header that frames the message");
        }
        if headers.len() == MOST_HEADERS {
            return broken("reply with more header lines than an answer has");
        }
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines_become_headers() {
        let headers = header_map(b"Location: https://a.example/x y\r\nVary:Accept\r\n").unwrap();
        assert_eq!(headers["location"], "https://a.example/x y");
        assert_eq!(headers["vary"], "Accept");
        assert!(header_map(b"").unwrap().is_empty());
    }

    #[test]
    fn more_header_lines_than_an_answer_has_are_a_violation() {
        let lines = |count| (0..count).map(|at| format!("H{at}: x\r\n")).collect::<String>();
        assert_eq!(header_map(lines(MOST_HEADERS).as_bytes()).unwrap().len(), MOST_HEADERS);
        // The last is more than a `HeaderMap` holds.
        for count in [MOST_HEADERS + 1, 24_576, 40_000] {
            assert!(header_map(lines(count).as_bytes()).is_err(), "{count}");
        }
    }

    #[test]
    fn header_lines_that_http_cannot_carry_are_a_violation() {
        for lines in [
            &b"Location"[..],
            b"Location: x",
            b"no colon\r\n",
            b": x\r\n",
            b"A b: x\r\n",
            b"A: \x00\r\n",
            b"A: a\rb\r\n",
            b"Content-Length: 3\r\n",
            b"A: b\r\nTransfer-Encoding: chunked\r\n",
            b"connection: close\r\n",
            b"\r\n",
        ] {
            assert!(header_map(lines).is_err(), "{:?}", String::from_utf8_lossy(lines));
        }
    }
}
