//! `mirrorlist-collect status`: what is remembered of rounds and runs, for an operator or a script.

use crate::{
    check::{
        judge::{Standing, families::Known},
        outputs::plain,
        seconds::DAY,
    },
    config::status::Config,
    run::crawl::standing::{Detail, Runs},
    store::{
        Store,
        rounds::{Figures, Hour, Told},
    },
};
use program::{
    failure::Failure,
    print::{age, counted, date, grouped, printed},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// Changes that are shown are at most so old.
const RECENT: u64 = DAY;

/// What is known. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The last round.
    pub round: Option<Figures>,
    /// URLs that are suspended, or have failed.
    pub urls: BTreeMap<String, Standing>,
    /// By host, what it answers by; hosts that have lost one or never had it.
    pub families: BTreeMap<String, Vec<u8>>,
    /// http URLs whose https gives the same.
    pub also_https: Vec<String>,
    /// By repository, the last hour that was measured.
    pub propagation: BTreeMap<String, Hour>,
    /// What has changed within a day, oldest first.
    pub changes: Vec<At>,
    /// What runs know of mirrors, if there have been any.
    #[serde(flatten)]
    pub runs: Option<Runs>,
    #[serde(skip)]
    now: u64,
}

/// A change, and when it was.
#[derive(Debug, Serialize)]
pub struct At {
    time: u64,
    #[serde(flatten)]
    told: Told,
}

/// Prints it.
pub fn run(config: &Config) -> Result<(), Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let store = Store::open_to_read(&config.state)?;
    if let Some(mirror) = &config.mirror {
        let detail = Detail::read(&store, mirror, now)?;
        return printed(config.json, &detail, || detail.to_string());
    }
    let status = Status::read(&store, now)?;
    printed(config.json, &status, || status.to_string())
}

impl Status {
    /// Reads it; `now` is in seconds since the epoch.
    pub fn read(store: &Store, now: u64) -> Result<Status, Failure> {
        let (state, names) = (store.state()?, store.names()?);
        let families = state.families.iter().filter(|(_, known)| **known != BOTH);
        let families = families.map(|(host, known)| {
            let name = names.get(host).cloned().unwrap_or_else(|| host.to_string());
            (name, known.numbers().collect())
        });
        let changes = store.changes(now.saturating_sub(RECENT))?;
        Ok(Status {
            round: store.figures()?,
            urls: state.urls,
            families: families.collect(),
            also_https: store.also_https()?.into_iter().collect(),
            propagation: store.last_hours()?,
            changes: changes.into_iter().map(|(time, told)| At { time, told }).collect(),
            runs: Runs::read(store, now)?,
            now,
        })
    }
}

/// A host that answers by both.
const BOTH: Known = Known { has: [true, true], missed: [0, 0] };

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(runs) = &self.runs {
            write!(f, "{runs}")?;
        }
        let Some(round) = &self.round else {
            return if self.runs.is_none() { writeln!(f, "no round has been yet") } else { Ok(()) };
        };
        let ago = age(self.now.saturating_sub(round.time));
        writeln!(f, "round        {} of {}, {ago} ago", grouped(round.number), time(round.time))?;
        writeln!(f, "  hosts      {} asked in {:.1} s", grouped(round.hosts), round.seconds)?;
        let (good, failed, unknown) = (grouped(round.good), grouped(round.failed), grouped(round.unknown));
        writeln!(f, "  URLs       {good} good, {failed} failed, {unknown} without a verdict")?;
        for brake in &round.brakes {
            writeln!(f, "  brake      {brake}; its failures do not count")?;
        }
        let suspended =
            self.urls.iter().filter_map(|(url, standing)| Some((url, standing.suspended.as_ref()?)));
        let suspended: Vec<_> = suspended.collect();
        writeln!(f, "suspended    {}", suspended.len())?;
        for (url, suspension) in suspended {
            let (since, until) = (time(suspension.since), time(suspension.until));
            writeln!(f, "  {}  since {since} until {until}: {}", plain(url), suspension.reason)?;
        }
        let failing: Vec<_> = self.urls.iter().filter(|(_, standing)| standing.suspended.is_none()).collect();
        writeln!(f, "failing      {}", failing.len())?;
        for (url, standing) in failing {
            writeln!(f, "  {}  {} in a row", plain(url), counted(standing.failures, "time", "times"))?;
        }
        writeln!(f, "one family   {}, or none", counted(self.families.len(), "host", "hosts"))?;
        for (name, families) in &self.families {
            let families: Vec<String> = families.iter().map(|family| format!("IPv{family}")).collect();
            writeln!(
                f,
                "  {name}  {}",
                if families.is_empty() { "none".into() } else { families.join(", ") }
            )?;
        }
        writeln!(
            f,
            "https, too   {} by https",
            counted(
                self.also_https.len(),
                "URL that is http alone gives the same",
                "URLs that are http alone give the same"
            )
        )?;
        self.also_https.iter().try_for_each(|url| writeln!(f, "  {}", plain(url)))?;
        for (repository, hour) in &self.propagation {
            let Hour { hour, current, one_day, two_days, older, no_answer } = hour;
            writeln!(
                f,
                "{repository}  {}: {current} current, {one_day} a day behind, {two_days} two days, {older} older, {no_answer} without an answer",
                time(*hour)
            )?;
        }
        writeln!(f, "changes      {} within a day", self.changes.len())?;
        for At { time: when, told } in &self.changes {
            let Told { name, url, what, why, .. } = told;
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            writeln!(f, "  {} {name} {} {what}{why}", time(*when), plain(url))?;
        }
        Ok(())
    }
}

fn time(seconds: u64) -> String {
    date(seconds).unwrap_or_else(|| seconds.to_string())
}
