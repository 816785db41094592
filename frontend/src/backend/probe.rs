//! A question to whichever worker accepts first, over a connection of its own.
//!
//! For those who look after the service, now and then; requests of clients go over the links.

use super::{connect::connect, end::End};
use crate::config::Relay;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};
use wire::{Accept, Key, Message, Method, Request, UrlScheme};

/// The wait between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A request that has a worker look a directory up in its cache, and that the smallest cache can answer.
const LOOK_UP: Request<'static> = Request {
    method: Method::Get,
    scheme: UrlScheme::Http,
    accept: Accept::NONE,
    client: None,
    path: b"/mirrorlist",
    query: b"path=healthz",
};

/// Has a worker answer a request. The status of its answer, or why there is none.
pub async fn look_up(daemon: &Path, relay: Relay) -> Result<u16, End> {
    let mut question = Vec::new();
    wire::encode_request(&mut question, 1, &LOOK_UP);
    let status = |message: &Message<'_>| match message {
        Message::Reply(reply) => Some(reply.head.status),
        _ => None,
    };
    ask(daemon, &question, relay, status).await
}

/// What the daemon has counted, or why that is not known.
pub async fn counters(daemon: &Path, relay: Relay) -> Result<Vec<(Key, u64)>, End> {
    let mut question = Vec::new();
    wire::encode_counters(&mut question, 1, &[]);
    let entries = |message: &Message<'_>| match message {
        Message::Counters(counters) => Some(counters.entries().collect()),
        _ => None,
    };
    ask(daemon, &question, relay, entries).await
}

/// Asks one worker after the other until one says what `read` takes, up to the deadline of `relay`; one that is silent for
/// its patience is left for another one.
async fn ask<T>(
    daemon: &Path,
    question: &[u8],
    relay: Relay,
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> Result<T, End> {
    let deadline = Instant::now() + relay.deadline;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = async { connect(daemon).await?.0.ask(question, &read).await };
        let said = timeout(relay.patience.min(left), asked).await.unwrap_or(Err(End::Silent));
        if said.is_ok() || Instant::now() + PAUSE >= deadline {
            return said;
        }
        sleep(PAUSE).await;
    }
}
