//! A front end as far as a worker can see.

use std::{
    collections::HashMap,
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
};
use wire::{
    Accept, Hello, Key, MAX_REPLY, Message, Method, Request, UrlScheme, encode_counters, encode_ping,
    encode_request, next_frame,
};

/// A question that the test cache has an answer to.
pub const QUESTION: &[u8] = b"repo=fedora-42&arch=x86_64";

/// What a worker has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Who it is.
    Hello(Hello),
    /// An answer: the request's number, its status and its body.
    Reply(u64, u16, String),
    /// That it goes, and why.
    GoAway(String),
    /// The answer to a ping.
    Pong(u64),
    /// What the daemon has counted.
    Counters(Vec<(Key, u64)>),
}

/// A connection.
pub struct Client {
    stream: UnixStream,
    received: Vec<u8>,
    /// Who answers.
    pub hello: Hello,
}

impl Client {
    /// Hears HELLO.
    pub fn new(stream: UnixStream) -> Client {
        let nobody = Hello { slot: 0, slots: 0, pid: 0, generation: 0 };
        let mut client = Client { stream, received: Vec::new(), hello: nobody };
        match client.hear() {
            Ok(Some(Said::Hello(hello))) => client.hello = hello,
            other => panic!("no HELLO but {other:?}"),
        }
        client
    }

    /// The bytes of a request.
    pub fn request(id: u64) -> Vec<u8> {
        Client::request_for(id, QUESTION)
    }

    /// The bytes of a request with this query.
    pub fn request_for(id: u64, query: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: Some([192, 0, 2, 7].into()),
            path: b"/mirrorlist",
            query,
        };
        encode_request(&mut bytes, id, &request);
        bytes
    }

    /// Asks.
    pub fn ask(&mut self, id: u64) -> io::Result<()> {
        self.send(&Client::request(id))
    }

    /// Asks and gets the answer's body.
    pub fn answer(&mut self, id: u64) -> io::Result<String> {
        self.ask(id)?;
        match self.hear()? {
            Some(Said::Reply(of, 200, body)) if of == id => Ok(body),
            other => Err(io::Error::other(format!("no answer but {other:?}"))),
        }
    }

    /// Sends a ping.
    pub fn ping(&mut self, id: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        encode_ping(&mut bytes, id);
        self.send(&bytes)
    }

    /// Asks for the counters and gets them.
    pub fn counters(&mut self) -> io::Result<HashMap<Key, u64>> {
        let mut bytes = Vec::new();
        encode_counters(&mut bytes, 0, &[]);
        self.send(&bytes)?;
        match self.hear()? {
            Some(Said::Counters(entries)) => Ok(entries.into_iter().collect()),
            other => Err(io::Error::other(format!("no counters but {other:?}"))),
        }
    }

    /// Sends any bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says that nothing more will be asked.
    pub fn hang_up(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The socket, to be treated badly.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// The next thing said; `None` at the end.
    pub fn hear(&mut self) -> io::Result<Option<Said>> {
        loop {
            if let Some(frame) = next_frame(&self.received, MAX_REPLY).unwrap() {
                let id = frame.header.id;
                let said = match Message::decode(&frame).unwrap() {
                    Message::Hello(hello) => Said::Hello(hello),
                    Message::Reply(reply) => {
                        Said::Reply(id, reply.head.status, String::from_utf8(reply.body.to_vec()).unwrap())
                    }
                    Message::GoAway(reason) => Said::GoAway(reason.into()),
                    Message::Pong => Said::Pong(id),
                    Message::Counters(counters) => Said::Counters(counters.entries().collect()),
                    other => panic!("a worker said {other:?}"),
                };
                let length = frame.wire_len();
                self.received.drain(..length);
                return Ok(Some(said));
            }
            let mut part = [0; 1 << 16];
            match self.stream.read(&mut part)? {
                0 if self.received.is_empty() => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.received.extend_from_slice(&part[..count]),
            }
        }
    }
}
