//! By which version of IP hosts answer.
//!
//! A host has a family from the first time that it answers by it, and has lost it after three rounds without. A family by
//! which no host at all answers in a round is our network's fault, and says nothing.

use super::{Change, Round, What};
use serde::Serialize;
use std::collections::BTreeMap;

/// Rounds after which a family is lost.
const ROUNDS: u8 = 3;

/// IPv4 and IPv6, in this order everywhere.
pub const NUMBERS: [u8; 2] = [4, 6];

/// What a round has seen of a host, by family: whether it answered; none where that was not looked at.
pub type Seen = [Option<bool>; 2];

/// What is known of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Whether it answers by it, by family.
    pub has: [bool; 2],
    /// Rounds in a row in which it did not, by family.
    pub missed: [u8; 2],
}

impl Known {
    /// The families that it has.
    pub fn numbers(&self) -> impl Iterator<Item = u8> {
        NUMBERS.into_iter().zip(self.has).filter(|(_, has)| *has).map(|(number, _)| number)
    }
}

/// Judges a round.
pub fn judge(known: &mut BTreeMap<i64, Known>, round: &Round, changes: &mut Vec<Change>) {
    let names: BTreeMap<i64, &str> = round.seen.iter().map(|seen| (seen.host, &*seen.name)).collect();
    known.retain(|host, _| names.contains_key(host));
    for (at, family) in NUMBERS.into_iter().enumerate() {
        if !round.families.values().any(|seen| seen[at] == Some(true)) {
            continue;
        }
        for (host, seen) in &round.families {
            let Some(answers) = seen[at] else { continue };
            let of_host = known.entry(*host).or_default();
            let before = of_host.has[at];
            of_host.missed[at] = if answers { 0 } else { of_host.missed[at].saturating_add(1).min(ROUNDS) };
            of_host.has[at] = answers || before && of_host.missed[at] < ROUNDS;
            if of_host.has[at] != before {
                let how = if answers { "answers" } else { "no longer answers" };
                changes.push(Change {
                    host: *host,
                    name: names.get(host).map_or("", |name| *name).to_owned(),
                    url: String::new(),
                    what: What::Family,
                    why: format!("{how} by IPv{family}"),
                });
            }
        }
    }
}
