//! Reports of the field about mirrors that are far, unwanted or out of reach, as requests to a small cache.
//!
//! The same cache is that of the golden `near`, which has one mirror in each of some countries.

use crate::{
    cache_toml,
    dice::Dice,
    exchange::{Asked, Program, Reply},
    order::{RULES, assert_fair, weighted_pairs},
};
use answer::rules::Rules;
use cache::scheme::host_name;
use std::collections::BTreeMap;
use wire::{Accept, Method, UrlScheme};

const CACHE: &str = include_str!("../../../../shared/answer/golden/near/cache.toml");

/// The replies to one request of this client, so many times.
fn replies(cache: &str, minimum: usize, query: &str, client: &str, times: usize) -> Vec<Reply> {
    let cache = cache_toml::world(cache).compile();
    let mut program = Program::start(&cache, Rules { minimum, ..RULES });
    let mut dice = Dice::new(22);
    let asked = Asked {
        method: Method::Get,
        path: b"/mirrorlist".to_vec(),
        query: query.as_bytes().to_vec(),
        client: Some(client.parse().expect("an address")),
        scheme: UrlScheme::Http,
        accept: Accept::NONE,
    };
    (0..times).map(|_| program.ask(&asked, 0, &mut dice.0)).collect()
}

/// The first label of each host that is listed.
fn listed(reply: &Reply) -> Vec<&str> {
    let names = reply.body.lines().filter(|line| !line.starts_with('#')).map(host_name);
    names.filter_map(|name| name.split('.').next()).collect()
}

#[test]
fn an_unwanted_country_or_mirror_is_in_no_tier_whatever_the_minimum() {
    for reply in replies(CACHE, 5, "path=pub/iso&exclude=CN,JP", "198.51.100.2", 300) {
        let hosts = listed(&reply);
        assert!(hosts.len() >= 5 && !hosts.contains(&"cn1") && !hosts.contains(&"jp1"), "{hosts:?}");
    }
    let query = "path=pub/iso&exclude=DE,fr1.example.org";
    for reply in replies(CACHE, 100, query, "198.51.100.1", 300) {
        let hosts = listed(&reply);
        assert!(hosts.iter().all(|host| !["de1", "de2", "fr1"].contains(host)), "{hosts:?}");
    }
}

#[test]
fn a_client_gets_its_neighbour_before_its_continent() {
    let one = CACHE.replace("near_hosts = 3", "near_hosts = 1");
    for reply in replies(&one, 5, "path=pub/os/9", "198.51.100.2", 1000) {
        assert_eq!(listed(&reply)[0], "ae1");
    }
    for reply in replies(&one, 5, "path=pub/os/9", "198.51.100.3", 1000) {
        assert_eq!(listed(&reply)[0], "br1");
    }
    // Without, Japan and China come first as often as Dubai.
    let none = CACHE.replace("near_hosts = 3", "near_hosts = 0");
    let first = replies(&none, 5, "path=pub/os/9", "198.51.100.2", 1000);
    assert!(first.iter().filter(|reply| listed(reply)[0] == "ae1").count() < 400);
}

#[test]
fn a_client_by_ipv6_is_sent_to_no_host_known_to_lack_it() {
    let query = "path=pub/iso&country=DE&limit=1";
    for reply in replies(CACHE, 5, query, "2001:db8::1", 100) {
        assert_eq!(listed(&reply), ["de1"]);
    }
    let cache = cache_toml::world(CACHE).compile();
    let mut program = Program::start(&cache, RULES);
    let mut dice = Dice::new(4);
    for number in 0..1000 {
        let mut ask = |network: &str, query: &str| {
            let asked = Asked {
                method: Method::Get,
                path: b"/mirrorlist".to_vec(),
                query: query.as_bytes().to_vec(),
                client: Some(format!("{network}::{number:x}").parse().expect("an address")),
                scheme: UrlScheme::Http,
                accept: Accept::NONE,
            };
            program.ask(&asked, 0, &mut dice.0)
        };
        for network in ["2001:db8", "2001:db8:7"] {
            let reply = ask(network, "path=pub/iso&redirect=1");
            let to = listed(&reply)[0];
            assert!(!["de2", "us1", "ae1", "cn1"].contains(&to), "{network} is sent to {to}");
            let list = ask(network, "path=pub/iso");
            let hosts = listed(&list);
            let able = ["de1", "fr1", "jp1", "cdn", "in1"];
            assert!(hosts[..3].iter().any(|host| able.contains(host)), "{hosts:?}");
        }
    }
}

#[test]
fn the_hosts_of_a_ring_share_its_clients_by_weight() {
    let mut cache = CACHE.replace(
        "\"pub/iso\" = {",
        "\"pub/ring\" = { hosts = [\"ae1\", \"ae2\", \"ae3\", \"in1\", \"jp1\", \"cn1\"] }\n\"pub/iso\" = {",
    );
    for (name, country, weight) in [("ae2", "AE", 2), ("ae3", "AE", 4)] {
        cache = cache.replacen(
            "[hosts.br1]",
            &format!(
                "[hosts.{name}]\nurls = [\"https://{name}.example.org/pub\"]\ncountry = \"{country}\"\nbandwidth = {weight}\n\n[hosts.br1]"
            ),
            1,
        );
    }
    // Two of the Emirates, each by its country's point, and Mumbai: 4,000 km for four.
    let cache = cache.replace("near_hosts = 3", "near_hosts = 4");
    let mut orders: BTreeMap<String, usize> = BTreeMap::new();
    let draws = 20_000;
    for reply in replies(&cache, 5, "path=pub/ring", "198.51.100.2", draws) {
        let hosts = listed(&reply);
        assert!(!hosts[..4].contains(&"jp1") && !hosts[..4].contains(&"cn1"), "{hosts:?}");
        *orders.entry(hosts[..2].join(" ")).or_default() += 1;
    }
    let expected = weighted_pairs(&[("ae1", 1.0), ("ae2", 2.0), ("ae3", 4.0), ("in1", 1.0)]);
    assert_fair("the ring around Saudi Arabia", &orders, &expected, draws);
}

#[test]
fn clients_in_a_network_with_a_mirror_of_its_own_get_that_alone() {
    for reply in replies(CACHE, 5, "path=pub/os/9", "192.0.2.9", 100) {
        assert_eq!(listed(&reply), ["uni"]);
    }
    // Where it does not carry the directory the others are there, not nothing.
    for reply in replies(CACHE, 5, "path=pub/iso", "192.0.2.9", 100) {
        assert_eq!((reply.head.status, listed(&reply).len()), (200, 9));
    }
}
