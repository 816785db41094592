//! What lines tell, added up in memory before it goes into the database.

use super::line::{Asked, Line, Outcome};
use crate::statistics::{Change, Of};
use foldhash::HashMap;
use percent_encoding::percent_decode;
use program::failure::Failure;

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
        // Of each name, as one of few and as one of many.
        let mut numbers = vec![[None; 2]; texts.len()];
        let mut number = |place: u32, few| match &mut numbers[place as usize][usize::from(few)] {
            Some(known) => Ok(*known),
            free => change.name(&texts[place as usize], few).map(|number| *free.insert(number)),
        };
        let mut asked = Vec::with_capacity(self.asked.len());
        for ((day, [country, repository, arch]), requests) in self.asked.drain() {
            // Countries, kinds and tiers are the service's own words.
            let names = [number(repository, false)?, number(country, true)?, number(arch, false)?];
            asked.push((day, names, requests));
        }
        // Each table has its own sums: far fewer rows are written than there are different requests.
        let by = |which: usize| {
            sums(asked.iter().map(|(day, names, requests)| ((names[0], *day, names[which]), *requests)))
        };
        change.add_of_repositories(Of::Country, &by(1))?;
        change.add_of_repositories(Of::Arch, &by(2))?;
        for ((day, country), requests) in
            sums(asked.iter().map(|(day, names, requests)| ((*day, names[1]), *requests)))
        {
            change.add_country(day, country, requests)?;
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

/// Sums by key, in the order of keys, which is that of a table's primary key: rows that are written one after the other lie beside
/// each other.
fn sums<K: Ord>(rows: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    rows.dedup_by(|row, kept| {
        let is_same = row.0 == kept.0;
        kept.1 += if is_same { row.1 } else { 0 };
        is_same
    });
    rows
}
