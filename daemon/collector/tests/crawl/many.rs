//! Many mirrors at once.

use crate::{
    apart::{memory_of, said},
    primary::{Files, Primary},
    server::{Fault, Server},
    world::{World, has},
};
use collector::run::crawl::{LIMITS, Summary};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike as _,
};
use std::{
    env, fs,
    sync::Arc,
    time::{Duration, Instant},
};

/// A world of mirrors, some of which are behind, some of which lack something, some of which are dead.
fn world(mirrors: usize, repositories: usize, latency: Duration) -> World {
    let primary = Primary::new(repositories, 20);
    let files = primary.files();
    World::of(primary, (0..mirrors).map(|_| Server::slow(&files, latency)).collect())
}

/// Has some repositories updated; every fifth mirror copies them not yet, every tenth is without the first one.
fn update(world: &mut World, changed: usize) {
    let old: Arc<Files> = world.primary.files();
    (0..changed).for_each(|repository| world.primary.update(repository));
    let new = world.primary.files();
    for (at, server) in world.servers.iter().enumerate() {
        server.set(if at % 5 == 4 { &old } else { &new });
        if at % 10 == 3 {
            server.fault("/0/os/repodata", Fault::Status(404));
        }
    }
}

/// What is said of them is what was done to them.
fn check(world: &mut World, changed: usize) {
    world.primary.kept = 1;
    let (verdicts, summary) = world.run();
    println!("{summary}");
    let units = world.primary.repositories.len() + 20;
    for at in 0..world.servers.len() {
        let is_good = |unit: usize| match (at % 5, at % 10) {
            (4, _) => unit >= changed,
            (_, 3) => unit != 0,
            _ => true,
        };
        let expected: Vec<bool> = (0..units).map(is_good).collect();
        assert_eq!(has(&verdicts, at), expected, "mirror {at}");
    }
    assert_eq!(summary.silent, []);
    let connections = world.connections();
    assert!(connections.iter().all(|connections| *connections == 1), "{connections:?}");
}

#[test]
fn a_hundred_mirrors_are_asked_at_once() {
    let mut world = world(100, 10, Duration::ZERO);
    let (_, summary) = world.run();
    assert_eq!((summary.good, summary.connections), (100 * 30, 100));
    world.connections();
    update(&mut world, 4);
    check(&mut world, 4);
}

/// Runs in a process of its own, and says what that took.
fn timed(world: &mut World, what: &str) -> Summary {
    let seconds = |usage: &Usage| (usage.user_time() + usage.system_time()).num_milliseconds() as f64 / 1e3;
    let usage = || getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let (begun, before) = (Instant::now(), seconds(&usage()));
    let output = world.command().output().unwrap();
    let (summary, memory) = (said(&output), memory_of(&output));
    let (took, after) = (begun.elapsed(), usage());
    let processor = seconds(&after) - before;
    let most = world.requests().into_iter().max().unwrap();
    let connections = world.connections().into_iter().max().unwrap();
    println!("{what}: {summary}");
    println!(
        "  {:.1} s, {processor:.1} s of processor time, {memory:.0} MB at most; at most {most} requests over {connections} \
         connections to a mirror; state {:.1} MB",
        took.as_secs_f64(),
        fs::metadata(world.state()).unwrap().len() as f64 / 1e6
    );
    assert!(took <= Duration::from_secs(900) && memory <= 100.0 && connections == 1);
    summary
}

#[test]
fn five_hundred_mirrors_a_hundred_changes_and_a_tenth_of_a_second() {
    if env::var_os("MIRRORLIST_LONG").is_none() {
        eprintln!("skipped: takes half an hour; MIRRORLIST_LONG=1 runs it");
        return;
    }
    let mut world = world(500, 1000, Duration::from_millis(100));
    (world.limits.pause, world.limits.run) = (LIMITS.pause, LIMITS.run);
    timed(&mut world, "first run");
    while timed(&mut world, "another one").known < 500 * 1020 {}
    timed(&mut world, "without a change");
    (0..20).for_each(|repository| world.primary.update(repository * 7));
    world.copy();
    timed(&mut world, "twenty changes");
    update(&mut world, 100);
    world.primary.kept = 1;
    let begun = Instant::now();
    let summary = timed(&mut world, "a hundred changes, and a fifth of mirrors behind");
    assert!(begun.elapsed() <= Duration::from_secs(300));
    assert_eq!(summary.outward, 100 * 100 + 50);
}

#[test]
fn ten_thousand_directories_of_five_hundred_mirrors_fit_into_memory() {
    if env::var_os("MIRRORLIST_LONG").is_none() {
        eprintln!("skipped: takes some minutes; MIRRORLIST_LONG=1 runs it");
        return;
    }
    let primary = Primary::new(1000, 10_000);
    let files = primary.files();
    let mut world = World::of(primary, (0..500).map(|_| Server::start(&files)).collect());
    world.limits.run = LIMITS.run;
    timed(&mut world, "first run");
    (0..20).for_each(|repository| world.primary.update(repository * 7));
    world.copy();
    timed(&mut world, "another one, with twenty changes");
}
