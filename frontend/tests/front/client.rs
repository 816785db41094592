//! A client that speaks HTTP byte by byte, so that a test can be as odd as it likes.

use socket2::{Domain, Socket, Type};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection to the front end.
pub struct Client {
    stream: Stream,
    buffer: Vec<u8>,
}

pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub version: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// From another address of this machine.
    pub fn connect_from(from: [u8; 4], address: SocketAddr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        Client::over(socket.into())
    }

    /// Over a line of small packets and with little room for what is not read, as far away.
    pub fn connect_from_afar(address: SocketAddr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_tcp_mss(1460).unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: Stream::Tcp(stream), buffer: Vec::new() }
    }

    pub fn connect_unix(path: &Path) -> Client {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream: Stream::Unix(stream), buffer: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends what it can of these bytes; the program may have closed meanwhile.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a GET of HTTP/1.1 with these header lines, each ended by CR LF.
    pub fn send_get(&mut self, target: &str, lines: &str) -> &mut Client {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: mirrors.example.org\r\n{lines}\r\n"))
    }

    /// Sends a GET and reads its answer.
    pub fn get(&mut self, target: &str) -> Answer {
        self.send_get(target, "").answer()
    }

    /// Reads an answer with a body of its Content-Length.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        while self.buffer.len() < length {
            assert!(self.read_more().unwrap() > 0, "the body ends early: {answer:?}");
        }
        answer.body = self.buffer.drain(..length).collect();
        answer
    }

    /// Reads an answer whose head has come, or to the end that the connection comes to before.
    pub fn try_answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head();
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        while self.buffer.len() < length {
            if self.read_more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        answer.body = self.buffer.drain(..length).collect();
        Ok(answer)
    }

    /// Reads on, so many bytes at most. Whether the connection is still open.
    pub fn sips(&mut self, bytes: usize) -> bool {
        let mut room = vec![0; bytes];
        let read = self.stream.read(&mut room);
        self.buffer.extend_from_slice(&room[..*read.as_ref().unwrap_or(&0)]);
        read.is_ok_and(|read| read > 0)
    }

    /// Whether something has come over TCP that is not read yet. Reads nothing.
    pub fn has_something(&self) -> bool {
        match &self.stream {
            Stream::Tcp(stream) => {
                !self.buffer.is_empty() || stream.peek(&mut [0]).is_ok_and(|seen| seen > 0)
            }
            Stream::Unix(_) => false,
        }
    }

    /// Reads an answer that has no body whatever its Content-Length says.
    pub fn head(&mut self) -> Answer {
        self.try_head().expect("closed without an answer")
    }

    /// The same; nothing if the connection ends before.
    pub fn try_head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.read_more().expect("an answer") == 0 {
                return None;
            }
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap();
        let (version, rest) = status_line.split_once(' ').unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Some(Answer {
            version: version.into(),
            status: rest[..3].parse().unwrap(),
            headers: headers.collect(),
            body: Vec::new(),
        })
    }

    /// Whether the program closes the connection in good order, without sending anything more.
    pub fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && self.read_more().is_ok_and(|read| read == 0)
    }

    /// Whether the connection comes to its end, reset or not.
    pub fn ends(&mut self) -> bool {
        loop {
            match self.read_more() {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// Whether nothing comes within this time.
    pub fn hears_nothing_for(&mut self, time: Duration) -> bool {
        self.set_patience(time);
        let read = self.read_more();
        self.set_patience(PATIENCE);
        matches!(read, Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    /// Ends the writing side.
    pub fn finish(&mut self) {
        match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write).unwrap(),
        }
    }

    fn set_patience(&self, time: Duration) {
        match &self.stream {
            Stream::Tcp(stream) => stream.set_read_timeout(Some(time)).unwrap(),
            Stream::Unix(stream) => stream.set_read_timeout(Some(time)).unwrap(),
        }
    }

    fn read_more(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..read]);
        Ok(read)
    }
}

impl Answer {
    /// The value of a header that is there once; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        value
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Checks what every answer has.
    pub fn has_what_every_answer_has(&self) {
        assert_eq!(self.header("cache-control"), Some("private, no-cache"), "{self:?}");
        assert!(self.header("content-type").is_some(), "{self:?}");
        assert!(self.header("content-length").is_some(), "{self:?}");
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(bytes),
            Stream::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
