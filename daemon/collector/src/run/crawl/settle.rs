//! What a visit leaves of what was known: findings laid over the record of a mirror. Pure.
//!
//! Categories that did not answer are not counted here but when the run is over, in [`missed`]: if hardly anybody
//! answered, it is our own network.

use super::{
    known::{Known, NEWER, Numbered, OfCategory, OfUrl, PATIENCE, Record, Verdict},
    visit::{Did, Found, OfUnit},
};
use crate::run::{mirrors::Mirror, tree::Tree};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// What has changed by a visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Units that are good now and were not.
    pub inward: u64,
    /// Units that were good and are not now.
    pub outward: u64,
    /// Categories that answer again after they were out.
    pub back: Vec<String>,
    /// URLs that clients are no longer led to, and why.
    pub bad: Vec<(String, String)>,
    /// URLs that clients are led to again.
    pub well: Vec<String>,
}

/// Takes out of a record what the tree or the mirror no longer has; names of categories that have other URLs now.
///
/// Where none of a category's URLs is one that has ever said what it has, what was found at others says nothing.
pub fn trim(record: &mut Record, mirror: &Mirror, tree: &Tree, numbers: &[Numbered]) -> Vec<String> {
    let is_proven = |url: &Url| record.urls.get(url.as_str()).is_some_and(|url| !url.is_unproven);
    let moved = mirror.urls.iter().filter(|(_, urls)| !urls.iter().any(is_proven));
    let moved: BTreeSet<u32> = moved.map(|(category, _)| *category).collect();
    let mut forgotten = BTreeSet::new();
    for (unit, number) in tree.units.iter().zip(numbers).filter(|(unit, _)| moved.contains(&unit.category)) {
        if record.units.remove(&number.id).is_some() {
            forgotten.insert(unit.category);
        }
    }
    let forgotten = forgotten.iter().map(|category| tree.categories[*category as usize].name.clone());
    let forgotten: Vec<String> = forgotten.collect();
    for name in &forgotten {
        record.categories.remove(name);
        // Whoever asked for a pause is another one.
        record.pause_until = 0;
    }
    let has = |category: u32| mirror.urls.iter().any(|(of, _)| *of == category);
    let units = tree.units.iter().zip(numbers).filter(|(unit, _)| has(unit.category));
    let there: BTreeSet<u32> = units.map(|(_, number)| number.id).collect();
    record.units.retain(|id, _| there.contains(id));
    let is_there = |name: &str| tree.categories.iter().zip(0..).any(|(of, at)| of.name == name && has(at));
    record.categories.retain(|name, _| is_there(name));
    let urls: BTreeSet<&str> =
        mirror.urls.iter().flat_map(|(_, urls)| urls).map(|url| url.as_str()).collect();
    record.urls.retain(|url, _| urls.contains(&**url));
    forgotten
}

/// Lays findings over a record; `now` is in seconds since the epoch.
pub fn settle(record: &mut Record, found: &Found, tree: &Tree, numbers: &[Numbered], now: u64) -> Changes {
    let mut changes = Changes::default();
    if !found.is_paused {
        record.asked = now;
        record.pause_until = found.left.as_ref().map_or(0, |(_, seconds)| now + seconds);
    }
    for category in &found.reached {
        let of = record.categories.entry(tree.categories[*category as usize].name.clone()).or_default();
        if !of.is_in() {
            changes.back.push(tree.categories[*category as usize].name.clone());
        }
        *of = OfCategory::default();
    }
    let marked = OfUnit::Found(Verdict::Current, 0, String::new());
    for (at, (unit, number)) in (0..).zip(tree.units.iter().zip(numbers)) {
        let is_marked = found.marked.contains(&unit.category);
        // Of a category that says nothing, its units say nothing either.
        let Some(of) = found.units.get(&at).or(is_marked.then_some(&marked)) else {
            if found.gone.contains(&unit.category) {
                doubt(record, number.id, now, &mut changes);
            }
            continue;
        };
        if !found.reached.contains(&unit.category) {
            // But others come first the next time.
            if let Some(known) = record.units.get_mut(&number.id) {
                known.asked = now;
            }
            continue;
        }
        let known = record.units.entry(number.id).or_default();
        let was_good = known.is_good();
        lay(known, of, number.revision, now);
        changes.inward += u64::from(known.is_good() && !was_good);
        changes.outward += u64::from(!known.is_good() && was_good);
    }
    for at in &found.missed {
        let category = tree.units[*at as usize].category;
        let is_answered = found.marked.contains(&category) || found.gone.contains(&category);
        if is_answered || !found.reached.contains(&category) {
            continue;
        }
        if let Some(known) = record.units.get_mut(&numbers[*at as usize].id) {
            let was_good = known.is_good();
            known.miss();
            if was_good && !known.is_good() {
                (known.since, changes.outward) = (now, changes.outward + 1);
                known.why = "it has changed, and there was no time to ask for it".into();
            }
        }
    }
    self::urls(record, &found.urls, !found.reached.is_empty(), now, &mut changes);
    changes
}

/// Forgets what was good of a category of which everything else has gone.
fn doubt(record: &mut Record, id: u32, now: u64, changes: &mut Changes) {
    let Some(known) = record.units.get_mut(&id).filter(|known| known.verdict.is_good()) else { return };
    changes.outward += u64::from(known.is_good());
    let why = "what else was asked for of its category has gone".to_owned();
    *known = Known { since: now, asked: known.asked, why, ..Known::default() };
}

/// Since when a mirror has a later version than this revision, as far as is known.
fn newer_since(known: &Known, revision: u32) -> Option<u64> {
    let is_newer = matches!(known.verdict, Verdict::Newer | Verdict::Wrong) && known.found > 0;
    (is_newer && known.revision == revision).then_some(known.found)
}

fn is_newer_too_long(known: &Known, revision: u32, now: u64) -> bool {
    newer_since(known, revision).is_some_and(|since| now.saturating_sub(since) > NEWER)
}

fn lay(known: &mut Known, of: &OfUnit, revision: u32, now: u64) {
    let was_good = known.is_good();
    let is_first = known.since == 0;
    match of {
        OfUnit::Found(Verdict::Newer, ..) if is_newer_too_long(known, revision, now) => {
            let why =
                "index: newer than the primary's for hours, and the primary has not come to that".to_owned();
            let (verdict, missed, asked) = (Verdict::Wrong, 0, now);
            *known = Known { verdict, missed, asked, why, ..known.clone() };
        }
        OfUnit::Found(Verdict::Newer, _, why) => {
            let found = newer_since(known, revision).unwrap_or(now);
            let (verdict, asked, why) = (Verdict::Newer, now, why.clone());
            *known = Known { verdict, since: known.since, asked, revision, found, missed: 0, why };
        }
        OfUnit::Found(verdict, found, why) => {
            *known = Known {
                verdict: *verdict,
                since: known.since,
                asked: now,
                revision,
                found: *found,
                missed: 0,
                why: why.clone(),
            };
        }
        OfUnit::Unknown(why) => {
            known.miss();
            (known.asked, known.why) = (now, why.clone());
        }
    }
    if is_first || was_good != known.is_good() {
        known.since = now;
    }
}

/// Lays over a record what URLs did, of a mirror that has said something or nothing at all.
pub fn urls(
    record: &mut Record,
    urls: &BTreeMap<String, Did>,
    has_spoken: bool,
    now: u64,
    changes: &mut Changes,
) {
    for (url, did) in urls {
        let known = record.urls.entry(url.clone());
        let known = known.or_insert_with(|| OfUrl { is_unproven: true, ..OfUrl::default() });
        let was_in = known.is_in();
        match did {
            Did::Well => {
                (known.missed, known.is_bad, known.is_unproven, known.since) = (0, false, false, 0);
                known.why.clear();
            }
            Did::Bad(why) => (known.is_bad, known.why) = (true, why.clone()),
            // Nobody knows whether a mirror that says nothing at all is to blame.
            Did::Nothing(_) if !has_spoken => continue,
            Did::Nothing(why) => {
                known.missed = known.missed.saturating_add(1).min(PATIENCE + 1);
                known.why.clone_from(why);
            }
        }
        known.asked = now;
        if *did != Did::Well && known.since == 0 {
            known.since = now;
        }
        match (was_in, known.is_in()) {
            (true, false) => changes.bad.push((url.clone(), known.why.clone())),
            (false, true) => changes.well.push(url.clone()),
            _ => {}
        }
    }
}

/// Counts a run in which a category did not answer; whether what was good in it counts no longer, for the first time.
pub fn missed(record: &mut Record, category: &str, why: &str, now: u64) -> bool {
    let of = record.categories.entry(category.to_owned()).or_default();
    let was_in = of.is_in();
    of.missed = of.missed.saturating_add(1).min(PATIENCE + 1);
    why.clone_into(&mut of.why);
    if of.since == 0 {
        of.since = now;
    }
    was_in && !of.is_in()
}

/// Which units of the tree clients are led to a mirror for.
///
/// A unit in which nothing can be asked for goes with the others of its category: it is there if anything is.
pub fn has(record: &Record, mirror: &Mirror, tree: &Tree, numbers: &[Numbered]) -> Vec<bool> {
    let is_in = |category: u32| {
        let of = tree.categories.get(category as usize);
        let of = of.and_then(|of| record.categories.get(&of.name));
        mirror.urls.iter().any(|(of, _)| *of == category) && of.is_none_or(OfCategory::is_in)
    };
    let categories: Vec<bool> = (0..tree.categories.len() as u32).map(is_in).collect();
    let is_good = |number: &Numbered| record.units.get(&number.id).is_some_and(Known::is_good);
    let mut has_any = vec![false; tree.categories.len()];
    for (unit, number) in tree.units.iter().zip(numbers) {
        has_any[unit.category as usize] |= categories[unit.category as usize] && is_good(number);
    }
    let has = tree.units.iter().zip(numbers).map(|(unit, number)| {
        let category = unit.category as usize;
        let is_askable = super::plan::cost(unit) > 0;
        categories[category] && if is_askable { is_good(number) } else { has_any[category] }
    });
    has.collect()
}

#[cfg(test)]
mod tests;
