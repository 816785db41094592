//! A question to whichever worker accepts first, over a connection of its own.
//!
//! For those who look after the service, now and then; requests of clients go over the links.

use super::{
    connect::{Unanswered, connect},
    link::Violation,
};
use crate::config::Relay;
use bytes::Buf as _;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout},
};
use wire::{Accept, Key, MAX_REPLY, Message, Method, Request, UrlScheme};

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

/// Has a worker answer a request before the deadline of `relay`; a worker that is silent for its patience is left for
/// another one. The status of its answer, or why there is none.
pub async fn look_up(daemon: &Path, relay: Relay) -> Result<u16, Unanswered> {
    let mut question = Vec::new();
    wire::encode_request(&mut question, 1, &LOOK_UP);
    ask(daemon, &question, relay, |message| match message {
        Message::Reply(reply) => Some(reply.head.status),
        _ => None,
    })
    .await
}

/// What the daemon has counted, or why that is not known.
pub async fn counters(daemon: &Path, relay: Relay) -> Result<Vec<(Key, u64)>, Unanswered> {
    let mut question = Vec::new();
    wire::encode_counters(&mut question, 1, &[]);
    ask(daemon, &question, relay, |message| match message {
        Message::Counters(counters) => Some(counters.entries().collect()),
        _ => None,
    })
    .await
}

/// Asks one worker after the other until one says what `read` takes.
async fn ask<T>(
    daemon: &Path,
    question: &[u8],
    relay: Relay,
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> Result<T, Unanswered> {
    let deadline = Instant::now() + relay.deadline;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let cause = match timeout(relay.patience.min(left), ask_once(daemon, question, &read)).await {
            Ok(Ok(said)) => return Ok(said),
            Ok(Err(cause)) => cause,
            Err(_) => Unanswered::Silent,
        };
        if Instant::now() + PAUSE >= deadline {
            return Err(cause);
        }
        sleep(PAUSE).await;
    }
}

async fn ask_once<T>(
    daemon: &Path,
    question: &[u8],
    read: impl Fn(&Message<'_>) -> Option<T>,
) -> Result<T, Unanswered> {
    let (mut link, _) = connect(daemon).await?;
    link.stream.write_all(question).await?;
    loop {
        while let Some(frame) = wire::next_frame(&link.input, MAX_REPLY).map_err(Violation::from)? {
            if let Some(said) = read(&Message::decode(&frame).map_err(Violation::from)?) {
                return Ok(said);
            }
            let length = frame.wire_len();
            link.input.advance(length);
        }
        if link.stream.read_buf(&mut link.input).await? == 0 {
            return Err(Unanswered::Closed);
        }
    }
}
