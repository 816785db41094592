//! What the database holds of the last days, for pages.

use super::{Statistics, refused};
use program::failure::Failure;
use rusqlite::OptionalExtension as _;
use std::collections::{BTreeMap, btree_map::Entry};

/// Requests a day, of a span of days.
pub type Days = Vec<u64>;

/// Requests a day, in all and by what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The first day of all spans, counted from 1970-01-01.
    pub first: i32,
    /// Answered requests for a repository.
    pub totals: Days,
    /// All requests of request logs, whatever they were for.
    pub requests: Days,
    /// By the client's country; empty for an unknown one.
    pub countries: BTreeMap<String, Days>,
    /// By repository.
    pub repositories: BTreeMap<String, Days>,
    /// By architecture.
    pub archs: BTreeMap<String, Days>,
    /// All requests of request logs by kind and status.
    pub answers: BTreeMap<String, Days>,
    /// The same by the tier of the first mirror.
    pub tiers: BTreeMap<String, Days>,
}

/// A repository's requests a day, by country and by architecture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfRepository {
    /// By the client's country, of the last days alone.
    pub countries: BTreeMap<String, Days>,
    /// By architecture.
    pub archs: BTreeMap<String, Days>,
}

/// Which requests are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Answered ones for a repository, which either log has.
    Repositories,
    /// All, which request logs alone have.
    All,
}

/// A repository's figures of some days. Those by country are looked for day by day, as their table's key begins with the day.
const BY_ARCH: &str = "select arch, day, requests from repository_archs
    where repository = (select id from names where name = ?1) and day >= ?2 and day < ?3";
const BY_COUNTRY: &str = "with recursive days (day) as (select ?2 where ?2 < ?3 union all select day + 1 from days where day + 1 < ?3)
    select country, day, requests from days cross join repository_countries_by_day using (day)
    where repository = (select id from names where name = ?1)";

/// Requests of days in a row; `None` for a day of which there are no figures. Both begin with the same day.
pub fn known(is_known: &[bool], days: &[u64]) -> Vec<Option<u64>> {
    is_known.iter().zip(days).map(|(is_known, requests)| is_known.then_some(*requests)).collect()
}

impl Figures {
    /// The day of a place in a span.
    pub fn day(&self, place: usize) -> i32 {
        self.first + place as i32
    }

    /// Of which days there are figures of such requests.
    ///
    /// A request log without a request for a repository tells that there was none, unless it is seen on other days that those
    /// stand in another log.
    pub fn known(&self, asked: Asked) -> Vec<bool> {
        let has_other_logs =
            (0..self.totals.len()).any(|place| self.totals[place] > 0 && self.requests[place] == 0);
        let of = |place: usize| match asked {
            Asked::All => self.requests[place] > 0,
            Asked::Repositories => self.totals[place] > 0 || !has_other_logs && self.requests[place] > 0,
        };
        (0..self.totals.len()).map(of).collect()
    }

    /// Whether a place has any request.
    pub fn has(&self, place: usize) -> bool {
        self.totals[place] > 0 || self.requests[place] > 0
    }

    /// The places with any request, the oldest first.
    pub fn filled(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.totals.len()).filter(|place| self.has(*place))
    }
}

impl Statistics {
    /// The figures of so many days from a first one.
    pub fn figures(&self, first: i32, days: usize) -> Result<Figures, Failure> {
        let mut figures =
            Figures { first, totals: vec![0; days], requests: vec![0; days], ..Figures::default() };
        let end = first + days as i32;
        let mut read = || -> rusqlite::Result<()> {
            // All of one moment.
            let moment = self.connection.unchecked_transaction()?;
            let names = self.names()?;
            let name = |id: i64| names.get(&id).map_or("", |name| name);
            let add = |of: &mut BTreeMap<String, Days>, name: &str, day: i32, requests: i64| {
                let place = (day - first) as usize;
                if !of.contains_key(name) {
                    of.insert(name.to_owned(), vec![0; days]);
                }
                if let Some(of) = of.get_mut(name) {
                    of[place] = of[place].saturating_add(requests.max(0) as u64);
                }
                place
            };
            let select = "select day, country, requests from countries where day >= ? and day < ?";
            let mut select = self.connection.prepare(select)?;
            let mut rows = select.query([first, end])?;
            while let Some(row) = rows.next()? {
                let requests = row.get(2)?;
                let place = add(&mut figures.countries, name(row.get(1)?), row.get(0)?, requests);
                figures.totals[place] = figures.totals[place].saturating_add(i64::max(requests, 0) as u64);
            }
            let select =
                "select day, repository, arch, requests from repository_archs where day >= ? and day < ?";
            let mut select = self.connection.prepare(select)?;
            let mut rows = select.query([first, end])?;
            while let Some(row) = rows.next()? {
                let (day, requests) = (row.get(0)?, row.get(3)?);
                add(&mut figures.repositories, name(row.get(1)?), day, requests);
                add(&mut figures.archs, name(row.get(2)?), day, requests);
            }
            let select = "select day, kind, status, tier, requests from outcomes where day >= ? and day < ?";
            let mut select = self.connection.prepare(select)?;
            let mut rows = select.query([first, end])?;
            while let Some(row) = rows.next()? {
                let (day, status, requests): (i32, i64, i64) = (row.get(0)?, row.get(2)?, row.get(4)?);
                add(&mut figures.answers, &format!("{} {status}", name(row.get(1)?)), day, requests);
                let place = add(&mut figures.tiers, name(row.get(3)?), day, requests);
                figures.requests[place] =
                    figures.requests[place].saturating_add(i64::max(requests, 0) as u64);
            }
            moment.commit()
        };
        read().map_err(|error| refused(&self.path, error))?;
        Ok(figures)
    }

    /// A repository's figures of the same days as `figures`; by country from a later day on, for these are many.
    pub fn of_repository(
        &self,
        repository: &str,
        figures: &Figures,
        countries_from: i32,
    ) -> Result<OfRepository, Failure> {
        let end = figures.first + figures.totals.len() as i32;
        let of = |select: &str, first: i32| -> rusqlite::Result<BTreeMap<String, Days>> {
            let mut select = self.connection.prepare_cached(select)?;
            let mut name = self.connection.prepare_cached("select name from names where id = ?")?;
            let mut rows = select.query((repository, first, end))?;
            let mut all: BTreeMap<i64, (String, Days)> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (id, day, requests): (i64, i32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let days = match all.entry(id) {
                    Entry::Occupied(known) => &mut known.into_mut().1,
                    Entry::Vacant(free) => {
                        let name = name.query_row([id], |row| row.get(0)).optional()?;
                        let days = vec![0; (end - first).max(0) as usize];
                        &mut free.insert((name.unwrap_or_default(), days)).1
                    }
                };
                days[(day - first) as usize] += requests.max(0) as u64;
            }
            // What has no name is there twice when clients have sent none, and when there were too many.
            let mut named: BTreeMap<String, Days> = BTreeMap::new();
            for (name, days) in all.into_values() {
                match named.entry(name) {
                    Entry::Vacant(free) => drop(free.insert(days)),
                    Entry::Occupied(known) => {
                        known.into_mut().iter_mut().zip(days).for_each(|(sum, requests)| *sum += requests);
                    }
                }
            }
            Ok(named)
        };
        let read = || {
            Ok(OfRepository {
                countries: of(BY_COUNTRY, countries_from.max(figures.first))?,
                archs: of(BY_ARCH, figures.first)?,
            })
        };
        read().map_err(|error| refused(&self.path, error))
    }

    fn names(&self) -> rusqlite::Result<BTreeMap<i64, String>> {
        let mut select = self.connection.prepare("select id, name from names")?;
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}
