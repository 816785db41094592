//! Everything at once, as it is in production and a thousand times faster: load, a reload or a killed worker every 20 ms, crawls
//! that make caches, a mirror that dies and comes back, logs that are rotated and counted, and pages that are written.

use crate::{
    soak::slope,
    support::{
        NOBODY, Raised, Service, alone, by_profile,
        figures::{kilobytes, tell},
        http::Client,
        load::{about, ask_about},
        proc::{self, Holdings},
        service::{Setup, folder},
        signal,
        site::{REPOSITORY, Site, run},
        trouble::{self, is_not_new},
        until,
    },
};
use nix::sys::signal::Signal;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use testkit::{
    load::{self, Plan, Target, questions::Expected},
    process::Memory,
    stack,
};

const EVERY: Duration = Duration::from_millis(20);
/// One of so many troubles is a reload, the others kill a worker.
const RELOADS: u64 = 10;
/// Requests before the trouble begins.
const FIRST: u64 = 5000;
const ROLES: [&str; 3] = ["front end", "master", "workers"];

#[test]
fn promise_16_nothing_is_lost_and_nothing_grows_with_everything_at_once() {
    let _turn = alone();
    let place = folder(NOBODY);
    let site = Site::make(place.path());
    let cache = place.path().join("first.mlc");
    fs::write(&cache, site.crawl()).unwrap();
    site.check();
    let suspended = site.suspended().display().to_string();
    let options = ["--workers", "4", "--suspended", &suspended, "--access-log", "access.log"];
    let service = Service::start_on(&cache, Setup { daemon: &options, ..Setup::default() });
    let asked = about(&cache);
    ask_about(&asked, &service, 8, FIRST);
    trouble::reload(&service, 2);
    let before = Holdings::at_rest(&service);
    let loads = service.daemon.said("is ready with");

    let requests = by_profile(100_000, 10_000_000);
    // Trouble goes on until the round of the mirrors that is under way has come to its end.
    let (is_answered, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (outcomes, (reloads, kills), rounds, [counted, odd], samples) = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let _end = Raised(&is_answered);
            [(8, true, requests / 10 * 9), (4, false, requests / 10)]
                .map(|(connections, keep_alive, requests)| {
                    let plan = Plan {
                        target: Target::Tcp(service.http),
                        connections,
                        pipeline: 2,
                        keep_alive,
                        requests,
                        limit: Duration::from_secs(by_profile(300, 7200)),
                    };
                    let asked = &asked;
                    scope.spawn(move || load::run(&plan, asked, &AtomicBool::new(false)).unwrap())
                })
                .map(|one| one.join().unwrap())
        });
        let rounds = scope.spawn(|| {
            let _end = Raised(&is_over);
            keep(&service, &site, &is_answered)
        });
        let trouble = scope.spawn(|| trouble_it(&service, &is_over));
        let counted = scope.spawn(|| count(&service, &cache, place.path(), &is_over));
        let samples = scope.spawn(|| watch(&service, &is_answered));
        (
            load.join().unwrap(),
            trouble.join().unwrap(),
            rounds.join().unwrap(),
            counted.join().unwrap(),
            samples.join().unwrap(),
        )
    });
    service.settles(4);
    let after = Holdings::at_rest(&service);
    let answered: u64 = outcomes.iter().map(|outcome| outcome.answered).sum();
    let took = outcomes.iter().map(|outcome| outcome.took).max().unwrap();
    tell(&format!(
        "everything at once: {answered} of {requests} requests in {} s; {reloads} reloads asked for, {kills} workers killed, {rounds} crawls with a mirror \
         dead and back in each, {counted} lines of logs counted; longest answer {} ms",
        took.as_secs(),
        outcomes.iter().map(|outcome| outcome.latency.max()).max().unwrap() / 1000,
    ));
    let failures: Vec<&BTreeMap<String, u64>> = outcomes.iter().map(|outcome| &outcome.failures).collect();
    assert!(failures.iter().all(|failures| failures.is_empty()), "{failures:?}");
    assert_eq!(answered, requests);
    let loads = service.daemon.said("is ready with") - loads;
    assert!(
        loads > 1 && kills > reloads,
        "{loads} loads, {reloads} of them asked for, {kills} workers killed"
    );
    // Redirects by a path have no line. Of a worker that is killed there may be lines that are not written, and others twice.
    let lists = asked.iter().filter(|question| !matches!(question.expected, Expected::Redirect(_))).count();
    let lines = (FIRST + answered) * lists as u64 / asked.len() as u64;
    assert!(
        (lines / 100 * 98..lines / 100 * 102).contains(&counted),
        "{counted} lines of {lines} lists and metalinks"
    );
    // A write that a kill ends at the end of a page leaves half a line, to which another worker adds.
    assert!(odd <= 1 + kills / 1000, "{odd} lines that are none, after {kills} kills");
    for (at, role) in ROLES.into_iter().enumerate() {
        let [start, middle, end] = thirds(&samples).map(|part| median(part.iter().map(|(_, pss)| pss[at])));
        tell(&format!(
            "PSS of {role}: {} kB at the start, {} in the middle, {} at the end",
            kilobytes(start),
            kilobytes(middle),
            kilobytes(end)
        ));
        assert!(end < start + start / 4 + (4 << 20), "{role}: {start} to {end} bytes");
    }
    let sums: Vec<(f64, f64)> =
        samples.iter().map(|(time, pss)| (*time, pss.iter().sum::<u64>() as f64)).collect();
    let grown = slope(&sums) * took.as_secs_f64();
    assert!(grown < f64::from(8 << 20), "{grown} bytes");
    assert_eq!(after.workers, before.workers);
    // Fewer are no leak: a run of 10,000,000 requests has ended with two fewer of 74.
    assert!(after.descriptors() <= before.descriptors(), "{before:?}\n{after:?}");
    assert!(after.bytes() < before.bytes() + (6 << 20), "{before:?}\n{after:?}");
}

/// A reload or a killed worker every 20 ms; how many of each.
fn trouble_it(service: &Service, is_over: &AtomicBool) -> (u64, u64) {
    let (mut reloads, mut kills) = (0, 0);
    let mut due = Instant::now();
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        if number % RELOADS == 0 {
            service.daemon.signal(Signal::SIGHUP);
            reloads += 1;
        } else {
            let is_one = |pid: &u32| proc::slot(*pid).is_some() && is_not_new(*pid);
            let workers: Vec<u32> = service.workers().into_iter().filter(is_one).collect();
            if let Some(worker) = workers.get(number as usize % workers.len().max(1)) {
                kills += u64::from(signal(*worker, Signal::SIGKILL));
            }
        }
        // What was held up is not made up for: workers that die at once are another trouble.
        due = (due + EVERY).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    (reloads, kills)
}

/// Releases, crawls and compiles, has a mirror die and come back, over and over; how often. Daemons are reloaded by [`trouble_it`].
fn keep(service: &Service, site: &Site, is_answered: &AtomicBool) -> usize {
    let is_listed = || {
        let target = format!("/mirrorlist?repo={REPOSITORY}&arch=x86_64");
        let answer = Client::connect(service).get(&target, "192.0.2.10");
        assert!(answer.status == 200 && answer.body.contains("\nhttp://127.0.2."), "{answer:?}");
        answer.body.contains(&site.mortal)
    };
    for round in 1.. {
        site.release(round);
        service.publish(&site.crawl());
        for is_dead in [true, false] {
            site.set_dead(is_dead);
            until("a mirror is out when it is dead, and back when it is not", || {
                site.check();
                is_listed() != is_dead
            });
        }
        if is_answered.load(Ordering::Relaxed) {
            return round;
        }
    }
    0
}

/// Rotates logs as logrotate does, counts them and writes pages, over and over; how many lines that were, and how many that are
/// none.
fn count(service: &Service, cache: &Path, folder: &Path, is_over: &AtomicBool) -> [u64; 2] {
    let program = stack::report().unwrap();
    let (log, old) = (service.path("access.log"), service.path("access.log.1"));
    let (database, pages) = (folder.join("figures.db"), folder.join("pages"));
    let count = || {
        let mut command = Command::new(&program);
        command.args(["count", "--json", "--source", "one", "--database"]).arg(&database);
        let printed = run(command.args([&old, &log].iter().filter(|log| log.exists())));
        let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(summary["failed"], 0, "{summary}");
        ["lines", "odd"].map(|key| summary[key].as_u64().unwrap())
    };
    let mut sums = [0, 0];
    let mut add = || sums.iter_mut().zip(count()).for_each(|(sum, counted)| *sum += counted);
    loop {
        add();
        let mut render = Command::new(&program);
        render.args(["render", "--database"]).arg(&database).arg("--output").arg(&pages);
        run(render.arg("--cache").arg(cache));
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        // What is written to the old one until all workers have the new one is counted the next time.
        fs::rename(&log, &old).unwrap();
        service.daemon.signal(Signal::SIGUSR1);
        until("a new log", || log.exists());
    }
    add();
    assert!(fs::read_to_string(pages.join("index.html")).unwrap().contains(REPOSITORY));
    sums
}

/// The PSS of front end, master and all workers, twice a second.
fn watch(service: &Service, is_answered: &AtomicBool) -> Vec<(f64, [u64; 3])> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    while !is_answered.load(Ordering::Relaxed) {
        // A process that ends meanwhile has none.
        let pss = |pid| Memory::of(pid).map_or(0, |memory| memory.pss);
        let workers = service.workers().into_iter().map(pss).sum();
        samples.push((
            begun.elapsed().as_secs_f64(),
            [pss(service.frontend.pid()), pss(service.daemon.pid()), workers],
        ));
        thread::sleep(Duration::from_millis(500));
    }
    samples
}

fn thirds<T>(samples: &[T]) -> [&[T]; 3] {
    let third = samples.len().div_ceil(3);
    let (start, rest) = samples.split_at(third.min(samples.len()));
    let (middle, end) = rest.split_at(third.min(rest.len()));
    [start, middle, end]
}

fn median(figures: impl Iterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}
