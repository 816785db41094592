//! What lines tell, added up in memory before it goes into the database.

use super::line::{Asked, Line, Outcome};
use crate::statistics::{Change, Of};
use foldhash::HashMap;
use percent_encoding::percent_decode;
use program::failure::Failure;
use std::{collections::BTreeMap, mem};

/// Different sums, and bytes of names, above which they are written down.
const MOST: usize = 200_000;
const MOST_BYTES: usize = 8 << 20;

/// Characters of a name that are kept.
const LONGEST: usize = 128;

/// Sums of requests.
#[derive(Debug, Default)]
pub struct Tally {
    names: HashMap<Box<[u8]>, u32>,
    days: BTreeMap<i32, Day>,
    /// Sums of all days.
    sums: usize,
    /// Bytes of names.
    bytes: usize,
}

/// Those of a day, which are looked for in far fewer than all.
#[derive(Debug, Default)]
struct Day {
    /// By country, repository and architecture.
    asked: HashMap<[u32; 3], u64>,
    /// By status, kind and tier.
    outcomes: HashMap<(u16, [u32; 2]), u64>,
}

impl Tally {
    /// Adds what a line tells.
    pub fn add(&mut self, line: &Line<'_>) {
        let asked = line.asked.map(|Asked { country, repository, arch }| {
            [country, repository, arch].map(|name| self.name(name))
        });
        let outcome = line
            .outcome
            .map(|Outcome { status, kind, tier }| (status, [kind, tier].map(|name| self.name(name))));
        let day = self.days.entry(line.day).or_default();
        let before = day.asked.len() + day.outcomes.len();
        if let Some(names) = asked {
            *day.asked.entry(names).or_default() += 1;
        }
        if let Some(how) = outcome {
            *day.outcomes.entry(how).or_default() += 1;
        }
        self.sums += day.asked.len() + day.outcomes.len() - before;
    }

    /// Whether it should be written down.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES || self.sums.max(self.names.len()) >= MOST
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
        let mut of_archs = HashMap::default();
        for (day, Day { asked, outcomes }) in mem::take(&mut self.days) {
            // Each table has its own sums: far fewer rows are written than there are different requests.
            let mut of_repositories = Vec::with_capacity(asked.len());
            let mut of_countries = HashMap::default();
            for ([country, repository, arch], requests) in asked {
                // Countries, kinds and tiers are the service's own words.
                let (country, repository, arch) =
                    (number(country, true)?, number(repository, false)?, number(arch, false)?);
                of_repositories.push(((repository, country), requests));
                *of_countries.entry(country).or_default() += requests;
                *of_archs.entry([repository, day.into(), arch]).or_default() += requests;
            }
            let rows = sums(of_repositories);
            let rows =
                rows.map(|((repository, country), requests)| ([day.into(), repository, country], requests));
            change.add_of_repositories(Of::Country, &rows.collect::<Vec<_>>())?;
            for (country, requests) in of_countries {
                change.add_country(day, country, requests)?;
            }
            for ((status, [kind, tier]), requests) in outcomes {
                change.add_outcome(day, number(kind, true)?, status, number(tier, true)?, requests)?;
            }
        }
        let mut rows: Vec<_> = of_archs.into_iter().collect();
        rows.sort_unstable();
        change.add_of_repositories(Of::Arch, &rows)?;
        self.sums = 0;
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

/// Sums by two numbers, in their order. Of nearly as many rows as there are sums, sorting them costs less than looking each up.
fn sums(rows: Vec<((i64, i64), u64)>) -> impl Iterator<Item = ((i64, i64), u64)> {
    // One number is compared at once.
    let joined = |(one, other): (i64, i64)| u128::from(one as u64) << 64 | u128::from(other as u64);
    let parted = |key: u128| ((key >> 64) as i64, key as i64);
    let mut rows: Vec<(u128, u64)> = rows.into_iter().map(|(key, sum)| (joined(key), sum)).collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows.dedup_by(|row, kept| {
        let is_same = row.0 == kept.0;
        kept.1 += if is_same { row.1 } else { 0 };
        is_same
    });
    rows.into_iter().map(move |(key, sum)| (parted(key), sum))
}
