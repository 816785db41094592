//! Mirror machines: where they are, what they offer, and whom they are for.

use super::{Dice, Options, addresses, countries::country, repositories::CATEGORIES};
use interchange::{
    message::{IntInt, IntInts, IntString, IntStrings, StringInts},
    write::{self, Writer},
};
use rand::{
    RngExt as _,
    seq::{IndexedRandom as _, SliceRandom as _},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// The id of a host that no directory names.
pub const UNKNOWN_HOST: i64 = 99_999;

/// The id of the first URL; grown databases have large ones.
const FIRST_URL: i64 = 20_000;

/// One mirror machine.
pub struct Host {
    /// Its id: ascending, with gaps.
    pub id: i64,
    /// How much of a category it carries, between 0 and 1.
    pub coverage: f64,
    /// Whether it is left out of `Global` and `ByCountry`.
    pub private: bool,
    /// The countries that it stands for: mostly one, sometimes two or none.
    pub countries: Vec<&'static str>,
    /// Its URL ids by category, for those that it mirrors.
    pub urls: BTreeMap<usize, Vec<i64>>,
    country: Option<String>,
    bandwidth: Option<i64>,
    allowed: Option<Vec<&'static str>>,
    netblocks: Vec<String>,
    asns: Vec<i64>,
}

/// All of them, and their URLs.
pub struct Hosts {
    /// In the order of their ids.
    pub hosts: Vec<Host>,
    urls: Vec<(i64, String)>,
}

impl Hosts {
    /// Throws the dice for every host.
    pub fn invent(options: &Options) -> Hosts {
        let mut dice = options.dice("hosts");
        let mut world = Hosts { hosts: Vec::with_capacity(options.hosts), urls: Vec::new() };
        let mut id = 0;
        for number in 0..options.hosts {
            id += dice.random_range(1..7);
            let host = world.host(id, number, &mut dice);
            world.hosts.push(host);
        }
        world
    }

    fn host(&mut self, id: i64, number: usize, dice: &mut Dice) -> Host {
        let mut countries: Vec<&'static str> = match dice.random_range(0..100) {
            0..4 => vec![],
            4..8 => vec![country(dice), country(dice)],
            _ => vec![country(dice)],
        };
        countries.dedup();
        let mut urls = BTreeMap::new();
        let schemes = schemes(dice);
        for (category, kind) in CATEGORIES.iter().enumerate() {
            // Every host has at least one category.
            let last = category + 1 == CATEGORIES.len() && urls.is_empty();
            if last || dice.random_bool(kind.mirrored_by) {
                let ids = schemes.iter().map(|scheme| self.url(scheme, number, kind.name, dice)).collect();
                urls.insert(category, ids);
            }
        }
        Host {
            id,
            coverage: 0.15 + 0.85 * dice.random::<f64>().sqrt(),
            private: dice.random_bool(0.06),
            country: countries
                .first()
                .map(|code| if number.is_multiple_of(9) { code.to_lowercase() } else { (*code).into() }),
            countries,
            urls,
            bandwidth: match dice.random_range(0..100) {
                0..3 => None,
                3..5 => Some(0),
                5 => Some(-100),
                _ => {
                    [100, 200, 1000, 1000, 1000, 2000, 10_000, 10_000, 40_000, 100_000].choose(dice).copied()
                }
            },
            allowed: match dice.random_range(0..100) {
                0..3 => Some(vec![country(dice)]),
                3 => Some(vec!["us", "Canada", "mx"]),
                4 if number.is_multiple_of(4) => Some(vec!["everywhere"]),
                _ => None,
            },
            netblocks: if dice.random_bool(0.25) { addresses::near_host(dice) } else { vec![] },
            asns: if dice.random_bool(0.25) { vec![addresses::asn(dice)] } else { vec![] },
        }
    }

    /// A new URL and its id.
    fn url(&mut self, scheme: &str, number: usize, category: &str, dice: &mut Dice) -> i64 {
        const FOLDERS: [&str; 8] = [
            "",
            "/pub",
            "/mirror",
            "/mirrors",
            "/linux",
            "/pub/linux/distributions",
            "/R&D's",
            "/~ftp/a%20b",
        ];
        let domain = ["org", "net", "com"][number % 3];
        let folder = FOLDERS[if number.is_multiple_of(40) { 6 + number / 40 % 2 } else { number % 6 }];
        let slash = if dice.random_bool(0.3) { "/" } else { "" };
        let id = self.urls.last().map_or(FIRST_URL, |(id, _)| id + dice.random_range(1..4));
        self.urls.push((id, format!("{scheme}://mirror{number}.example.{domain}{folder}/{category}{slash}")));
        id
    }

    /// `HCUrlCache`, with two URLs that no mirrorlist can use.
    pub fn urls(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        let unusable = [
            (1 << 20, "gopher://mirror.example.org/".to_owned()),
            ((1 << 20) + 1, "mirror.example.org::fedora".to_owned()),
        ];
        for (id, url) in self.urls.iter().chain(&unusable) {
            records.add(&write::URL, &IntString { key: Some(*id), value: Some(url.as_str().into()) })?;
        }
        Ok(())
    }

    /// `LocationCache`.
    pub fn locations(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        let every = |step: usize| self.hosts.iter().step_by(step).map(|host| host.id).collect::<Vec<_>>();
        for (name, hosts) in
            [("aws:all", every(61)), ("campus network", every(97)), ("nowhere", vec![UNKNOWN_HOST])]
        {
            records.add(&write::LOCATION, &StringInts { key: Some(name.into()), value: hosts })?;
        }
        Ok(())
    }

    /// The tables from `HostAsnCache` to `HostNetblockCache`.
    pub fn facts(&self, records: &mut Writer<impl Write>) -> io::Result<()> {
        let mut asns: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        let mut netblocks: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for host in &self.hosts {
            host.asns.iter().for_each(|asn| asns.entry(*asn).or_default().push(host.id));
            host.netblocks.iter().for_each(|block| netblocks.entry(block).or_default().push(host.id));
        }
        asns.insert(-1, vec![UNKNOWN_HOST]);
        netblocks.insert("mirror.example.org", vec![self.hosts[0].id]);
        netblocks.insert("203.0.113.0/24", vec![UNKNOWN_HOST]);
        for (asn, hosts) in asns {
            records.add(&write::HOST_ASN, &IntInts { key: Some(asn), value: hosts })?;
        }
        for host in &self.hosts {
            records.add(&write::HOST_MAX_CONNECTION, &IntInt { key: Some(host.id), value: Some(1) })?;
        }
        for host in &self.hosts {
            if let Some(country) = &host.country {
                let record = IntString { key: Some(host.id), value: Some(country.as_str().into()) };
                records.add(&write::HOST_COUNTRY, &record)?;
            }
        }
        for host in &self.hosts {
            if let Some(bandwidth) = host.bandwidth {
                records
                    .add(&write::HOST_BANDWIDTH, &IntInt { key: Some(host.id), value: Some(bandwidth) })?;
            }
        }
        for host in &self.hosts {
            if let Some(allowed) = &host.allowed {
                let value = allowed.iter().map(|&code| code.into()).collect();
                records.add(&write::HOST_COUNTRY_ALLOWED, &IntStrings { key: Some(host.id), value })?;
            }
        }
        for (netblock, hosts) in netblocks {
            records.add(&write::HOST_NETBLOCK, &StringInts { key: Some(netblock.into()), value: hosts })?;
        }
        Ok(())
    }
}

/// The schemes of a host, in the order in which its URLs come.
fn schemes(dice: &mut Dice) -> Vec<&'static str> {
    let mut schemes = match dice.random_range(0..100) {
        0..68 => vec!["http", "https"],
        68..80 => vec!["https"],
        80..88 => vec!["http"],
        88..90 => vec!["HTTPS", "http"],
        90..93 => vec!["rsync"],
        93..95 => vec!["ftp"],
        95..97 => vec!["ftp", "rsync"],
        _ => vec!["http", "ftp", "https"],
    };
    if !schemes.contains(&"rsync") && dice.random_bool(0.7) {
        schemes.push("rsync");
    }
    if dice.random_bool(0.1) {
        schemes.shuffle(dice);
    }
    schemes
}
