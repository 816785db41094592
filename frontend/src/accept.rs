//! Takes connections in, as many as there may be.

use crate::{listen::Listener, log, stream::Socket};
use std::{
    future::poll_fn,
    io,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use wire::net::Peer;

/// How long to wait when the system has no more descriptors or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The same complaint is not made more often than this.
const COMPLAINT: Duration = Duration::from_secs(60);

/// The process's connections, counted.
#[derive(Debug)]
pub struct Gate {
    what: &'static str,
    places: Arc<Semaphore>,
    limit: usize,
    complained: Mutex<Option<Instant>>,
}

impl Gate {
    /// Lets so many in; messages call them `what`.
    pub fn new(what: &'static str, limit: usize) -> Gate {
        Gate { what, places: Arc::new(Semaphore::new(limit)), limit, complained: Mutex::new(None) }
    }

    /// Waits for a place among all connections.
    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        let (what, limit) = (self.what, self.limit);
        self.complain(format_args!("{what}: limit of {limit} reached; none is accepted until one closes"));
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    fn complain(&self, complaint: std::fmt::Arguments<'_>) {
        let Ok(mut last) = self.complained.lock() else { return };
        if last.is_none_or(|last| last.elapsed() > COMPLAINT) {
            *last = Some(Instant::now());
            log::warning(complaint);
        }
    }
}

/// Accepts until `stop`, and hands every connection with its place to `serve`.
///
/// What waits in the socket's queue when the program stops is still accepted.
pub async fn accept(
    mut listener: Listener,
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
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
                let Some(place) = gate.enter().await else { return };
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
