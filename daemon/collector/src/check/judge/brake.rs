//! The brake: when a fault of our own network is more likely than that so many mirrors have failed.
//!
//! Failures of such a round do not count. Good answers do, and what was suspended before ends by itself. Who has long been
//! suspended tells nothing of our network: he is not among those that fail, nor among those of whom.

use super::{Outcome, Round, Seen, State};
use std::collections::{BTreeMap, BTreeSet};

/// Failing hosts below which a category is believed, however small it is.
const FEWEST: usize = 2;

/// Seconds by which our clock may be off.
const MOST_OFF: u64 = 300;

/// Clocks of others that it takes to doubt ours.
const CLOCKS: usize = 3;

/// A category, or its URLs of one scheme.
pub type Part = (u32, Option<&'static str>);

/// Why a round, or a part of it, is not believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brakes {
    /// Why nothing of it is.
    pub whole: Option<String>,
    /// What of it is not.
    pub parts: BTreeMap<Part, Share>,
}

/// How many hosts fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Hosts that fail.
    pub failing: usize,
    /// Hosts that were asked, without those that have long been suspended.
    pub of: usize,
}

/// What a part is to know of a host.
struct Host {
    /// Whether none of its URLs is good, if one has said anything.
    fails: Option<bool>,
    /// Whether all of them have long been suspended.
    is_out: bool,
}

impl Brakes {
    /// Looks at a round; `state` is what the one before has left.
    pub fn of(round: &Round, state: &State) -> Brakes {
        Brakes { whole: whole(round, state.last_round), parts: parts(round, state) }
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
        let part = |((category, scheme), share): (&Part, &Share)| {
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
fn parts(round: &Round, state: &State) -> BTreeMap<Part, Share> {
    let mut hosts: BTreeMap<Part, BTreeMap<i64, Host>> = BTreeMap::new();
    for seen in &round.seen {
        let fails = match &seen.outcome {
            Some(Outcome::Good) => Some(false),
            Some(Outcome::Failed(_)) => Some(true),
            Some(Outcome::Unknown(_)) | None => None,
        };
        let is_out = state.urls.get(&seen.url).is_some_and(|url| url.is_long_suspended(round.now));
        for part in BTreeSet::from([None, scheme(&seen.url)]) {
            let of_part = hosts.entry((seen.category, part)).or_default();
            let host = of_part.entry(seen.host).or_insert(Host { fails: None, is_out: true });
            host.is_out &= is_out;
            if let Some(fails) = fails {
                host.fails = Some(fails && host.fails != Some(false));
            }
        }
    }
    let shares = hosts.into_iter().map(|(part, hosts)| {
        let counted = hosts.values().filter(|host| !host.is_out).filter_map(|host| host.fails);
        let (failing, good): (Vec<bool>, Vec<bool>) = counted.partition(|fails| *fails);
        (part, Share { failing: failing.len(), of: failing.len() + good.len() })
    });
    shares.filter(|(_, share)| share.failing >= FEWEST && 3 * share.failing > share.of).collect()
}
