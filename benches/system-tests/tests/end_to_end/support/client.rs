//! A client that speaks HTTP byte by byte, so that a test sees what is really sent.

use super::PATIENCE;
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
};

/// Either kind of stream.
trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// One connection.
pub struct Client {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in alphabetical order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: Box::new(stream), input: Vec::new() }
    }

    pub fn connect_unix(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream: Box::new(stream), input: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends a request with these header lines, each ended by CR LF.
    pub fn ask(&mut self, method: &str, target: &str, lines: &str) -> &mut Client {
        self.send(format!("{method} {target} HTTP/1.1\r\nHost: mirrors.example.org\r\n{lines}\r\n"))
    }

    /// Sends a GET and reads its answer.
    pub fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "").answer()
    }

    /// Sends a GET as from this client and reads its answer.
    pub fn get_for(&mut self, forwarded: &str, target: &str) -> Answer {
        self.ask("GET", target, &format!("X-Forwarded-For: {forwarded}\r\n")).answer()
    }

    /// Reads an answer with the body that its Content-Length tells of.
    pub fn answer(&mut self) -> Answer {
        let answer = self.head();
        let length: usize = answer.header("content-length").parse().unwrap();
        while self.input.len() < length {
            assert!(self.fill() > 0, "the body ends early: {answer:?}");
        }
        let body = self.input.drain(..length).collect();
        Answer { body: String::from_utf8(body).unwrap(), ..answer }
    }

    /// Reads an answer that has no body, whatever its Content-Length says.
    pub fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.fill() > 0, "closed without an answer");
        };
        let head: Vec<u8> = self.input.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        headers.sort();
        Answer { status, headers, body: String::new() }
    }

    /// Whether the service closes the connection without sending anything more.
    pub fn is_closed(&mut self) -> bool {
        self.input.is_empty() && self.fill() == 0
    }

    fn fill(&mut self) -> usize {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("no answer: {error}"),
            }
        }
    }
}

impl Answer {
    /// A header's value; empty when there is none, a failure when there are several.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next().map_or("", |(_, value)| value);
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// The header line of a list.
    pub fn comment(&self) -> &str {
        self.body.lines().next().unwrap_or_default()
    }

    /// The first URL of a list.
    pub fn first(&self) -> &str {
        self.body.lines().find(|line| !line.starts_with('#')).unwrap_or_default()
    }
}
