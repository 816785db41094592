//! The control socket: what the operator and the master say to each other over it.
//!
//! One order a connection, a word and a line feed; the answer is one line of JSON. `callers` is the master's side of
//! it, `errand` that of `mirrorlistd status` and `mirrorlistd reload`, `report` what people read of an answer.

pub mod callers;
pub mod errand;
mod report;

use cache::View;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};
use wire::Counter;

/// What the operator may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A [`Status`].
    Status,
    /// A reload, without waiting for it. The [`Outcome`] says that it has been heard.
    Reload,
    /// A reload, and its [`Outcome`] when it is over.
    ReloadAndWait,
}

impl Order {
    const ALL: [Order; 3] = [Order::Status, Order::Reload, Order::ReloadAndWait];

    /// The order's word on the socket.
    pub fn word(self) -> &'static str {
        match self {
            Order::Status => "status",
            Order::Reload => "reload",
            Order::ReloadAndWait => "reload-wait",
        }
    }

    /// The order that a line gives, without its line feed.
    pub fn parse(line: &[u8]) -> Option<Order> {
        Order::ALL.into_iter().find(|order| order.word().as_bytes() == line.trim_ascii())
    }
}

/// How an order has gone.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it has been carried out.
    pub ok: bool,
    /// The generation that answers now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Why it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How the daemon is. Times are in seconds since the epoch, ages in seconds.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Status {
    /// The version of the program that runs, which may not be the one installed.
    pub version: String,
    /// The master's process id.
    pub pid: u32,
    /// Whether it is about to end.
    pub stopping: bool,
    /// The number of the generation that answers.
    pub generation: u64,
    /// The file of the cache that it answers from.
    pub cache: String,
    /// What is suspended, if a list is read at all. An older daemon does not say.
    #[serde(default)]
    pub suspended: Option<Suspended>,
    /// What the cache was made from. An older daemon does not say.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Workers that it is to have.
    pub workers_wanted: u64,
    /// Those that are ready.
    pub workers_ready: u64,
    /// How the last reload went.
    pub last_reload: Option<Reloaded>,
    /// Who reads the cache for the next one, if anybody does. An older daemon does not say.
    #[serde(default)]
    pub loader: Option<Loader>,
    /// Requests answered by all workers that there have been.
    pub requests: u64,
    /// All single counters and gauges, by [`Counter::name`].
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
    /// All living workers.
    pub workers: Vec<Worker>,
}

impl Status {
    /// A counter's value; 0 if the daemon does not know it.
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(counter.name()).copied().unwrap_or_default()
    }
}

/// URLs that are left out of answers.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Suspended {
    /// The list that says so.
    pub file: String,
    /// URLs of the cache that are.
    pub urls: u64,
    /// Hosts that have no other.
    pub hosts: u64,
    /// When the first of them is back, unless it is said again.
    pub until: Option<u64>,
}

/// A file that the cache was made from.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Source {
    /// What it was given as, such as `geoip`.
    pub name: String,
    /// When what it says was made, in seconds since the epoch; else when it was written; `None` if unknown.
    pub time: Option<u64>,
    /// Seconds after which it is too old, if it ever is.
    pub max_age: Option<u64>,
    /// Whether it was when the daemon told this.
    pub too_old: bool,
}

impl Source {
    /// Those of a cache.
    pub fn all(view: &View<'_>) -> Vec<Source> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let source = |source: cache::Source<'_>| Source {
            name: source.name.into(),
            time: source.time,
            max_age: source.max_age,
            too_old: source.is_old(now),
        };
        view.sources().map(source).collect()
    }
}

/// A reload that is over.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Reloaded {
    /// When it was over.
    pub time: u64,
    /// Why it failed; `None` if it went well.
    pub error: Option<String>,
}

/// The process that reads and checks a cache.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Loader {
    /// Its process id.
    pub pid: u32,
    /// How long ago it was started.
    pub age: u64,
}

/// A worker process.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Worker {
    /// Its generation.
    pub generation: u64,
    /// Its place in the generation.
    pub slot: u16,
    /// Its process id.
    pub pid: u32,
    /// What it is at.
    pub state: State,
    /// How long ago it was started.
    pub age: u64,
    /// Requests that it has answered.
    pub requests: u64,
    /// Memory that it shares with nobody. Left open by the master, filled in by who may look.
    pub private_kb: Option<u64>,
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Getting ready.
    Starting,
    /// Answering.
    Ready,
    /// Finishing what it has begun.
    Draining,
}
