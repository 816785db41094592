//! What lines tell, added up in memory before it goes into the database.

use super::line::{Asked, Line, Outcome};
use crate::statistics::{Change, Of};
use foldhash::HashMap;
use percent_encoding::percent_decode;
use program::failure::Failure;
use std::collections::hash_map::Entry;

/// Different sums, and bytes of names, above which they are written down.
const MOST: usize = 200_000;
const MOST_BYTES: usize = 8 << 20;

/// Characters of a name that are kept.
const LONGEST: usize = 128;

/// Sums of requests.
#[derive(Debug, Default)]
pub struct Tally {
    names: HashMap<Box<[u8]>, u32>,
    asked: HashMap<(i32, [u32; 3]), u64>,
    outcomes: HashMap<(i32, u16, [u32; 2]), u64>,
    /// Bytes of names.
    bytes: usize,
}

impl Tally {
    /// Adds what a line tells.
    pub fn add(&mut self, line: &Line<'_>) {
        if let Some(Asked { country, repository, arch }) = line.asked {
            let names = [country, repository, arch].map(|name| self.name(name));
            *self.asked.entry((line.day, names)).or_default() += 1;
        }
        if let Some(Outcome { status, kind, tier }) = line.outcome {
            let names = [kind, tier].map(|name| self.name(name));
            *self.outcomes.entry((line.day, status, names)).or_default() += 1;
        }
    }

    /// Whether it should be written down.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.asked.len().max(self.outcomes.len()).max(self.names.len()) >= MOST
    }

    /// Writes all of it down, and begins anew.
    pub fn write(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        let mut texts = vec![String::new(); self.names.len()];
        for (name, place) in self.names.drain() {
            // As the log has escaped it.
            texts[place as usize] = percent_decode(&name).decode_utf8_lossy().chars().take(LONGEST).collect();
        }
        let mut numbers: HashMap<(u32, bool), i64> = HashMap::default();
        let mut number = |place: u32, few| match numbers.entry((place, few)) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(free) => {
                change.name(&texts[place as usize], few).map(|number| *free.insert(number))
            }
        };
        // Each table has its own sums: far fewer rows are written than there are different requests.
        let mut countries: HashMap<(i32, i64), u64> = HashMap::default();
        let mut of_repositories: [HashMap<(i64, i32, i64), u64>; 2] = Default::default();
        for ((day, [country, repository, arch]), requests) in self.asked.drain() {
            // Countries, kinds and tiers are the service's own words.
            let [country, repository, arch] =
                [number(country, true)?, number(repository, false)?, number(arch, false)?];
            *countries.entry((day, country)).or_default() += requests;
            for (of, name) in of_repositories.iter_mut().zip([country, arch]) {
                *of.entry((repository, day, name)).or_default() += requests;
            }
        }
        for ((day, country), requests) in countries {
            change.add_country(day, country, requests)?;
        }
        for (of, what) in of_repositories.into_iter().zip([Of::Country, Of::Arch]) {
            // In the order of the table, so that neighbours are written together.
            let mut rows: Vec<_> = of.into_iter().collect();
            rows.sort_unstable();
            for ((repository, day, name), requests) in rows {
                change.add_of_repository(what, repository, day, name, requests)?;
            }
        }
        for ((day, status, [kind, tier]), requests) in self.outcomes.drain() {
            change.add_outcome(day, number(kind, true)?, status, number(tier, true)?, requests)?;
        }
        self.bytes = 0;
        Ok(())
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(place) = self.names.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.bytes += name.len();
        self.names.insert(name.into(), place);
        place
    }
}
