//! What is known of hosts that MirrorManager's tables have no field for: from the interchange file, and over it from the
//! site file.
//!
//! Facts are laid over the inventory when all else is in it, for they register netblocks and have hosts carry directories.

use cache::{
    Families, Only,
    inventory::{Inventory, SetPosition, put, top_of},
    place::Place,
    scheme::host_name,
};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a host; what is `None` or empty leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Where it is.
    pub place: Option<Place>,
    /// By which versions of IP it answers.
    pub families: Option<Families>,
    /// Networks for whose clients it is the only mirror.
    pub exclusive: Vec<Network>,
    /// Which clients it is for.
    pub only: Option<Only>,
    /// Its share in random order.
    pub weight: Option<u32>,
    /// Whether it carries all directories of each category of which it carries any.
    pub up_to_date: Option<bool>,
}

/// A network of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Addresses.
    Prefix(IpNetwork),
    /// An autonomous system.
    Asn(u32),
}

impl Network {
    /// Reads a prefix, or `AS` and a number; `None` for what is neither, or has room for every client.
    pub fn parse(text: &str) -> Option<Network> {
        let number = text.strip_prefix("AS").or_else(|| text.strip_prefix("as"));
        if let Some(digits) = number.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            return digits.parse().ok().map(Network::Asn);
        }
        super::prefix::parse(text).filter(|prefix| prefix.prefix() > 0).map(Network::Prefix)
    }
}

impl Facts {
    /// These, with those laid over them.
    pub fn under(self, over: &Facts) -> Facts {
        let mut exclusive = self.exclusive;
        exclusive.extend(over.exclusive.iter().copied());
        Facts {
            place: over.place.or(self.place),
            families: over.families.or(self.families),
            exclusive,
            only: over.only.or(self.only),
            weight: over.weight.or(self.weight),
            up_to_date: over.up_to_date.or(self.up_to_date),
        }
    }
}

/// Lays facts over an inventory: those by id, and over them those by the name in a host's URLs. Returns the names that no
/// host has.
pub fn lay<'n>(
    by_id: &BTreeMap<i64, Facts>,
    by_name: &'n BTreeMap<String, Facts>,
    inventory: &mut Inventory,
) -> Vec<&'n str> {
    let mut known: BTreeMap<u32, Facts> = BTreeMap::new();
    for (id, facts) in by_id {
        if let Some(host) = inventory.hosts.get_index_of(id) {
            known.insert(host as u32, facts.clone());
        }
    }
    let mut unknown: BTreeSet<&str> = by_name.keys().map(String::as_str).collect();
    let mut said: BTreeSet<(u32, &str)> = BTreeSet::new();
    for placement in &inventory.placements {
        for url in &placement.urls {
            let Some(url) = inventory.urls.get_index(*url as usize) else { continue };
            let Some((name, facts)) = by_name.get_key_value(host_name(&url.text)) else { continue };
            unknown.remove(name.as_str());
            if said.insert((placement.host, name)) {
                let below = known.remove(&placement.host).unwrap_or_default();
                known.insert(placement.host, below.under(facts));
            }
        }
    }
    for (host, facts) in &known {
        apply(*host, facts, inventory);
    }
    let up_to_date = known.iter().filter(|(_, facts)| facts.up_to_date == Some(true));
    carry_all(&up_to_date.map(|(host, _)| *host).collect(), inventory);
    unknown.into_iter().collect()
}

fn apply(position: u32, facts: &Facts, inventory: &mut Inventory) {
    let Some((_, host)) = inventory.hosts.get_index_mut(position as usize) else { return };
    host.place = facts.place.or(host.place);
    host.families = facts.families.unwrap_or(host.families);
    host.only = facts.only.unwrap_or(host.only);
    host.bandwidth = facts.weight.unwrap_or(host.bandwidth);
    for network in &facts.exclusive {
        match network {
            Network::Prefix(prefix) => {
                inventory.netblocks.entry(*prefix).or_default().insert(position);
                inventory.exclusive_netblocks.entry(*prefix).or_default().insert(position);
            }
            Network::Asn(number) => {
                inventory.asn_hosts.entry(*number).or_default().insert(position);
                inventory.exclusive_asns.entry(*number).or_default().insert(position);
            }
        }
    }
}

/// Has these hosts carry every directory of the categories of which they carry any, as they carry most of them.
fn carry_all(hosts: &BTreeSet<u32>, inventory: &mut Inventory) {
    if hosts.is_empty() {
        return;
    }
    // Directories of several trees may share a roster; URLs of one lead nowhere in another.
    let mut tops: BTreeMap<u32, Option<&str>> = BTreeMap::new();
    for (path, directory) in &inventory.directories {
        let top = top_of(path, &directory.subpath);
        tops.entry(directory.carriers.roster)
            .and_modify(|one| *one = one.filter(|_| *one == top))
            .or_insert(top);
    }
    let one_tree: BTreeSet<u32> =
        tops.into_iter().filter(|(_, top)| top.is_some()).map(|(roster, _)| roster).collect();
    for number in one_tree {
        let Some(roster) = inventory.rosters.get_mut(number as usize) else { continue };
        // By host: its members, and the one that carries most.
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (position, carrier) in roster.carriers.iter().enumerate() {
            let host = inventory.placements[carrier.placement as usize].host;
            if hosts.contains(&host) {
                members.entry(host).or_default().push(position);
            }
        }
        let has = |set: &[u32], position: usize| {
            set.get(position / 32).is_some_and(|word| word >> (position % 32) & 1 != 0)
        };
        let usual: Vec<(usize, Vec<usize>)> = members
            .into_values()
            .filter_map(|members| {
                let count = |at: &usize| roster.sets.iter().filter(|set| has(set, *at)).count();
                Some((members.iter().copied().max_by_key(count)?, members))
            })
            .collect();
        let sets = std::mem::take(&mut roster.sets);
        let numbers: Vec<u32> = sets
            .iter()
            .map(|set| {
                let mut bits = set.to_vec();
                for (one, members) in &usual {
                    if !members.iter().any(|member| has(set, *member)) {
                        put(*one, &mut bits);
                    }
                }
                roster.intern(&bits)
            })
            .collect();
        for directory in inventory.directories.values_mut() {
            let SetPosition { roster, set } = &mut directory.carriers;
            if *roster == number {
                *set = numbers[*set as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::mirrormanager::import;
    use crate::compile::skipped::Skipped;
    use cache::inventory::Carrier;
    use interchange::message::{IntInts, IntString, MirrorList, MirrorListDirectory};
    use prost::Message as _;

    /// Hosts 1 and 2; `pub/a` and `pub/b` are of both, `pub/c` is of 1 alone, `other` of 2 alone.
    fn inventory() -> Inventory {
        let mut list = MirrorList::default();
        let text = |text: &str| Some(text.as_bytes().to_vec());
        for (id, url) in [(10, "https://one.example.org/pub"), (20, "http://two.example.org:81/pub")] {
            list.hcurl.push(IntString { key: Some(id), value: text(url) });
        }
        for (path, subpath, hosts) in
            [("pub/a", "a", &[1, 2][..]), ("pub/b", "b", &[1, 2]), ("pub/c", "c", &[1]), ("other", "", &[2])]
        {
            list.mirror_list.push(MirrorListDirectory {
                directory: text(path),
                subpath: text(subpath),
                global: hosts.to_vec(),
                by_host_id: hosts.iter().map(|id| IntInts { key: Some(*id), value: vec![id * 10] }).collect(),
                ..MirrorListDirectory::default()
            });
        }
        let mut inventory = Inventory::default();
        import(&list.encode_to_vec(), &mut inventory, &mut Skipped::default()).unwrap();
        inventory
    }

    fn carriers(inventory: &Inventory, path: &str) -> usize {
        inventory.carriers(&inventory.directories[path]).map(|_: &Carrier| 1).sum()
    }

    #[test]
    fn what_the_site_says_of_a_host_lies_over_what_the_source_says() {
        let mut inventory = inventory();
        let below = Facts {
            place: Place::new(1.0, 2.0),
            families: Some(Families::V4),
            exclusive: vec![Network::parse("192.0.2.9/24").unwrap()],
            ..Facts::default()
        };
        let over = Facts {
            families: Some(Families::V6),
            only: Some(Only::Country),
            weight: Some(7),
            exclusive: vec![Network::parse("AS64500").unwrap()],
            ..Facts::default()
        };
        let by_name = BTreeMap::from([
            ("two.example.org".into(), over),
            ("three.example.org".into(), Facts::default()),
        ]);
        let unknown = lay(&BTreeMap::from([(2, below), (77, Facts::default())]), &by_name, &mut inventory);
        assert_eq!(unknown, ["three.example.org"]);
        let host = &inventory.hosts[&2];
        assert_eq!((host.place, host.families), (Place::new(1.0, 2.0), Families::V6));
        assert_eq!((host.only, host.bandwidth), (Only::Country, 7));
        let two = BTreeSet::from([inventory.hosts.get_index_of(&2).unwrap() as u32]);
        let prefix = "192.0.2.0/24".parse().unwrap();
        assert_eq!((&inventory.netblocks[&prefix], &inventory.exclusive_netblocks[&prefix]), (&two, &two));
        assert_eq!((&inventory.asn_hosts[&64500], &inventory.exclusive_asns[&64500]), (&two, &two));
        assert_eq!(inventory.hosts[&1].families, Families::UNKNOWN);
    }

    #[test]
    fn a_host_that_is_up_to_date_carries_all_of_its_category_and_no_other() {
        let mut inventory = inventory();
        let paths = ["pub/a", "pub/b", "pub/c", "other"];
        let facts = Facts { up_to_date: Some(true), ..Facts::default() };
        assert_eq!(paths.map(|path| carriers(&inventory, path)), [2, 2, 1, 1]);
        lay(&BTreeMap::from([(1, facts.clone())]), &BTreeMap::new(), &mut inventory);
        assert_eq!(paths.map(|path| carriers(&inventory, path)), [2, 2, 1, 1]);
        lay(&BTreeMap::from([(2, facts)]), &BTreeMap::new(), &mut inventory);
        assert_eq!(paths.map(|path| carriers(&inventory, path)), [2, 2, 2, 1]);
        let sets: BTreeSet<u32> =
            paths[..3].iter().map(|path| inventory.directories[*path].carriers.set).collect();
        assert_eq!(sets.len(), 1, "equal sets are one");
    }

    #[test]
    fn a_network_is_a_prefix_or_an_as() {
        assert_eq!(Network::parse("AS64500"), Some(Network::Asn(64500)));
        assert_eq!(Network::parse("2001:db8::1"), Some(Network::Prefix("2001:db8::1/128".parse().unwrap())));
        for odd in ["", "AS", "ASx", "0.0.0.0/0", "64500", "AS4294967296", "192.0.2"] {
            assert_eq!(Network::parse(odd), None, "{odd}");
        }
    }
}
