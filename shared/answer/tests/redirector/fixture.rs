//! A small world: ten hosts that differ in what matters to a redirector, and a service over it.

use answer::{Fragments, Scratch, Service, redirector::Redirector, rules::Rules};
use cache::{
    CacheBytes, View,
    inventory::{
        Carrier, Directory, FileVersion, Host, HostUrl, Inventory, Placement, Roster, SetPosition, Site,
    },
    scheme::Scheme,
    write,
};
use ipnetwork::IpNetwork;
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use std::collections::BTreeSet;
use wire::{
    Accept, Counter, Method, Request, Tier, UrlScheme,
    code::{Continent, Country},
};

/// Sat, 28 Nov 2026.
pub const NOW: u64 = 1_795_824_000;
/// Six hours.
pub const STICKY: u64 = 21_600;

/// Clients by country: DE, SA, BR, US, RU, of none, and in the netblock of `uni`.
pub const DE: &str = "198.51.100.1";
pub const SA: &str = "198.51.100.2";
pub const BR: &str = "198.51.100.3";
pub const NOBODY: &str = "203.0.113.6";

/// Everything in it, for tests to change.
pub struct World {
    pub inventory: Inventory,
    roster: Roster,
}

/// Name, country, schemes, weight.
pub type Mirror = (&'static str, Option<&'static str>, &'static [Scheme], u32);

pub const BOTH: &[Scheme] = &[Scheme::Http, Scheme::Https];
pub const HTTP: &[Scheme] = &[Scheme::Http];
pub const HTTPS: &[Scheme] = &[Scheme::Https];

/// The hosts; `uni` is private and serves a netblock.
const MIRRORS: [Mirror; 10] = [
    ("de1", Some("DE"), BOTH, 100),
    ("de2", Some("DE"), HTTP, 100),
    ("fr1", Some("FR"), HTTPS, 100),
    ("us1", Some("US"), BOTH, 100),
    ("ae1", Some("AE"), BOTH, 100),
    ("jp1", Some("JP"), BOTH, 100),
    ("cn1", Some("CN"), BOTH, 100),
    ("br1", Some("BR"), BOTH, 100),
    ("uni", Some("DE"), BOTH, 100),
    ("cdn", None, HTTPS, 100),
];

fn country(code: &str) -> Country {
    Country::parse(code.as_bytes()).unwrap()
}

fn prefix(text: &str) -> IpNetwork {
    text.parse().unwrap()
}

impl World {
    pub fn new() -> World {
        World::of(&MIRRORS)
    }

    /// A world of these hosts, who all carry everything but what is said in [`World::directories`].
    pub fn of(mirrors: &[Mirror]) -> World {
        let mut world = World { inventory: Inventory::default(), roster: Roster::default() };
        for (number, (name, code, schemes, bandwidth)) in mirrors.iter().enumerate() {
            world.inventory.hosts.insert(
                number as i64 + 1,
                Host { country: code.map(country), bandwidth: *bandwidth, ..Host::default() },
            );
            let urls = schemes.iter().map(|scheme| {
                let text = format!("{}://{name}.example/pub", scheme.name());
                world.inventory.urls.insert_full(HostUrl { scheme: *scheme, text }).0 as u32
            });
            let placement = Placement { host: number as u32, urls: urls.collect() };
            let placement = world.inventory.placements.insert_full(placement).0 as u32;
            let public = *name != "uni";
            let countries = code.filter(|_| public).map(country).into_iter().collect();
            world.roster.carriers.insert(Carrier { placement, public, countries });
        }
        for (address, code) in [
            (DE, "DE"),
            (SA, "SA"),
            (BR, "BR"),
            ("198.51.100.4", "US"),
            ("192.0.2.9", "DE"),
            ("198.18.0.0/15", "DE"),
        ] {
            world.inventory.geoip.push((prefix(address), country(code)));
        }
        for (code, continent) in [
            ("DE", "EU"),
            ("FR", "EU"),
            ("US", "NA"),
            ("AE", "AS"),
            ("SA", "AS"),
            ("JP", "AS"),
            ("CN", "AS"),
            ("BR", "SA"),
        ] {
            world.inventory.continents.insert(country(code), Continent::parse(continent.as_bytes()).unwrap());
        }
        if let Some(uni) = mirrors.iter().position(|mirror| mirror.0 == "uni") {
            world.inventory.netblocks.insert(prefix("192.0.2.0/24"), BTreeSet::from([uni as u32]));
        }
        let without = |names: &'static [&'static str]| {
            mirrors
                .iter()
                .map(|mirror| mirror.0)
                .filter(move |name| !names.contains(name))
                .collect::<Vec<_>>()
        };
        let all = without(&[]);
        for path in ["pub", "pub/os/9", "pub/os/9/repodata", "pub/os/9/Packages"] {
            world.directory(path, mirrors, &all);
        }
        world.directory("pub/iso", mirrors, &without(&["br1", "uni"]));
        let version = |size, timestamp| FileVersion {
            size,
            timestamp,
            sha256: Some([7; 32]),
            ..FileVersion::default()
        };
        world.file("pub/iso", "F-9.iso", vec![version(1000, 0)]);
        world.file("pub/iso", "N-9.iso", vec![version(0, 0)]);
        world.file("pub/iso", "md5.iso", vec![FileVersion { md5: Some([1; 16]), ..version(5, 0) }]);
        world.inventory.files.values_mut().last().unwrap()[0].sha256 = None;
        let index = vec![version(77, NOW), version(76, NOW - 9)];
        world.file("pub/os/9/repodata", "repomd.xml", index);
        world.inventory.site = Site {
            young: 1800,
            public_url: Some("https://dl.example.org".into()),
            origins: [("pub".into(), "https://origin.example/pub".into())].into(),
            origin_only: Vec::new(),
            aliases: [
                ("pub/os/9Server".into(), "pub/os/9".into()),
                ("pub/iso/F-Current.iso".into(), "pub/iso/F-9.iso".into()),
            ]
            .into(),
        };
        world
    }

    /// Says who carries a directory.
    pub fn directory(&mut self, path: &str, mirrors: &[Mirror], names: &[&str]) {
        let chosen = |at: &usize| names.contains(&mirrors[*at].0);
        let carriers: Vec<Carrier> =
            (0..mirrors.len()).filter(chosen).map(|at| self.roster.carriers[at].clone()).collect();
        let set = self.roster.set_of(carriers);
        let subpath = path.strip_prefix("pub").unwrap().trim_start_matches('/').into();
        let directory = Directory { carriers: SetPosition { roster: 0, set }, subpath };
        self.inventory.directories.insert(path.into(), directory);
    }

    /// The second host has the https URL of the first, and no other.
    pub fn share(&mut self, one: &str, other: &str) {
        let at = |name: &str| MIRRORS.iter().position(|mirror| mirror.0 == name).unwrap();
        let text = format!("https://{one}.example/pub");
        let url = self.inventory.urls.iter().position(|url| url.text == text).unwrap() as u32;
        let placements = self.inventory.placements.iter().cloned().enumerate().map(|(number, placement)| {
            if number == at(other) { Placement { urls: vec![url], ..placement } } else { placement }
        });
        self.inventory.placements = placements.collect();
    }

    /// Only these carry a directory.
    pub fn only(&mut self, path: &str, names: &[&str]) {
        self.directory(path, &MIRRORS, names);
    }

    pub fn file(&mut self, directory: &str, name: &str, versions: Vec<FileVersion>) {
        let directory = self.inventory.directories.get_index_of(directory).unwrap() as u32;
        self.inventory.files.insert((directory, name.into()), versions);
    }

    pub fn write(mut self) -> CacheBytes {
        self.inventory.rosters = vec![self.roster];
        write(&self.inventory, 0).unwrap().0
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub scheme: UrlScheme,
    pub accept: Accept,
    pub client: &'a str,
    pub now: u64,
    pub seed: u64,
}

/// A client of Germany who has come by https.
pub const HTTPS_DE: Asked<'_> =
    Asked { scheme: UrlScheme::Https, accept: Accept::NONE, client: DE, now: NOW, seed: 1 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub tier: Tier,
    pub counted: Option<Counter>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// Bytes of the header lines.
    pub head: usize,
}

impl Reply {
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|header| header.0 == name).map(|header| &*header.1).collect()
    }

    pub fn location(&self) -> &str {
        self.all("Location").first().copied().unwrap_or_default()
    }

    /// The first label of the host that `Location` leads to.
    pub fn host(&self) -> &str {
        self.location().split("://").nth(1).unwrap_or_default().split('.').next().unwrap_or_default()
    }
}

/// A cache to ask.
pub struct Redirects {
    bytes: CacheBytes,
    redirector: Redirector,
}

impl Redirects {
    pub fn of(world: World, prefixes: &[&str]) -> Redirects {
        let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        Redirects { bytes: world.write(), redirector: Redirector::new(prefixes, STICKY) }
    }

    pub fn new() -> Redirects {
        Redirects::of(World::new(), &["/dl/"])
    }

    /// Asks each of these.
    pub fn ask_all<'t>(&self, requests: impl IntoIterator<Item = (Asked<'t>, String)>) -> Vec<Reply> {
        let view = View::check(&self.bytes).unwrap();
        let fragments = Fragments::prepare(&view).unwrap();
        let service = Service {
            view,
            fragments: &fragments,
            rules: Rules::default(),
            redirector: Some(&self.redirector),
            version: "1.2.3",
        };
        let mut scratch = Scratch::default();
        let reply = |(asked, target): (Asked<'t>, String)| {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            let request = Request {
                method: Method::Get,
                scheme: asked.scheme,
                accept: asked.accept,
                client: asked.client.parse().ok(),
                path: path.as_bytes(),
                query: query.as_bytes(),
            };
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(asked.seed);
            let mut out = Vec::new();
            let answer = service.answer(&request, asked.now, &mut rng, &mut scratch, &mut out);
            let text = String::from_utf8(out).unwrap();
            let (headers, body) = text.split_at(answer.headers_len);
            let header = |line: &str| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.to_owned(), value.to_owned())
            };
            Reply {
                status: answer.head.status,
                tier: answer.head.tier,
                counted: answer.counted,
                headers: headers.split_terminator("\r\n").map(header).collect(),
                body: body.to_owned(),
                head: headers.len(),
            }
        };
        requests.into_iter().map(reply).collect()
    }

    pub fn ask(&self, asked: Asked<'_>, target: &str) -> Reply {
        self.ask_all([(asked, target.to_owned())]).remove(0)
    }

    /// Where a client of Germany who has come by https is led.
    pub fn location(&self, target: &str) -> String {
        self.ask(HTTPS_DE, target).location().to_owned()
    }
}
