//! One connection to a server: bytes there, an answer back.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, TcpStream},
    os::unix::net::UnixStream,
    time::Duration,
};
use testkit::load::Target;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest answer that is read.
const LONGEST: usize = 64 << 20;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// A connection that is opened when it is needed.
pub struct Connection {
    target: Target,
    open: Option<Box<dyn Stream>>,
    input: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of a header.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

impl Connection {
    /// To this server.
    pub fn new(target: Target) -> Connection {
        Connection { target, open: None, input: Vec::new() }
    }

    /// Who the server sees at the other end; `None` is a UNIX socket.
    pub fn peer(&mut self) -> Result<Option<IpAddr>, String> {
        let Target::Tcp(address) = self.target else { return Ok(None) };
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        Ok(stream.local_addr().ok().map(|address| address.ip()))
    }

    /// Sends a request and reads its answer; of one that is `bodiless` the head only.
    ///
    /// After an error or an answer that says `Connection: close` the next request gets another connection. The error is
    /// a sentence.
    pub fn ask(&mut self, request: &[u8], bodiless: bool) -> Result<Answer, String> {
        let answer = self.exchange(request, bodiless);
        let closes = |answer: &Answer| answer.values("connection").contains(&"close");
        if answer.as_ref().map_or(true, closes) {
            self.close();
        }
        answer
    }

    /// Closes the connection, if one is open.
    pub fn close(&mut self) {
        self.open = None;
        self.input.clear();
    }

    fn exchange(&mut self, request: &[u8], bodiless: bool) -> Result<Answer, String> {
        if !self.input.is_empty() {
            return Err(format!("more than the answer came: {}", self.input.escape_ascii()));
        }
        if self.open.is_none() {
            self.open = Some(self.connect().map_err(|error| format!("{:?}: {error}", self.target))?);
        }
        let stream = self.open.as_mut().ok_or("no connection")?;
        stream.write_all(request).map_err(|error| format!("not sent ({error})"))?;
        let (mut answer, length) = loop {
            if let Some((answer, head)) = head(&self.input)? {
                self.input.drain(..head);
                let length = answer.values("content-length").first().and_then(|text| text.parse().ok());
                break (answer, length);
            }
            if self.fill()? == 0 {
                return Err(format!("closed without an answer, after {}", self.input.escape_ascii()));
            }
        };
        if bodiless {
            return Ok(answer);
        }
        let length: usize = length.ok_or_else(|| format!("no Content-Length: {answer:?}"))?;
        while self.input.len() < length {
            if self.fill()? == 0 {
                return Err(format!("{} of {length} bytes of the body: {answer:?}", self.input.len()));
            }
        }
        answer.body = self.input.drain(..length).collect();
        Ok(answer)
    }

    fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        Ok(match &self.target {
            Target::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Target::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        })
    }

    fn fill(&mut self) -> Result<usize, String> {
        let mut buffer = [0; 64 * 1024];
        let stream = self.open.as_mut().ok_or("no connection")?;
        loop {
            match stream.read(&mut buffer) {
                Ok(count) if self.input.len() + count <= LONGEST => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return Ok(count);
                }
                Ok(_) => return Err(format!("more than {LONGEST} bytes")),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("no answer ({error})")),
            }
        }
    }
}

/// The head of an answer and its length; `None` while it is incomplete.
fn head(bytes: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = response.headers.iter();
            let headers = headers.map(|line| (line.name.to_ascii_lowercase(), text(line.value))).collect();
            let status = response.code.unwrap_or_default();
            Ok(Some((Answer { status, headers, body: Vec::new() }, length)))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(format!("not HTTP ({error}): {}", bytes.escape_ascii())),
    }
}
