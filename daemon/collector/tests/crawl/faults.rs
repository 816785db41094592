//! Every fault that a mirror may have, a real server each, and its verdict: at once, and after three runs more.

use crate::{
    apart::said,
    primary::{Primary, repomd},
    server::{Fault, Server},
    world::{World, has, name},
};
use collector::run::{crawl::crawl, tree::Category};
use std::{
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    sync::Arc,
    time::Duration,
};

/// What becomes of a mirror that was good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    /// It stays good.
    Good,
    /// It is out at once.
    Out,
    /// It stays good for three runs and is out then.
    Unknown,
}

const INDEX: &str = "0/os/repodata/repomd.xml";
const PACKAGE: &str = "0/os/Packages/b-1.rpm";

#[test]
fn every_fault_has_its_verdict() {
    let primary = Primary::new(2, 1);
    let files = primary.files();
    let elsewhere = Server::start(&files);
    let local = Server::at(Ipv4Addr::LOCALHOST.into(), &files, Duration::ZERO, None);
    let of_right_size = || {
        let content = repomd(0, 1_790_000_000).replace("<revision>0", "<revision>7");
        Fault::Content(content.into_bytes())
    };
    let loops = |server: &Arc<Server>| Fault::Leads(server.url() + INDEX);
    let here = |fault: Fault| move |_: &Arc<Server>| fault.clone();
    type Make = Box<dyn Fn(&Arc<Server>) -> Fault>;
    let of = |part: &'static str, make: Make, becomes| (part, make, becomes);
    let at = |part, fault, becomes| of(part, Box::new(here(fault)), becomes);
    let everywhere = "";
    let faults = vec![
        at("none", Fault::Html, Becomes::Good),
        at(INDEX, Fault::Status(404), Becomes::Out),
        at(PACKAGE, Fault::Status(404), Becomes::Out),
        at(INDEX, Fault::Status(403), Becomes::Unknown),
        at(everywhere, Fault::Status(403), Becomes::Unknown),
        at(INDEX, Fault::Status(500), Becomes::Unknown),
        at(PACKAGE, Fault::Status(500), Becomes::Unknown),
        at(everywhere, Fault::Status(502), Becomes::Unknown),
        at(everywhere, Fault::Later(503, 60), Becomes::Unknown),
        at(everywhere, Fault::Later(429, 86_400), Becomes::Unknown),
        at(everywhere, Fault::Stalls, Becomes::Unknown),
        at(everywhere, Fault::Trickles, Becomes::Unknown),
        at(everywhere, Fault::Closes, Becomes::Unknown),
        at(INDEX, Fault::Closes, Becomes::Unknown),
        at(everywhere, Fault::BreaksOff, Becomes::Unknown),
        at(INDEX, Fault::BreaksOff, Becomes::Unknown),
        at(PACKAGE, Fault::Content(b"too long for a package of this name".into()), Becomes::Out),
        at(INDEX, of_right_size(), Becomes::Out),
        at(INDEX, Fault::Content(repomd(0, 1_780_000_000).into_bytes()), Becomes::Out),
        at(INDEX, Fault::Endless, Becomes::Out),
        of(INDEX, Box::new(loops), Becomes::Out),
        at(everywhere, Fault::LeadsTo(elsewhere.url().trim_end_matches('/').into()), Becomes::Good),
        at(everywhere, Fault::LeadsTo(local.url().trim_end_matches('/').into()), Becomes::Unknown),
        at(everywhere, Fault::Leads("ftp://127.77.0.1/".into()), Becomes::Unknown),
        at(INDEX, Fault::Packed, Becomes::Good),
        at(everywhere, Fault::Packed, Becomes::Good),
        at(INDEX, Fault::Html, Becomes::Out),
        at(everywhere, Fault::Html, Becomes::Out),
        at("Packages", Fault::NoHead, Becomes::Good),
        // Good ones enough that nobody takes the others for our own network's fault.
        at("none", Fault::Html, Becomes::Good),
        at("none", Fault::Html, Becomes::Good),
        at("none", Fault::Html, Becomes::Good),
    ];
    let servers = faults.iter().map(|_| Server::start(&files)).collect();
    let mut world = World::of(primary, servers);
    world.limits.request = Duration::from_millis(1500);
    let (_, summary) = world.run();
    assert_eq!((summary.good, summary.silent), (3 * faults.len() as u64, vec![]));
    for (server, (part, make, _)) in world.servers.iter().zip(&faults) {
        server.fault(part, make(server));
    }
    for run in 1..=4 {
        let (verdicts, summary) = world.run();
        assert_eq!(summary.brake, None);
        for (at, (part, make, becomes)) in faults.iter().enumerate() {
            let fault = make(&world.servers[at]);
            let expected = match becomes {
                Becomes::Good => true,
                Becomes::Out => false,
                Becomes::Unknown => run < 4,
            };
            let has = has(&verdicts, at);
            assert_eq!(
                has[0],
                expected,
                "run {run}: {fault:?} at {part}: {:?}",
                world.store().record(&name(at))
            );
            // What is fine of it stays so.
            assert!(!part.starts_with("0/") || has[1..] == [true, true], "run {run}: {fault:?} at {part}");
        }
        assert!(run == 1 || summary.elsewhere > 0, "{summary:?}");
    }
    assert_eq!(local.connections(), 0);
    assert!(elsewhere.connections() > 0);
    // Whoever is well again is back with the first look at it.
    world.servers.iter().for_each(|server| server.mend());
    world.now += 2 * 86_400;
    let (_, summary) = world.run();
    assert_eq!(summary.good, 3 * faults.len() as u64, "{summary:?}");
}

#[test]
fn a_mirror_that_refuses_is_out_after_three_runs_and_not_asked_for_more_than_one_thing() {
    let mut world = World::new(Primary::new(2, 1), 3);
    world.run();
    world.servers[0].die();
    for run in 1..=5 {
        let (verdicts, summary) = world.run();
        assert_eq!(has(&verdicts, 0), [run < 4; 3], "run {run}");
        assert_eq!(has(&verdicts, 1), [true; 3]);
        let [(silent, why)] = &*summary.silent else { panic!("{summary:?}") };
        assert!(*silent == name(0) && why.starts_with("no connection (127.77."), "{why}");
    }
    world.servers[0].revive();
    let (verdicts, _) = world.run();
    assert_eq!(has(&verdicts, 0), [true; 3]);
}

#[test]
fn when_nobody_answers_it_is_our_own_network() {
    let mut world = World::new(Primary::new(2, 1), 3);
    world.run();
    world.servers.iter().for_each(|server| server.die());
    for run in 1..=7 {
        let (_, summary) = world.run();
        assert_eq!(summary.silent.len(), 3);
        let said = "3 of 3 mirrors did not answer";
        assert_eq!(summary.brake.is_some_and(|brake| brake.starts_with(said)), run <= 3, "run {run}");
        // Not for ever: then three runs count for each.
        assert_eq!((summary.held.len(), summary.good), (3 * usize::from(run <= 3), 9 * u64::from(run < 7)));
    }
    // One alone may be gone.
    world.servers[0].revive();
    world.servers[1].revive();
    for _ in 0..4 {
        assert_eq!(world.run().1.brake, None);
    }
    assert_eq!(world.run().1.good, 6);
    // It begins anew.
    world.servers[2].revive();
    assert_eq!(world.run().1.good, 9);
    world.servers.iter().for_each(|server| server.die());
    assert_eq!(world.run().1.held.len(), 3);
}

#[test]
fn a_mirror_is_good_with_a_version_that_counts_out_with_an_older_one_and_back_when_it_has_caught_up() {
    let mut world = World::new(Primary::new(3, 1), 3);
    world.run();
    // The first copies at once, the second later, the third is ahead of what is known of the primary.
    for (run, is_kept) in [(1, true), (2, false), (3, false)] {
        world.primary.update(0);
        world.servers[0].set(&world.primary.files());
        let mut ahead = world.primary.clone();
        ahead.update(0);
        world.servers[2].set(&ahead.files());
        let (verdicts, summary) = world.run();
        assert_eq!(has(&verdicts, 0), [true; 4]);
        assert_eq!(has(&verdicts, 1), [is_kept, true, true, true], "run {run}");
        assert_eq!(has(&verdicts, 2), [true; 4]);
        assert_eq!(summary.newer, ["pub/linux/0/os"]);
    }
    world.servers[1].set(&world.primary.files());
    let (verdicts, _) = world.run();
    assert_eq!(has(&verdicts, 1), [true; 4]);
}

#[test]
fn a_version_that_no_longer_counts_is_out_without_being_changed() {
    let mut world = World::new(Primary::new(3, 0), 3);
    world.run();
    world.primary.update(0);
    world.servers[0].set(&world.primary.files());
    let (verdicts, _) = world.run();
    assert_eq!((has(&verdicts, 1)[0], has(&verdicts, 0)[0]), (true, true));
    world.primary.kept = 1;
    let (verdicts, _) = world.run();
    assert_eq!((has(&verdicts, 1)[0], has(&verdicts, 0)[0]), (false, true));
}

#[test]
fn a_mirror_of_ipv6_alone_is_as_good_as_others_where_there_is_ipv6() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let primary = Primary::new(2, 1);
    let files = primary.files();
    let servers = [Ipv6Addr::LOCALHOST; 2].map(|six| Server::at(six.into(), &files, Duration::ZERO, None));
    let mut servers: Vec<_> = servers.into();
    servers.extend((0..3).map(|_| Server::start(&files)));
    let mut world = World::of(primary, servers);
    let (_, summary) = world.run();
    assert_eq!(summary.good, 15);
    // While another one answers by IPv6 it is at fault itself.
    world.servers[0].die();
    for _ in 0..4 {
        world.run();
    }
    assert_eq!(world.run().1.good, 12);
    // While none does, it is our network's fault.
    world.servers[0].revive();
    assert_eq!(world.run().1.good, 15);
    world.servers[..2].iter().for_each(|server| server.die());
    for _ in 0..6 {
        assert_eq!(world.run().1.good, 15);
    }
}

#[test]
fn statuses_and_closed_connections_are_no_fault_of_our_network() {
    let mut world = World::new(Primary::new(2, 1), 4);
    world.run();
    world.servers[0].fault("", Fault::Status(403));
    world.servers[1].fault("", Fault::Status(503));
    world.servers[2].fault("", Fault::Closes);
    for run in 1..=4 {
        let (verdicts, summary) = world.run();
        assert_eq!((summary.brake, summary.held), (None, vec![]));
        for at in 0..4 {
            assert_eq!(has(&verdicts, at), [at == 3 || run < 4; 3], "run {run}, mirror {at}");
        }
    }
}

#[test]
fn when_a_proxy_reaches_nobody_no_mirror_is_to_blame() {
    let mut world = World::new(Primary::new(2, 1), 3);
    world.run();
    let proxy = Server::start(&world.primary.files());
    let mut by_proxy = |fault: Fault| {
        proxy.mend();
        proxy.fault("", fault);
        let mut command = world.command();
        command.env("http_proxy", proxy.url()).env_remove("no_proxy").env_remove("NO_PROXY");
        said(&command.output().unwrap())
    };
    for status in [502, 503, 504] {
        let summary = by_proxy(Fault::Status(status));
        assert!(summary.brake.unwrap().starts_with("3 of 3 mirrors did not answer, which"));
        assert_eq!((summary.good, summary.held.len(), summary.connections), (9, 3, 0));
        let why = format!("no connection (the proxy answers {status} ");
        assert!(summary.silent.iter().all(|(_, said)| said.starts_with(&why)), "{:?}", summary.silent);
    }
    // What is a mirror's own counts as such.
    for fault in [Fault::Later(503, 60), Fault::Status(403), Fault::Status(500)] {
        let summary = by_proxy(fault);
        assert_eq!((summary.brake, summary.good, summary.connections), (None, 9, 3));
    }
}

#[test]
fn what_a_mirror_refuses_takes_nothing_else_with_it() {
    for (repositories, refused) in [(8, 5), (28, 25)] {
        for is_changed in [false, true] {
            let mut world = World::new(Primary { kept: 1, ..Primary::new(repositories, 0) }, 1);
            world.run();
            if is_changed {
                (0..repositories).for_each(|at| world.primary.update(at));
                world.copy();
            }
            for at in 0..refused {
                world.servers[0].fault(&format!("/{at}/os/"), Fault::Status(403));
            }
            for run in 1..=8 {
                let (verdicts, _) = world.run();
                let has = has(&verdicts, 0);
                let what = format!("{refused} of {repositories}, changed: {is_changed}, run {run}");
                assert!(has[refused..].iter().all(|has| *has), "{what}: {has:?}");
                assert!(run > 3 || has[..refused].iter().all(|has| *has), "{what}: {has:?}");
                assert!(run < 8 || has[..refused].iter().all(|has| !has), "{what}: {has:?}");
            }
            // What has not changed is looked at all the while.
            world.servers[0].fault(&format!("/{}/os/", repositories - 1), Fault::Status(404));
            let (verdicts, _) = world.run();
            assert_eq!(has(&verdicts, 0)[repositories - 2..], [true, false]);
        }
    }
}

#[test]
fn a_mirror_that_refuses_everything_is_not_asked_for_all_of_it() {
    let mut world = World::new(Primary::new(60, 0), 1);
    world.run();
    world.requests();
    world.servers[0].fault("", Fault::Status(403));
    for run in 1..=5 {
        let (verdicts, summary) = world.run();
        assert_eq!((has(&verdicts, 0), summary.silent.len()), (&[run < 4; 60][..], 1), "run {run}");
        assert_eq!(world.requests(), [20]);
    }
    world.servers[0].mend();
    assert_eq!(world.run().1.good, 60);
}

#[test]
fn a_mirror_at_another_url_has_what_is_found_there() {
    let mut world = World::new(Primary::new(20, 0), 2);
    world.run();
    let empty = Server::start(&Arc::default());
    // One of several URLs may go, and others come.
    world.mirrors[0] = crate::world::mirror(0, &[world.servers[0].url(), empty.url()]);
    world.limits.requests = 10;
    let (verdicts, _) = world.run();
    assert_eq!(has(&verdicts, 0), [true; 20]);
    world.mirrors[0] = crate::world::mirror(0, &["http://127.77.255.1:1/".into()]);
    let (verdicts, summary) = world.run();
    assert_eq!((has(&verdicts, 0), summary.good), (&[false; 20][..], 20));
    world.mirrors[0] = crate::world::mirror(0, &[world.servers[0].url()]);
    world.limits.requests = 2_000;
    assert_eq!(world.run().1.good, 40);
}

#[test]
fn a_url_that_has_nothing_takes_out_itself_and_not_another_one_that_has_all() {
    for (repositories, others) in [(6, 2), (1, 0)] {
        let primary = Primary::new(repositories, others);
        let (files, count) = (primary.files(), repositories + others);
        for nothing in [Fault::Status(404), Fault::Html] {
            // As a virtual host for every name does.
            let first = Server::start(&files);
            let mut world = World::new(primary.clone(), 2);
            world.mirrors[0] = crate::world::mirror(0, &[first.url(), world.servers[0].url()]);
            let now_has = |world: &mut World, is_listed: bool| {
                let (verdicts, summary) = world.run();
                assert_eq!((has(&verdicts, 0), summary.silent.len()), (&*vec![is_listed; count], 0));
                verdicts.mirrors[&name(0)].bad_urls.clone()
            };
            first.fault("", nothing.clone());
            for _ in 0..2 {
                assert_eq!(now_has(&mut world, true), [first.url()]);
                assert_eq!(first.requests().len(), count.min(3));
            }
            let why = world.store().record(&name(0)).unwrap().urls[&first.url()].why.clone();
            assert_eq!(why, "has nothing of it, and another URL of it has");
            first.mend();
            assert_eq!(now_has(&mut world, true), [""; 0]);
            // It has gone where it was found before.
            first.fault("", nothing.clone());
            assert_eq!(now_has(&mut world, true), [first.url()]);
            // Where no URL has anything, none is worse than the others.
            world.servers[0].fault("", nothing.clone());
            assert_eq!(now_has(&mut world, false), [""; 0]);
            world.servers[0].mend();
            assert_eq!(now_has(&mut world, true), [first.url()]);
        }
    }
}

#[test]
fn a_url_that_lacks_a_category_and_has_another_is_not_called_bad() {
    // The URLs of the category that the first server lacks: it gives way, or it is looked at beside the best one.
    for is_best in [true, false] {
        let mut world = World::new(Primary::new(2, 0), 2);
        let mut urls = [0, 1].map(|at| world.servers[at].url().parse().unwrap()).to_vec();
        world.mirrors.truncate(1);
        world.mirrors[0].urls = vec![(0, urls.clone())];
        if !is_best {
            urls.reverse();
        }
        world.mirrors[0].urls.push((1, urls));
        world.servers[0].fault("/1/os", Fault::Status(404));
        let mut tree = world.primary.tree();
        tree.categories.push(Category { name: "Other".into(), ..tree.categories[0].clone() });
        (tree.units[1].category, tree.directories[1].category) = (1, 1);
        let (settings, now) = (crate::world::settings(), world.now + 3600);
        let (verdicts, _) =
            crawl(&tree, &world.mirrors, &mut world.store(), &settings, world.limits, now).unwrap();
        let bad = &verdicts.mirrors[&name(0)].bad_urls;
        assert_eq!((has(&verdicts, 0), &bad[..]), (&[true; 2][..], &[][..] as &[String]), "{is_best}");
    }
}

#[test]
fn a_mirror_of_which_all_that_is_asked_for_has_gone_is_out_for_the_rest_too() {
    let mut world = World::new(Primary::new(500, 0), 1);
    world.run();
    let all = world.primary.files();
    world.servers[0].set(&Arc::default());
    let (verdicts, summary) = world.run();
    assert_eq!((has(&verdicts, 0), summary.outward), (&[false; 500][..], 500));
    // Also what there was no request left for.
    world.servers[0].set(&all);
    assert_eq!(world.run().1.good, 500);
    world.servers[0].set(&Arc::default());
    world.limits.requests = 200;
    let (verdicts, summary) = world.run();
    assert_eq!((has(&verdicts, 0), summary.outward, summary.known), (&[false; 500][..], 500, 200));
    // As long as one thing is there, the others are believed.
    world.servers[0].set(&all);
    world.limits.requests = 4_000;
    world.run();
    assert_eq!(world.run().1.good, 500);
    world.servers[0].fault("", Fault::Status(404));
    let one = world.store().record(&name(0)).unwrap();
    let (last, _) = one.units.iter().min_by_key(|(_, known)| known.asked).unwrap();
    let last = world.store().units().unwrap()[last].0.clone();
    let there = last.strip_prefix(crate::primary::TOP).unwrap().to_owned();
    world.servers[0].fault(&there, Fault::LeadsTo(Server::start(&all).url().trim_end_matches('/').into()));
    world.limits.requests = 50;
    assert!(world.run().1.good > 400);
}
