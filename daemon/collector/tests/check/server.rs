//! A mirror's web server, which does what a test wants, and counts.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
    thread,
};

/// What a server does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Has a repomd.xml of this time, and other files.
    Has(u64),
    /// Answers with a status.
    Status(u16),
    /// Answers with this body and type, whatever is asked for.
    Body(&'static str, &'static str),
    /// Takes a request and says nothing.
    Stalls,
    /// Closes without an answer.
    Closes,
    /// Breaks off in the body.
    BreaksOff,
    /// Never comes to the end of a body.
    Endless,
    /// Says that it has compressed what it sends.
    Encoded,
    /// Leads elsewhere.
    Leads(String),
    /// Has everything but what is below this path.
    Lacks(&'static str, u64),
}

/// What a client begins with that wants TLS.
const HANDSHAKE: [u8; 1] = [0x16];

/// A running server. It ends with the process; [`Server::die`] makes it refuse connections.
pub struct Server {
    pub address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    /// What each answer's Date is, if it has one.
    date: Arc<Mutex<Option<u64>>>,
    connections: Arc<AtomicU64>,
    requests: Arc<Mutex<Vec<String>>>,
    listener: Mutex<Option<TcpListener>>,
    /// Keeps the port of one that is dead from all others.
    port: Mutex<Option<Socket>>,
    /// Told of each request.
    bell: Arc<Mutex<Option<Sender<()>>>>,
    tls: Option<Arc<ServerConfig>>,
}

impl Server {
    pub fn start(manner: Manner) -> Arc<Server> {
        Server::at(Ipv4Addr::LOCALHOST.into(), manner, None)
    }

    pub fn at(address: IpAddr, manner: Manner, tls: Option<Arc<ServerConfig>>) -> Arc<Server> {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let server = Arc::new(Server {
            address: listener.local_addr().unwrap(),
            manner: Arc::new(Mutex::new(manner)),
            date: Arc::default(),
            connections: Arc::default(),
            requests: Arc::default(),
            listener: Mutex::new(Some(listener.try_clone().unwrap())),
            port: Mutex::default(),
            bell: Arc::default(),
            tls,
        });
        server.serve(listener);
        server
    }

    fn serve(self: &Arc<Server>, listener: TcpListener) {
        let server = Arc::clone(self);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // Shut down, or alive again.
                if server.listener.lock().unwrap().is_none() {
                    return;
                }
                server.connections.fetch_add(1, Ordering::SeqCst);
                let server = Arc::clone(&server);
                // How a client takes it is for the client to say.
                thread::spawn(move || drop(server.connection(stream)));
            }
        });
    }

    fn connection(&self, stream: TcpStream) -> io::Result<()> {
        // One with a certificate speaks both, as the client begins.
        let mut first = [0];
        stream.peek(&mut first)?;
        match self.tls.as_ref().filter(|_| first == HANDSHAKE) {
            None => self.answer(stream),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                let mut stream = StreamOwned::new(session, stream);
                self.answer(&mut stream)?;
                stream.conn.send_close_notify();
                stream.flush()
            }
        }
    }

    fn answer(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let line = head.lines().next().unwrap();
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let is_head = line.starts_with("HEAD ");
        self.requests.lock().unwrap().push(head.clone());
        if let Some(bell) = &*self.bell.lock().unwrap() {
            let _ = bell.send(());
        }
        let manner = self.manner.lock().unwrap().clone();
        let date = *self.date.lock().unwrap();
        let date = date.map_or_else(String::new, |date| format!("Date: {}\r\n", http_date(date)));
        let mut send = |status: u16, more: &str, body: &str| -> io::Result<()> {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{date}{more}\r\n");
            stream.write_all(head.as_bytes())?;
            if !is_head {
                stream.write_all(body.as_bytes())?;
            }
            stream.flush()
        };
        match manner {
            Manner::Lacks(below, _) if path.contains(below) => send(404, "", "not found"),
            Manner::Has(time) | Manner::Lacks(_, time) => match path.ends_with("/repomd.xml") {
                true => send(200, "Content-Type: text/xml\r\n", &repomd(time)),
                false => send(200, "", "a file"),
            },
            Manner::Status(status) => send(status, "", ""),
            Manner::Body(body, kind) => send(200, &format!("Content-Type: {kind}\r\n"), body),
            Manner::Encoded => send(200, "Content-Encoding: gzip\r\n", "no matter"),
            Manner::Leads(to) => send(302, &format!("Location: {to}\r\n"), ""),
            Manner::Closes => Ok(()),
            Manner::Stalls => stream.read(&mut byte).map(drop),
            Manner::BreaksOff => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<?xml version")
            }
            Manner::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[b' '; 65536])?;
                }
            }
        }
    }

    pub fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Has its answers made at this time, in seconds since the epoch.
    pub fn set_date(&self, date: u64) {
        *self.date.lock().unwrap() = Some(date);
    }

    /// From now on connections are refused.
    pub fn die(&self) {
        *self.listener.lock().unwrap() = None;
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

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Has each request told.
    pub fn ring(&self, bell: Sender<()>) {
        *self.bell.lock().unwrap() = Some(bell);
    }

    /// Its URL, with this path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/{path}", self.address)
    }
}

pub fn repomd(time: u64) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n\
         <data type=\"primary\"><timestamp>{time}</timestamp></data></repomd>\n"
    )
}

fn http_date(seconds: u64) -> String {
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}
