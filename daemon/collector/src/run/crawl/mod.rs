//! Asking mirrors what they have: up to `AT_ONCE` mirrors at once, each over one connection at a time, within [`LIMITS`].
//!
//! [`mod@plan`]: what a mirror is asked for; [`mod@visit`]: how, over which [`way`]; [`judge`]: what its answers mean; [`settle`]: what they
//! leave of what was [`known`]. That is written to the state when a visit ends, so that a run may end at any moment: the
//! next one goes on, and [`standing`] shows it. Whether a mirror that did not answer is to blame is known when all have been asked.

mod descriptors;
pub mod judge;
pub mod known;
pub mod plan;
pub mod settle;
mod silent;
pub mod standing;
mod summary;
pub mod visit;
mod wanted;
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
use known::{Numbered, OfUrl, Record};
use program::{failure::Failure, log, print::grouped};
use silent::Held;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{runtime, time::Instant};
use visit::{Did, Found, Visit, visit};
use wanted::{Wanted, record, row, wanted};

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
    let client = Client::new(&settings.contact, settings.addresses.clone())?;
    let (number, figures) = store.last_run()?.unwrap_or_default();
    let number = number + 1;
    let before: Summary = serde_json::from_str(&figures).unwrap_or_default();
    let (braked, braked_https) = (before.braked, before.braked_https);
    let rows: Vec<UnitRow> = tree.units.iter().map(|unit| row(tree, unit)).collect();
    let numbers = store.settle_units(&rows)?;
    drop(rows);
    let present: BTreeSet<&str> = mirrors.iter().map(|mirror| &*mirror.name).collect();
    store.settle_mirrors(&present, now, now.saturating_sub(REMEMBERED))?;
    let mut asked: Vec<&Mirror> =
        mirrors.iter().filter(|mirror| !mirror.disabled && !mirror.private && !mirror.up_to_date).collect();
    let at_once = descriptors::at_once(AT_ONCE)?;
    if asked.len() > at_once {
        // Whoever was not reached in time is among the first the next time.
        let first = number.wrapping_mul(at_once as u64) % asked.len() as u64;
        asked.rotate_left(first as usize);
    }
    let mut crawl = Crawl {
        tree,
        numbers: &numbers,
        limits,
        at_once,
        now,
        verdicts: Verdicts::default(),
        summary: Summary {
            number,
            time: now,
            mirrors: asked.len() as u64,
            braked,
            braked_https,
            ..Summary::default()
        },
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
    let Crawl { mut verdicts, mut summary, newer, .. } = crawl;
    summary.newer = newer.iter().take(MOST_NAMED).map(|at| tree.units[*at as usize].path.clone()).collect();
    verdicts.newer = newer;
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
    /// Mirrors that are asked at a time.
    at_once: usize,
    now: u64,
    verdicts: Verdicts,
    summary: Summary,
    /// Mirrors with categories or URLs that were asked in vain.
    held: Vec<Held>,
    /// Mirrors of which a URL of https is well.
    well: u64,
    newer: BTreeSet<u32>,
    /// Whether anybody has answered by IPv6.
    has_v6: bool,
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
        let mut visits = stream::iter(visits).buffer_unordered(self.at_once);
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
        let is_well = found.urls.keys().any(|url| is_https(url));
        self.well += u64::from(is_well);
        let urls: BTreeMap<String, Did> = urls;
        // Of one that nobody has asked yet, nobody knows that it never worked.
        let worked = |of: &OfUrl| of.is_in() && !of.is_unproven;
        let was_well = |url: &String| record.urls.get(url).is_none_or(worked);
        let has_lost_https = !is_well && urls.keys().any(|url| is_https(url) && was_well(url));
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
                has_lost_https,
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
}

fn is_https(url: &str) -> bool {
    url.starts_with("https:")
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
