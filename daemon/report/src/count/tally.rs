//! What lines tell, added up in memory before it goes into the database.

use super::line::{Asked, Line, Outcome};
use crate::statistics::Change;
use foldhash::HashMap;
use percent_encoding::percent_decode;
use program::failure::Failure;

/// Different sums above which they are written down.
const MOST: usize = 200_000;

/// Sums of requests.
#[derive(Debug, Default)]
pub struct Tally {
    names: HashMap<Box<[u8]>, u32>,
    asked: HashMap<(i32, [u32; 3]), u64>,
    outcomes: HashMap<(i32, u16, [u32; 2]), u64>,
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
        self.asked.len().max(self.outcomes.len()).max(self.names.len()) >= MOST
    }

    /// Writes all of it down, and begins anew.
    pub fn write(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        let mut names = vec![0; self.names.len()];
        for (name, place) in self.names.drain() {
            // As the log has escaped it.
            names[place as usize] = change.name(&percent_decode(&name).decode_utf8_lossy())?;
        }
        let name = |place: u32| names[place as usize];
        for ((day, asked), requests) in self.asked.drain() {
            change.add_asked(day, asked.map(name), requests)?;
        }
        for ((day, status, [kind, tier]), requests) in self.outcomes.drain() {
            change.add_outcome(day, name(kind), status, name(tier), requests)?;
        }
        Ok(())
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(place) = self.names.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.insert(name.into(), place);
        place
    }
}
