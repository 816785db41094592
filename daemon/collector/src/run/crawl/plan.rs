//! What a mirror is asked for in a run, and in which order. Pure.
//!
//! What has changed since the mirror was asked comes first, then what is not known yet, repositories before others in
//! each; all of that is asked for, within what a run may ask of one mirror. What has not changed is looked at again with
//! a small part of the requests: first, and with two thirds at most, what should become another way soon, then the one
//! that was looked at longest ago.

use super::known::{Known, Verdict};
use crate::run::{crawl::judge::beginning, tree::Unit};
use std::collections::BTreeMap;

/// A unit of the tree, and which revision it has.
#[derive(Clone, Copy, Debug)]
pub struct Now<'t> {
    /// Its place in the tree.
    pub at: u32,
    /// The unit.
    pub unit: &'t Unit,
    /// Its revision.
    pub revision: u32,
}

/// What is to be done, units by their place in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In this order, all of it: what has changed, from its beginning on.
    pub due: Vec<u32>,
    /// How many of these have changed.
    pub changed: usize,
    /// In this order, as far as requests for what has not changed reach: what should change, ...
    pub passing: Vec<u32>,
    /// ... and the others.
    pub settled: Vec<u32>,
    /// By category: what the mirror has not, or not right, and that is not due. If it has caught up, it is.
    pub bad: BTreeMap<u32, Vec<u32>>,
}

/// How pressing a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Changed,
    Unknown,
    Passing,
    Settled,
}

/// Makes a plan; `units` are those that the mirror is to have.
pub fn plan<'t, 'k>(
    units: impl Iterator<Item = Now<'t>>,
    known: impl Fn(&Now<'t>) -> Option<&'k Known>,
) -> Plan {
    let mut order = Vec::new();
    let mut bad: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for now in units.filter(|now| cost(now.unit) > 0) {
        let known = known(&now);
        let class = class(&now, known);
        if class > Class::Unknown && known.is_some_and(|known| !known.verdict.is_good()) {
            bad.entry(now.unit.category).or_default().push(now.at);
        }
        let asked = known.map_or(0, |known| known.asked);
        order.push((class, now.unit.repository.is_none(), now.unit.category, asked, now.at));
    }
    // Whoever is looked at again is so by age alone: repositories, categories and others in turn.
    order.sort_by_key(|&(class, is_other, category, asked, at)| match class {
        Class::Changed | Class::Unknown => (class, is_other, category, asked, at),
        Class::Passing | Class::Settled => (class, false, 0, asked, at),
    });
    let of = |wanted: &[Class]| {
        let some = order.iter().filter(|(class, ..)| wanted.contains(class));
        some.map(|&(.., at)| at).collect::<Vec<u32>>()
    };
    Plan {
        due: of(&[Class::Changed, Class::Unknown]),
        changed: of(&[Class::Changed]).len(),
        passing: of(&[Class::Passing]),
        settled: of(&[Class::Settled]),
        bad,
    }
}

/// Requests that it takes at most to find out about a unit.
pub fn cost(unit: &Unit) -> usize {
    usize::from(unit.repository.is_some()) + unit.newest.len()
}

fn class(now: &Now<'_>, known: Option<&Known>) -> Class {
    let Some(known) = known else { return Class::Unknown };
    let versions = now.unit.repository.as_ref().map_or(&[][..], |repository| &repository.versions);
    let counts_no_longer = known.verdict == Verdict::Kept
        && !versions.iter().any(|version| beginning(&version.sha256) == known.found);
    match known.verdict {
        Verdict::Unknown => Class::Unknown,
        _ if known.revision != now.revision || counts_no_longer => Class::Changed,
        _ if known.missed > 0 => Class::Unknown,
        verdict if verdict.is_passing() => Class::Passing,
        _ => Class::Settled,
    }
}

#[cfg(test)]
mod tests;
