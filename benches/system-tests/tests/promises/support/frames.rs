//! A client on the daemon's own socket that speaks frames, and does not do as a front end does.

use super::{PATIENCE, Service};
use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
};
use wire::{Accept, Hello, MAX_REPLY, Message, Method, Request, UrlScheme, encode_request, next_frame};

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Who it is.
    Hello(Hello),
    /// An answer: its number, status and length.
    Reply(u64, u16, usize),
    /// That it goes, and why.
    GoAway(String),
    /// Something else.
    Other,
}

/// A connection.
pub struct Client {
    /// The socket, to be treated badly.
    pub stream: UnixStream,
    received: Vec<u8>,
}

impl Client {
    /// Connects, and says nothing.
    pub fn connect(service: &Service) -> io::Result<Client> {
        let stream = UnixStream::connect(service.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, received: Vec::new() })
    }

    /// The bytes of a request for a list.
    pub fn request(id: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: Some([192, 0, 2, 7].into()),
            path: b"/mirrorlist",
            query: b"country=global&path=pub/fedora/linux",
        };
        encode_request(&mut bytes, id, &request);
        bytes
    }

    /// Asks, and hears the answer after whatever else there is to hear.
    pub fn answer(&mut self, id: u64) -> io::Result<u16> {
        self.stream.write_all(&Client::request(id))?;
        loop {
            match self.hear()? {
                Some(Said::Reply(of, status, _)) if of == id => return Ok(status),
                Some(_) => {}
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// The next thing said; `None` at the end.
    pub fn hear(&mut self) -> io::Result<Option<Said>> {
        loop {
            if let Some(frame) = next_frame(&self.received, MAX_REPLY).unwrap() {
                let id = frame.header.id;
                let said = match Message::decode(&frame).unwrap() {
                    Message::Hello(hello) => Said::Hello(hello),
                    Message::Reply(reply) => Said::Reply(id, reply.head.status, reply.body.len()),
                    Message::GoAway(reason) => Said::GoAway(reason.into()),
                    _ => Said::Other,
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
