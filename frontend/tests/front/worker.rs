//! Workers played by the test: they speak the real protocol over a real socket, and misbehave on request.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Shutdown},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use tempfile::TempDir;
use wire::{Accept, Hello, Key, Kind, MAX_REQUEST, Message, Method, ReplyHead, ReplyStart, Tier, UrlScheme};

/// A socket for workers to listen on, as a daemon would have it.
pub struct Daemon {
    folder: TempDir,
    listener: Option<UnixListener>,
}

/// A worker that runs until it is killed or the test ends.
pub struct Worker {
    shared: Arc<Shared>,
    address: PathBuf,
}

struct Shared {
    dead: AtomicBool,
    /// Connections accepted so far.
    accepted: AtomicUsize,
    /// The open ones, to be closed when the worker is killed.
    open: Mutex<Vec<UnixStream>>,
}

/// One connection of the front end, as a worker sees it.
pub struct Connection {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// What it says when it is asked what the daemon has counted.
    pub counters: Vec<(Key, u64)>,
    /// Which connection of this worker it is, from 0.
    pub number: usize,
}

/// A request as a worker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub id: u64,
    pub method: Method,
    pub scheme: UrlScheme,
    pub client: Option<IpAddr>,
    pub accept: Accept,
    pub path: String,
    pub query: String,
}

/// What a worker hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Asked(Asked),
    /// The front end has ended its writing side, or the connection is gone.
    End,
}

impl Daemon {
    pub fn new() -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let listener = Some(UnixListener::bind(folder.path().join("daemon")).unwrap());
        Daemon { folder, listener }
    }

    /// A folder with a socket path at which nobody listens.
    pub fn absent() -> Daemon {
        Daemon { folder: tempfile::tempdir().unwrap(), listener: None }
    }

    /// Begins to listen.
    pub fn appear(&mut self) {
        self.listener = Some(UnixListener::bind(self.socket()).unwrap());
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("daemon")
    }

    /// A place for other files of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a worker of `slots`; each of its connections is handed to `serve` after the HELLO.
    pub fn worker(
        &self,
        slot: u16,
        slots: u16,
        generation: u64,
        serve: impl Fn(Connection) + Send + Sync + 'static,
    ) -> Worker {
        self.worker_that_begins(slot, slots, generation, |_| Vec::new(), serve)
    }

    /// The same, whose HELLO and what `more` says for the number of a connection come at once.
    pub fn worker_that_begins(
        &self,
        slot: u16,
        slots: u16,
        generation: u64,
        more: impl Fn(usize) -> Vec<u8> + Send + 'static,
        serve: impl Fn(Connection) + Send + Sync + 'static,
    ) -> Worker {
        let listener = self.listener.as_ref().unwrap().try_clone().unwrap();
        let shared = Arc::new(Shared {
            dead: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let hello = Hello { slot, slots, pid: std::process::id(), generation };
        let (known, serve) = (Arc::clone(&shared), Arc::new(serve));
        // Ends with the test's process; a killed worker ends at its next connection.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                if known.dead.load(Ordering::SeqCst) {
                    return;
                }
                let number = known.accepted.load(Ordering::SeqCst);
                let mut bytes = Vec::new();
                wire::encode_hello(&mut bytes, &hello);
                bytes.extend(more(number));
                if stream.write_all(&bytes).is_err() {
                    continue;
                }
                known.accepted.fetch_add(1, Ordering::SeqCst);
                known.open.lock().unwrap().push(stream.try_clone().unwrap());
                let (serve, end) = (Arc::clone(&serve), stream.try_clone().unwrap());
                thread::spawn(move || {
                    serve(Connection { stream, buffer: Vec::new(), counters: Vec::new(), number });
                    // The front end may have closed it first.
                    let _ = end.shutdown(Shutdown::Both);
                });
            }
        });
        Worker { shared, address: self.socket() }
    }

    /// One worker that is all there is and answers every request with what it was asked.
    pub fn echo(&self) -> Worker {
        self.worker(0, 1, 1, Connection::echo)
    }
}

impl Worker {
    /// Closes all its connections at once and accepts no more.
    pub fn kill(&self) {
        self.shared.dead.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            // The front end may have closed it first.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Its thread may sit in accept; that connection is then lost, as with a real death.
        drop(UnixStream::connect(&self.address));
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Connection {
    /// The next request, or the end.
    pub fn hear(&mut self) -> Heard {
        loop {
            let (mut heard, mut counters) = (None, None);
            let mut taken = 0;
            if let Some(frame) = wire::next_frame(&self.buffer, MAX_REQUEST).unwrap() {
                taken = frame.wire_len();
                match Message::decode(&frame).unwrap() {
                    Message::Request(request) => {
                        heard = Some(Asked {
                            id: frame.header.id,
                            method: request.method,
                            scheme: request.scheme,
                            client: request.client,
                            accept: request.accept,
                            path: String::from_utf8(request.path.to_vec()).unwrap(),
                            query: String::from_utf8(request.query.to_vec()).unwrap(),
                        });
                    }
                    Message::Ping | Message::Pong => {}
                    Message::Counters(question) if question.is_question() => counters = Some(frame.header.id),
                    other => panic!("the front end sends {other:?}"),
                }
            }
            self.buffer.drain(..taken);
            if let Some(id) = counters {
                let mut bytes = Vec::new();
                wire::encode_counters(&mut bytes, id, &self.counters);
                self.send(&bytes);
            }
            if let Some(asked) = heard {
                return Heard::Asked(asked);
            }
            if taken > 0 {
                continue;
            }
            let mut bytes = [0; 64 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return Heard::End,
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// The next request; nothing at the end.
    pub fn asked(&mut self) -> Option<Asked> {
        match self.hear() {
            Heard::Asked(asked) => Some(asked),
            Heard::End => None,
        }
    }

    /// Answers with 200 and this text.
    pub fn reply(&mut self, id: u64, body: &str) {
        self.reply_with(id, 200, "text/plain", "", body.as_bytes());
    }

    /// Answers in full.
    pub fn reply_with(&mut self, id: u64, status: u16, content_type: &str, headers: &str, body: &[u8]) {
        self.send(&reply(id, status, content_type, headers, body));
    }

    /// Sends any bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        // When the front end has gone the test sees it from the other side.
        let _ = self.stream.write_all(bytes);
    }

    /// Asks for no more requests.
    pub fn go_away(&mut self) {
        let mut bytes = Vec::new();
        wire::encode_goaway(&mut bytes, "");
        self.send(&bytes);
    }

    /// Answers every request with what it was asked.
    pub fn echo(mut self) {
        while let Some(asked) = self.asked() {
            self.reply(asked.id, &asked.line());
        }
    }
}

impl Asked {
    /// The request in one line.
    pub fn line(&self) -> String {
        let client = self.client.map_or("unknown".into(), |client| client.to_string());
        format!("{:?} {:?} {client} {}?{}\n", self.method, self.scheme, self.path, self.query)
    }
}

/// A reply's frame.
pub fn reply(id: u64, status: u16, content_type: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = ReplyHead { status, kind: Kind::Other, tier: Tier::None };
    reply_as(id, &head, &format!("Content-Type: {content_type}\r\n{headers}"), body)
}

/// A reply's frame with this head.
pub fn reply_as(id: u64, head: &ReplyHead, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let start = ReplyStart::begin(&mut bytes, id);
    bytes.extend_from_slice(headers.as_bytes());
    bytes.extend_from_slice(body);
    start.finish(&mut bytes, head, headers.len());
    bytes
}

/// Whether a front end's connection is accepted at `path`.
pub fn is_served(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

impl Connection {
    /// Whether no request comes for a moment.
    pub fn nothing_more_comes(&mut self) -> bool {
        if !self.buffer.is_empty() {
            return false;
        }
        self.stream.set_read_timeout(Some(std::time::Duration::from_millis(3))).unwrap();
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes);
        self.stream.set_read_timeout(None).unwrap();
        match read {
            Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
            Err(_) => return true,
        }
        false
    }
}
