//! Takes connections in, as many as there may be. At the limit those that want nothing make room.

use crate::log::{self, Seldom};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockAddr, SockRef, Socket};
use std::{
    fmt::Arguments,
    io::{self, ErrorKind},
    os::fd::AsFd as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use wire::net::Peer;

/// How long to wait when the system has no more descriptors or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait before room is asked for again.
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
    /// Tells that somebody is kept waiting for a place: every thread is to make room. A call that is missed comes again.
    pub full: Notify,
    complaints: Mutex<Seldom>,
}

impl Gate {
    /// Lets so many in; messages call them `what`.
    pub fn new(what: &'static str, limit: usize) -> Gate {
        let places = Arc::new(Semaphore::new(limit));
        Gate { what, places, limit, full: Notify::new(), complaints: Mutex::default() }
    }

    /// How many connections there are.
    pub fn taken(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    /// A place among all connections for who waits at the listener; nothing when nobody waits there any more.
    async fn enter(&self, listener: &Listener) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        while listener.has_queue() {
            self.full.notify_waiters();
            let (what, limit) = (self.what, self.limit);
            self.complain(format_args!(
                "{what}: limit of {limit} reached; none is accepted until one closes"
            ));
            if let Ok(place) = timeout(AGAIN, Arc::clone(&self.places).acquire_owned()).await {
                return place.ok();
            }
        }
        None
    }

    fn complain(&self, complaint: Arguments<'_>) {
        if self.complaints.lock().is_ok_and(|mut complaints| complaints.passes(Instant::now())) {
            log::warning(complaint);
        }
    }
}

/// Accepts until `stop`, and hands every connection with its place to `serve`.
///
/// What waits in the socket's queue when the program stops is still accepted.
pub async fn accept(
    listener: Listener,
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
    serve: impl Fn(TcpStream, Peer, OwnedSemaphorePermit),
) {
    loop {
        tokio::select! {
            biased;
            // An error is told again by the attempt to accept.
            _ = listener.readable() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let Some(place) = gate.enter(&listener).await else {
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
        Ok((TcpStream::from_std(socket.into())?, peer(&address)))
    }
}

/// Who is at the other end. Where both families are listened on, an IPv4 address comes as an IPv6 one, and is not kept so: of
/// these all would be of one network.
fn peer(address: &SockAddr) -> Peer {
    address.as_socket().map_or(Peer::Unix, |address| Peer::Address(address.ip().to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn who_comes_by_ipv4_to_a_socket_of_both_families_has_an_ipv4_address() {
        for (address, expected) in [
            ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
            ("[::ffff:192.0.2.2]:80", "192.0.2.2"),
            ("192.0.2.2:80", "192.0.2.2"),
            ("[2001:db8::1]:80", "2001:db8::1"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(peer(&address.into()), Peer::Address(expected.parse().unwrap()), "{address}");
        }
        assert_eq!(peer(&SockAddr::unix("/run/http").unwrap()), Peer::Unix);
    }
}
