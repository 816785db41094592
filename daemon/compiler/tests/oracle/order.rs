//! Whether chance is fair: SPEC.md §5, by chi² with fixed seeds.
//!
//! The bounds are those that a fair draw passes in 999 of 1,000 cases; a seed that passes goes on passing.

use crate::{
    cache_toml,
    dice::Dice,
    exchange::{Asked, Program},
};
use answer::rules::{LogAddress, NetblockMode, Rules};
use std::collections::BTreeMap;
use wire::{Accept, Method, UrlScheme};

pub const RULES: Rules = Rules { minimum: 5, netblock: NetblockMode::First, log_address: LogAddress::Off };

/// Hosts a to e: in Germany, with weights, in one location, one AS and one netblock; and f, which is only in a longer
/// one.
const CACHE: &str = r#"
    [hosts.a]
    urls = ["https://a.example.org"]
    country = "DE"
    bandwidth = 1
    asn = [64496]
    netblocks = ["192.0.2.0/24"]
    locations = ["campus"]
    [hosts.b]
    urls = ["https://b.example.org"]
    country = "DE"
    bandwidth = 2
    asn = [64496]
    netblocks = ["192.0.2.0/24"]
    locations = ["campus"]
    [hosts.c]
    urls = ["https://c.example.org"]
    country = "DE"
    bandwidth = 5
    asn = [64496]
    netblocks = ["192.0.2.0/24"]
    locations = ["campus"]
    [hosts.d]
    urls = ["https://d.example.org"]
    country = "DE"
    bandwidth = -3
    asn = [64496]
    netblocks = ["192.0.2.0/24", "192.0.0.0/16"]
    locations = ["campus"]
    [hosts.e]
    urls = ["https://e.example.org"]
    private = true
    netblocks = ["192.0.0.0/16", "192.0.2.0/25"]
    [directories]
    "d" = {}
    [routes]
    "198.51.100.0/24" = 64496
    [geoip]
    "203.0.113.0/24" = "FR"
    "198.51.100.0/23" = "DE"
    [continents]
    DE = "EU"
    FR = "EU"
"#;

/// How often each order of the first `places` hosts came, in `draws` answers to one request.
fn orders(cache: &str, query: &str, client: &str, places: usize, draws: usize) -> BTreeMap<String, usize> {
    let cache = cache_toml::world(cache).compile();
    let mut program = Program::start(&cache, RULES);
    let mut dice = Dice::new(7);
    let asked = Asked {
        method: Method::Get,
        path: b"/mirrorlist".to_vec(),
        query: format!("path=d&{query}").into_bytes(),
        client: Some(client.parse().expect("an address")),
        scheme: UrlScheme::Http,
        accept: Accept::NONE,
    };
    let mut orders = BTreeMap::new();
    for _ in 0..draws {
        let reply = program.ask(&asked, 0, &mut dice.0);
        let hosts =
            reply.body.lines().skip(1).filter_map(|url| url.strip_prefix("https://")?.split('.').next());
        let order: Vec<&str> = hosts.take(places).collect();
        *orders.entry(order.join(" ")).or_default() += 1;
    }
    orders
}

/// The distance of what came from what was to be expected, and the degrees of freedom.
fn chi_square(
    found: &BTreeMap<String, usize>,
    expected: &BTreeMap<String, f64>,
    draws: usize,
) -> (f64, usize) {
    assert!(found.keys().all(|order| expected.contains_key(order)), "orders that cannot be: {found:?}");
    let term = |(order, share): (&String, &f64)| {
        let (found, expected) = (found.get(order).copied().unwrap_or(0) as f64, share * draws as f64);
        (found - expected).powi(2) / expected
    };
    (expected.iter().map(term).sum(), expected.len() - 1)
}

/// What chi² stays below in 999 of 1,000 fair cases (Wilson and Hilferty's approximation).
fn bound(degrees: usize) -> f64 {
    let k = degrees as f64;
    k * (1.0 - 2.0 / (9.0 * k) + 3.0902 * (2.0 / (9.0 * k)).sqrt()).powi(3)
}

/// The chance of each order of two: "P(first) = w/Σw, then the same among the rest".
pub fn weighted_pairs(weights: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut pairs = BTreeMap::new();
    for (first, w1) in weights {
        for (second, w2) in weights.iter().filter(|(second, _)| second != first) {
            pairs.insert(format!("{first} {second}"), w1 / total * w2 / (total - w1));
        }
    }
    pairs
}

fn uniform(orders: &[&str]) -> BTreeMap<String, f64> {
    orders.iter().map(|order| ((*order).to_owned(), 1.0 / orders.len() as f64)).collect()
}

const ANY_FOUR: [&str; 24] = [
    "a b c d", "a b d c", "a c b d", "a c d b", "a d b c", "a d c b", "b a c d", "b a d c", "b c a d",
    "b c d a", "b d a c", "b d c a", "c a b d", "c a d b", "c b a d", "c b d a", "c d a b", "c d b a",
    "d a b c", "d a c b", "d b a c", "d b c a", "d c a b", "d c b a",
];

pub fn assert_fair(
    what: &str,
    found: &BTreeMap<String, usize>,
    expected: &BTreeMap<String, f64>,
    draws: usize,
) {
    let (distance, degrees) = chi_square(found, expected, draws);
    println!("{what}: chi² {distance:.1} on {degrees} degrees of freedom, bound {:.1}", bound(degrees));
    assert!(distance < bound(degrees), "{what}: {found:?}, expected shares {expected:?}");
}

#[test]
fn hosts_of_a_country_continent_or_everywhere_are_drawn_by_weight() {
    // The weight of d is negative, which counts as 1.
    let expected = weighted_pairs(&[("a", 1.0), ("b", 2.0), ("c", 5.0), ("d", 1.0)]);
    let requests = [
        ("country", "country=de", "203.0.113.1"),
        ("country's continent", "country=fr", "203.0.113.1"),
        ("geoip", "netblock=0", "198.51.100.1"),
        ("continent", "netblock=0", "203.0.113.1"),
        ("global", "netblock=0", "10.0.0.1"),
    ];
    for (tier, query, client) in requests {
        let found = orders(CACHE, query, client, 2, 20_000);
        assert_fair(tier, &found, &expected, 20_000);
    }
}

#[test]
fn hosts_of_a_location_an_as_or_equal_netblocks_come_in_any_order() {
    let expected = uniform(&ANY_FOUR);
    let location = orders(CACHE, "location=campus", "10.0.0.1", 4, 20_000);
    assert_fair("location", &location, &expected, 20_000);
    let asn = orders(CACHE, "", "198.51.100.1", 4, 20_000);
    assert_fair("asn", &asn, &expected, 20_000);
    let netblock = orders(CACHE, "", "192.0.2.200", 4, 20_000);
    assert_fair("netblock", &netblock, &expected, 20_000);
}

#[test]
fn a_longer_netblock_comes_before_every_shorter_one() {
    let nearest = orders(CACHE, "", "192.0.2.1", 1, 200);
    assert_eq!(nearest.keys().collect::<Vec<_>>(), ["e"], "by its /25");
    let farthest = orders(CACHE, "", "192.0.2.200", 5, 200);
    assert!(farthest.keys().all(|order| order.ends_with(" e")), "by its /16: {farthest:?}");
}

#[test]
fn many_hosts_are_drawn_by_weight_too() {
    let mut cache = "[directories]\nd = {}\n".to_owned();
    let mut expected = BTreeMap::new();
    let total: f64 = (1..=300).map(f64::from).sum();
    for weight in 1..=300 {
        cache +=
            &format!("[hosts.h{weight}]\nurls = ['https://h{weight}.example.org']\nbandwidth = {weight}\n");
        expected.insert(format!("h{weight}"), f64::from(weight) / total);
    }
    let found = orders(&cache, "", "10.0.0.1", 1, 100_000);
    assert_fair("the first of 300", &found, &expected, 100_000);
}

#[test]
fn hosts_with_one_url_are_drawn_as_one_with_their_summed_weight() {
    let mut cache = "[directories]\nd = {}\n".to_owned();
    for (name, url, weight) in
        [("a1", "a", 2), ("a2", "a", 3), ("a3", "a", 1), ("b", "b", 3), ("c1", "c", 1), ("c2", "c", 2)]
    {
        cache += &format!("[hosts.{name}]\nurls = ['https://{url}.example.org']\nbandwidth = {weight}\n");
    }
    let found = orders(&cache, "", "10.0.0.1", 3, 20_000);
    let [a, b, c] = [6.0, 3.0, 3.0];
    let order = |first: f64, second: f64| first / 12.0 * second / (12.0 - first);
    let shares = [
        ("a b c", a, b),
        ("a c b", a, c),
        ("b a c", b, a),
        ("b c a", b, c),
        ("c a b", c, a),
        ("c b a", c, b),
    ];
    let expected = shares.map(|(names, first, second)| (names.to_owned(), order(first, second))).into();
    assert_fair("hosts with one URL", &found, &expected, 20_000);
}

#[test]
fn the_bound_is_that_of_the_tables() {
    assert!((bound(23) - 49.73).abs() < 0.2 && (bound(4) - 18.47).abs() < 0.3, "{} {}", bound(23), bound(4));
}
