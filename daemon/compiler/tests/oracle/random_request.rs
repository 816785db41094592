//! Requests of every kind about a given cache: mostly ones that it can answer, many odd ones, some absurd ones.

use crate::{
    dice::Dice,
    exchange::Asked,
    model::{facts::Facts, prefix::Prefix},
};
use answer::rules::{LogAddress, NetblockMode, Rules};
use std::net::IpAddr;
use wire::{Accept, Method, UrlScheme};

/// The names that a cache knows, for requests to use.
pub struct Vocabulary {
    repos: Vec<String>,
    /// Repository and architecture that belong together; those of which there are most mirrors twice over.
    repo_archs: Vec<(String, String)>,
    pub directories: Vec<String>,
    pub files: Vec<String>,
    locations: Vec<String>,
    countries: Vec<String>,
    asns: Vec<u32>,
    /// Of hosts.
    names: Vec<String>,
    /// Of netblocks, country overrides, routes of an AS that hosts serve, and other routes.
    prefixes: Vec<Vec<Prefix>>,
}

impl Vocabulary {
    /// The names of this cache.
    pub fn of(facts: &Facts) -> Vocabulary {
        let repo_archs = facts.repositories.iter().flat_map(|(repo, archs)| {
            archs.iter().map(move |(arch, directory)| ((repo.clone(), arch.clone()), &directory[..]))
        });
        let mut repos: Vec<String> = facts.repositories.keys().cloned().collect();
        repos.extend(facts.redirects.keys().cloned());
        repos.extend(facts.disabled.iter().cloned());
        let mut countries: Vec<String> = facts.continents.keys().cloned().collect();
        let odd = ["DE", "de", "Fr", "US", "A1", "zz", "global", "GLOBAL", "Global", "USA", "d", "\u{e9}"];
        countries.extend(odd.map(String::from));
        Vocabulary {
            repos,
            repo_archs: favoured(facts, repo_archs.collect()),
            directories: favoured(
                facts,
                facts.directories.keys().map(|path| (path.clone(), &path[..])).collect(),
            ),
            files: favoured(
                facts,
                facts.files.keys().map(|(path, name)| (format!("{path}/{name}"), &path[..])).collect(),
            ),
            locations: facts.locations.keys().cloned().collect(),
            countries,
            asns: facts.as_hosts.keys().copied().collect(),
            names: facts.host_names.values().flatten().cloned().collect(),
            prefixes: prefixes(facts),
        }
    }

    /// A request.
    pub fn request(&self, dice: &mut Dice) -> Asked {
        let metalink = dice.percent(45);
        let mut parameters = self.subject(dice, metalink);
        self.filters(dice, &mut parameters);
        if dice.percent(30) {
            dice.shuffle(&mut parameters);
        }
        let written = parameters.iter().map(|(name, value)| written(dice, name, value)).collect::<Vec<_>>();
        let path = match dice.below(50) {
            0 => *dice.pick(&["/", "/mirrorlist/", "/metalink.xml", "/Metalink", "", "/a/b"]),
            1..=3 => *dice.pick(&["/x/metalink", "//metalink", "/mirrorlist/metalink", "metalink"]),
            4..=6 => *dice.pick(&["/x/mirrorlist", "//mirrorlist", "/metalink/mirrorlist", "mirrorlist"]),
            _ if metalink => "/metalink",
            _ => "/mirrorlist",
        };
        Asked {
            method: if dice.percent(10) { Method::Head } else { Method::Get },
            path: path.into(),
            query: written.join(&b'&'),
            client: if dice.percent(5) { None } else { Some(self.address(dice)) },
            scheme: UrlScheme::Http,
            accept: if dice.percent(20) { Accept::HTML } else { Accept::NONE },
        }
    }

    /// The parameters that say what the request is about.
    fn subject(&self, dice: &mut Dice, metalink: bool) -> Vec<(&'static str, Vec<u8>)> {
        let mut parameters = Vec::new();
        let by_path = dice.percent(40);
        if by_path {
            let details = if metalink { 90 } else { 40 };
            let mut path = match dice.below(20) {
                _ if dice.percent(details) && !self.files.is_empty() => dice.pick(&self.files).clone(),
                0..=13 => dice.pick(&self.directories).clone(),
                14..=18 => format!("{}/unknown file+1.rpm", dice.pick(&self.directories)),
                _ => "not/in/the/cache".to_owned(),
            };
            match dice.below(40) {
                0 => path.insert(0, '/'),
                1 => path.push_str("//"),
                2 => path = path.replace('/', "///"),
                3 => path.insert_str(0, dice.one(&["../", "./", " ", ".../"])),
                4 => path.push_str(dice.one(&["/..", "/.", " ", "/", "x", "/\u{ffff}", "--", "-"])),
                5 => path = dice.one(&["", "/", "//", ".", "..", "-", "--->"]).to_owned(),
                _ => {}
            }
            parameters.push(("path", damaged(dice, path.into_bytes())));
        }
        if !by_path || dice.percent(15) {
            let (repo, arch) = match dice.below(40) {
                0..=35 if !self.repo_archs.is_empty() => dice.pick(&self.repo_archs).clone(),
                36 | 37 if !self.repos.is_empty() => (dice.pick(&self.repos).clone(), "x86_64".to_owned()),
                18 => {
                    (dice.one(&["", "a", "fedora", "zzz", "repo-149", "-->"]).to_owned(), "noarch".to_owned())
                }
                39 if !self.repos.is_empty() => {
                    let name = dice.pick(&self.repos).clone();
                    (misspelt(dice, &name), "x86_64".to_owned())
                }
                _ => ("source".to_owned(), dice.one(&["source", "", " ", "x"]).to_owned()),
            };
            let (mut repo, mut arch) = (repo, arch);
            if dice.percent(15)
                && let Some((name, version)) = repo.clone().rsplit_once('-')
            {
                repo = name.to_owned();
                parameters.push(("version", version.as_bytes().to_vec()));
            } else if dice.percent(4) && !parameters.is_empty() {
                parameters.push(("version", b"42".to_vec()));
            }
            match dice.below(80) {
                0 => repo.push('x'),
                1 => arch.push('x'),
                2 => repo.insert(0, ' '),
                3 => arch.push_str("  "),
                4 if !self.repos.is_empty() => repo = dice.pick(&self.repos).clone(),
                _ => {}
            }
            parameters.push(("repo", damaged(dice, repo.into_bytes())));
            parameters.push(("arch", damaged(dice, arch.into_bytes())));
        }
        if dice.percent(2) {
            parameters.remove(dice.below(parameters.len()));
        }
        parameters
    }

    /// The parameters that say who asks and what suits.
    pub fn filters(&self, dice: &mut Dice, parameters: &mut Vec<(&'static str, Vec<u8>)>) {
        for (name, percent) in [("country", 30), ("cc", 8)] {
            if dice.percent(percent) {
                let count = if dice.percent(10) { 15 + dice.below(15) } else { 1 + dice.below(3) };
                // In a long list many that no cache knows, so that the sixteenth is reached.
                let unknown = if count > 3 { 60 } else { 5 };
                let item = |_| match dice.percent(unknown) {
                    true => format!("{}{}", dice.one(&["x", "Q", "Z"]), dice.below(10)),
                    false => dice.pick(&self.countries).clone(),
                };
                let items: Vec<String> = (0..count).map(item).collect();
                let list = items.join(dice.one(&[",", ",", ", ", ",,", " ,"]));
                parameters.push((name, damaged(dice, list.into_bytes())));
            }
        }
        if dice.percent(30) {
            let names = ["https", "http", "ftp", "rsync", "HTTPS", "Http", "gopher", "", "https:"];
            let items: Vec<&str> = (0..1 + dice.below(3)).map(|_| dice.one(&names)).collect();
            parameters.push(("protocol", items.join(dice.one(&[",", ", "])).into_bytes()));
        }
        if dice.percent(15) {
            parameters.push(("netblock", dice.one(&["1", "0", "", " 1 ", "yes", "01"]).into()));
        }
        if dice.percent(20) {
            let names = ["text", "apt", "json", "metalink4", "html", " apt ", "TEXT", "xml", ""];
            let name = dice.one(&names).into();
            parameters.push(("format", damaged(dice, name)));
        }
        for (name, percent) in [("redirect", 15), ("time", 15)] {
            if dice.percent(percent) {
                parameters.push((name, dice.one(&["1", "", "0", " 0", "00", "yes"]).into()));
            }
        }
        if dice.percent(25) {
            let address = self.address(dice);
            let text = match dice.below(8) {
                0 => format!(" {address} "),
                1 if address.is_ipv6() => format!("[{address}]:443"),
                1 => format!("{address}:80"),
                2 if address.is_ipv6() => format!("{address}%eth0"),
                3 => dice
                    .one(&["unknown", "1.2.3", "-", "::g", "1.2.3.4.5", "[::1", "1.2.3.4:x", ""])
                    .to_owned(),
                _ => address.to_string(),
            };
            parameters.push(("ip", text.into_bytes()));
        }
        if dice.percent(12) {
            let name = match self.locations.is_empty() || dice.percent(25) {
                true => dice.one(&["nowhere", "", " campus ", "Campus"]).to_owned(),
                false => dice.pick(&self.locations).clone(),
            };
            parameters.push(("location", damaged(dice, name.into_bytes())));
        }
        if dice.percent(15) {
            let count = if dice.percent(10) { 20 } else { 1 + dice.below(3) };
            let items: Vec<String> = (0..count).map(|_| self.excluded(dice)).collect();
            let list = items.join(dice.one(&[",", ", ", ",,"]));
            parameters.push(("exclude", damaged(dice, list.into_bytes())));
        }
        if dice.percent(10) {
            parameters.push(("strict", dice.one(&["1", "1", "1", "", "0", "no"]).into()));
        }
        if dice.percent(12) {
            parameters.push(("family", dice.one(&["4", "6", "4", "6", "", "5", "46", " 6 "]).into()));
        }
        if dice.percent(15) {
            let odd = ["0", "256", "-1", "1.5", "+3", "", " 2 ", "99999999999999999999", "007"];
            let value =
                if dice.percent(15) { dice.one(&odd).to_owned() } else { (1 + dice.below(6)).to_string() };
            parameters.push(("limit", value.into_bytes()));
        }
        if dice.percent(10) {
            parameters.push(("explain", dice.one(&["1", "1", "", "0"]).into()));
        }
        if dice.percent(10) {
            parameters.push(("countme", b"3".to_vec()));
        }
        if dice.percent(4) && !parameters.is_empty() {
            let again = dice.pick(parameters).clone();
            parameters.push((again.0, if dice.percent(50) { again.1 } else { Vec::new() }));
        }
        if dice.percent(3) {
            parameters
                .push((dice.one(&["Repo", "REDIRECT", "", "=", "redirect1", "mirrorlist"]), b"x".to_vec()));
        }
    }

    /// An item of `exclude`, of any form or none.
    fn excluded(&self, dice: &mut Dice) -> String {
        match dice.below(12) {
            0..=4 => dice.pick(&self.countries).clone(),
            5 => format!("continent:{}", dice.one(&["EU", "eu", "AS", "--", "XX", "Europe", ""])),
            6 if !self.asns.is_empty() => format!("{}{}", dice.one(&["AS", "as"]), dice.pick(&self.asns)),
            7..=9 if !self.names.is_empty() => {
                let name = dice.pick(&self.names);
                if dice.percent(20) { name.to_uppercase() } else { name.clone() }
            }
            _ => {
                let odd = [
                    "origin",
                    "Russia",
                    "AS",
                    "ASx",
                    "AS99999999999",
                    "a.b/c",
                    ".",
                    "mirror",
                    "x.invalid:80",
                ];
                dice.one(&odd).to_owned()
            }
        }
    }

    /// An address: in or just outside a prefix that matters, in one of the IPv6 disguises of IPv4, or anywhere.
    pub fn address(&self, dice: &mut Dice) -> IpAddr {
        let bits = dice.bits();
        let anywhere = match dice.below(3) {
            0 => IpAddr::from((bits as u32).to_be_bytes()),
            1 => IpAddr::from((0x2 << 124 | bits >> 4).to_be_bytes()),
            _ => IpAddr::from((0x2001_0db8 << 96 | bits >> 32).to_be_bytes()),
        };
        let address = if dice.percent(15) || self.prefixes.is_empty() {
            anywhere
        } else {
            let of_a_kind = dice.pick(&self.prefixes);
            let (first, last) = dice.pick(of_a_kind).ends();
            match dice.below(4) {
                0 => first,
                1 => last,
                2 => beside(last, 1),
                _ => beside(first, dice.bits() % 64),
            }
        };
        match (address, dice.below(12)) {
            (IpAddr::V4(v4), 0) => IpAddr::V6(v4.to_ipv6_mapped()),
            (IpAddr::V4(v4), 3) => IpAddr::V6(v4.to_ipv6_compatible()),
            (IpAddr::V4(v4), 1) => {
                IpAddr::from((0x2002 << 112 | u128::from(v4.to_bits()) << 80 | 1).to_be_bytes())
            }
            (IpAddr::V4(v4), 2) => {
                IpAddr::from((0x2001 << 112 | 0xabc << 64 | u128::from(!v4.to_bits())).to_be_bytes())
            }
            _ => address,
        }
    }
}

/// The operator's rules, the defaults most often.
pub fn rules(dice: &mut Dice) -> Rules {
    Rules {
        minimum: *dice.pick(&[5, 5, 5, 0, 1, 3, 100]),
        netblock: if dice.percent(70) { NetblockMode::First } else { NetblockMode::Only },
        log_address: *dice.pick(&[LogAddress::Off, LogAddress::Full, LogAddress::Omit, LogAddress::Short]),
    }
}

/// These, and those again whose directory has more than the usual number of carriers: of most of those in
/// a real cache there is only one mirror.
fn favoured<T: Clone>(facts: &Facts, named: Vec<(T, &str)>) -> Vec<T> {
    let carried =
        |path: &str| facts.directories.get(path).is_some_and(|directory| directory.carriers.len() > 8);
    let mut favoured: Vec<T> =
        named.iter().filter(|(_, path)| carried(path)).map(|(name, _)| name.clone()).collect();
    let times = if favoured.is_empty() { 0 } else { named.len() / favoured.len() };
    favoured = std::iter::repeat_n(favoured, times).flatten().collect();
    favoured.extend(named.into_iter().map(|(name, _)| name));
    favoured
}

/// The prefixes that make a difference, by what they are for; of a whole routing table a sample will do.
fn prefixes(facts: &Facts) -> Vec<Vec<Prefix>> {
    let mut routes: Vec<Prefix> = facts.routes.prefixes().collect();
    routes.sort();
    let serving = |prefix: &&Prefix| {
        let number = facts.routes.longest_match(prefix.ends().0);
        number.and_then(|number| number.as_ref()).is_some_and(|number| facts.as_hosts.contains_key(number))
    };
    let mut kinds: Vec<Vec<Prefix>> = vec![
        facts.netblocks.iter().map(|(prefix, _)| *prefix).collect(),
        facts.overrides.prefixes().collect(),
        routes.iter().filter(serving).copied().collect(),
        routes.iter().step_by(1 + routes.len() / 5000).copied().collect(),
    ];
    kinds.retain(|prefixes| !prefixes.is_empty());
    kinds.iter_mut().for_each(|prefixes| prefixes.sort());
    kinds
}

fn beside(address: IpAddr, distance: u128) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::from(v4.to_bits().wrapping_add(distance as u32).to_be_bytes()),
        IpAddr::V6(v6) => IpAddr::from(v6.to_bits().wrapping_add(distance).to_be_bytes()),
    }
}

/// Rarely, bytes that do not belong there.
pub fn damaged(dice: &mut Dice, mut value: Vec<u8>) -> Vec<u8> {
    let at = dice.below(value.len() + 1);
    match dice.below(150) {
        0 => insert(
            &mut value,
            at,
            dice.one(&[&b"\n"[..], b"\0", b"\t", b"\x7f", b"\r\n# injected", b"\xc2\x85"]),
        ),
        1 => insert(&mut value, at, dice.one(&[&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xf0\x9f\x92"])),
        2 => value.extend(std::iter::repeat_n(b'y', 150 + dice.below(1000))),
        3 => value.extend("\u{e4}\u{1f4a9}".repeat(30 + dice.below(200)).into_bytes()),
        4 => value.extend(b"--\xef\xbf\xbf-->"),
        _ => {}
    }
    value
}

fn insert(value: &mut Vec<u8>, at: usize, odd: &[u8]) {
    value.splice(at..at, odd.iter().copied());
}

/// `name=value` as clients write it: percent-encoded where it must be, and sometimes where it need not.
pub fn written(dice: &mut Dice, name: &str, value: &[u8]) -> Vec<u8> {
    let everything = dice.percent(5);
    let mut text = Vec::new();
    if dice.percent(2) {
        text.extend(name.bytes().flat_map(|b| format!("%{b:02x}").into_bytes()));
    } else {
        text.extend(name.bytes());
    }
    if value.is_empty() && dice.percent(40) {
        return text;
    }
    text.push(b'=');
    for byte in value {
        let must = matches!(byte, 0..=b' ' | b'&' | b'#' | b'"' | b'<' | b'>' | 0x7f..)
            || *byte == b'%' && dice.percent(90);
        if everything || must {
            text.extend(
                if dice.percent(50) { format!("%{byte:02X}") } else { format!("%{byte:02x}") }.into_bytes(),
            );
        } else {
            text.push(*byte);
        }
    }
    if dice.percent(2) {
        text.extend(dice.one(&["%", "%2", "%zz", "%%20"]).bytes());
    }
    text
}

/// A name as people get it wrong.
fn misspelt(dice: &mut Dice, name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = dice.below(letters.len().max(1));
    match dice.below(5) {
        0 => return name.to_uppercase(),
        1 => return name.replace('-', ""),
        2 if at < letters.len() => drop(letters.remove(at)),
        3 if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters.insert(at, '7'),
    }
    letters.into_iter().collect()
}
