//! Asking mirrors what they have: up to `AT_ONCE` mirrors at once, each over one connection at a time, within [`LIMITS`].
//!
//! [`mod@plan`]: what a mirror is asked for; [`mod@visit`]: how, over which [`way`]; [`judge`]: what its answers mean; [`settle`]: what they
//! leave of what was [`known`]. That is written to the state when a visit ends, so that a run may end at any moment: the
//! next one goes on, and [`standing`] shows it. Whether a mirror that did not answer is to blame is known when all have been asked.

pub mod judge;
pub mod known;
pub mod plan;
pub mod settle;
pub mod standing;
mod summary;
pub mod visit;
pub mod way;

pub use summary::Summary;

use super::{
    mirrors::Mirror,
    tree::{Tree, Unit},
    verdicts::{OfMirror, Verdicts},
};
use crate::{
    check::seconds::DAY,
    http::{Client, address::Addresses},
    progress::Progress,
    store::{Store, mirror::UnitRow},
};
use futures_util::{StreamExt as _, stream};
use known::{Known, Numbered, OfUrl, Record};
use plan::{Now, plan};
use program::{failure::Failure, log, print::grouped};
use sha2::{Digest as _, Sha256};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{runtime, time::Instant};
use visit::{Did, Found, Visit, visit};

/// How mirrors are asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the operator can be reached.
    pub contact: String,
    /// Which addresses may be contacted.
    pub addresses: Addresses,
}

/// How much mirrors are asked.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a run may take.
    pub run: Duration,
    /// How long an answer may take, with its redirects.
    pub request: Duration,
    /// The time between two requests to a mirror.
    pub pause: Duration,
    /// How long a mirror may take that is slow.
    pub visit: Duration,
    /// One is slow whose requests take longer than this on average.
    pub slow: Duration,
    /// Requests to a mirror.
    pub requests: u64,
    /// Those of them that may be for what has not changed.
    pub unchanged: u64,
}

/// What mirrors leave room for: ten minutes, ten requests a second.
pub const LIMITS: Limits = Limits {
    run: Duration::from_secs(600),
    request: Duration::from_secs(20),
    pause: Duration::from_millis(100),
    visit: Duration::from_secs(120),
    slow: Duration::from_secs(2),
    requests: 2_000,
    unchanged: 150,
};

/// Mirrors that are asked at a time.
const AT_ONCE: usize = 600;

/// Threads that look up names at a time.
const RESOLVERS: usize = 32;

/// Seconds for which a mirror that is no longer there is remembered.
const REMEMBERED: u64 = 7 * DAY;

/// Mirrors that are silent before it may be our own network, and runs in a row for which that is believed.
const MANY: usize = 3;
const BRAKED: u64 = 3;

/// Units that are named in a summary.
const MOST_NAMED: usize = 100;

/// Asks mirrors what they have of a tree, and says what is known of them then; `now` is in seconds since the epoch.
///
/// Mirrors that are not asked, because they are disabled, private or taken to have everything, are not among the verdicts.
pub fn crawl(
    tree: &Tree,
    mirrors: &[Mirror],
    store: &mut Store,
    settings: &Settings,
    limits: Limits,
    now: u64,
) -> Result<(Verdicts, Summary), Failure> {
    let client = Client::new(&settings.contact, settings.addresses.clone()).map_err(Failure::config)?;
    let (number, figures) = store.last_run()?.unwrap_or_default();
    let number = number + 1;
    let braked = serde_json::from_str(&figures).map_or(0, |before: Summary| before.braked);
    let rows: Vec<UnitRow> = tree.units.iter().map(|unit| row(tree, unit)).collect();
    let numbers = store.settle_units(&rows)?;
    drop(rows);
    let present: BTreeSet<&str> = mirrors.iter().map(|mirror| &*mirror.name).collect();
    store.settle_mirrors(&present, now, now.saturating_sub(REMEMBERED))?;
    let mut asked: Vec<&Mirror> =
        mirrors.iter().filter(|mirror| !mirror.disabled && !mirror.private && !mirror.up_to_date).collect();
    if asked.len() > AT_ONCE {
        // Whoever was not reached in time is among the first the next time.
        let first = number.wrapping_mul(AT_ONCE as u64) % asked.len() as u64;
        asked.rotate_left(first as usize);
    }
    let mut crawl = Crawl {
        tree,
        numbers: &numbers,
        limits,
        now,
        verdicts: Verdicts::default(),
        summary: Summary { number, time: now, mirrors: asked.len() as u64, braked, ..Summary::default() },
        held: Vec::new(),
        well: 0,
        newer: BTreeSet::new(),
        has_v6: false,
    };
    let mut builder = runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(RESOLVERS).build();
    let runtime = runtime.map_err(|error| Failure::system(format!("no runtime ({error})")))?;
    let started = Instant::now();
    let outcome = {
        let store = RefCell::new(&mut *store);
        runtime.block_on(crawl.ask(&asked, &client, &store, started + limits.run))
    };
    // Look-ups of names that never end are left behind.
    runtime.shutdown_background();
    outcome?;
    crawl.count_silent(&asked, store)?;
    let Crawl { verdicts, mut summary, newer, .. } = crawl;
    summary.newer = newer.iter().take(MOST_NAMED).map(|at| tree.units[*at as usize].path.clone()).collect();
    summary.seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    let figures = serde_json::to_string(&summary).map_err(|error| Failure::bug(error.to_string()))?;
    store.keep_run(number, &figures)?;
    Ok((verdicts, summary))
}

/// A crawl under way.
struct Crawl<'a> {
    tree: &'a Tree,
    numbers: &'a [Numbered],
    limits: Limits,
    now: u64,
    verdicts: Verdicts,
    summary: Summary,
    /// Mirrors with categories or URLs that were asked in vain.
    held: Vec<Held>,
    /// URLs of https that are well.
    well: u64,
    newer: BTreeSet<u32>,
    /// Whether anybody has answered by IPv6.
    has_v6: bool,
}

/// What a mirror is not to be blamed for before all have been asked.
struct Held {
    /// Its place among those that are asked.
    mirror: usize,
    /// Categories that were asked in vain, and why.
    categories: BTreeMap<u32, String>,
    /// URLs that are not well.
    urls: BTreeMap<String, Did>,
    /// How many of these are of https and were well before.
    lost_urls: u64,
    is_v6_alone: bool,
    /// Whether it has said nothing at all.
    is_whole: bool,
    /// Whether it counted until now.
    was_in: bool,
    /// Whether it was asked, and no connection to it was made.
    is_dead: bool,
    /// Whether it was not asked.
    is_paused: bool,
}

impl<'a> Crawl<'a> {
    /// Asks everybody; each visit is kept when it ends.
    async fn ask(
        &mut self,
        mirrors: &[&'a Mirror],
        client: &Client,
        store: &RefCell<&mut Store>,
        end: Instant,
    ) -> Result<(), Failure> {
        let progress = Progress::start();
        let (tree, numbers, limits, now) = (self.tree, self.numbers, self.limits, self.now);
        let visits = mirrors.iter().enumerate().map(|(at, mirror)| async move {
            let (record, _) = record(&store.borrow(), tree, numbers, mirror, now)?;
            let wanted = wanted(tree, numbers, mirror, record, now);
            let found = match wanted {
                Wanted::Nothing(found) => found,
                Wanted::All(plan, urls) => {
                    visit(client, &Visit { tree, mirror, plan, urls, limits, end, now }).await
                }
            };
            Ok::<_, Failure>((at, found))
        });
        let mut visits = stream::iter(visits).buffer_unordered(AT_ONCE);
        let mut done = 0;
        while let Some(visit) = visits.next().await {
            let (at, found) = visit?;
            self.keep(at, mirrors[at], found, &mut store.borrow_mut())?;
            done += 1;
            let (all, requests) = (grouped(mirrors.len()), grouped(self.summary.requests));
            progress.step(&format!("{} of {all} mirrors asked, {requests} requests", grouped(done)));
        }
        Ok(())
    }

    /// Keeps what a visit has found.
    fn keep(
        &mut self,
        at: usize,
        mirror: &Mirror,
        mut found: Found,
        store: &mut Store,
    ) -> Result<(), Failure> {
        // Read anew: nobody else has written it, and 10,000 units of each mirror need not be in memory all the while.
        let (mut record, forgotten) = record(store, self.tree, self.numbers, mirror, self.now)?;
        for category in forgotten {
            log::info(format_args!(
                "mirror {}: {category} has other URLs; what was found at those before is forgotten",
                mirror.name
            ));
        }
        let (well, urls) =
            std::mem::take(&mut found.urls).into_iter().partition(|(_, did)| *did == Did::Well);
        found.urls = well;
        self.well += found.urls.keys().filter(|url| is_https(url)).count() as u64;
        let urls: BTreeMap<String, Did> = urls;
        let was_well = |url: &&String| record.urls.get(*url).is_none_or(OfUrl::is_in);
        let lost_urls = urls.keys().filter(|url| is_https(url)).filter(was_well).count() as u64;
        let changes = settle::settle(&mut record, &found, self.tree, self.numbers, self.now);
        store.keep_records([(&*mirror.name, &record)], self.now)?;
        tell(mirror, &found, &changes);
        let summary = &mut self.summary;
        summary.requests += found.counts.requests;
        summary.connections += found.counts.connections;
        summary.elsewhere += found.counts.elsewhere;
        summary.left += u64::from(found.left.is_some() || !found.missed.is_empty());
        summary.inward += changes.inward;
        summary.outward += changes.outward;
        let is_its = |unit: &Unit| mirror.urls.iter().any(|(category, _)| *category == unit.category);
        let askable = self.tree.units.iter().zip(self.numbers);
        for (_, number) in askable.filter(|(unit, _)| is_its(unit) && plan::cost(unit) > 0) {
            let known = record.units.get(&number.id);
            summary.units += 1;
            summary.known += u64::from(known.is_some_and(|known| known.verdict != known::Verdict::Unknown));
        }
        self.has_v6 |= found.counts.families[1];
        let is_newer = |at: &&u32| {
            let known = self.numbers.get(**at as usize).and_then(|number| record.units.get(&number.id));
            known.is_some_and(|known| known.verdict == known::Verdict::Newer)
        };
        self.newer.extend(found.units.keys().filter(is_newer));
        if !found.silent.is_empty() || !urls.is_empty() {
            let is_in = |category: &u32| {
                let name = self.tree.categories.get(*category as usize).map_or("", |of| &of.name);
                record.categories.get(name).is_none_or(known::OfCategory::is_in)
            };
            self.held.push(Held {
                mirror: at,
                was_in: found.silent.keys().any(is_in),
                is_whole: found.reached.is_empty() && !found.silent.is_empty(),
                is_v6_alone: found.is_v6_alone,
                is_dead: !found.is_paused && found.counts.connections == 0,
                is_paused: found.is_paused,
                categories: found.silent,
                urls,
                lost_urls,
            });
        }
        self.judge(mirror, &record);
        Ok(())
    }

    /// Has a mirror among the verdicts.
    fn judge(&mut self, mirror: &Mirror, record: &Record) {
        let has = settle::has(record, mirror, self.tree, self.numbers);
        self.summary.good += has.iter().filter(|has| **has).count() as u64;
        let bad_urls = record.urls.iter().filter(|(_, url)| !url.is_in()).map(|(url, _)| url.clone());
        let of_mirror = OfMirror { has, bad_urls: bad_urls.collect() };
        if let Some(before) = self.verdicts.mirrors.insert(mirror.name.clone(), of_mirror) {
            self.summary.good -= before.has.iter().filter(|has| **has).count() as u64;
        }
    }

    /// Counts the run for mirrors and URLs that did not answer, unless it seems to be our own fault.
    fn count_silent(&mut self, mirrors: &[&Mirror], store: &mut Store) -> Result<(), Failure> {
        let held = std::mem::take(&mut self.held);
        let whole = held.iter().filter(|held| held.is_whole);
        let why = |held: &Held| held.categories.values().next().cloned().unwrap_or_default();
        self.summary.silent =
            whole.clone().map(|held| (mirrors[held.mirror].name.clone(), why(held))).collect();
        self.summary.silent.sort();
        // Those that have long been out, or were not asked, say nothing about our network; a status is an answer.
        let is_out = |held: &&Held| !held.was_in || held.is_paused;
        let all = mirrors.len() - whole.clone().filter(is_out).count();
        let is_lost = |held: &Held| held.is_whole && held.was_in && held.is_dead;
        let lost = held.iter().filter(|held| is_lost(held)).count();
        let are_most = lost >= MANY && lost * 2 > all;
        self.summary.braked = if are_most { (self.summary.braked + 1).min(BRAKED + 1) } else { 0 };
        let is_held = are_most && self.summary.braked <= BRAKED;
        if is_held {
            let (lost, all) = (grouped(lost), grouped(all));
            let brake = format!("{lost} of {all} mirrors did not answer, which seems to be our own network");
            log::warning(format_args!("run {}: {brake}; none of them counts as silent", self.summary.number));
            self.summary.brake = Some(brake);
            let names = held.iter().filter(|held| is_lost(held)).map(|held| &mirrors[held.mirror].name);
            self.summary.held = names.cloned().collect();
        } else if are_most {
            log::warning(format_args!(
                "run {}: {} of {} mirrors did not answer, for more than {BRAKED} runs in a row; each of them counts as silent",
                self.summary.number,
                grouped(lost),
                grouped(all)
            ));
        }
        let lost: u64 = held.iter().map(|held| held.lost_urls).sum();
        let is_https_held = lost >= 3 && lost > self.well;
        if is_https_held {
            let (lost, all) = (grouped(lost), grouped(lost + self.well));
            let brake = format!(
                "{lost} of {all} URLs of https fail, which seems to be our own clock, network or trusted certificates"
            );
            log::warning(format_args!(
                "run {}: {brake}; none of them is left out for that",
                self.summary.number
            ));
            self.summary.brake.get_or_insert(brake);
        }
        let mut records = Vec::new();
        for held in held.iter().filter(|held| !(is_held && is_lost(held))) {
            let Held { mirror, categories, urls, is_v6_alone, is_whole, .. } = held;
            let mirror = mirrors[*mirror];
            let mut record = store.record(&mirror.name)?;
            let mut changes = settle::Changes::default();
            let mut urls = urls.clone();
            urls.retain(|url, _| !(is_https_held && is_https(url)));
            settle::urls(&mut record, &urls, !is_whole, self.now, &mut changes);
            tell(mirror, &Found::default(), &changes);
            if *is_v6_alone && !self.has_v6 && !categories.is_empty() {
                log::warning(format_args!(
                    "mirror {}: has addresses of IPv6 alone, by which nobody answers us; it counts as before",
                    mirror.name
                ));
            } else {
                self.miss(mirror, &mut record, categories);
            }
            self.judge(mirror, &record);
            records.push((&*mirror.name, record));
        }
        store.keep_records(records.iter().map(|(name, record)| (*name, record)), self.now)
    }

    /// Counts the run for categories of a mirror that did not answer.
    fn miss(&self, mirror: &Mirror, record: &mut Record, categories: &BTreeMap<u32, String>) {
        for (category, why) in categories {
            let name = self.tree.categories.get(*category as usize).map_or("", |of| &of.name);
            if settle::missed(record, name, why, self.now) {
                log::warning(format_args!(
                    "mirror {}: {name} has not answered for {} runs ({why}); it is left out until it does",
                    mirror.name,
                    known::PATIENCE + 1
                ));
            }
        }
    }
}

fn is_https(url: &str) -> bool {
    url.starts_with("https:")
}

/// What is known of a mirror as it is now, and categories of which nothing is known any longer, for they have other URLs.
fn record(
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
enum Wanted {
    Nothing(Found),
    All(plan::Plan, BTreeMap<String, OfUrl>),
}

fn wanted(tree: &Tree, numbers: &[Numbered], mirror: &Mirror, record: Record, now: u64) -> Wanted {
    match record.pause_until > now {
        true => Wanted::Nothing(paused(mirror, &record)),
        false => Wanted::All(planned(tree, numbers, mirror, &record), record.urls),
    }
}

fn planned(tree: &Tree, numbers: &[Numbered], mirror: &Mirror, record: &Record) -> plan::Plan {
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

/// Says what has changed with a mirror as a whole.
fn tell(mirror: &Mirror, found: &Found, changes: &settle::Changes) {
    let name = &mirror.name;
    if let Some((why, _)) = &found.left {
        log::info(format_args!("mirror {name}: is left alone in this run ({why})"));
    }
    for category in &changes.back {
        log::info(format_args!("mirror {name}: {category} answers again, and is back in"));
    }
    for (url, why) in &changes.bad {
        log::warning(format_args!("mirror {name}: {url} is left out ({why})"));
    }
    for url in &changes.well {
        log::info(format_args!("mirror {name}: {url} is well again"));
    }
}

/// A unit for the state. Versions that count beside the current one do not make another unit of it.
fn row(tree: &Tree, unit: &Unit) -> UnitRow {
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
        content: if plan::cost(unit) > 0 { content.finalize()[..8].to_vec() } else { Vec::new() },
    }
}
