//! A client that speaks HTTP byte by byte, for what a well-behaved one never does.

use super::{PATIENCE, Service};
use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// One connection.
pub struct Client {
    /// The socket, to be treated badly.
    pub stream: TcpStream,
    received: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head, in lower case.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Client {
    /// Connects.
    pub fn connect(service: &Service) -> Client {
        let stream = TcpStream::connect(service.http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, received: Vec::new() }
    }

    /// Sends bytes, which the service may have stopped listening to.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        // Whoever is refused half-way finds out from the answer, or from there being none.
        let _ = self.stream.write_all(bytes.as_ref());
        self
    }

    /// Asks as this client, and hears the answer.
    pub fn get(&mut self, target: &str, client: &str) -> Answer {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n"));
        self.answer().unwrap()
    }

    /// Hears an answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.received[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let whole = end + length.unwrap_or(0);
        while self.received.len() < whole {
            self.more()?;
        }
        let body = String::from_utf8_lossy(&self.received[end..whole]).into_owned();
        self.received.drain(..whole);
        Ok(Answer { status, head, body })
    }

    /// Whether nothing comes for this long.
    pub fn hears_nothing_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let heard = self.more();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        matches!(heard, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    /// Whether the service has closed the connection, whatever it has said before.
    pub fn is_closed(&mut self) -> bool {
        loop {
            match self.more() {
                Ok(()) => {}
                Err(error) => {
                    return !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
                }
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut part = [0; 16 * 1024];
        match self.stream.read(&mut part)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.received.extend_from_slice(&part[..count]);
                Ok(())
            }
        }
    }
}
