//! Takes connections in, as many as there may be. At the limit those that want nothing make room.

use crate::log::{self, Seldom};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockRef, Socket};
use std::{
    io::{self, ErrorKind},
    os::fd::AsFd as _,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use wire::net::Peer;

/// How long to wait when the system has no more descriptors or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait before the next try to make room.
const AGAIN: Duration = Duration::from_millis(100);

/// A listening socket in the hands of a runtime. Tokio's own would accept at once, and knows one family only: what is asked
/// of the stream that stands here is whether the socket is readable.
#[derive(Debug)]
pub struct Listener(TcpStream);

/// The process's connections, counted.
#[derive(Debug)]
pub struct Gate {
    what: &'static str,
    places: Arc<Semaphore>,
    /// How many connections there may be.
    pub limit: usize,
    /// Somebody waits for a place, and his own thread has nobody to make room.
    wanted: AtomicBool,
    /// Tells other threads of that.
    call: Notify,
    complaints: Mutex<Seldom>,
}

impl Gate {
    /// Lets so many in; messages call them `what`.
    pub fn new(what: &'static str, limit: usize) -> Gate {
        Gate {
            what,
            places: Arc::new(Semaphore::new(limit)),
            limit,
            wanted: AtomicBool::new(false),
            call: Notify::new(),
            complaints: Mutex::default(),
        }
    }

    /// How many connections there are.
    pub fn taken(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    /// A place among all connections for who waits at the listener; nothing when nobody waits there any more. While there
    /// is none, one is asked for again and again: of the calling thread by `make_room`, which tells whether a connection
    /// there is about to close, or else of the others.
    async fn enter(
        &self,
        listener: &Listener,
        make_room: &impl Fn() -> bool,
    ) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        let (what, limit) = (self.what, self.limit);
        let mut place = pin!(Arc::clone(&self.places).acquire_owned());
        while listener.has_queue() {
            let made = make_room();
            if !made {
                self.wanted.store(true, Ordering::Relaxed);
                self.call.notify_waiters();
            }
            let then = if made { "one that is idle makes room" } else { "none is accepted until one closes" };
            self.complain(format_args!("{what}: limit of {limit} reached; {then}"));
            tokio::select! {
                place = &mut place => return place.ok(),
                () = sleep(AGAIN) => {}
            }
        }
        None
    }

    /// Makes room on this thread whenever another one asks for it. Two threads may both do so for one who waits: the
    /// place is the next one's. A call that is missed comes again.
    pub async fn answer_calls(&self, make_room: impl Fn() -> bool) {
        loop {
            self.call.notified().await;
            if self.wanted.load(Ordering::Relaxed) && make_room() {
                self.wanted.store(false, Ordering::Relaxed);
            }
        }
    }

    fn complain(&self, complaint: std::fmt::Arguments<'_>) {
        if self.complaints.lock().is_ok_and(|mut complaints| complaints.passes(Instant::now())) {
            log::warning(complaint);
        }
    }
}

/// Accepts until `stop`, and hands every connection with its place to `serve`. At the limit `make_room` is asked whether
/// it can have a connection closed.
///
/// What waits in the socket's queue when the program stops is still accepted.
pub async fn accept(
    listener: Listener,
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
    make_room: impl Fn() -> bool,
    serve: impl Fn(TcpStream, Peer, OwnedSemaphorePermit),
) {
    loop {
        tokio::select! {
            biased;
            // An error is told again by the attempt to accept.
            _ = listener.readable() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let Some(place) = gate.enter(&listener, &make_room).await else {
            listener.await_next();
            continue;
        };
        match listener.accept() {
            Ok((socket, peer)) => serve(socket, peer, place),
            // Another thread was faster, or the client was gone before it was taken in.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                let what = gate.what;
                gate.complain(format_args!("{what}: cannot accept ({error}); trying again"));
                sleep(PAUSE).await;
            }
        }
    }
}

impl Listener {
    /// Hands the socket to the runtime of the calling thread.
    pub fn new(socket: Socket) -> io::Result<Listener> {
        TcpStream::from_std(socket.into()).map(Listener)
    }

    /// Waits for a connection, which another thread may be faster to take.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Whether a connection is in the queue, also such as the runtime does not know of yet.
    fn has_queue(&self) -> bool {
        // What cannot be looked at is found out by the attempt to accept.
        poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) != Ok(0)
    }

    /// Has the runtime wait for the next connection.
    fn await_next(&self) {
        // What is said here is what a socket without connections says.
        let _ = self.0.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
    }

    /// The first connection of the queue, and its other end. A stream is one whatever it goes over: nothing is asked of it
    /// that TCP alone could do.
    pub fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let accept = || SockRef::from(&self.0).accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
        let (socket, address) = self.0.try_io(Interest::READABLE, accept)?;
        let peer = address.as_socket().map_or(Peer::Unix, |address| Peer::Address(address.ip()));
        Ok((TcpStream::from_std(socket.into())?, peer))
    }
}
