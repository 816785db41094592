//! The brake: when a fault of our own network is more likely than that so many mirrors have failed.
//!
//! Failures of such a round do not count. Good answers do, and what was suspended before ends by itself.

use super::{Outcome, Round, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// Failing hosts below which a category is believed, however small it is.
const FEWEST: usize = 2;

/// Seconds by which our clock may be off.
const MOST_OFF: u64 = 300;

/// Clocks of others that it takes to doubt ours.
const CLOCKS: usize = 3;

/// Why a round, or a part of it, is not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brakes {
    /// Why nothing of it is.
    pub whole: Option<String>,
    /// Categories, or their URLs of one scheme.
    pub parts: BTreeMap<(u32, Option<&'static str>), Share>,
}

/// How many hosts fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Hosts that fail.
    pub failing: usize,
    /// Hosts that were asked.
    pub of: usize,
}

impl Brakes {
    /// Looks at a round; `last` is when the one before was.
    pub fn of(round: &Round, last: Option<u64>) -> Brakes {
        Brakes { whole: whole(round, last), parts: parts(round) }
    }

    /// Whether nothing of the round is believed.
    pub fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Whether a failure of this URL does not count.
    pub fn hold(&self, seen: &Seen) -> bool {
        self.is_whole()
            || self.parts.contains_key(&(seen.category, None))
            || self.parts.contains_key(&(seen.category, scheme(&seen.url)))
    }

    /// Whether a category is not believed.
    pub fn holds_category(&self, category: u32) -> bool {
        self.is_whole() || self.parts.contains_key(&(category, None))
    }

    /// Why, a sentence each, with the names of categories.
    pub fn said(&self, categories: &[String]) -> Vec<String> {
        let part = |((category, scheme), share): (&(u32, Option<&'static str>), &Share)| {
            let name = categories.get(*category as usize).map_or("", |name| &**name);
            let over = scheme.map_or_else(String::new, |scheme| format!(" over {scheme}"));
            format!("{} of {} hosts of {name} fail{over}", share.failing, share.of)
        };
        self.whole.iter().cloned().chain(self.parts.iter().map(part)).collect()
    }
}

/// The scheme of a URL that is asked.
fn scheme(url: &str) -> Option<&'static str> {
    let (scheme, _) = url.split_once("://")?;
    ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))
}

fn whole(round: &Round, last: Option<u64>) -> Option<String> {
    if let Some(Err(cause)) = &round.control {
        return Some(format!("the control URL fails ({cause})"));
    }
    if let Some(last) = last.filter(|last| *last > round.now) {
        return Some(format!(
            "our clock was {} s ahead in the last round, or is behind now",
            last - round.now
        ));
    }
    let mut ahead = round.ahead.clone();
    ahead.sort_unstable();
    let middle = *ahead.get(ahead.len() / 2)?;
    if ahead.len() < CLOCKS || middle.unsigned_abs() <= MOST_OFF {
        return None;
    }
    let way = if middle > 0 { "behind" } else { "ahead" };
    Some(format!("our clock is {} s {way} of those of the mirrors", middle.unsigned_abs()))
}

/// Parts of which over a third of the hosts fail: a category's hosts by all their URLs, and those of each scheme.
fn parts(round: &Round) -> BTreeMap<(u32, Option<&'static str>), Share> {
    let mut hosts: BTreeMap<(u32, Option<&'static str>), BTreeMap<i64, bool>> = BTreeMap::new();
    for seen in &round.seen {
        let fails = match &seen.outcome {
            Some(Outcome::Good) => false,
            Some(Outcome::Failed(_)) => true,
            Some(Outcome::Unknown(_)) | None => continue,
        };
        for part in BTreeSet::from([None, scheme(&seen.url)]) {
            let host = hosts.entry((seen.category, part)).or_default().entry(seen.host).or_insert(true);
            *host &= fails;
        }
    }
    let shares = hosts.into_iter().map(|(part, hosts)| {
        let failing = hosts.values().filter(|fails| **fails).count();
        (part, Share { failing, of: hosts.len() })
    });
    shares.filter(|(_, share)| share.failing >= FEWEST && 3 * share.failing > share.of).collect()
}
