//! Answers through the whole stack against the input itself, by a reading of it that is as plain as can be.

use crate::support::{Figures, Load, Service, alone, by_profile, http::Client, service::Setup, trouble};
use interchange::message::{MirrorList, MirrorListDirectory};
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use testkit::synthetic::{self, Options};

/// What of the input the answers are held against.
struct Facts {
    list: MirrorList,
    urls: BTreeMap<i64, String>,
    restricted: BTreeSet<i64>,
}

fn text(bytes: &Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
}

impl Facts {
    fn read() -> Facts {
        let list = synthetic::mirror_list(&Options::new(300));
        let urls = list.hcurl.iter().map(|row| (row.key.unwrap_or(0), text(&row.value))).collect();
        let restricted = list.host_country_allowed.iter().filter_map(|row| row.key).collect();
        Facts { list, urls, restricted }
    }

    /// The URLs under which a host has a directory, of those that a list may hold.
    fn urls_of(&self, directory: &MirrorListDirectory, host: i64) -> BTreeSet<String> {
        let rows = directory.by_host_id.iter().filter(|row| row.key == Some(host));
        let bases = rows.flat_map(|row| &row.value).filter_map(|url| self.urls.get(url));
        let usable = |url: &&String| {
            ["https://", "http://", "ftp://"]
                .iter()
                .any(|scheme| url.to_ascii_lowercase().starts_with(scheme))
        };
        let usable = bases.filter(usable);
        let subpath = text(&directory.subpath);
        let slash = if subpath.is_empty() { "" } else { "/" };
        // The scheme is shown in lower case.
        let shown = |base: &String| {
            let (scheme, rest) = base.split_once("://").unwrap_or_default();
            format!("{}://{}{slash}{subpath}/", scheme.to_ascii_lowercase(), rest.trim_end_matches('/'))
        };
        usable.map(shown).collect()
    }
}

#[test]
fn promise_15_answers_are_what_the_input_says() {
    let _turn = alone();
    let mut figures = Figures::of(15, "answers are what the input says");
    let facts = Facts::read();
    let service = Service::start(Setup { daemon: &["--workers", "2"], ..Setup::default() });
    let load = Load::start(&service);
    let seed = by_profile(15, u64::from(std::process::id()));
    let over = AtomicBool::new(false);
    let (asked, full) = thread::scope(|scope| {
        // Whatever goes on meanwhile.
        let reloads = scope.spawn(|| {
            let mut reloads = 0;
            while !over.load(Ordering::Relaxed) {
                trouble::reload(&service, 1);
                reloads += 1;
            }
            reloads
        });
        let checked = scope.spawn(|| check_many(&service, &facts, by_profile(3000, 100_000), seed)).join();
        over.store(true, Ordering::Relaxed);
        figures.reloads = reloads.join().unwrap();
        checked.unwrap()
    });
    figures.load(&load.finish());
    figures.remark(format!("{asked} lists checked, {full} of them country by country, seed {seed}"));
    figures.print();
    assert!(full > asked / 10, "{full} of {asked}");
}

/// Asks for lists of directories in countries; how many, and how many of a country that has mirrors.
fn check_many(service: &Service, facts: &Facts, requests: usize, seed: u64) -> (usize, usize) {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut client = Client::connect(service);
    let plain = |directory: &&MirrorListDirectory| {
        text(&directory.directory).bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
    };
    let directories: Vec<&MirrorListDirectory> = facts.list.mirror_list.iter().filter(plain).collect();
    let mut full = 0;
    for _ in 0..requests {
        let directory = directories[dice.random_range(0..directories.len())];
        // The input holds a few that are none.
        let countries = directory.by_country.iter().map(|row| text(&row.key)).filter(|key| key.len() == 2);
        let countries: Vec<String> = countries.collect();
        if countries.is_empty() {
            continue;
        }
        let country = &countries[dice.random_range(0..countries.len())];
        // The input spells countries either way.
        let groups = directory.by_country.iter().filter(|row| text(&row.key).eq_ignore_ascii_case(country));
        let group: Vec<i64> = groups.flat_map(|row| &row.value).copied().collect();
        let target = format!("/mirrorlist?path={}&country={country}", text(&directory.directory));
        // Of no country, no system and no netblock.
        let answer = client.get(&target, "192.0.2.1");
        assert_eq!(answer.status, 200, "seed {seed}: {target}");
        full += usize::from(check(facts, directory, &group, &answer.body, &format!("seed {seed}: {target}")));
    }
    (requests, full)
}

/// Checks one list. Whether the country has mirrors for certain, so that it can hold no others.
fn check(facts: &Facts, directory: &MirrorListDirectory, group: &[i64], body: &str, what: &str) -> bool {
    let listed: Vec<&str> = body.lines().filter(|line| !line.starts_with('#')).collect();
    let distinct: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(distinct.len(), listed.len(), "{what}: a mirror is listed twice");
    let of_countries = directory.by_country.iter().flat_map(|group| &group.value);
    let public: BTreeSet<i64> = directory.global.iter().chain(of_countries).copied().collect();
    let allowed = public.iter().flat_map(|host| facts.urls_of(directory, *host)).collect::<BTreeSet<_>>();
    for url in &listed {
        assert!(allowed.contains(*url), "{what}: no public mirror has {url}");
    }
    // Those that are for some countries only may be missing; the spec of that is for the oracle.
    let sure: Vec<BTreeSet<String>> = group
        .iter()
        .filter(|host| !facts.restricted.contains(host))
        .map(|host| facts.urls_of(directory, *host))
        .filter(|urls| !urls.is_empty())
        .collect();
    for urls in &sure {
        assert!(urls.iter().any(|url| distinct.contains(url.as_str())), "{what}: {urls:?} is missing");
    }
    // In the country first.
    let near: BTreeSet<String> = group.iter().flat_map(|host| facts.urls_of(directory, *host)).collect();
    let first_far = listed.iter().position(|url| !near.contains(*url)).unwrap_or(listed.len());
    assert!(
        listed[first_far..].iter().all(|url| !near.contains(*url)),
        "{what}: not in the order of nearness"
    );
    !sure.is_empty() && {
        assert_eq!(
            first_far,
            listed.len(),
            "{what}: others are listed though the country has {}",
            sure.len()
        );
        true
    }
}
