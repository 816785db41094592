//! What a run's asking came to, for people and as JSON.

use program::print::{counted, grouped};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The summary of one crawl. The field names are those of the JSON form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Runs so far, this one too.
    pub number: u64,
    /// When it began, in seconds since the epoch.
    pub time: u64,
    /// How long it took.
    pub seconds: f64,
    /// Mirrors that were to be asked.
    pub mirrors: u64,
    /// Those in no category of which anything was found out, and why, by name.
    pub silent: Vec<(String, String)>,
    /// Those that wanted to be left alone, or had no time left.
    pub left: u64,
    /// Requests that were sent, and connections over which.
    pub requests: u64,
    /// Connections.
    pub connections: u64,
    /// Answers of other hosts than were asked.
    pub elsewhere: u64,
    /// What was to be found out in all: units of all mirrors.
    pub units: u64,
    /// Units of which something is known.
    pub known: u64,
    /// Units for which clients are led to mirrors.
    pub good: u64,
    /// Units that became so.
    pub inward: u64,
    /// Units that were so and are no longer.
    pub outward: u64,
    /// Units of which mirrors have a later version than the primary had when it was read.
    pub newer: Vec<String>,
    /// Why mirrors that did not answer, or their URLs of https, do not count as such, if they do not.
    pub brake: Option<String>,
    /// Mirrors that count as before though they did not answer, by name.
    pub held: Vec<String>,
    /// Runs in a row in which most mirrors did not answer.
    pub braked: u64,
    /// Runs in a row in which most mirrors failed by https.
    #[serde(default)]
    pub braked_https: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.mirrors.saturating_sub(self.silent.len() as u64);
        write!(
            f,
            "run {}: {} of {} mirrors answered in {:.1} s; {} over {}; {} of {} verdicts known, {} good; {} \
             came in, {} went out; {} newer than the primary's",
            self.number,
            grouped(answered),
            grouped(self.mirrors),
            self.seconds,
            counted(self.requests, "request", "requests"),
            counted(self.connections, "connection", "connections"),
            grouped(self.known),
            grouped(self.units),
            grouped(self.good),
            grouped(self.inward),
            grouped(self.outward),
            grouped(self.newer.len()),
        )?;
        self.brake.iter().try_for_each(|brake| write!(f, "; {brake}"))
    }
}
