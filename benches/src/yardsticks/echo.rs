//! An event loop and nothing else: the least that a request costs over the workers' wire.

use mio::{
    Events, Interest, Poll, Token,
    net::{UnixListener, UnixStream},
};
use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixListener as StdUnixListener,
    path::Path,
    process, thread,
};
use wire::{Hello, Kind, MAX_REQUEST, Message, ReplyHead, ReplyStart, Tier, encode_hello, next_frame};

/// Answers every request frame with a reply of so many bytes: an event loop for each core.
pub fn serve(socket: &Path, bytes: usize) -> Result<(), String> {
    let refused = |error: io::Error| format!("socket {}: {error}", socket.display());
    let listener = StdUnixListener::bind(socket).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut running = Vec::new();
    for _ in 0..threads {
        let listener = UnixListener::from_std(listener.try_clone().map_err(refused)?);
        running.push(thread::spawn(move || Echo::new(bytes).and_then(|echo| echo.run(listener))));
    }
    eprintln!("info: yardstick: listening on unix:{}", socket.display());
    for thread in running {
        thread.join().map_err(|_| "a thread panicked")?.map_err(refused)?;
    }
    Ok(())
}

const LISTENER: Token = Token(usize::MAX);

/// An event loop that answers frames.
struct Echo {
    poll: Poll,
    peers: Vec<Option<Peer>>,
    body: Vec<u8>,
}

struct Peer {
    stream: UnixStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
}

impl Echo {
    fn new(bytes: usize) -> io::Result<Echo> {
        Ok(Echo { poll: Poll::new()?, peers: Vec::new(), body: vec![b'x'; bytes] })
    }

    fn run(mut self, mut listener: UnixListener) -> io::Result<()> {
        self.poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(128);
        let mut buffer = vec![0; 16 * 1024];
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.let_in(&listener)?,
                    Token(at) => {
                        let Some(Some(peer)) = self.peers.get_mut(at) else { continue };
                        if peer.turn(&mut buffer, &self.body).is_err() {
                            self.peers[at] = None;
                        }
                    }
                }
            }
        }
    }

    fn let_in(&mut self, listener: &UnixListener) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((mut stream, _)) => {
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    self.poll.registry().register(&mut stream, Token(self.peers.len()), interest)?;
                    let mut unsent = Vec::new();
                    let hello = Hello { slot: 0, slots: 1, pid: process::id(), generation: 1 };
                    encode_hello(&mut unsent, &hello);
                    self.peers.push(Some(Peer { stream, unread: Vec::new(), unsent }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Peer {
    /// Reads, answers, writes. An error means that the peer is gone.
    fn turn(&mut self, buffer: &mut [u8], body: &[u8]) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        while let Some(frame) = next_frame(&self.unread, MAX_REQUEST).map_err(io::Error::other)? {
            if let Ok(Message::Request(_)) = Message::decode(&frame) {
                let start = ReplyStart::begin(&mut self.unsent, frame.header.id);
                self.unsent.extend_from_slice(HEADERS);
                self.unsent.extend_from_slice(body);
                start.finish(&mut self.unsent, &HEAD, HEADERS.len());
            }
            let read = frame.wire_len();
            self.unread.drain(..read);
        }
        let mut sent = 0;
        while sent < self.unsent.len() {
            match self.stream.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..sent);
        Ok(())
    }
}

/// What every reply says of itself.
const HEAD: ReplyHead = ReplyHead { status: 200, kind: Kind::Mirrorlist, tier: Tier::None };
const HEADERS: &[u8] = b"Content-Type: text/plain\r\n";
