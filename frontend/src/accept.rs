//! Takes connections in, as many as there may be. At the limit those that want nothing make room.

use crate::{
    listen::Listener,
    log::{self, Seldom},
    stream::Socket,
};
use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use wire::net::Peer;

/// How long to wait when the system has no more descriptors or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait before the next try to make room.
const AGAIN: Duration = Duration::from_millis(100);

/// The process's connections, counted.
#[derive(Debug)]
pub struct Gate {
    what: &'static str,
    places: Arc<Semaphore>,
    limit: usize,
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

    /// Waits for a place among all connections. While there is none, one is asked for again and again: of the calling
    /// thread by `make_room`, which tells whether a connection there is about to close, or else of the others.
    async fn enter(&self, make_room: &impl Fn() -> bool) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        let (what, limit) = (self.what, self.limit);
        let mut place = pin!(Arc::clone(&self.places).acquire_owned());
        loop {
            let then =
                if make_room() { "one that is idle makes room" } else { "none is accepted until one closes" };
            self.complain(format_args!("{what}: limit of {limit} reached; {then}"));
            tokio::select! {
                place = &mut place => return place.ok(),
                () = sleep(AGAIN) => {}
            }
        }
    }

    /// Asks the other threads to make room.
    pub fn call(&self) {
        self.wanted.store(true, Ordering::Relaxed);
        self.call.notify_waiters();
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
    mut listener: Listener,
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
    make_room: impl Fn() -> bool,
    serve: impl Fn(Socket, Peer, OwnedSemaphorePermit),
) {
    let mut stopping = false;
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = poll_fn(|cx| listener.poll_accept(cx)) => accepted,
            () = std::future::ready(()), if stopping => return,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                continue;
            }
        };
        match accepted {
            Ok((socket, peer)) => {
                let Some(place) = gate.enter(&make_room).await else { return };
                serve(socket, peer, place);
            }
            // The client was gone before it was taken in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                let what = gate.what;
                gate.complain(format_args!("{what}: cannot accept ({error}); trying again"));
                sleep(PAUSE).await;
            }
        }
    }
}

impl Listener {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, Peer)>> {
        match self {
            Listener::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, address)| (Socket::Tcp(stream), Peer::Address(address.ip()))),
            Listener::Unix(listener) => {
                listener.poll_accept(cx).map_ok(|(stream, _)| (Socket::Unix(stream), Peer::Unix))
            }
        }
    }
}
