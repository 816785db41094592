//! Many mirrors at once.

use crate::{
    primary::{Files, Primary},
    server::{Fault, Server},
    world::{World, has},
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

/// The largest memory of this process so far, in MB. The servers are in it, too.
fn memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[test]
fn five_hundred_mirrors_a_hundred_changes_and_a_tenth_of_a_second() {
    if env::var_os("MIRRORLIST_LONG").is_none() {
        eprintln!("skipped: takes some minutes; MIRRORLIST_LONG=1 runs it");
        return;
    }
    let mut world = world(500, 1000, Duration::from_millis(100));
    world.limits.pause = collector::run::crawl::LIMITS.pause;
    world.limits.run = collector::run::crawl::LIMITS.run;
    let timed = |world: &mut World, what: &str| {
        let (begun, before) = (Instant::now(), memory());
        let (_, summary) = world.run();
        println!(
            "{what}: {summary}\n{:?}, {before:.0} to {:.0} MB with the servers",
            begun.elapsed(),
            memory()
        );
        let most = world.requests().into_iter().max().unwrap();
        println!("at most {most} requests to a mirror, {:?} connections", world.connections().iter().max());
        summary
    };
    timed(&mut world, "first run");
    while timed(&mut world, "another run").known < 500 * 1020 {}
    update(&mut world, 100);
    world.connections();
    let begun = Instant::now();
    check(&mut world, 100);
    println!("a hundred changes: {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(300));
}
