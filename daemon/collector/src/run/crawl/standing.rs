//! Where mirrors stand by what runs know: who is in or out of what, since when, why, and when that is looked at next.

use super::{
    LIMITS, Summary,
    judge::LONGEST_PAUSE,
    known::{Known, OfCategory, OfUrl, Record, Verdict},
};
use crate::{
    check::judge::Suspension,
    store::{Store, mirror::Units},
};
use program::{
    failure::Failure,
    print::{age, counted, date, grouped},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Requests that it takes to look again at a unit, as far as the state can tell.
const USUAL_COST: u64 = 4;

/// All mirrors. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Runs {
    /// What the last run came to.
    pub run: Summary,
    /// By name.
    pub mirrors: BTreeMap<String, OfMirror>,
    #[serde(skip)]
    now: u64,
}

/// A mirror in numbers.
#[derive(Debug, Default, Serialize)]
pub struct OfMirror {
    /// When it was asked last, in seconds since the epoch.
    pub asked: u64,
    /// Until when it wants to be left alone, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_until: Option<u64>,
    /// Repositories that it is listed for, of how many.
    pub repositories: Share,
    /// Directories besides.
    pub others: Share,
    /// Whether it did not answer in the last run and counts as before, for most did not.
    pub is_held: bool,
    /// Categories that do not answer.
    pub silent: BTreeMap<String, Silent>,
    /// URLs that are not well.
    pub urls: BTreeMap<String, Unwell>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// For which it is listed.
    pub good: u64,
    /// For which it is not, though it was asked.
    pub bad: u64,
    /// Of which nothing is known.
    pub unknown: u64,
}

/// A category that does not answer.
#[derive(Clone, Debug, Serialize)]
pub struct Silent {
    /// Whether it counts all the same, for now.
    pub is_in: bool,
    /// Runs in a row.
    pub runs: u8,
    /// Since when, in seconds since the epoch.
    pub since: u64,
    /// Why.
    pub why: String,
}

/// A URL that is not well.
#[derive(Clone, Debug, Serialize)]
pub struct Unwell {
    /// Whether it is listed all the same, for now.
    pub is_in: bool,
    /// Since when, in seconds since the epoch.
    pub since: u64,
    /// Why.
    pub why: String,
}

/// All of a mirror.
#[derive(Debug, Serialize)]
pub struct Detail {
    /// Its name.
    pub name: String,
    /// In numbers.
    #[serde(flatten)]
    pub mirror: OfMirror,
    /// URLs that `check` has suspended, whatever runs know of them.
    pub suspended: BTreeMap<String, Suspension>,
    /// Each of its units.
    pub units: Vec<OfUnit>,
    #[serde(skip)]
    now: u64,
}

/// A unit of a mirror. Times are in seconds since the epoch.
#[derive(Debug, Serialize)]
pub struct OfUnit {
    /// `NAME+ARCH` of a repository, else its path.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Whether the mirror is listed for it.
    pub is_in: bool,
    /// What was found.
    pub verdict: Verdict,
    /// Since when it is in or out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// When it was asked for last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<u64>,
    /// The last answer, where it is not simply good.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// In so many runs it is asked for again, unless it changes; 1 is the next one.
    pub next_look: u64,
}

impl Runs {
    /// Reads it; nothing if there has been no run. `now` is in seconds since the epoch.
    pub fn read(store: &Store, now: u64) -> Result<Option<Runs>, Failure> {
        let Some((_, figures)) = store.last_run()? else { return Ok(None) };
        let run: Summary = serde_json::from_str(&figures).unwrap_or_default();
        let units = store.units()?;
        let mut mirrors = BTreeMap::new();
        for name in store.mirrors()? {
            let record = store.record(&name)?;
            let is_held = run.held.contains(&name);
            let mirror = OfMirror { is_held, ..OfMirror::new(&record, &units, now) };
            mirrors.insert(name, mirror);
        }
        Ok(Some(Runs { run, mirrors, now }))
    }
}

impl Detail {
    /// Reads it; an error names mirrors that are known.
    pub fn read(store: &Store, name: &str, now: u64) -> Result<Detail, Failure> {
        let names = store.mirrors()?;
        if !names.iter().any(|known| known == name) {
            let like = names.iter().filter(|known| known.contains(name)).take(5).cloned();
            let like: Vec<String> = like.collect();
            let hint =
                if like.is_empty() { String::new() } else { format!("; there is {}", like.join(", ")) };
            return Err(Failure::cache(format!("mirror {name}: no run has asked it{hint}")));
        }
        let (record, units) = (store.record(name)?, store.units()?);
        let looks = looks(&record);
        let its = its(&record, &units);
        let none = Known::default();
        let units = its.map(|(id, (path, category, repository))| {
            let known = record.units.get(id).unwrap_or(&none);
            let is_in = known.is_good() && record.categories.get(category).is_none_or(OfCategory::is_in);
            let time = |time: u64| (time > 0).then_some(time);
            OfUnit {
                name: repository.clone().unwrap_or_else(|| path.clone()),
                path: path.clone(),
                is_in,
                verdict: known.verdict,
                since: time(known.since),
                asked: time(known.asked),
                why: known.why.clone(),
                next_look: looks.get(id).copied().unwrap_or(1),
            }
        });
        let mut units: Vec<OfUnit> = units.collect();
        units.sort_by(|a, b| (a.is_in, &a.name).cmp(&(b.is_in, &b.name)));
        let run: Summary = store
            .last_run()?
            .map_or_else(Summary::default, |(_, figures)| serde_json::from_str(&figures).unwrap_or_default());
        let is_held = run.held.iter().any(|held| held == name);
        let mirror = OfMirror { is_held, ..OfMirror::new(&record, &store.units()?, now) };
        let is_its =
            |url: &str| record.urls.keys().any(|own| own.trim_end_matches('/') == url.trim_end_matches('/'));
        let suspended = store.state()?.urls.into_iter().filter_map(|(url, standing)| {
            let suspension =
                standing.suspended.filter(|suspension| suspension.until > now && is_its(&url))?;
            Some((url, suspension))
        });
        Ok(Detail { name: name.to_owned(), mirror, suspended: suspended.collect(), units, now })
    }
}

/// Units of the categories that a mirror has.
fn its<'u>(
    record: &Record,
    units: &'u Units,
) -> impl Iterator<Item = (&'u u32, &'u (String, String, Option<String>))> + use<'u> {
    let of_units = record.units.keys().filter_map(|id| Some(units.get(id)?.1.clone()));
    let categories: BTreeSet<String> = of_units.chain(record.categories.keys().cloned()).collect();
    units.iter().filter(move |(_, (_, category, _))| categories.contains(category))
}

/// In how many runs what has not changed is looked at again.
fn looks(record: &Record) -> BTreeMap<u32, u64> {
    let mut settled: Vec<(u64, u32)> = Vec::new();
    for (id, known) in &record.units {
        if known.verdict != Verdict::Unknown && !known.verdict.is_passing() && known.missed == 0 {
            settled.push((known.asked, *id));
        }
    }
    settled.sort_unstable();
    let each = LIMITS.unchanged / USUAL_COST;
    (0..).zip(settled).map(|(rank, (_, id)): (u64, _)| (id, 1 + rank / each)).collect()
}

impl OfMirror {
    fn new(record: &Record, units: &Units, now: u64) -> OfMirror {
        let mut mirror = OfMirror {
            asked: record.asked,
            pause_until: Some(record.pause_until.min(now + LONGEST_PAUSE)).filter(|until| *until > now),
            ..OfMirror::default()
        };
        for (id, (_, category, repository)) in its(record, units) {
            let share = if repository.is_some() { &mut mirror.repositories } else { &mut mirror.others };
            let is_in = record.categories.get(category).is_none_or(OfCategory::is_in);
            match record.units.get(id) {
                Some(known) if known.is_good() && is_in => share.good += 1,
                Some(known) if known.verdict != Verdict::Unknown => share.bad += 1,
                _ => share.unknown += 1,
            }
        }
        let silent = record.categories.iter().filter(|(_, of)| of.missed > 0);
        mirror.silent = silent
            .map(|(name, of)| {
                let (runs, since, why) = (of.missed, of.since, of.why.clone());
                (name.clone(), Silent { is_in: of.is_in(), runs, since, why })
            })
            .collect();
        let unwell = record.urls.iter().filter(|(_, of)| !of.is_in() || of.missed > 0);
        let told = |of: &OfUrl| Unwell { is_in: of.is_in(), since: of.since, why: of.why.clone() };
        mirror.urls = unwell.map(|(url, of)| (url.clone(), told(of))).collect();
        mirror
    }

    fn tell(&self, f: &mut fmt::Formatter<'_>, now: u64) -> fmt::Result {
        let Share { good, bad, unknown } = self.repositories;
        write!(f, "in {} of {} repositories", grouped(good), grouped(good + bad + unknown))?;
        if unknown > 0 {
            write!(f, ", {} not known yet", grouped(unknown))?;
        }
        let Share { good, bad, unknown } = self.others;
        if good + bad + unknown > 0 {
            write!(f, "; {} of {} directories", grouped(good), grouped(good + bad + unknown))?;
        }
        match self.asked {
            0 => writeln!(f, "; not asked yet")?,
            asked => writeln!(f, "; asked {} ago", age(now.saturating_sub(asked)))?,
        }
        if self.is_held {
            writeln!(f, "    did not answer; the brake of the last run keeps it as it was")?;
        }
        if let Some(until) = self.pause_until {
            writeln!(f, "    has asked to be left alone until {}", time(until))?;
        }
        for (category, Silent { is_in, runs, since, why }) in &self.silent {
            let out = if *is_in { "" } else { "out; " };
            writeln!(
                f,
                "    {category}: {out}no answer for {}, since {}: {why}",
                counted(runs, "run", "runs"),
                time(*since)
            )?;
        }
        for (url, Unwell { is_in, since, why }) in &self.urls {
            let out = if *is_in { "" } else { "out; " };
            writeln!(f, "    {url}: {out}not well since {}: {why}", time(*since))?;
        }
        Ok(())
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = age(self.now.saturating_sub(self.run.time));
        writeln!(f, "run          {} of {}, {ago} ago", grouped(self.run.number), time(self.run.time))?;
        let Summary { good, known, units, requests, .. } = &self.run;
        let (good, known, units) = (grouped(good), grouped(known), grouped(units));
        writeln!(
            f,
            "  verdicts   {known} known of {units}, {good} good; {}",
            counted(requests, "request", "requests")
        )?;
        if let Some(brake) = &self.run.brake {
            writeln!(f, "  brake      {brake}")?;
        }
        if !self.run.newer.is_empty() {
            writeln!(f, "  newer      than the primary's: {}", self.run.newer.join(", "))?;
        }
        writeln!(f, "mirrors      {}", grouped(self.mirrors.len()))?;
        for (name, mirror) in &self.mirrors {
            write!(f, "  {name}  ")?;
            mirror.tell(f, self.now)?;
        }
        Ok(())
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.name)?;
        self.mirror.tell(f, self.now)?;
        for (url, Suspension { since, until, reason }) in &self.suspended {
            let (since, until) = (time(*since), time(*until));
            writeln!(f, "    {url}: suspended by check since {since} until {until}: {reason}")?;
        }
        for unit in &self.units {
            let state = match (unit.is_in, unit.verdict) {
                (true, _) => "in",
                (false, Verdict::Unknown) => "not known",
                (false, _) => "out",
            };
            let since = unit.since.map_or_else(String::new, |since| format!(" since {}", time(since)));
            let why = if unit.why.is_empty() { String::new() } else { format!(": {}", unit.why) };
            let next = match unit.next_look {
                1 => "in the next run".to_owned(),
                runs => format!("in {runs} runs at most"),
            };
            writeln!(f, "  {}  {state}{since}{why}; looked at again {next}", unit.name)?;
        }
        Ok(())
    }
}

fn time(seconds: u64) -> String {
    date(seconds).unwrap_or_else(|| seconds.to_string())
}
