//! The same mirror twice, and the law over clients.

use super::fixture::{Asked, BOTH, HTTPS_DE, Mirror, NOBODY, Redirects, SA, STICKY, World};
use cache::Families;
use std::collections::{BTreeMap, BTreeSet};
use wire::Accept;

const WEIGHTED: [Mirror; 3] =
    [("de1", Some("DE"), BOTH, 100), ("de3", Some("DE"), BOTH, 200), ("de4", Some("DE"), BOTH, 400)];

fn weighted() -> Redirects {
    Redirects::of(World::of(&WEIGHTED), &["/dl/"])
}

/// httpredir#55, #72: index and packages came from different mirrors.
#[test]
fn a_client_gets_one_mirror_whatever_it_asks_for_and_whoever_answers() {
    let targets = ["pub/os/9/repodata/repomd.xml", "pub/os/9/Packages/a.rpm", "pub/iso/F-9.iso", "pub/os/9"];
    // Built anew, and by another worker, whose dice fall differently.
    let (one, other) = (weighted(), weighted());
    let mut hosts = BTreeSet::new();
    for round in 0..25 {
        for (redirects, seed) in [(&one, round), (&other, 1000 + round)] {
            for target in targets {
                let asked = Asked { seed, ..HTTPS_DE };
                hosts.insert(redirects.ask(asked, &format!("/dl/{target}")).host().to_owned());
            }
        }
    }
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    // Hosts in another order, and others beside them: who stays keeps his clients, as the ids say.
    let grown: Vec<Mirror> = WEIGHTED.iter().copied().chain([("de9", Some("DE"), BOTH, 1)]).collect();
    let grown = Redirects::of(World::of(&grown), &["/dl/"]);
    let clients = |at: u32| format!("198.18.{at}.1");
    let same = (0..200).filter(|at| {
        let client = clients(*at);
        let asked = Asked { client: &client, ..HTTPS_DE };
        one.ask(asked, "/dl/pub/iso/F-9.iso").host() == grown.ask(asked, "/dl/pub/iso/F-9.iso").host()
    });
    assert!(same.count() >= 195);
}

#[test]
fn over_clients_first_mirrors_fit_the_weights() {
    let networks = |at: u32| format!("198.{}.{}.9", 18 + at / 256 % 2, at % 256);
    let redirects = weighted();
    // Each network once in each of many epochs: as independent as networks are.
    let requests = (0..512_u32).flat_map(|at| (0..40_u64).map(move |epoch| (networks(at), epoch)));
    let requests: Vec<(String, u64)> = requests.collect();
    let asked = requests.iter().map(|(client, epoch)| {
        let asked = Asked { client, now: HTTPS_DE.now + epoch * STICKY, ..HTTPS_DE };
        (asked, "/dl/pub/iso/F-9.iso".to_owned())
    });
    let mut found: BTreeMap<String, f64> = BTreeMap::new();
    for reply in redirects.ask_all(asked) {
        *found.entry(reply.host().to_owned()).or_default() += 1.0;
    }
    let all = requests.len() as f64;
    let chi: f64 = WEIGHTED
        .iter()
        .map(|(name, _, _, weight)| {
            let expected = all * f64::from(*weight) / 700.0;
            (found[*name] - expected).powi(2) / expected
        })
        .sum();
    // Two degrees of freedom: beyond this once in ten thousand, and the hashes are always the same.
    assert!(chi < 18.4, "{chi}: {found:?}");
}

/// MirrorCache#606: stuck to a mirror that the client cannot reach.
#[test]
fn there_are_ways_out() {
    let redirects = weighted();
    let favourite = redirects.ask(HTTPS_DE, "/dl/pub/iso/F-9.iso").host().to_owned();
    let others: BTreeSet<String> = (1..=16)
        .map(|n| redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/F-9.iso?again={n}")).host().to_owned())
        .collect();
    assert!(others.len() >= 2, "{others:?}");
    let excluded = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/F-9.iso?exclude={favourite}.example"));
    assert_ne!(excluded.host(), favourite);
}

/// Who asks for links has the whole order worked out, who does not the first of it alone.
#[test]
fn the_first_is_the_same_whether_others_are_named_or_not() {
    let known = [Families::UNKNOWN, Families::V4, Families::V6];
    let networks = (0..40).map(|at| format!("198.18.{at}.1"));
    let clients: Vec<String> = networks.chain([SA, "192.0.2.9", "2001:db8::1"].map(String::from)).collect();
    for pattern in 0..18 {
        let mut world = World::new();
        if pattern >= 9 {
            world.share("de1", "us1");
        }
        for (number, host) in world.inventory.hosts.values_mut().enumerate() {
            host.families = known[[pattern % 3, pattern / 3 % 3][number % 2]];
            host.bandwidth *= number as u32 % 3 + 1;
        }
        let redirects = Redirects::of(world, &["/dl/"]);
        let asked = |accept| {
            let asked = clients
                .iter()
                .map(move |client| (Asked { client, accept, ..HTTPS_DE }, "/dl/pub/iso/F-9.iso".to_owned()));
            redirects.ask_all(asked)
        };
        let (alone, linked) = (asked(Accept::NONE), asked(Accept::DIGEST));
        for ((alone, linked), client) in alone.iter().zip(&linked).zip(&clients) {
            assert_eq!((alone.location(), alone.tier), (linked.location(), linked.tier), "{client}");
        }
        let hosts: BTreeSet<&str> = alone.iter().map(|reply| reply.host()).collect();
        assert!(hosts.len() > 1, "{hosts:?}");
        assert!(linked.iter().all(|reply| !reply.all("Link").is_empty()));
    }
}

#[test]
fn if_the_favourite_lacks_a_directory_the_next_of_the_same_order_has_it() {
    let redirects = weighted();
    let order = |path: &str| {
        // The order, one after the other taken away.
        let mut order: Vec<String> = Vec::new();
        while order.len() < 3 {
            let out: Vec<String> = order.iter().map(|name| format!("{name}.example")).collect();
            let reply = redirects.ask(HTTPS_DE, &format!("/dl/{path}?exclude={}", out.join(",")));
            order.push(reply.host().to_owned());
        }
        order
    };
    let all = order("pub/iso/F-9.iso");
    assert_eq!(all, order("pub/os/9/Packages/x"));
    let mut world = World::of(&WEIGHTED);
    let left: Vec<&str> = all[1..].iter().map(String::as_str).collect();
    world.directory("pub/iso", &WEIGHTED, &left);
    let fewer = Redirects::of(world, &["/dl/"]);
    assert_eq!(fewer.ask(HTTPS_DE, "/dl/pub/iso/F-9.iso").host(), all[1]);
    assert_eq!(fewer.ask(HTTPS_DE, "/dl/pub/os/9").host(), all[0]);
}

#[test]
fn who_is_not_known_gets_a_fresh_draw_and_so_does_everybody_where_nothing_sticks() {
    let redirects = weighted();
    let hosts = |client: &'static str| -> BTreeSet<String> {
        let asked =
            (0..60).map(|seed| (Asked { client, seed, ..HTTPS_DE }, "/dl/pub/iso/F-9.iso".to_owned()));
        redirects.ask_all(asked).iter().map(|reply| reply.host().to_owned()).collect()
    };
    assert_eq!(hosts("").len(), 3);
    assert_eq!(hosts(NOBODY).len(), 1);
}
