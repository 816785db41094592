//! `mirrorlist-collect check-mirror`: one mirror as a run would see it, for its admin and for those who take mirrors in.
//!
//! The primary is read, the mirror is visited as one that nobody knows, and nothing is kept. [`advice`] says what to do about
//! what was found.

mod advice;

use super::{
    crawl::{
        LIMITS, Limits,
        known::{Known, Verdict},
        plan::{Now, cost, plan},
        visit::{Found, OfUnit, Visit, visit},
    },
    mirrors::{Mirror, base_url::base_url, file::Reading, folder},
    primary::{self, Before},
    tree::Tree,
};
use crate::{
    config::check_mirror::Config,
    http::{Client, address::Addresses},
    progress::Progress,
    store::Store,
};
use advice::Finding;
use program::{
    failure::Failure,
    print::{grouped, printed},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{runtime, time::Instant};
use url::Url;

/// Units by which it is found out which categories a URL is of.
const PROBES: usize = 5;

/// What was found of a mirror. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The mirror's name, or the URL.
    pub mirror: String,
    /// By category.
    pub categories: BTreeMap<String, OfCategory>,
    /// What is to be said of it, the worst first.
    pub findings: Vec<Finding>,
    /// Requests that were sent.
    pub requests: u64,
    /// Connections over which.
    pub connections: u64,
}

/// What a mirror has of a category.
#[derive(Debug, Default, Serialize)]
pub struct OfCategory {
    /// Repositories and directories for which it would be listed.
    pub good: u64,
    /// Of how many that were asked for.
    pub asked: u64,
    /// Of how many in all.
    pub all: u64,
}

/// Checks a mirror and prints what is found. An error if it could not be listed as it is.
pub fn run(config: &Config) -> Result<(), Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let report = check(config, LIMITS, now)?;
    printed(config.json, &report, || report.to_string())?;
    match report.findings.iter().filter(|finding| finding.is_wrong).count() {
        0 => Ok(()),
        wrong => Err(Failure::unavailable(format!(
            "mirror {}: {} of {} findings {} to be seen to; what to do stands beside each",
            report.mirror,
            grouped(wrong),
            grouped(report.findings.len()),
            if wrong == 1 { "is" } else { "are" }
        ))),
    }
}

/// Checks a mirror; `now` is in seconds since the epoch.
pub fn check(config: &Config, limits: Limits, now: u64) -> Result<Report, Failure> {
    let mut mirror = mirror(config)?;
    let addresses = Addresses::new(config.allow_addresses.clone());
    let client = Client::new(&config.contact, addresses)?;
    let before = match config.state.exists() {
        true => {
            let store = Store::open_to_read(&config.state)?;
            Before { indexes: store.indexes()?, lists: store.lists()? }
        }
        false => Before::default(),
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::system(format!("no runtime ({error})")))?;
    let progress = Progress::start();
    let Some(primary) = &config.site.primary else { return Err(Failure::bug("no primary")) };
    let found = runtime.block_on(async {
        let read = primary::read(&config.site, primary, &client, &before, now, &progress).await;
        let tree =
            read.map_err(|cause| Failure::unavailable(format!("primary: {cause}; nobody is checked")))?.tree;
        let visited = async |mirror: &Mirror, plan, requests| {
            let limits = Limits { requests, ..limits };
            let (urls, end) = (BTreeMap::new(), Instant::now() + limits.run);
            visit(&client, &Visit { tree: &tree, mirror, plan, urls, limits, end, now }).await
        };
        if is_url(&config.mirror) && mirror.urls.len() > 1 {
            progress.step("looking which categories it has");
            let mut probes = planned(&tree, &mirror);
            probes.due = first_of_each(&tree, &probes.due);
            let found = visited(&mirror, probes, limits.requests).await;
            let has = |category: u32| {
                found.units.iter().any(|(at, of)| {
                    tree.units[*at as usize].category == category
                        && matches!(of, OfUnit::Found(verdict, ..) if *verdict != Verdict::Absent)
                })
            };
            if mirror.urls.iter().any(|(category, _)| has(*category)) {
                mirror.urls.retain(|(category, _)| has(*category));
            }
        }
        progress.step("asking the mirror");
        let found = visited(&mirror, planned(&tree, &mirror), limits.requests).await;
        let mut families = Vec::new();
        for (_, urls) in &mirror.urls {
            for url in urls.iter().filter(|url| url.scheme() != "rsync") {
                families.push((url.clone(), client.families(url).await));
            }
        }
        Ok::<_, Failure>((tree, found, families))
    });
    runtime.shutdown_background();
    let (tree, found, families) = found?;
    Ok(report(&tree, &mirror, &found, &families))
}

fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// The mirror that is meant: of a URL, one that has every category there.
fn mirror(config: &Config) -> Result<Mirror, Failure> {
    let what = &config.mirror;
    if is_url(what) {
        // What may stand in it stays unsaid: it may be a password.
        let url = base_url(what).map_err(|cause| Failure::config(format!("mirror: the URL {cause}")))?;
        if url.scheme() == "rsync" {
            return Err(Failure::config(format!("mirror {url}: expected an https or http URL, or a file")));
        }
        let urls = (0..config.site.categories.len() as u32).map(|category| (category, vec![url.clone()]));
        let urls = urls.collect();
        return Ok(Mirror {
            name: url.to_string(),
            disabled: false,
            private: false,
            up_to_date: false,
            urls,
        });
    }
    let reading = Reading { categories: &config.site.categories, trusted: &config.trusted };
    Ok(folder::read_one(Path::new(what), &reading)?.mirror)
}

/// Everything, as of a mirror of which nothing is known.
fn planned(tree: &Tree, mirror: &Mirror) -> super::crawl::plan::Plan {
    let units = (0..).zip(&tree.units);
    let units = units.filter(|(_, unit)| mirror.urls.iter().any(|(of, _)| *of == unit.category));
    plan(units.map(|(at, unit)| Now { at, unit, revision: 1 }), |_| None::<&Known>)
}

/// The first few units of each category.
fn first_of_each(tree: &Tree, units: &[u32]) -> Vec<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    let is_first = |at: &&u32| {
        let count = counts.entry(tree.units[**at as usize].category).or_default();
        *count += 1;
        *count <= PROBES
    };
    units.iter().filter(is_first).copied().collect()
}

fn report(tree: &Tree, mirror: &Mirror, found: &Found, families: &[(Url, [Option<bool>; 2])]) -> Report {
    let mut categories: BTreeMap<String, OfCategory> = BTreeMap::new();
    for (category, _) in &mirror.urls {
        let of = categories.entry(tree.categories[*category as usize].name.clone()).or_default();
        let is_marked = found.marked.contains(category);
        for (at, _) in (0..).zip(&tree.units).filter(|(_, unit)| unit.category == *category && cost(unit) > 0)
        {
            of.all += 1;
            let unit = found.units.get(&at);
            of.asked += u64::from(is_marked || unit.is_some());
            let is_good = matches!(unit, Some(OfUnit::Found(verdict, ..)) if verdict.is_good());
            of.good += u64::from(is_marked || is_good);
        }
    }
    let findings = advice::findings(tree, mirror, found, families, &categories);
    let (requests, connections) = (found.counts.requests, found.counts.connections);
    Report { mirror: mirror.name.clone(), categories, findings, requests, connections }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.mirror)?;
        for (name, OfCategory { good, asked, all }) in &self.categories {
            let (good, all) = (grouped(good), grouped(all));
            write!(f, "  {name}: has {good} of {all} repositories and directories")?;
            writeln!(
                f,
                "{}",
                if asked.to_string() == all {
                    String::new()
                } else {
                    format!(", of which {} were asked for", grouped(asked))
                }
            )?;
        }
        if self.findings.is_empty() {
            return writeln!(f, "  nothing to be said against it");
        }
        for Finding { is_wrong, what, advice } in &self.findings {
            writeln!(f, "  {}: {what}\n      {advice}", if *is_wrong { "wrong" } else { "note" })?;
        }
        Ok(())
    }
}
