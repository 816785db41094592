//! What workers count together, as any of them tells it.

use crate::support::{Daemon, daemon::send_signal, until, write_cache};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{collections::HashMap, fs};
use wire::{Counter, Key, Kind, Tier, Unit};

/// Requests for mirror lists that were answered with mirrors of the whole world, which all of the tests' are.
fn lists(counters: &HashMap<Key, u64>) -> u64 {
    let ours = |key: &Key| match key {
        Key::Requests(outcome) => {
            (outcome.kind(), outcome.status(), outcome.tier()) == (Kind::Mirrorlist, 200, Tier::Global)
        }
        Key::Counter(_) => false,
    };
    counters.iter().filter(|(key, _)| ours(key)).map(|(_, count)| count).sum()
}

fn requests(counters: &HashMap<Key, u64>) -> u64 {
    counters.iter().filter(|(key, _)| matches!(key, Key::Requests(_))).map(|(_, count)| count).sum()
}

#[test]
fn any_worker_tells_what_all_have_counted() {
    let daemon = Daemon::start(&["--workers", "3"]);
    let mut bytes = 0;
    for worker in daemon.workers() {
        let mut client = daemon.connect_to(worker);
        bytes += (0..10).map(|id| client.answer(id).unwrap().len()).sum::<usize>();
    }
    let mut client = daemon.connect();
    client.send(b"this is no frame").unwrap();
    client.hear().unwrap();
    for worker in daemon.workers() {
        let counters = daemon.connect_to(worker).counters().unwrap();
        let value = |counter| counters[&Key::Counter(counter)];
        assert_eq!((lists(&counters), requests(&counters)), (30, 30));
        assert!(value(Counter::BytesSent) > bytes as u64);
        assert!(value(Counter::Connections) >= 4);
        assert_eq!(value(Counter::FramesRefused), 1);
        assert_eq!((value(Counter::Generation), value(Counter::WorkersWanted)), (1, 3));
        assert_eq!((value(Counter::Hosts), value(Counter::Directories)), (20, 1));
        assert_eq!(value(Counter::Repositories), 1);
        assert_eq!((value(Counter::CacheSource), value(Counter::CacheBuilt)), (1_700_000_000, 1_700_000_100));
        assert_eq!(value(Counter::CacheBytes), fs::metadata(daemon.cache()).unwrap().len());
    }
    until("three ready workers", || {
        daemon.connect().counters().unwrap()[&Key::Counter(Counter::WorkersReady)] == 3
    });
}

#[test]
fn counts_survive_lost_workers_and_reloads() {
    let daemon = Daemon::start(&[]);
    let mut asked = 0;
    let mut ask = |worker: u32| {
        let mut client = daemon.connect_to(worker);
        (0..7).for_each(|id| drop(client.answer(id).unwrap()));
        asked += 7;
        assert_eq!(requests(&client.counters().unwrap()), asked);
    };
    for round in 1..=5 {
        let workers = daemon.workers();
        workers.iter().for_each(|worker| ask(*worker));
        send_signal(workers[0], Signal::SIGKILL);
        daemon.newcomer(&workers);
        daemon.workers().iter().for_each(|worker| ask(*worker));
        write_cache(&daemon.cache(), "second");
        let said = daemon.errand(&["reload"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        until("the old workers' end", || daemon.workers().len() == 2);
        let counters = daemon.connect().counters().unwrap();
        let value = |counter| counters[&Key::Counter(counter)];
        assert_eq!((value(Counter::Reloads), value(Counter::Generation)), (round, round + 1));
        assert_eq!((value(Counter::WorkersRestarted), value(Counter::LastReload)), (round, 1));
        assert!(value(Counter::LastReloadTime) >= value(Counter::Started));
    }
}

#[test]
fn no_count_ever_falls() {
    let daemon = Daemon::start(&[]);
    let mut last: HashMap<Key, u64> = HashMap::new();
    for round in 0..60 {
        let mut client = daemon.connect();
        // Whoever has just been killed or retired answers no more, and is replaced.
        let Ok(counters) = client.answer(1).and_then(|_| client.counters()) else { continue };
        for (key, before) in &last {
            let is_count = !matches!(key, Key::Counter(counter) if counter.unit() != Unit::Count);
            let now = counters.get(key).copied().unwrap_or_default();
            assert!(!is_count || now >= *before, "{key:?}: {before}, then {now}");
        }
        last = counters;
        match round % 3 {
            // It may have been retired, and be gone already.
            0 => drop(kill(Pid::from_raw(daemon.workers()[0] as i32), Signal::SIGKILL)),
            1 => daemon.signal(Signal::SIGHUP),
            _ => {}
        }
    }
    assert!(requests(&last) > 20);
}

#[test]
fn dropped_log_lines_are_counted() {
    let daemon = Daemon::start(&["--access-log", "/dev/full", "--log-address", "full"]);
    let mut client = daemon.connect();
    (0..5).for_each(|id| drop(client.answer(id).unwrap()));
    assert_eq!(client.counters().unwrap()[&Key::Counter(Counter::LogLinesDropped)], 5);
}

#[test]
fn counters_take_no_more_memory_with_every_reload() {
    let daemon = Daemon::start(&["--workers", "8"]);
    for _ in 0..20 {
        assert_eq!(daemon.errand(&["reload"]).code, Some(0));
        until("the old workers' end", || daemon.workers().len() == 8);
    }
    let mapped = shared_kb(daemon.pid());
    println!("shared counters: {mapped} kB in memory");
    // Master, eight workers and those that they replace need 17 rows of some 1.5 kB; there is room for four times as many.
    assert!((4..=32).contains(&mapped), "{mapped} kB");
}

/// How much of its anonymous shared memory a process has touched.
fn shared_kb(pid: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap();
    let after = maps.split_once("/dev/zero (deleted)").unwrap().1;
    let line = after.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
