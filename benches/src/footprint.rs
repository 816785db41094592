//! What processes come to in memory, as the kernel accounts for it: the service, and processes with data of their own.

use crate::yardsticks::Yardstick;
use cache::{CacheBytes, View};
use serde::Serialize;
use std::{collections::BTreeMap, fs, io, path::Path, sync::atomic::AtomicBool, time::Duration};
use testkit::{
    load::{
        Plan, Target,
        questions::{Kind, questions},
        run,
    },
    process::{Memory, caches_mapped, system_memory},
    stack::{Programs, Running, Stack},
};

/// Connections of the load.
const CONNECTIONS: usize = 100;
/// What every process had in 2007, with the data in each of them.
pub const OF_2007: u64 = 27_000_000;

/// What some processes hold together, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Footprint {
    /// How many they are.
    pub processes: usize,
    /// Pages that only one of them has, all added up; the cache's are not among them.
    pub uss: u64,
    /// The same, and each shared page by its share.
    pub pss: u64,
    /// What of that is touched pages of the shared cache.
    pub pss_of_cache: u64,
    /// Page tables.
    pub page_tables: u64,
    /// The cache that they share, resident or not.
    pub archive: u64,
}

impl Footprint {
    /// What these processes hold, with an archive of so many bytes among them.
    pub fn of(pids: &[u32], archive: u64) -> io::Result<Footprint> {
        let mut sum = Footprint { processes: pids.len(), archive, ..Footprint::default() };
        for pid in pids {
            let memory = Memory::of(*pid)?;
            sum.uss += memory.uss;
            sum.pss += memory.pss;
            sum.pss_of_cache += memory.pss_of_cache;
            sum.page_tables += memory.page_tables;
        }
        Ok(sum)
    }

    /// Private memory of every process, page tables, and the whole archive: what the targets are about.
    pub fn memory(&self) -> u64 {
        self.uss + self.page_tables + self.archive
    }

    /// Every page once, also what processes share without its being the archive: code, and what the master had prepared
    /// before it forked. Libraries that other programs use too count by their share.
    pub fn everything(&self) -> u64 {
        self.pss.saturating_sub(self.pss_of_cache) + self.page_tables + self.archive
    }
}

/// The service with some number of workers.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// How many workers.
    pub workers: usize,
    /// Front end, master and workers after load.
    pub all: Footprint,
    /// The same by what the processes are.
    pub by_role: BTreeMap<&'static str, Footprint>,
    /// The workers before any load.
    pub idle_workers: Footprint,
    /// The most caches that one process has mapped.
    pub caches_mapped: usize,
}

impl Service {
    /// Private memory of a loaded worker, on average.
    pub fn uss_of_a_worker(&self) -> u64 {
        self.by_role.get("worker").map_or(0, |all| all.uss / all.processes.max(1) as u64)
    }

    /// Page tables of a worker, on average.
    pub fn page_tables_of_a_worker(&self) -> u64 {
        self.by_role.get("worker").map_or(0, |all| all.page_tables / all.processes.max(1) as u64)
    }
}

/// Starts the service, puts load on it and says what it holds. A wrong answer is an error.
pub fn service(programs: &Programs, cache: &Path, workers: usize, requests: u64) -> Result<Service, String> {
    let failed = |error: io::Error| format!("memory of the service: {error}");
    let bytes = CacheBytes::read(cache).map_err(failed)?;
    let archive = bytes.len() as u64;
    let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;
    let asked = questions(&view, Kind::Mix, 8192, 1);
    let options = ["--workers", &workers.to_string(), "--minimum", "100"];
    // With ten thousand hosts the answers that are under way are larger than the limit allows; clients here read at once.
    let stack = Stack::start(programs, cache, &options, &["--max-unsent", "268435456"])?;
    let processes = stack.processes().map_err(failed)?;
    let with_role = |role: &str| -> Vec<u32> {
        processes.iter().filter(|process| process.0 == role).map(|process| process.1).collect()
    };
    let idle_workers = Footprint::of(&with_role("worker"), 0).map_err(failed)?;
    let plan = Plan {
        target: Target::Tcp(stack.http),
        connections: CONNECTIONS,
        pipeline: 1,
        keep_alive: true,
        requests,
        limit: Duration::from_secs(120),
    };
    let outcome = run(&plan, &asked, &AtomicBool::new(false)).map_err(failed)?;
    if outcome.failed() > 0 {
        return Err(format!("wrong answers: {:?}", outcome.failures));
    }
    let pids: Vec<u32> = processes.iter().map(|process| process.1).collect();
    let mut by_role = BTreeMap::new();
    for role in ["front end", "master", "worker"] {
        by_role.insert(role, Footprint::of(&with_role(role), 0).map_err(failed)?);
    }
    let mapped = pids.iter().map(|pid| caches_mapped(*pid)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let all = Footprint::of(&pids, archive).map_err(failed)?;
    stack.stop()?;
    let caches_mapped = mapped.into_iter().max().unwrap_or(0);
    Ok(Service { workers, all, by_role, idle_workers, caches_mapped })
}

/// What so many processes hold that have each a copy of a cache file, for each of the `counts`.
pub fn copies(
    yardstick: &Yardstick,
    cache: &Path,
    counts: &[usize],
) -> Result<Vec<Option<Footprint>>, String> {
    hold(counts, || yardstick.copy(cache))
}

/// The same with what MirrorManager's cache decodes to; `None` for numbers of processes that do not fit.
pub fn decoded(
    yardstick: &Yardstick,
    mirrormanager: &Path,
    counts: &[usize],
) -> Result<Vec<Option<Footprint>>, String> {
    // Decoding needs the file itself in memory, beside what it becomes.
    let file =
        fs::metadata(mirrormanager).map_err(|error| format!("{}: {error}", mirrormanager.display()))?;
    if file.len() * 20 > available()? {
        return Ok(vec![None; counts.len()]);
    }
    hold(counts, || yardstick.decoded(mirrormanager))
}

/// Starts processes until there are as many as the largest count, or until a quarter of the free memory is gone.
fn hold(
    counts: &[usize],
    mut start: impl FnMut() -> Result<Running, String>,
) -> Result<Vec<Option<Footprint>>, String> {
    let limit = available()? / 4;
    let mut running: Vec<Running> = Vec::new();
    let mut held = Footprint::default();
    let mut all = Vec::new();
    for count in counts {
        while running.len() < *count {
            let each = held.memory() / running.len().max(1) as u64;
            if held.memory() + each > limit {
                break;
            }
            running.push(start()?);
            let pids: Vec<u32> = running.iter().map(Running::pid).collect();
            held = Footprint::of(&pids, 0).map_err(|error| format!("memory of a copy: {error}"))?;
        }
        all.push((running.len() == *count).then_some(held));
    }
    Ok(all)
}

fn available() -> Result<u64, String> {
    system_memory("MemAvailable:").map_err(|error| format!("free memory: {error}"))
}
