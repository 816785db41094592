//! What a mirror sees of a run: how many requests, over how many connections, how fast, and who asks.

use crate::{
    primary::Primary,
    server::{Fault, Server},
    world::{RHYTHM, World, has, mirror, name},
};
use collector::run::{mirrors::Mirror, tree::Category};
use std::time::{Duration, Instant};

/// How often a request of this method is for something that has this in it.
fn count(requests: &[String], method: &str, part: &str) -> usize {
    let is = |head: &&String| head.starts_with(method) && head.lines().next().unwrap().contains(part);
    requests.iter().filter(is).count()
}

#[test]
fn a_run_asks_for_what_has_changed_and_a_little_of_the_rest_over_one_connection() {
    // 10,000 directories: 500 repositories, of which each has many, and others.
    let mut world = World::new(Primary::new(500, 400), 2);
    let (verdicts, summary) = world.run();
    assert_eq!((world.requests(), world.connections()), (vec![2_000; 2], vec![1; 2]));
    // Repositories first, four requests each.
    assert_eq!(has(&verdicts, 0), [[true; 500].as_slice(), &[false; 400]].concat());
    assert_eq!((summary.known, summary.units), (1_000, 1_800));
    let (verdicts, summary) = world.run();
    // The others are two requests each; then there are 150 for what has not changed.
    assert_eq!((world.requests(), world.connections()), (vec![800 + 148; 2], vec![1; 2]));
    assert_eq!((has(&verdicts, 0), summary.known), (&[true; 900][..], 1_800));
    world.run();
    assert_eq!((world.requests(), world.connections()), (vec![148; 2], vec![1; 2]));

    (0..20).for_each(|repository| world.primary.update(repository * 25));
    world.copy();
    let (_, summary) = world.run();
    let requests = world.servers[0].requests();
    assert!(requests.len() <= 20 * 4 + 150, "{}", requests.len());
    assert_eq!(world.connections(), [1; 2]);
    assert_eq!((summary.good, summary.outward, summary.requests), (1_800, 0, 2 * requests.len() as u64));
    // Those that have changed come first.
    assert!(requests[0].contains("/os/repodata/repomd.xml HTTP/1.1\r\n"), "{}", requests[0]);
    assert_eq!(
        (count(&requests[..80], "HEAD", "/p-"), count(&requests[..80], "GET", "repomd.xml")),
        (20, 20)
    );
    for part in [
        concat!(
            "user-agent: mirrorlist-collect/",
            env!("CARGO_PKG_VERSION"),
            " (+https://example.org/about)"
        ),
        "accept-encoding: identity",
    ] {
        assert!(requests.iter().all(|head| head.contains(part)), "{}", requests[0]);
    }
}

#[test]
fn everything_is_looked_at_again_sooner_or_later() {
    let mut world = World::new(Primary::new(60, 60), 1);
    world.run();
    world.requests();
    let mut seen = Vec::new();
    for _ in 0..4 {
        world.run();
        seen.extend(world.servers[0].requests());
    }
    for at in 0..60 {
        assert!(count(&seen, "GET", &format!("/{at}/os/repodata/repomd.xml")) > 0, "repository {at}");
        assert!(count(&seen, "HEAD", &format!("/images/{at}/a.iso")) > 0, "directory {at}");
    }
}

#[test]
fn a_marker_that_is_the_primarys_says_it_all() {
    let primary = Primary { marker: Some("1".into()), ..Primary::new(50, 50) };
    let mut world = World::new(primary, 2);
    let (verdicts, summary) = world.run();
    assert_eq!((world.requests(), has(&verdicts, 0)), (vec![1; 2], &[true; 100][..]));
    assert_eq!((summary.known, summary.good), (200, 200));
    // One that is behind is asked for what has changed.
    world.primary.update(7);
    world.primary.marker = Some("2".into());
    world.servers[0].set(&world.primary.files());
    let (verdicts, _) = world.run();
    assert_eq!((has(&verdicts, 0), has(&verdicts, 1)), (&[true; 100][..], &[true; 100][..]));
    assert_eq!(world.servers[0].requests().len(), 1);
    let requests = world.servers[1].requests();
    assert!(requests[1].starts_with("GET /7/os/repodata/repomd.xml"), "{requests:?}");
    assert!(requests.len() <= 1 + 1 + 150, "{}", requests.len());
}

#[test]
fn a_mirror_that_has_caught_up_is_asked_for_all_that_it_lacked() {
    let mut world = World::new(Primary { kept: 1, ..Primary::new(300, 0) }, 1);
    world.limits.requests = 10_000;
    world.run();
    let old = world.primary.files();
    (0..300).for_each(|repository| world.primary.update(repository));
    assert_eq!(world.run().1.good, 0);
    world.requests();
    // It is still as it was: looked at with two thirds of what unchanged things may cost.
    assert_eq!((world.run().1.good, old.len()), (0, 1200));
    assert!(world.requests()[0] <= 150);
    world.copy();
    assert_eq!(world.run().1.good, 300);
}

#[test]
fn a_mirror_without_most_of_it_is_not_asked_for_that_again_and_again() {
    let mut world = World::new(Primary::new(300, 0), 1);
    let few = world
        .primary
        .files()
        .iter()
        .filter(|(path, _)| path.starts_with("1/"))
        .map(|(a, b)| (a.clone(), b.clone()))
        .collect();
    world.servers[0].set(&std::sync::Arc::new(few));
    assert_eq!(world.run().1.good, 1);
    assert_eq!(world.requests(), [303]);
    for _ in 0..3 {
        assert_eq!(world.run().1.good, 1);
        assert!(world.requests()[0] <= 150);
    }
}

#[test]
fn requests_keep_their_distance() {
    let mut world = World::new(Primary::new(5, 0), 2);
    world.limits.pause = Duration::from_millis(20);
    let begun = Instant::now();
    world.run();
    // Never faster; how much slower is the machine's to say.
    assert!(begun.elapsed() >= Duration::from_millis(20 * 19));
    assert_eq!(world.requests(), [20; 2]);
}

#[test]
fn who_wants_to_be_left_alone_is_not_asked_before_the_time_has_come() {
    let mut world = World::new(Primary::new(5, 0), 3);
    world.run();
    world.requests();
    world.servers[0].fault("", Fault::Later(429, 2 * RHYTHM + 60));
    let requests = |world: &mut World| {
        let (_, summary) = world.run();
        assert_eq!(summary.good, 15);
        world.requests()[0]
    };
    // One request, and the connection is as good as any.
    assert_eq!(requests(&mut world), 1);
    world.servers[0].mend();
    assert_eq!([requests(&mut world), requests(&mut world)], [0, 0]);
    assert_eq!(requests(&mut world), 20);
    // One that just has too much to do is left for this run.
    world.servers[0].fault("2/os", Fault::Status(503));
    assert!(requests(&mut world) < 20);
    world.servers[0].mend();
    assert_eq!(requests(&mut world), 20);
}

#[test]
fn a_run_ends_in_time_and_the_next_one_goes_on() {
    let primary = Primary::new(30, 0);
    let files = primary.files();
    let mut world = World::of(primary, vec![Server::slow(&files, Duration::from_millis(40))]);
    world.limits.run = Duration::from_millis(1000);
    let mut known = 0;
    for _ in 0..40 {
        let (_, summary) = world.run();
        assert!(summary.known > known && summary.silent.is_empty(), "{summary:?}");
        known = summary.known;
        if known == 30 {
            return;
        }
    }
    panic!("only {known} of 30 are known after 40 runs");
}

#[test]
fn a_category_that_changes_nothing_is_asked_for_one_thing_all_the_same() {
    // Two categories of a mirror on two hosts, the second of which dies; a run has no requests left for it.
    let mut world = World::new(Primary::new(5, 0), 2);
    world.limits.unchanged = 4;
    world.mirrors[0].urls.push((1, vec![world.servers[1].url().parse().unwrap()]));
    world.mirrors.truncate(1);
    let both = |world: &mut World| {
        world.now += RHYTHM;
        let mut tree = world.primary.tree();
        tree.categories.push(Category { name: "Other".into(), ..tree.categories[0].clone() });
        let more: Vec<_> = tree
            .units
            .iter()
            .cloned()
            .map(|mut unit| {
                (unit.category, unit.path) = (1, format!("other/{}", unit.path));
                unit
            })
            .collect();
        tree.units.extend(more);
        let settings = crate::world::settings();
        collector::run::crawl::crawl(
            &tree,
            &world.mirrors,
            &mut world.store(),
            &settings,
            world.limits,
            world.now,
        )
        .unwrap()
    };
    assert_eq!(both(&mut world).1.good, 10);
    world.servers[1].die();
    for run in 1..=4 {
        let (verdicts, _) = both(&mut world);
        assert_eq!(has(&verdicts, 0), [[true; 5], [run < 4; 5]].concat());
    }
}

#[test]
fn only_mirrors_that_are_there_for_everybody_are_asked() {
    let mut world = World::new(Primary::new(2, 0), 5);
    world.mirrors[1].disabled = true;
    world.mirrors[2].private = true;
    world.mirrors[3].up_to_date = true;
    world.mirrors[4].urls[0].1 = vec!["rsync://127.77.0.1/linux/".parse().unwrap()];
    let (verdicts, summary) = world.run();
    assert_eq!(world.requests(), [8, 0, 0, 0, 0]);
    let names: Vec<_> = verdicts.mirrors.keys().cloned().collect();
    assert_eq!((names, summary.mirrors), (vec![name(0), name(4)], 2));
    assert_eq!(has(&verdicts, 4), [false; 2]);
}

#[test]
fn a_redirect_within_a_host_is_followed_once_and_one_elsewhere_each_time() {
    let primary = Primary::new(4, 0);
    let files = primary.files();
    let end = Server::start(&files);
    let other_port = Server::at(end.address.ip(), &files, Duration::ZERO, None);
    other_port.fault("", Fault::LeadsTo(end.url().trim_end_matches('/').into()));
    let other_host = Server::start(&files);
    other_host.fault("", Fault::LeadsTo(end.url().trim_end_matches('/').into()));
    let mut world = World::of(primary, vec![other_port]);
    let (_, summary) = world.run();
    assert_eq!((summary.good, summary.requests, summary.connections, summary.elsewhere), (4, 17, 2, 0));
    world.servers = vec![other_host];
    world.mirrors = vec![mirror(1, &[world.servers[0].url()])] as Vec<Mirror>;
    let (_, summary) = world.run();
    // Never two at once: each is replaced by the next one.
    assert_eq!((summary.good, summary.requests, summary.connections, summary.elsewhere), (4, 32, 32, 16));
}

#[test]
fn nobody_waits_for_a_mirror_that_is_slow_and_the_next_run_goes_on() {
    let primary = Primary::new(30, 0);
    let files = primary.files();
    let mut world = World::of(primary, vec![Server::slow(&files, Duration::from_millis(40))]);
    (world.limits.visit, world.limits.slow) = (Duration::from_millis(400), Duration::from_millis(20));
    let (_, first) = world.run();
    assert!(first.known > 0 && first.known < 30 && first.silent.is_empty(), "{first:?}");
    let (_, second) = world.run();
    assert!(second.known > first.known, "{second:?}");
    // One whose answers are as fast as they should be has the whole run.
    world.limits.slow = Duration::from_secs(60);
    assert_eq!(world.run().1.known, 30);
}
