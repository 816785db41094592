//! Who carries which directory.
//!
//! Hosts copy whole trees, and lag behind or leave out a little here and there: a directory mostly has the hosts of the
//! one before it, some nine in a hundred have a set of their own, most of those with few changes. A set has some 65
//! hosts. In an unfriendly cache a quarter of all hosts mirror the whole of a category, and the crawl has found seven
//! pairs of host and directory in a hundred stale, wherever they are: each directory has a set of its own.

use super::{
    Dice, Options,
    hosts::{Hosts, UNKNOWN_HOST},
    repositories::CATEGORIES,
    tree::{Directory, Kind},
};
use interchange::message::{IntInts, MirrorListDirectory, StringInts};
use rand::RngExt as _;
use std::collections::BTreeMap;

/// Sets for each hundred directories.
const SETS_PERCENT: usize = 9;
/// The share of stale pairs in an unfriendly cache.
const STALE: f64 = 0.07;
/// The share of all hosts that mirror a category in an unfriendly cache.
const UNFRIENDLY_SHARE: f64 = 0.25;
/// Hosts of a set, on average.
const HOSTS_OF_A_SET: f64 = 65.0;

/// Deals out sets of hosts.
pub struct Carriers<'a> {
    hosts: &'a Hosts,
    dice: Dice,
    /// By category: the hosts that mirror it, as positions in [`Hosts::hosts`].
    members: Vec<Vec<usize>>,
    /// By category: the set that the next directory gets unless there is a new one.
    current: Vec<Vec<usize>>,
    /// Whether a repository is stale, decided at its top.
    stale: bool,
    unfriendly: bool,
    directories: usize,
    sets: usize,
}

impl<'a> Carriers<'a> {
    /// Deals to the directories of one cache, in their order.
    pub fn new(options: &Options, hosts: &'a Hosts) -> Carriers<'a> {
        let members: Vec<Vec<usize>> = (0..CATEGORIES.len())
            .map(|category| {
                (0..hosts.hosts.len())
                    .filter(|&host| hosts.hosts[host].urls.contains_key(&category))
                    .collect()
            })
            .collect();
        let mut carriers = Carriers {
            hosts,
            dice: options.dice("carriers"),
            current: members.clone(),
            members,
            stale: false,
            unfriendly: options.unfriendly,
            directories: 0,
            sets: CATEGORIES.len(),
        };
        let hosts = match options.unfriendly {
            true => UNFRIENDLY_SHARE * options.hosts as f64,
            false => HOSTS_OF_A_SET,
        };
        for category in 0..CATEGORIES.len() {
            carriers.current[category] = carriers.fresh(category, hosts);
        }
        carriers
    }

    /// The record of a directory.
    pub fn place(&mut self, directory: &Directory) -> MirrorListDirectory {
        let category = directory.category;
        self.directories += 1;
        let affordable = self.sets * 100 < self.directories * SETS_PERCENT;
        let set = match directory.kind {
            Kind::Empty => vec![],
            Kind::Parent => self.members[category].clone(),
            Kind::Top | Kind::Repodata | Kind::Inner if self.unfriendly => {
                let mut set = self.current[category].clone();
                set.retain(|_| !self.dice.random_bool(STALE));
                set
            }
            Kind::Elsewhere => {
                let others =
                    self.members[category].iter().filter(|host| !self.current[category].contains(host));
                others.copied().collect()
            }
            Kind::Top => {
                self.stale = self.dice.random_bool(0.3);
                if affordable {
                    self.current[category] = self.fresh(category, HOSTS_OF_A_SET);
                    self.sets += 1;
                }
                self.current[category].clone()
            }
            Kind::Repodata if self.stale => {
                self.sets += 1;
                let mut set = self.current[category].clone();
                set.retain(|_| !self.dice.random_bool(0.15));
                set
            }
            Kind::Inner if affordable => {
                self.vary(category);
                self.sets += 1;
                self.current[category].clone()
            }
            Kind::Repodata | Kind::Inner => self.current[category].clone(),
        };
        self.record(directory, &set)
    }

    /// A set of so many hosts on average, of those that carry much more often than of those that carry little.
    fn fresh(&mut self, category: usize, hosts: f64) -> Vec<usize> {
        let coverage: f64 = self.members[category].iter().map(|&host| self.hosts.hosts[host].coverage).sum();
        let scale = hosts / coverage.max(1.0);
        let dice = &mut self.dice;
        let odds = |host: usize| (self.hosts.hosts[host].coverage * scale).min(1.0);
        self.members[category].iter().copied().filter(|&host| dice.random_bool(odds(host))).collect()
    }

    /// Changes a category's set a little: some hosts go, as many come.
    fn vary(&mut self, category: usize) {
        let (members, set) = (&self.members[category], &mut self.current[category]);
        for _ in 0..self.dice.random_range(1..=4) {
            if set.is_empty() || set.len() == members.len() {
                return;
            }
            let gone = self.dice.random_range(0..set.len());
            set.remove(gone);
            loop {
                let come = members[self.dice.random_range(0..members.len())];
                if let Err(position) = set.binary_search(&come) {
                    set.insert(position, come);
                    break;
                }
            }
        }
    }

    fn record(&self, directory: &Directory, set: &[usize]) -> MirrorListDirectory {
        let hosts = || set.iter().map(|&host| &self.hosts.hosts[host]);
        let mut by_country: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for host in hosts().filter(|host| !host.private) {
            for country in &host.countries {
                // Some sources fold case and some do not; one country comes in both spellings.
                let lower = directory.category == 3 || (*country == "US" && host.id % 5 == 0);
                let country = if lower { country.to_lowercase() } else { (*country).to_owned() };
                by_country.entry(country).or_default().push(host.id);
            }
        }
        let mut global: Vec<i64> = hosts().filter(|host| !host.private).map(|host| host.id).collect();
        let mut by_host_id: Vec<IntInts> = hosts()
            .map(|host| IntInts {
                key: Some(host.id),
                value: host.urls.get(&directory.category).cloned().unwrap_or_default(),
            })
            .collect();
        if directory.kind == Kind::Parent && directory.category == 4 {
            break_it(&mut global, &mut by_country, &mut by_host_id);
        }
        let top = CATEGORIES[directory.category].top;
        MirrorListDirectory {
            directory: Some(
                if directory.kind == Kind::Empty {
                    format!("/{}/", directory.path)
                } else {
                    directory.path.clone()
                }
                .into(),
            ),
            global,
            subpath: Some(
                directory.path.strip_prefix(top).unwrap_or_default().trim_start_matches('/').into(),
            ),
            by_country: by_country
                .into_iter()
                .map(|(key, value)| StringInts { key: Some(key.into()), value })
                .collect(),
            by_country_internet2: vec![],
            by_host_id,
            ordered_mirror_list: Some(true),
        }
    }
}

/// What sources get wrong: hosts that carry nothing, URLs that do not exist, countries that are none.
fn break_it(global: &mut Vec<i64>, by_country: &mut BTreeMap<String, Vec<i64>>, by_host_id: &mut [IntInts]) {
    global.push(UNKNOWN_HOST);
    by_country.insert("Nowhere".to_owned(), global.iter().take(2).copied().collect());
    by_country.insert("XX".to_owned(), vec![UNKNOWN_HOST]);
    if let [first, second, ..] = by_host_id {
        first.value.push(-1);
        // The two URLs that no mirrorlist can use; this host is no carrier then.
        second.value = vec![1 << 20, (1 << 20) + 1];
    }
}
