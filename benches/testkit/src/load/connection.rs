//! One connection: requests out, answers in, in order. As HTTP, or as the frames that front ends send to workers.

use super::questions::{Answer, Question};
use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpStream, UnixStream},
};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::Instant,
};
use wire::Message;

/// More header lines than the service sends.
const MOST_HEADERS: usize = 32;

/// A stream to the service.
#[derive(Debug)]
pub enum Stream {
    /// By TCP.
    Tcp(TcpStream),
    /// By a socket file.
    Unix(UnixStream),
}

impl Stream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buffer),
            Stream::Unix(stream) => stream.write(buffer),
        }
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/1.1, to a front end.
    Http,
    /// Frames, to a worker.
    Frames,
}

/// One connection and the requests on it.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    speech: Speech,
    output: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    /// Requests without an answer: which question, and since when.
    open: VecDeque<(usize, Instant)>,
}

/// What an answer was to.
#[derive(Debug)]
pub struct Received {
    /// Which question.
    pub question: usize,
    /// When it was asked.
    pub asked: Instant,
    /// What is wrong with the answer.
    pub checked: Result<(), String>,
    /// Bytes of head and body.
    pub bytes: usize,
}

impl Connection {
    /// A connection on a stream that is being connected.
    pub fn new(
        mut stream: Stream,
        speech: Speech,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Connection> {
        registry.register(stream.source(), token, Interest::READABLE | Interest::WRITABLE)?;
        let (output, input, open) = (Vec::new(), Vec::new(), VecDeque::new());
        Ok(Connection { stream, speech, output, written: 0, input, open })
    }

    /// Requests without an answer.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The questions without an answer; they are forgotten.
    pub fn take_open(&mut self) -> impl Iterator<Item = usize> {
        self.open.drain(..).map(|open| open.0)
    }

    /// Queues a request.
    pub fn ask(&mut self, number: usize, question: &Question, close: bool) {
        match self.speech {
            Speech::Frames => wire::encode_request(&mut self.output, number as u64, &question.request()),
            Speech::Http => {
                let connection = if close { "Connection: close\r\n" } else { "" };
                // Writing to memory does not fail.
                let _ = write!(
                    self.output,
                    "GET {} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: mirrorlist-load\r\n{connection}X-Forwarded-For: {}\r\n\r\n",
                    question.target, question.client
                );
            }
        }
        self.open.push_back((number, Instant::now()));
    }

    /// Writes what is queued, as far as it goes.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // Not connected yet: there will be an event.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads what is there; `false` when the peer has closed.
    pub fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next whole answer; the error is what is wrong with the stream.
    pub fn next(&mut self, questions: &[Question]) -> Result<Option<Received>, String> {
        match self.speech {
            Speech::Http => self.next_response(questions),
            Speech::Frames => self.next_reply(questions),
        }
    }

    /// The next reply; other messages are passed over.
    fn next_reply(&mut self, questions: &[Question]) -> Result<Option<Received>, String> {
        loop {
            let frame = wire::next_frame(&self.input, wire::MAX_REPLY).map_err(|error| error.to_string())?;
            let Some(frame) = frame else { return Ok(None) };
            let bytes = frame.wire_len();
            let Message::Reply(reply) = Message::decode(&frame).map_err(|error| error.to_string())? else {
                self.input.drain(..bytes);
                continue;
            };
            let (question, asked) = self.open.pop_front().ok_or("an answer to nothing")?;
            let header = |name: &[u8]| {
                let mut lines = reply.headers.split(|byte| *byte == b'\n');
                lines.find_map(|line| line.strip_prefix(name)).map(<[u8]>::trim_ascii_end)
            };
            let answer = Answer {
                status: reply.head.status,
                content_type: header(b"Content-Type: ").unwrap_or_default(),
                location: header(b"Location: "),
                body: reply.body,
            };
            let checked = questions[question].expected.check(&answer);
            self.input.drain(..bytes);
            return Ok(Some(Received { question, asked, checked, bytes }));
        }
    }

    fn next_response(&mut self, questions: &[Question]) -> Result<Option<Received>, String> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let head_len = match head.parse(&self.input) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(format!("no HTTP: {error}")),
        };
        let header = |name: &str| {
            head.headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value)
        };
        let length = header("content-length")
            .and_then(|value| std::str::from_utf8(value).ok()?.parse::<usize>().ok())
            .ok_or("an answer without length")?;
        let Some(body) = self.input.get(head_len..head_len + length) else { return Ok(None) };
        let (question, asked) = self.open.pop_front().ok_or("an answer to nothing")?;
        let answer = Answer {
            status: head.code.unwrap_or(0),
            content_type: header("content-type").unwrap_or_default(),
            location: header("location"),
            body,
        };
        let checked = questions[question].expected.check(&answer);
        let bytes = head_len + length;
        self.input.drain(..bytes);
        Ok(Some(Received { question, asked, checked, bytes }))
    }

    /// Ends the connection.
    pub fn close(mut self, registry: &Registry) {
        // Closing the descriptor deregisters it as well.
        let _ = registry.deregister(self.stream.source());
    }
}
