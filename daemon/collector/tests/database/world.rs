//! A database's content as plain values, by chance or by hand, and as SQL.
//!
//! By chance much is odd: small numbers of everything meet often, NULL and nonsense stand wherever the schema lets them.

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus, seq::IndexedRandom as _};
use std::fmt::Write as _;

type Dice = Xoshiro256PlusPlus;

#[derive(Clone, Debug)]
pub struct Site {
    pub id: i32,
    pub user_active: bool,
    pub admin_active: bool,
    pub private: bool,
}

#[derive(Clone, Debug)]
pub struct Host {
    pub id: i32,
    pub site: Option<i32>,
    pub user_active: bool,
    pub admin_active: bool,
    pub private: bool,
    pub country: String,
    pub bandwidth: Option<i32>,
    pub internet2: bool,
    pub internet2_clients: bool,
    pub asn: Option<i32>,
    pub asn_clients: bool,
    pub max_connections: i32,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct HostCategory {
    pub id: i32,
    pub host: Option<i32>,
    pub category: Option<i32>,
    pub always: bool,
}

#[derive(Clone, Debug)]
pub struct Repository {
    pub id: i32,
    pub prefix: Option<String>,
    pub version: Option<i32>,
    pub arch: Option<i32>,
    pub directory: Option<i32>,
    pub disabled: bool,
}

#[derive(Clone, Debug)]
pub struct Detail {
    pub id: i32,
    pub directory: i32,
    pub file: String,
    pub timestamp: Option<i64>,
    pub size: Option<i64>,
    /// SHA-1, MD5, SHA-256, SHA-512.
    pub hashes: [Option<String>; 4],
}

/// Rows of all tables; those without a struct are `(id, ...)` as in the schema.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub sites: Vec<Site>,
    pub hosts: Vec<Host>,
    pub directories: Vec<(i32, String)>,
    /// And its top.
    pub categories: Vec<(i32, Option<i32>)>,
    /// Category and directory.
    pub category_directories: Vec<(i32, i32)>,
    pub host_categories: Vec<HostCategory>,
    /// Host's category, directory, whether up to date.
    pub host_category_dirs: Vec<(i32, Option<i32>, bool)>,
    /// Number, host's category, URL, whether private.
    pub urls: Vec<(i32, i32, String, bool)>,
    pub netblocks: Vec<(i32, Option<String>, Option<i32>)>,
    pub allowed: Vec<(i32, String, Option<i32>)>,
    pub peers: Vec<(i32, i32, Option<i32>)>,
    /// Hosts with a country on their page.
    pub page: Vec<i32>,
    pub arches: Vec<(i32, String)>,
    pub repositories: Vec<Repository>,
    pub details: Vec<Detail>,
    pub redirects: Vec<(i32, String, Option<String>)>,
    pub continents: Vec<(i32, String, String)>,
    pub netblock_countries: Vec<(i32, String, String)>,
}

const COUNTRIES: [&str; 12] =
    ["de", "DE", "US", "us ", "fr", "Fr", "JP", "", "  ", "Deutschland", "d", "\u{f6}\u{e4}"];

/// Free text as web forms let it in; no name that a resolver is needed for but one that every machine has.
const NETBLOCKS: [&str; 26] = [
    "192.0.2.0/24",
    " 192.0.2.0/24\t",
    "192.0.2.77/24",
    "198.51.100.7",
    " 198.51.100.8 ",
    "198.51.100.7/32",
    "1.2.3.4/255.255.255.248",
    "1.2.3.4/255.0.255.0",
    "1.2.3.4/33",
    "1.2.3.4/",
    "name/24",
    "10.0.0.0/8",
    "10.0.0.0/7",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:DB8:0::1",
    "2001:db8::1/129",
    "2000::/3",
    "::/0",
    "",
    "   ",
    "two words",
    "192.0.2",
    "192.0.2.0/24/24",
    "\u{e4}.example",
    "-/-",
];

fn maybe<T>(dice: &mut Dice, probability: f64, value: impl FnOnce(&mut Dice) -> T) -> Option<T> {
    dice.random_bool(probability).then(|| value(dice))
}

fn one(dice: &mut Dice, of: &[&str]) -> String {
    (*of.choose(dice).unwrap()).to_owned()
}

impl World {
    /// The world of a seed.
    pub fn random(seed: u64) -> World {
        let dice = &mut Dice::seed_from_u64(seed);
        let mut world = World::default();
        world.throw_hosts(dice);
        world.throw_tree(dice);
        world.throw_carriers(dice);
        world.throw_repositories(dice);
        world.throw_rest(dice);
        world
    }

    fn throw_hosts(&mut self, dice: &mut Dice) {
        let sites = dice.random_range(1..5);
        self.sites = (1..=sites)
            .map(|id| Site {
                id,
                user_active: dice.random_bool(0.95),
                admin_active: dice.random_bool(0.95),
                private: dice.random_bool(0.2),
            })
            .collect();
        let hosts = if dice.random_bool(0.05) { 0 } else { dice.random_range(2..16) };
        for id in 1..=hosts {
            let place = |dice: &mut Dice, range| maybe(dice, 0.6, |dice| dice.random_range(range));
            let host = Host {
                // Not in the order in which they come, nor without gaps.
                id: if id % 3 == 0 { id + 100 } else { id },
                site: maybe(dice, 0.93, |dice| dice.random_range(1..=sites)),
                user_active: dice.random_bool(0.9),
                admin_active: dice.random_bool(0.9),
                private: dice.random_bool(0.2),
                country: one(dice, &COUNTRIES),
                bandwidth: maybe(dice, 0.9, |dice| {
                    *[-5, 0, 1, 77, 10_000, 10_001, i32::MAX].choose(dice).unwrap()
                }),
                internet2: dice.random_bool(0.4),
                internet2_clients: dice.random_bool(0.4),
                asn: maybe(dice, 0.6, |dice| *[-1, 0, 680, 64_500, i32::MAX].choose(dice).unwrap()),
                asn_clients: dice.random_bool(0.6),
                max_connections: dice.random_range(-1..4),
                latitude: place(dice, -95.0..95.0),
                longitude: place(dice, -190.0..190.0),
            };
            self.hosts.push(host);
        }
    }

    fn throw_tree(&mut self, dice: &mut Dice) {
        let mut names = vec!["pub".to_owned(), "pub/a".into(), "pub/a/linux".into(), "pub/ab".into()];
        if dice.random_bool(0.3) {
            names.push(String::new());
        }
        for _ in 0..dice.random_range(0..12) {
            let above = names.choose(dice).unwrap().clone();
            let name = one(dice, &["x", "repodata", "\u{e4}", "linux", "a b"]);
            let name = if above.is_empty() { name } else { format!("{above}/{name}") };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.directories = (0..).zip(names).map(|(at, name)| ((at * 7) % 31 + 1, name)).collect();
        let any = |dice: &mut Dice, world: &World| world.directories.choose(dice).unwrap().0;
        for id in 1..=dice.random_range(1..5) {
            let top = maybe(dice, 0.9, |dice| any(dice, self));
            self.categories.push((id, top));
        }
        for (category, _) in self.categories.clone() {
            for (directory, _) in self.directories.clone() {
                if dice.random_bool(0.7) {
                    self.category_directories.push((category, directory));
                }
            }
        }
    }

    fn throw_carriers(&mut self, dice: &mut Dice) {
        let (hosts, categories) = (self.hosts.clone(), self.categories.clone());
        let mut id = 0;
        for host in &hosts {
            for (category, _) in &categories {
                if dice.random_bool(0.3) {
                    continue;
                }
                id += dice.random_range(1..3);
                let (host, category) = (maybe(dice, 0.96, |_| host.id), maybe(dice, 0.96, |_| *category));
                self.host_categories.push(HostCategory { id, host, category, always: dice.random_bool(0.2) });
                for (directory, _) in self.directories.clone() {
                    let (up_to_date, twice) = (dice.random_bool(0.7), dice.random_bool(0.05));
                    if dice.random_bool(0.6) {
                        let directory = maybe(dice, 0.97, |_| directory);
                        self.host_category_dirs.push((id, directory, up_to_date));
                        if twice {
                            self.host_category_dirs.push((id, directory, dice.random_bool(0.5)));
                        }
                    }
                }
                for number in 0..dice.random_range(0..4) {
                    let url =
                        format!("{}://h{id}.example/{number}", one(dice, &["http", "https", "rsync", "ftp"]));
                    let url_id = self.urls.len() as i32 * 2 + 1;
                    self.urls.push((url_id, id, url, dice.random_bool(0.3)));
                }
            }
        }
    }

    fn throw_repositories(&mut self, dice: &mut Dice) {
        self.arches = vec![(1, "x86_64".into()), (2, "source".into()), (4, "aarch64".into())];
        let mut seen = Vec::new();
        for id in 1..=dice.random_range(0..12) {
            let prefix = maybe(dice, 0.9, |dice| one(dice, &["fedora-42", "epel-9", "rawhide", "", "a+b"]));
            let arch = maybe(dice, 0.9, |dice| *[1, 2, 4].choose(dice).unwrap());
            // The schema lets each pair be there once, but for NULL.
            if prefix.is_some() && arch.is_some() && seen.contains(&(prefix.clone(), arch)) {
                continue;
            }
            seen.push((prefix.clone(), arch));
            let directory = maybe(dice, 0.9, |dice| self.directories.choose(dice).unwrap().0);
            let (version, disabled) = (maybe(dice, 0.9, |_| 1), dice.random_bool(0.2));
            self.repositories.push(Repository { id, prefix, version, arch, directory, disabled });
        }
    }

    fn throw_rest(&mut self, dice: &mut Dice) {
        let hosts: Vec<i32> = self.hosts.iter().map(|host| host.id).collect();
        let host = |dice: &mut Dice| {
            if hosts.is_empty() { None } else { maybe(dice, 0.95, |dice| *hosts.choose(dice).unwrap()) }
        };
        for id in 1..=dice.random_range(0..25) {
            let text = maybe(dice, 0.95, |dice| one(dice, &NETBLOCKS));
            self.netblocks.push((id, text, host(dice)));
        }
        for (id, country) in (1..).zip(["us", "DE", "f", "", "Jp", "\u{e4}\u{f6}"]) {
            if dice.random_bool(0.6) {
                self.allowed.push((id, country.to_owned(), host(dice)));
            }
        }
        let mut peers = Vec::new();
        for id in 1..=dice.random_range(0..8) {
            let peer = (*[-3, 0, 680, 64_500, 64_501].choose(dice).unwrap(), host(dice));
            if peer.1.is_none() || !peers.contains(&peer) {
                self.peers.push((id, peer.0, peer.1));
                peers.push(peer);
            }
        }
        self.page = hosts.iter().copied().filter(|_| dice.random_bool(0.2)).collect();
        for id in 1..=dice.random_range(0..40) {
            let hash = |dice: &mut Dice| maybe(dice, 0.7, |dice| one(dice, &["aa", "bb", "", " "]));
            let detail = Detail {
                id,
                directory: self.directories.choose(dice).unwrap().0,
                file: one(dice, &["repomd.xml", "Repomd.xml", "summary", "a.iso", "", "\u{e4}"]),
                timestamp: maybe(dice, 0.8, |dice| dice.random_range(-3..10)),
                size: maybe(dice, 0.8, |dice| *[-1, 0, 1, i64::MAX].choose(dice).unwrap()),
                hashes: [hash(dice), hash(dice), hash(dice), hash(dice)],
            };
            self.details.push(detail);
        }
        for (id, from) in (1..).zip(["rawhide", "core-6", "", " "]) {
            if dice.random_bool(0.7) {
                let to = maybe(dice, 0.8, |dice| one(dice, &["fedora-42", "x", ""]));
                self.redirects.push((id, from.to_owned(), to));
            }
        }
        for (id, country) in (1..).zip(["IL", "am", ""]) {
            if dice.random_bool(0.7) {
                self.continents.push((id, country.to_owned(), one(dice, &["EU", "as", ""])));
            }
        }
        for (id, netblock) in (1..).zip(["203.0.113.0/24", "nonsense", " 10.0.0.0/8"]) {
            if dice.random_bool(0.7) {
                self.netblock_countries.push((id, netblock.to_owned(), one(dice, &["NL", "nl", ""])));
            }
        }
    }

    /// Statements that fill an empty database with it. Rows are written in an order of their own.
    pub fn sql(&self, seed: u64) -> String {
        let mut sql = Sql { text: String::new(), dice: Dice::seed_from_u64(seed) };
        sql.insert("product", "1, 'P', true");
        sql.insert("version", "1, '42', null, false, true, null, true, 0, 1");
        sql.rows("site", &self.sites, |site| {
            let Site { id, user_active, admin_active, private } = site;
            format!(
                "{id}, 's{id}', null, null, {private}, {admin_active}, {user_active}, now(), 'x', false, null, false, false"
            )
        });
        let columns =
            "host (id, name, site_id, user_active, admin_active, private, country, bandwidth_int, internet2,
            internet2_clients, asn, asn_clients, max_connections, crawl_failures, latitude, longitude)";
        sql.rows(columns, &self.hosts, |host| {
            [
                host.id.to_string(),
                quoted(&format!("host {}", host.id)),
                or_null(host.site),
                host.user_active.to_string(),
                host.admin_active.to_string(),
                host.private.to_string(),
                quoted(&host.country),
                or_null(host.bandwidth),
                host.internet2.to_string(),
                host.internet2_clients.to_string(),
                or_null(host.asn),
                host.asn_clients.to_string(),
                host.max_connections.to_string(),
                "0".into(),
                or_null(host.latitude),
                or_null(host.longitude),
            ]
            .join(", ")
        });
        sql.rows("directory", &self.directories, |(id, name)| format!("{id}, {}, null, true", quoted(name)));
        sql.rows("arch", &self.arches, |(id, name)| format!("{id}, {}, true, true", quoted(name)));
        sql.rows("category", &self.categories, |(id, top)| {
            format!("{id}, 'c{id}', null, true, null, false, 1, {}", or_null(*top))
        });
        sql.rows("category_directory", &self.category_directories, |(category, directory)| {
            format!("{category}, {directory}")
        });
        sql.rows("host_category", &self.host_categories, |row| {
            format!("{}, {}, {}, {}", row.id, or_null(row.host), or_null(row.category), row.always)
        });
        let columns = "host_category_dir (host_category_id, directory_id, up2date)";
        sql.rows(columns, &self.host_category_dirs, |(host_category, directory, up_to_date)| {
            format!("{host_category}, {}, {up_to_date}", or_null(*directory))
        });
        sql.rows("host_category_url", &self.urls, |(id, host_category, url, private)| {
            format!("{id}, {host_category}, {}, {private}", quoted(url))
        });
        sql.rows("host_netblock", &self.netblocks, |(id, text, host)| {
            format!("{id}, {}, 'n', {}", text.as_deref().map_or("null".into(), quoted), or_null(*host))
        });
        sql.rows("host_country_allowed", &self.allowed, |(id, country, host)| {
            format!("{id}, {}, {}", quoted(country), or_null(*host))
        });
        sql.rows("host_peer_asn", &self.peers, |(id, asn, host)| {
            format!("{id}, {asn}, null, {}", or_null(*host))
        });
        sql.insert("country", "1, 'DE'");
        sql.rows("host_country (country_id, host_id)", &self.page, |host| format!("1, {host}"));
        sql.rows("repository", &self.repositories, |row| {
            let Repository { id, prefix, version, arch, directory, disabled } = row;
            let prefix = prefix.as_deref().map_or("null".into(), quoted);
            let (version, arch, directory) = (or_null(*version), or_null(*arch), or_null(*directory));
            format!("{id}, 'r{id}', {prefix}, null, {version}, {arch}, {directory}, {disabled}")
        });
        sql.rows("file_detail", &self.details, |row| {
            let hashes =
                row.hashes.each_ref().map(|hash| hash.as_deref().map_or("null".into(), quoted)).join(", ");
            let (time, size) = (or_null(row.timestamp), or_null(row.size));
            format!("{}, {}, {time}, {size}, {hashes}, {}", row.id, quoted(&row.file), row.directory)
        });
        sql.rows("repository_redirect", &self.redirects, |(id, from, to)| {
            format!("{id}, {}, {}", to.as_deref().map_or("null".into(), quoted), quoted(from))
        });
        let pair = |(id, from, to): &(i32, String, String)| format!("{id}, {}, {}", quoted(from), quoted(to));
        sql.rows("country_continent_redirect", &self.continents, pair);
        sql.rows("netblock_country", &self.netblock_countries, pair);
        sql.text
    }
}

struct Sql {
    text: String,
    dice: Dice,
}

impl Sql {
    fn insert(&mut self, table: &str, values: &str) {
        writeln!(self.text, "insert into {table} values ({values});").unwrap();
    }

    /// Rows in any order: what comes out must not depend on it.
    fn rows<T: Clone>(&mut self, table: &str, rows: &[T], values: impl Fn(&T) -> String) {
        use rand::seq::SliceRandom as _;
        let mut rows = rows.to_vec();
        rows.shuffle(&mut self.dice);
        if !rows.is_empty() {
            let rows: Vec<String> = rows.iter().map(|row| format!("({})", values(row))).collect();
            writeln!(self.text, "insert into {table} values {};", rows.join(",\n")).unwrap();
        }
    }
}

fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or("null".into(), |value| value.to_string())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
