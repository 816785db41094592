//! Who is suspended and when, who is not, and how they come back.

use crate::{
    server::{Manner, Server},
    world::{BEGIN, CURRENT, REPOSITORIES, RHYTHM, World, details, directory, url},
};
use collector::check::{judge::LASTING, seconds::HOUR};
use interchange::message::Host;
use std::{fs, time::Duration};

/// 60, or 300 where somebody waits for it.
fn mirrors() -> usize {
    if std::env::var_os("MIRRORLIST_LONG").is_some_and(|value| value == "1") { 300 } else { 60 }
}

#[test]
fn whoever_dies_stalls_or_lies_is_out_after_three_rounds_and_back_after_two() {
    let mut world = World::new(mirrors());
    // Stalling costs the patience of each round.
    world.limits.host = Duration::from_secs(3);
    world.limits.round = Duration::from_secs(30);
    let bad: [(Option<Manner>, &str); 9] = [
        (None, "no connection"),
        (Some(Manner::Stalls), "no answer within 3 s"),
        (Some(Manner::Closes), "the answer breaks off"),
        (Some(Manner::BreaksOff), "the answer breaks off"),
        (Some(Manner::Endless), "more than 131072 bytes"),
        (Some(Manner::Status(404)), "status 404 for 9/"),
        (Some(Manner::Status(503)), "status 503"),
        (Some(Manner::Body("<!DOCTYPE html><html>Domain for sale", "text/html")), "a page of HTML"),
        (Some(Manner::Body("", "text/xml")), "an empty file"),
    ];
    for (server, (manner, _)) in world.servers.iter().zip(&bad) {
        manner.clone().map_or_else(|| server.die(), |manner| server.set(manner));
    }
    let spared = [
        Manner::Has(CURRENT + 5000),
        Manner::Has(CURRENT - 86_400 * 100),
        Manner::Status(403),
        Manner::Status(429),
        Manner::Encoded,
        Manner::Lacks("9/b/os", CURRENT),
        Manner::Leads("https://mirror.invalid:1/".into()),
    ];
    // The last one leads to a name that does not exist: that fails for clients, too.
    let (spared, lost) = spared.split_at(6);
    for (server, manner) in world.servers[bad.len()..].iter().zip(spared.iter().chain(lost)) {
        server.set(manner.clone());
    }
    let lost = bad.len() + spared.len();
    for _ in 0..2 {
        let summary = world.round();
        assert_eq!((summary.suspended, world.suspended()), (vec![], vec![]));
        assert_eq!(summary.figures.brakes, [""; 0]);
    }
    let summary = world.round();
    let expected = world.urls((0..bad.len()).chain([lost]));
    assert_eq!(world.suspended(), expected, "{summary:?}");
    assert_eq!(summary.newly_suspended.len(), expected.len());
    assert_eq!(summary.figures.hosts, mirrors() as u64);
    assert_eq!(world.now, BEGIN + 2 * RHYTHM, "within nine minutes of the first failure");
    for (server, (_, reason)) in bad.iter().enumerate() {
        let line = world.lines().into_iter().find(|line| line.url == world.url(server)).unwrap();
        assert!(line.reason.contains(reason), "{line:?}");
        assert_eq!((line.since, line.until), (world.now, world.now + LASTING));
        assert_eq!(line.host, format!("mirror {}", server + 1));
    }

    // Everybody recovers; nobody is in before he has answered twice.
    world.servers[0].revive();
    world.servers.iter().for_each(|server| server.set(Manner::Has(CURRENT)));
    assert_eq!(world.round().suspended, expected);
    let summary = world.round();
    assert_eq!((summary.suspended, world.suspended()), (vec![], vec![]));
    assert_eq!(summary.back.len(), expected.len());
    assert!(summary.is_new_list);
    assert!(!world.round().is_new_list, "a list that says the same is left as it is");
}

#[test]
fn our_own_network_cut_suspends_nobody_and_what_was_before_ends() {
    let mut world = World::new(12);
    world.servers[3].die();
    world.rounds(3);
    assert_eq!(world.suspended(), world.urls([3]));
    let since = world.now;
    world.servers.iter().filter(|server| server.address != world.servers[3].address).for_each(|s| s.die());
    while world.now + RHYTHM < since + LASTING {
        let summary = world.round();
        assert_eq!(
            summary.figures.brakes,
            ["12 of 12 hosts of pub/linux fail", "12 of 12 hosts of pub/linux fail over http"]
        );
        assert_eq!(world.suspended(), world.urls([3]));
    }
    world.round();
    assert_eq!(world.suspended(), [""; 0]);
}

#[test]
fn of_two_mirrors_one_stays() {
    let mut world = World::new(2);
    world.servers[0].die();
    world.rounds(3);
    assert_eq!(world.suspended(), world.urls([0]));
    world.servers[1].die();
    for _ in 0..25 {
        world.round();
        assert!(!world.suspended().contains(&world.url(1)));
    }
    // Both are dead, and nobody can say which of them more: both are listed.
    assert_eq!(world.suspended(), [""; 0]);
    let mut world = World::new(1);
    world.servers[0].die();
    world.rounds(5);
    assert_eq!(world.suspended(), [""; 0]);
}

#[test]
fn what_the_control_url_or_the_clock_puts_in_doubt_counts_for_nothing() {
    let control = Server::start(Manner::Status(200));
    let mut world = World::new(9);
    world.config.control = Some(control.url("pub/").parse().unwrap());
    world.servers[1].die();
    control.set(Manner::Status(500));
    for _ in 0..4 {
        assert_eq!(world.round().figures.brakes, ["the control URL fails (status 500)"]);
    }
    control.die();
    let brakes = world.round().figures.brakes;
    assert!(brakes.len() == 1 && brakes[0].contains("no connection"), "{brakes:?}");
    control.revive();
    control.set(Manner::Endless);
    assert_eq!(world.round().figures.brakes, [""; 0]);

    // From here on the clocks of all others are an hour ahead, or ours is behind.
    world.servers.iter().for_each(|server| server.set_date(world.now + HOUR));
    for _ in 0..3 {
        let brakes = world.round().figures.brakes;
        assert!(brakes.len() == 1 && brakes[0].contains("s behind of those of the mirrors"), "{brakes:?}");
    }
    assert_eq!(world.suspended(), [""; 0]);
    world.servers[2].set_date(0);
    world.servers.iter().for_each(|server| server.set_date(world.now + RHYTHM));
    world.rounds(2);
    assert_eq!(world.suspended(), world.urls([1]), "one failure was before, and two are since");
}

#[test]
fn private_hosts_and_those_that_are_up_to_date_are_never_contacted() {
    let mut world = World::new(6);
    for record in &mut world.list.mirror_list {
        record.global.retain(|host| *host != 1);
    }
    for host in &mut world.list.host {
        host.up_to_date = Some(host.id == Some(2));
    }
    world.publish();
    let summary = world.rounds(4);
    assert_eq!((world.servers[0].connections(), world.servers[1].connections()), (0, 0));
    assert_eq!(summary.figures.hosts, 4);
    let mirrors = world.json("mirrors.json");
    let answers = mirrors["mirrors"].as_array().unwrap().iter().map(|mirror| &mirror["urls"][0]["answer"]);
    assert_eq!(answers.collect::<Vec<_>>(), ["unasked", "good", "good", "good", "good"]);
}

#[test]
fn each_round_asks_for_another_repository_and_says_who_we_are() {
    let mut world = World::new(1);
    world.rounds(6);
    let requests = world.servers[0].requests();
    assert_eq!(requests.len(), 6);
    for repository in REPOSITORIES {
        let line = format!("GET /linux/{repository}/repodata/repomd.xml HTTP/1.1\r\n");
        assert_eq!(requests.iter().filter(|request| request.starts_with(&line)).count(), 2, "{repository}");
    }
    let agent =
        concat!("mirrorlist-collect/", env!("CARGO_PKG_VERSION"), " (+https://example.org/about)\r\n");
    assert!(requests.iter().all(|request| request.contains(agent)), "{requests:?}");
}

#[test]
fn a_category_without_repositories_is_asked_for_a_file_by_its_head() {
    let mut world = World::new(5);
    let images: Vec<_> = (0..4).map(|_| Server::start(Manner::Has(0))).collect();
    let hosts: Vec<i64> = (101..).take(4).collect();
    for (host, server) in hosts.iter().zip(&images) {
        world.list.hcurl.push(url(*host, &server.url("iso")));
        world.list.host.push(Host { id: Some(*host), name: Some("images".into()), ..Host::default() });
    }
    world.list.mirror_list.push(directory("pub/iso", "42", &hosts));
    world.list.file_details.push(details("pub/iso/42".into(), "a b.iso", &[CURRENT]));
    world.publish();
    images[0].set(Manner::Body("<html>", "text/html"));
    world.rounds(3);
    assert_eq!(world.suspended(), [images[0].url("iso")]);
    assert!(
        images[1].requests().iter().all(|request| request.starts_with("HEAD /iso/42/a%20b.iso HTTP/1.1"))
    );
}

#[test]
fn a_list_that_nobody_renews_has_ended_an_hour_later() {
    let mut world = World::new(6);
    world.servers[0].die();
    world.rounds(3);
    let list = fs::read(world.output("suspended")).unwrap();
    // The collector is gone. What the list says then is for the daemon, which looks at the time of each line.
    world.now += LASTING;
    assert_eq!((world.suspended(), fs::read(world.output("suspended")).unwrap()), (vec![], list));
    // The collector is back, and begins to count anew.
    world.rounds(2);
    assert_eq!(world.lines(), []);
    world.round();
    assert_eq!(world.suspended(), world.urls([0]));
}

#[test]
fn a_mirror_that_stays_dead_stays_out_for_days_with_lines_that_a_daemon_takes() {
    let mut world = World::new(4);
    world.servers[0].die();
    world.rounds(3);
    let mut lists = 0;
    for round in 0..70 {
        // Rounds of half an hour are in a row, too.
        world.now += 1620;
        lists += usize::from(world.round().is_new_list);
        assert_eq!(world.suspended(), world.urls([0]), "round {round}");
    }
    assert!(world.now - BEGIN > 30 * HOUR && lists <= 70);
    assert!(world.lines()[0].until - world.lines()[0].since <= 24 * HOUR);
    let mirrors = world.json("mirrors.json");
    let since = &mirrors["mirrors"][0]["urls"][0]["suspended"]["since"];
    assert_eq!(since, &serde_json::json!(BEGIN + 2 * RHYTHM));
}
