//! From what a round has seen to who is suspended. Pure: no file, socket or clock; time is an argument.
//!
//! Three failures in a row suspend a URL, two good answers bring it back, and it comes back by itself when nobody confirms
//! it any longer. [`brake`] says when a round is not believed; [`families`] follows versions of IP. No URL is
//! suspended for old files, and no category is left without a host.

pub mod brake;
pub mod families;

use super::seconds::{HOUR, MINUTE};
use crate::http;
use brake::Brakes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Failures in a row after which a URL is suspended.
const FAILURES: u32 = 3;

/// Good answers in a row that bring it back.
const GOOD_ANSWERS: u32 = 2;

/// Seconds that a URL is suspended without being confirmed.
pub const LASTING: u64 = HOUR;

/// A suspension that has no more seconds left is renewed when it is confirmed: not in each round, so that a list in which
/// nothing has changed stays the same to the byte. Rounds may be as far apart as this.
const RENEWED_BELOW: u64 = 30 * MINUTE;

/// Rounds further apart than this are not in a row.
const GAP: u64 = HOUR;

/// Seconds after which a suspension is a mirror's own affair, and no sign of what is wrong with our network.
const LONG: u64 = HOUR;

/// What is known of a URL from the rounds before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Failures in a row, of rounds that were believed.
    pub failures: u32,
    /// Good answers in a row since it was suspended.
    pub good: u32,
    /// Whether it is suspended.
    pub suspended: Option<Suspension>,
}

impl Standing {
    /// Whether it is suspended, and has been for long.
    fn is_long_suspended(&self, now: u64) -> bool {
        let is_long = |held: &Suspension| held.until > now && now.saturating_sub(held.since) >= LONG;
        self.suspended.as_ref().is_some_and(is_long)
    }
}

/// Why and how long a URL is suspended. Times in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspension {
    /// Since when.
    pub since: u64,
    /// Until when, unless it is confirmed.
    pub until: u64,
    /// The last failure.
    pub reason: String,
}

/// What rounds leave to the next one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// When the last round was, in seconds since the epoch.
    pub last_round: Option<u64>,
    /// By URL.
    pub urls: BTreeMap<String, Standing>,
    /// By number of the host.
    pub families: BTreeMap<i64, families::Known>,
}

/// What a URL's answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for, of whatever age; a version newer than ours, too.
    Good,
    /// Clients do not get there what they look for; why.
    Failed(String),
    /// It says nothing about the mirror; why.
    Unknown(String),
}

/// A URL, and what was seen of it in this round.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The URL, as the mirror's admin gave it.
    pub url: String,
    /// The number of its host.
    pub host: i64,
    /// The host's name.
    pub name: String,
    /// Which category it is of.
    pub category: u32,
    /// What it answered; none of a host that is not asked.
    pub outcome: Option<Outcome>,
}

/// All that a round has seen.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// When it was, in seconds since the epoch.
    pub now: u64,
    /// Every URL of every host that is listed for everybody.
    pub seen: Vec<Seen>,
    /// What the URL that has to answer has said; none where none is named.
    pub control: Option<Result<(), ControlError>>,
    /// Seconds by which others' clocks are ahead of ours.
    pub ahead: Vec<i64>,
    /// By which family hosts answered, by their number.
    pub families: BTreeMap<i64, families::Seen>,
    /// Names of categories.
    pub categories: Vec<String>,
}

/// What the URL that has to answer has done instead.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ControlError {
    /// It has said this.
    #[error("status {0}")]
    Status(u16),
    /// It has said nothing.
    #[error(transparent)]
    Request(#[from] http::Error),
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The number of the host.
    pub host: i64,
    /// Its name.
    pub name: String,
    /// The URL, or nothing where it is about the host.
    pub url: String,
    /// What.
    pub what: What,
    /// Why, where there is something to say.
    pub why: String,
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A URL is suspended.
    Suspended,
    /// It has answered well twice.
    Back,
    /// Nobody has confirmed it any longer.
    Expired,
    /// It would have been the last of its category.
    Last,
    /// The host answers by IPv4 or IPv6, or no longer.
    Family,
}

impl What {
    /// As the state has it.
    pub fn name(self) -> &'static str {
        match self {
            What::Suspended => "suspended",
            What::Back => "back",
            What::Expired => "expired",
            What::Last => "last of its category",
            What::Family => "family",
        }
    }
}

/// What a round came to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// For the next round.
    pub state: State,
    /// What is another way now.
    pub changes: Vec<Change>,
    /// Why nobody is suspended by this round, or nobody of a category.
    pub brakes: Brakes,
}

/// Judges a round.
pub fn judge(mut state: State, round: &Round) -> Judgement {
    let now = round.now;
    let brakes = Brakes::of(round, &state);
    let in_a_row = state.last_round.is_some_and(|last| last <= now && now - last <= GAP);
    let known: BTreeSet<&str> = round.seen.iter().map(|seen| &*seen.url).collect();
    state.urls.retain(|url, _| known.contains(&**url));
    for standing in state.urls.values_mut() {
        if !in_a_row {
            (standing.failures, standing.good) = (0, 0);
        }
        if let Some(suspension) = &mut standing.suspended {
            // Of a clock that was ahead.
            suspension.until = suspension.until.min(now + LASTING);
            suspension.since = suspension.since.min(now);
        }
    }
    let mut changes = Vec::new();
    let mut failing = Vec::new();
    for seen in &round.seen {
        let standing = state.urls.entry(seen.url.clone()).or_default();
        let is_held = brakes.is_whole() || brakes.hold(seen) && !standing.is_long_suspended(now);
        if let Some(what) = step(standing, seen, now, is_held) {
            changes.push(change(seen, what, String::new()));
        }
        if let Some(Outcome::Failed(reason)) = &seen.outcome
            && standing.failures >= FAILURES
            && standing.suspended.is_none()
            && !brakes.hold(seen)
        {
            failing.push((seen, reason));
        }
    }
    for (seen, reason) in failing {
        if is_last(&state, round, seen) {
            continue;
        }
        let suspension = Suspension { since: now, until: now + LASTING, reason: reason.clone() };
        let standing = state.urls.entry(seen.url.clone()).or_default();
        (standing.good, standing.suspended) = (0, Some(suspension));
        changes.push(change(seen, What::Suspended, reason.clone()));
    }
    leave_one(&mut state, round, &mut changes);
    if !brakes.is_whole() {
        families::judge(&mut state.families, round, &mut changes);
    }
    // Those of whom nothing is known need not be kept.
    state.urls.retain(|_, standing| *standing != Standing::default());
    state.last_round = Some(now);
    Judgement { state, changes, brakes }
}

fn change(seen: &Seen, what: What, why: String) -> Change {
    Change { host: seen.host, name: seen.name.clone(), url: seen.url.clone(), what, why }
}

/// What an answer makes of a URL, but for its being suspended.
fn step(standing: &mut Standing, seen: &Seen, now: u64, is_held: bool) -> Option<What> {
    match &seen.outcome {
        Some(Outcome::Good) => {
            standing.failures = 0;
            if standing.suspended.is_some() {
                standing.good += 1;
            }
            if standing.good >= GOOD_ANSWERS {
                *standing = Standing::default();
                return Some(What::Back);
            }
        }
        Some(Outcome::Failed(reason)) if !is_held => {
            standing.failures = standing.failures.saturating_add(1);
            standing.good = 0;
            if let Some(suspension) = &mut standing.suspended {
                suspension.reason.clone_from(reason);
                if suspension.until <= now + RENEWED_BELOW && suspension.until > now {
                    suspension.until = now + LASTING;
                }
            }
        }
        _ => {}
    }
    if standing.suspended.as_ref().is_some_and(|suspension| suspension.until <= now) {
        (standing.good, standing.suspended) = (0, None);
        return Some(What::Expired);
    }
    None
}

/// Whether a host's category would be left without one if this URL of its were suspended.
fn is_last(state: &State, round: &Round, lost: &Seen) -> bool {
    !round
        .seen
        .iter()
        .any(|seen| seen.category == lost.category && seen.url != lost.url && is_listed(state, seen))
}

fn is_listed(state: &State, seen: &Seen) -> bool {
    state.urls.get(&seen.url).is_none_or(|standing| standing.suspended.is_none())
}

/// Brings back who was suspended last in a category that has lost the others meanwhile.
fn leave_one(state: &mut State, round: &Round, changes: &mut Vec<Change>) {
    let listed = round.seen.iter().filter(|seen| is_listed(state, seen)).map(|seen| seen.category);
    let listed: BTreeSet<u32> = listed.collect();
    let mut latest: BTreeMap<u32, (u64, &Seen)> = BTreeMap::new();
    for seen in round.seen.iter().filter(|seen| !listed.contains(&seen.category)) {
        let suspended = state.urls.get(&seen.url).and_then(|standing| standing.suspended.as_ref());
        let since = suspended.map_or(0, |suspension| suspension.since);
        let held = latest.entry(seen.category).or_insert((since, seen));
        if since > held.0 {
            *held = (since, seen);
        }
    }
    for (_, seen) in latest.into_values() {
        state.urls.remove(&seen.url);
        changes.push(change(seen, What::Last, String::new()));
    }
}

#[cfg(test)]
mod tests;
