//! What a mirror is asked for in this run, by what the state has of it; and the units, as the state has them.

use super::{
    judge,
    known::{Known, Numbered, OfUrl, Record},
    plan::{Now, Plan, cost, plan},
    settle,
    visit::Found,
};
use crate::{
    run::{
        mirrors::Mirror,
        tree::{Tree, Unit},
    },
    store::{Store, mirror::UnitRow},
};
use program::failure::Failure;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What is known of a mirror as it is now, and categories of which nothing is known any longer, for they have other URLs.
pub fn record(
    store: &Store,
    tree: &Tree,
    numbers: &[Numbered],
    mirror: &Mirror,
    now: u64,
) -> Result<(Record, Vec<String>), Failure> {
    let mut record = store.record(&mirror.name)?;
    let forgotten = settle::trim(&mut record, mirror, tree, numbers);
    // Whatever the clock was when it was written.
    record.pause_until = record.pause_until.min(now + judge::LONGEST_PAUSE);
    Ok((record, forgotten))
}

/// What is wanted of a mirror.
pub enum Wanted {
    /// Nothing, and what that comes to.
    Nothing(Found),
    /// This, and what is known of its URLs.
    All(Plan, BTreeMap<String, OfUrl>),
}

pub fn wanted(tree: &Tree, numbers: &[Numbered], mirror: &Mirror, record: Record, now: u64) -> Wanted {
    match record.pause_until > now {
        true => Wanted::Nothing(paused(mirror, &record)),
        false => Wanted::All(planned(tree, numbers, mirror, &record), record.urls),
    }
}

fn planned(tree: &Tree, numbers: &[Numbered], mirror: &Mirror, record: &Record) -> Plan {
    let units = (0..).zip(tree.units.iter().zip(numbers));
    let units = units.filter(|(_, (unit, _))| mirror.urls.iter().any(|(of, _)| *of == unit.category));
    let now = units.map(|(at, (unit, number))| Now { at, unit, revision: number.revision });
    plan(now, |now| -> Option<&Known> { record.units.get(&numbers[now.at as usize].id) })
}

/// A mirror that has asked to be left alone is not visited.
fn paused(mirror: &Mirror, record: &Record) -> Found {
    let until = program::print::date(record.pause_until).unwrap_or_default();
    let why = format!("it has asked to be left alone until {until}");
    let silent = mirror.urls.iter().map(|(category, _)| (*category, why.clone()));
    Found { silent: silent.collect(), left: Some((why.clone(), 0)), is_paused: true, ..Found::default() }
}

/// A unit for the state. Versions that count beside the current one do not make another unit of it.
pub fn row(tree: &Tree, unit: &Unit) -> UnitRow {
    let mut content = Sha256::new();
    let current = unit.repository.as_ref().and_then(|repository| repository.versions.first());
    content.update(current.map_or("", |version| &version.sha256));
    for file in &unit.newest {
        content.update([0]);
        content.update(&file.path);
        content.update(file.size.unwrap_or(u64::MAX).to_le_bytes());
    }
    let category = tree.categories.get(unit.category as usize);
    UnitRow {
        path: unit.path.clone(),
        category: category.map_or_else(String::new, |category| category.name.clone()),
        repository: unit.repository.as_ref().map(|of| format!("{}+{}", of.name, of.arch)),
        content: if cost(unit) > 0 { content.finalize()[..8].to_vec() } else { Vec::new() },
    }
}
