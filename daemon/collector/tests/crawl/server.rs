//! A mirror's web server that keeps connections open, has what a test gives it, and errs where a test wants.

use crate::primary::Files;
use flate2::{Compression, write::GzEncoder};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::{
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread,
    time::Duration,
};

/// What a server does instead of giving a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    /// With a `Retry-After`.
    Later(u16, u64),
    /// Takes the request and says nothing.
    Stalls,
    /// Sends a byte now and then.
    Trickles,
    /// Closes without an answer.
    Closes,
    /// Breaks off in the body, or the head if that is all.
    BreaksOff,
    /// Never comes to the end of a body.
    Endless,
    /// Has this in its place.
    Content(Vec<u8>),
    Html,
    /// Packs it though nobody has asked.
    Packed,
    /// Leads there.
    Leads(String),
    /// The same path there.
    LeadsTo(String),
    /// Knows GET alone.
    NoHead,
}

/// A running server. It ends with the process; [`Server::die`] makes it refuse connections.
pub struct Server {
    pub address: SocketAddr,
    files: Mutex<Arc<Files>>,
    /// For paths that have this in them; the last that fits counts.
    faults: Mutex<Vec<(String, Fault)>>,
    /// Before each answer.
    latency: Duration,
    connections: AtomicU64,
    requests: Mutex<Vec<String>>,
    listener: Mutex<Option<TcpListener>>,
    /// Keeps the port of one that is dead from all others.
    port: Mutex<Option<Socket>>,
    open: Mutex<Vec<TcpStream>>,
    /// Told of each request.
    bell: Mutex<Option<Sender<()>>>,
    tls: Option<Arc<ServerConfig>>,
}

/// What a client begins with that wants TLS.
const HANDSHAKE: [u8; 1] = [0x16];

/// An address of 127.0.0.0/8 that no other server of this process has, and hardly one of another.
fn address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let at = NEXT.fetch_add(1, Ordering::SeqCst);
    let third = (process::id() % 16) as u8 * 16 + (at / 250 % 16) as u8;
    Ipv4Addr::new(127, 77, third, (at % 250) as u8 + 1).into()
}

impl Server {
    pub fn start(files: &Arc<Files>) -> Arc<Server> {
        Server::at(address(), files, Duration::ZERO, None)
    }

    pub fn slow(files: &Arc<Files>, latency: Duration) -> Arc<Server> {
        Server::at(address(), files, latency, None)
    }

    pub fn with_tls(files: &Arc<Files>, tls: Arc<ServerConfig>) -> Arc<Server> {
        Server::at(address(), files, Duration::ZERO, Some(tls))
    }

    pub fn at(
        address: IpAddr,
        files: &Arc<Files>,
        latency: Duration,
        tls: Option<Arc<ServerConfig>>,
    ) -> Arc<Server> {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let server = Arc::new(Server {
            address: listener.local_addr().unwrap(),
            files: Mutex::new(Arc::clone(files)),
            faults: Mutex::default(),
            latency,
            connections: AtomicU64::new(0),
            requests: Mutex::default(),
            listener: Mutex::new(Some(listener.try_clone().unwrap())),
            port: Mutex::default(),
            open: Mutex::default(),
            bell: Mutex::default(),
            tls,
        });
        server.serve(listener);
        server
    }

    fn serve(self: &Arc<Server>, listener: TcpListener) {
        let server = Arc::clone(self);
        let spawned = thread::Builder::new().stack_size(128 << 10).spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // Shut down, or alive again.
                if server.listener.lock().unwrap().is_none() {
                    return;
                }
                server.connections.fetch_add(1, Ordering::SeqCst);
                server.open.lock().unwrap().push(stream.try_clone().unwrap());
                let server = Arc::clone(&server);
                // How a client takes it is for the client to say.
                let builder = thread::Builder::new().stack_size(256 << 10);
                builder.spawn(move || drop(server.connection(stream))).unwrap();
            }
        });
        spawned.unwrap();
    }

    fn connection(&self, stream: TcpStream) -> io::Result<()> {
        let closes = stream.try_clone()?;
        stream.set_nodelay(true)?;
        // One with a certificate speaks both, as the client begins.
        let mut first = [0];
        stream.peek(&mut first)?;
        let outcome = match self.tls.as_ref().filter(|_| first == HANDSHAKE) {
            None => self.requests_of(stream),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                self.requests_of(StreamOwned::new(session, stream))
            }
        };
        // The clone that `die` has would keep it open.
        let _ = closes.shutdown(std::net::Shutdown::Both);
        outcome
    }

    fn requests_of(&self, stream: impl Read + Write) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head)? == 0 {
                    return Ok(());
                }
            }
            if !self.answer(&head, stream.get_mut())? {
                return Ok(());
            }
        }
    }

    /// Answers; whether the connection stays.
    fn answer(&self, head: &str, stream: &mut impl Write) -> io::Result<bool> {
        let line = head.lines().next().unwrap();
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let is_head = line.starts_with("HEAD ");
        self.requests.lock().unwrap().push(head.to_owned());
        if let Some(bell) = &*self.bell.lock().unwrap() {
            let _ = bell.send(());
        }
        thread::sleep(self.latency);
        let faults = self.faults.lock().unwrap().clone();
        let fault = faults.into_iter().rev().find(|(part, _)| path.contains(part)).map(|(_, fault)| fault);
        let files = Arc::clone(&self.files.lock().unwrap());
        let file = files.get(path.trim_start_matches('/'));
        let mut send = |status: u16, more: &str, body: &[u8]| -> io::Result<bool> {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}\r\n");
            let body = if is_head { &[][..] } else { body };
            stream.write_all(&[head.as_bytes(), body].concat())?;
            stream.flush().map(|()| true)
        };
        match fault {
            None => match file {
                Some(body) if head.to_ascii_lowercase().contains("\r\nrange: bytes=0-0\r\n") => {
                    let range = format!("Content-Range: bytes 0-0/{}\r\n", body.len());
                    send(206, &range, &body[..1])
                }
                Some(body) => send(200, "", body),
                None => send(404, "Content-Type: text/html\r\n", b"<html>not found"),
            },
            Some(Fault::NoHead) if is_head => send(501, "", b""),
            Some(Fault::NoHead) => match file {
                Some(body) => send(206, &format!("Content-Range: bytes 0-0/{}\r\n", body.len()), &body[..1]),
                None => send(404, "", b""),
            },
            Some(Fault::Status(status)) => send(status, "", b"sorry"),
            Some(Fault::Later(status, seconds)) => send(status, &format!("Retry-After: {seconds}\r\n"), b""),
            Some(Fault::Content(body)) => send(200, "", &body),
            Some(Fault::Html) => send(200, "Content-Type: text/html\r\n", b"<!DOCTYPE html><p>Welcome"),
            Some(Fault::Packed) => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(file.unwrap())?;
                send(200, "Content-Encoding: gzip\r\n", &encoder.finish()?)
            }
            Some(Fault::Leads(to)) => send(302, &format!("Location: {to}\r\n"), b"there"),
            Some(Fault::LeadsTo(to)) => send(301, &format!("Location: {to}{path}\r\n"), b"there"),
            Some(Fault::Closes) => Ok(false),
            Some(Fault::Stalls) => {
                thread::sleep(Duration::from_secs(30));
                Ok(false)
            }
            Some(Fault::Trickles) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n")?;
                loop {
                    stream.write_all(b"X-More: and more\r\n")?;
                    stream.flush()?;
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Some(Fault::BreaksOff) if is_head => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConte").map(|()| false)
            }
            Some(Fault::BreaksOff) => {
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<?xml version";
                stream.write_all(head).map(|()| false)
            }
            Some(Fault::Endless) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b' '; 65536])?;
                }
            }
        }
    }

    /// Has this from now on.
    pub fn set(&self, files: &Arc<Files>) {
        *self.files.lock().unwrap() = Arc::clone(files);
    }

    /// Errs from now on where the path has this in it.
    pub fn fault(&self, part: &str, fault: Fault) {
        self.faults.lock().unwrap().push((part.to_owned(), fault));
    }

    /// Errs no longer.
    pub fn mend(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// From now on connections are refused, and those that are there end.
    pub fn die(&self) {
        *self.listener.lock().unwrap() = None;
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        // Wakes the one who accepts, which lets go of the last descriptor.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
        let port = Socket::new(Domain::for_address(self.address), Type::STREAM, None).unwrap();
        port.set_reuse_address(true).unwrap();
        port.bind(&self.address.into()).unwrap();
        *self.port.lock().unwrap() = Some(port);
    }

    /// At the same place again.
    pub fn revive(self: &Arc<Server>) {
        let listener = TcpListener::bind(self.address).unwrap();
        *self.port.lock().unwrap() = None;
        *self.listener.lock().unwrap() = Some(listener.try_clone().unwrap());
        self.serve(listener);
    }

    /// Connections since it was asked the last time.
    pub fn connections(&self) -> u64 {
        self.connections.swap(0, Ordering::SeqCst)
    }

    /// The heads of requests since it was asked the last time.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Has each request told.
    pub fn ring(&self, bell: Sender<()>) {
        *self.bell.lock().unwrap() = Some(bell);
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// The same by http.
    pub fn plain_url(&self) -> String {
        format!("http://{}/", self.address)
    }
}
