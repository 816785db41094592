//! Small caches rich in what real ones have one of, or none: SPEC.md, "Inputs", and every "if" of §3 to §7.

use crate::{
    dice::Dice,
    world::{GeoipSource, World},
};
use cache::inventory::{Choice, Neighbours, Site};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, Host, IntInt, IntInts, IntString, IntStrings,
    MirrorList, MirrorListDirectory, StringBool, StringInts, StringString,
};
use wire::code::Country;

pub const COUNTRIES: [&str; 12] = ["DE", "FR", "CZ", "GB", "UK", "US", "CA", "JP", "AU", "XK", "A1", "EL"];
pub const PREFIXES: [&str; 17] = [
    "192.0.2.0/24",
    "192.0.2.128/25",
    "192.0.2.129",
    "192.0.2.77/26",
    "198.51.100.0/24",
    "198.51.100.7/32",
    "198.51.0.0/16",
    "203.0.113.64/27",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8:1:2::1/64",
    "2001:db8::7",
    "2002:c000:200::/40",
    "2001::/32",
    "::ffff:192.0.2.0/120",
];
const SEGMENTS: [&str; 14] = [
    "os",
    "x86_64",
    "libstdc++",
    "a^b~c",
    "x y",
    "100%",
    "f\u{fc}r",
    "#1",
    "R&D",
    "what?",
    "it's",
    "<b>",
    "a--b",
    "q\"q",
];
const REPOS: [&str; 11] = [
    "opensource-tools-9",
    "fedora-42",
    "fedora-43",
    "fedora",
    "fedora-source-42",
    "gtk+",
    "epel-9",
    "epel-next 9",
    "caf\u{e9};1",
    "a--b",
    "updates-<42>&more",
];
const ARCHS: [&str; 5] = ["x86_64", "aarch64", "source", "i386 ", "s390x"];
const CONTINENTS: &str = "\u{feff}# country,continent\nCC,CONT\n DE,EU\nfr,eu \nCZ,EU\nUK,EU\ngr,EU\nUS,NA\nCA,NA\nJP,AS\n\nAU,OC\nA1,--\nbad line\n";

/// A cache of this seed.
pub fn world(dice: &mut Dice) -> World {
    let count = if dice.percent(8) { 60 + dice.below(250) } else { 2 + dice.below(14) };
    let hosts: Vec<i64> = (1..=count as i64).map(|n| n * 7).collect();
    let mut list = MirrorList { time: Some(1_795_250_000), ..MirrorList::default() };
    // Where hosts share URLs, whom one is moved before depends on too much chance to tell.
    let families = dice.percent(40);
    let urls_of = urls(dice, &hosts, !families, &mut list);
    directories(dice, &hosts, &urls_of, &mut list);
    repositories(dice, &mut list);
    about_hosts(dice, &hosts, &mut list);
    about_clients(dice, &mut list);
    if dice.percent(70) {
        known_of_hosts(dice, &hosts, families, &mut list);
    }
    let mut continents = CONTINENTS.to_owned();
    if dice.percent(20) {
        continents.clear();
    }
    let (routes, geoip) = (routes(dice), GeoipSource::Prefixes(geoip(dice)));
    World { list, routes, continents, geoip, choice: choice(dice), site: site(dice) }
}

/// What MirrorManager's tables have no field for.
fn known_of_hosts(dice: &mut Dice, hosts: &[i64], families: bool, list: &mut MirrorList) {
    for host in hosts {
        let mut known = Host { id: Some(*host), ..Host::default() };
        if dice.percent(40) {
            let (north, east) = *dice.pick(&[
                (52.5, 13.4),
                (48.9, 2.4),
                (35.7, 139.7),
                (40.7, -74.0),
                (-33.9, 151.2),
                (95.0, 7.0),
            ]);
            (known.latitude, known.longitude) = (Some(north), Some(east));
        }
        if families && dice.percent(70) {
            known.families = dice.pick(&[vec![4], vec![4], vec![6], vec![4, 6], vec![5]]).clone();
        }
        if dice.percent(12) {
            known.only = bytes(dice.one(&["country", "continent", " country", "planet"]));
        }
        if dice.percent(8) {
            let network = dice.one(&["192.0.2.0/24", "10.0.0.0/8", "2001:db8:1::/48", "AS64496", "AS64501"]);
            known.exclusive.push(network.into());
        }
        list.host.push(known);
    }
}

/// Where originals are, of which lists show one behind their hosts.
fn site(dice: &mut Dice) -> Site {
    let mut site = Site::default();
    for top in ["", "pub", "pub/os", "not/in"] {
        if dice.percent(15) {
            let (scheme, end) =
                (dice.one(&["https", "https", "http"]), dice.one(&["", "/pub", "/a%20b/\u{fc}"]));
            site.origins.insert(top.to_owned(), format!("{scheme}://origin-{}.example.org{end}", top.len()));
        }
    }
    site
}

fn choice(dice: &mut Dice) -> Choice {
    let code = |text: &str| Country::parse(text.as_bytes()).expect("a country");
    let mut choice = Choice { near_hosts: *dice.pick(&[0, 0, 1, 3, 3, 8]), ..Choice::default() };
    for country in COUNTRIES {
        if dice.percent(15) {
            let named = if dice.percent(50) { dice.some(&COUNTRIES, 25) } else { Vec::new() };
            let never = dice.some(&COUNTRIES, 20);
            let of = |countries: Vec<&str>| countries.into_iter().map(code).collect();
            choice.neighbours.insert(code(country), Neighbours { named: of(named), never: of(never) });
        }
        if dice.percent(10) {
            let avoided = dice.some(&COUNTRIES, 25).into_iter().map(code).collect();
            choice.avoid.insert(code(country), avoided);
        }
    }
    choice
}

fn bytes(text: impl AsRef<str>) -> Option<Vec<u8>> {
    Some(text.as_ref().as_bytes().to_vec())
}

/// The URL ids of each host: any schemes in any order, more than one of a scheme, unknown ones, none at all.
fn urls(dice: &mut Dice, hosts: &[i64], shared: bool, list: &mut MirrorList) -> Vec<(i64, Vec<i64>)> {
    let mut by_host = Vec::new();
    let mut next = 1000;
    for host in hosts {
        let mut ids = Vec::new();
        for _ in 0..dice.below(7) {
            let scheme =
                dice.one(&["https", "https", "http", "http", "ftp", "rsync", "HTTP", "gopher", "httpsx"]);
            let name = dice.one(&["pub", "pub/", "p%20b///", "\u{fc}&<>'\"", "", "x;y=1", "a--b"]);
            // Rarely a host that is none, and one of a few that several have.
            let url = match dice.below(12) {
                0 | 1 if !shared => format!("{scheme}://m{host}.example.org/{next}"),
                0 => {
                    let shared = if dice.percent(60) { "any.example.org" } else { "M\u{fc}.Example.org" };
                    let blank = dice.one(&["", "", " ", "\r\n"]);
                    format!("{blank}{scheme}://{shared}/{}{blank}", dice.one(&["", "/", "a"]))
                }
                1 if dice.percent(40) => {
                    let odd = dice.one(&[
                        "",
                        ":443",
                        "u@m.example",
                        "m.example:x",
                        "http:/",
                        "m..example",
                        "[::1",
                        "m.example:80",
                        "[::1]:8",
                    ]);
                    format!("{scheme}://{odd}/{name}")
                }
                _ => format!("{scheme}://m{host}.example.org/{next}/{name}"),
            };
            list.hcurl.push(IntString { key: Some(next), value: bytes(url) });
            ids.push(next);
            next += 1;
        }
        if shared && dice.percent(8) && next > 1000 {
            // Another host's, or one of its own again.
            ids.push(1000 + dice.below((next - 1000) as usize) as i64);
        }
        if dice.percent(10) {
            ids.push(9999);
        }
        by_host.push((*host, ids));
    }
    by_host
}

fn directories(dice: &mut Dice, hosts: &[i64], urls: &[(i64, Vec<i64>)], list: &mut MirrorList) {
    let mut paths: Vec<String> = vec!["pub".to_owned()];
    for _ in 0..3 + dice.below(10) {
        let parent = dice.pick(&paths).clone();
        let path = format!("{parent}/{}", dice.pick(&SEGMENTS));
        if !paths.contains(&path) {
            paths.push(path.clone());
        }
        if dice.percent(60) && !paths.contains(&format!("{path}/repodata")) {
            paths.push(format!("{path}/repodata"));
        }
    }
    dice.shuffle(&mut paths);
    for path in &paths {
        let entry = directory(dice, path, hosts, urls);
        list.mirror_list.push(entry);
        details(dice, path, list);
    }
    if dice.percent(20) {
        // Of equal keys the last counts.
        let path = dice.pick(&paths).clone();
        let entry = directory(dice, &path, hosts, urls);
        list.mirror_list.push(entry);
    }
}

fn directory(dice: &mut Dice, path: &str, hosts: &[i64], urls: &[(i64, Vec<i64>)]) -> MirrorListDirectory {
    let share = *dice.pick(&[100, 100, 90, 50, 20, 5]);
    let carriers = dice.some(hosts, share);
    let public = dice.some(&carriers, 80);
    let mut by_country = Vec::new();
    for country in COUNTRIES {
        let mut of_country = if dice.percent(60) { dice.some(&public, 35) } else { Vec::new() };
        if dice.percent(5) {
            of_country.push(123_456);
        }
        let key = if dice.percent(20) { country.to_ascii_lowercase() } else { country.to_owned() };
        if !of_country.is_empty() {
            by_country.push(StringInts { key: bytes(key), value: of_country });
        }
        if dice.percent(5) {
            by_country.push(StringInts { key: bytes(country), value: dice.some(&public, 35) });
        }
    }
    let mut by_host_id: Vec<IntInts> = Vec::new();
    for (host, urls) in urls.iter().filter(|(host, _)| carriers.contains(host)) {
        let value = if dice.percent(15) { dice.some(urls, 50) } else { urls.clone() };
        by_host_id.push(IntInts { key: Some(*host), value });
    }
    let (_, below_pub) = path.split_once('/').unwrap_or_default();
    MirrorListDirectory {
        directory: bytes(path),
        global: public,
        subpath: bytes(below_pub),
        by_country,
        by_country_internet2: vec![StringInts { key: bytes("DE"), value: carriers }],
        by_host_id,
        ordered_mirror_list: Some(dice.percent(50)),
    }
}

fn details(dice: &mut Dice, path: &str, list: &mut MirrorList) {
    let mut files = Vec::new();
    for name in ["repomd.xml", "Fedora 42.iso", "a&b\"c.iso", "x--y", "100%+1"] {
        let often = if name == "repomd.xml" && path.ends_with("/repodata") { 85 } else { 15 };
        if dice.percent(often) {
            let versions = dice.below(4);
            let details = (0..versions).map(|_| version(dice)).collect();
            files.push(FileDetailsFile { filename: bytes(name), details });
        }
    }
    if !files.is_empty() {
        list.file_details.push(FileDetailsDirectory { directory: bytes(path), files });
    }
}

fn version(dice: &mut Dice) -> FileDetails {
    let mut hex = |length: usize| {
        let digits = if dice.percent(80) { "0123456789abcdef" } else { "0123456789ABCDEF" };
        let mut text: String = (0..length).map(|_| digits.as_bytes()[dice.below(16)] as char).collect();
        match dice.below(10) {
            0 => return None,
            1 => text.clear(),
            2 => text.truncate(length - 2),
            3 => text.replace_range(0..1, "g"),
            4 => text = format!(" {text}\n"),
            _ => {}
        }
        bytes(text)
    };
    let (md5, sha1, sha256, sha512) = (hex(32), hex(40), hex(64), hex(128));
    FileDetails {
        timestamp: *dice.pick(&[None, Some(0), Some(1_795_000_000)]),
        size: *dice.pick(&[None, Some(0), Some(3042), Some(5_000_000_000)]),
        sha1,
        md5,
        sha256,
        sha512,
    }
}

fn repositories(dice: &mut Dice, list: &mut MirrorList) {
    let mut paths: Vec<Vec<u8>> =
        list.mirror_list.iter().filter_map(|entry| entry.directory.clone()).collect();
    // Most repositories have metadata.
    let with_metadata = paths.iter().filter(|path| paths.contains(&[&path[..], b"/repodata"].concat()));
    let with_metadata: Vec<Vec<u8>> = with_metadata.cloned().collect();
    paths.extend((0..8).flat_map(|_| with_metadata.clone()));
    for repo in REPOS {
        let archs = dice.some(&ARCHS, 40);
        for arch in archs {
            let value =
                if dice.percent(90) { Some(dice.pick(&paths).clone()) } else { bytes("not/in/the/cache/") };
            list.repo_arch_to_directory
                .push(StringString { key: bytes(format!("{repo}+{}", arch.trim())), value });
        }
        if dice.percent(15) {
            let to = if dice.percent(80) { *dice.pick(&REPOS) } else { "nowhere" };
            list.repository_redirect.push(StringString { key: bytes(repo), value: bytes(to) });
        }
        if dice.percent(15) {
            list.disabled_repository.push(StringBool { key: bytes(repo), value: Some(dice.percent(60)) });
        }
    }
    if dice.percent(30) {
        list.repository_redirect.push(StringString { key: bytes("rawhide"), value: bytes("fedora-43") });
        list.disabled_repository.push(StringBool { key: bytes("old"), value: Some(true) });
    }
    if dice.percent(30) {
        for number in 0..150 {
            let key = bytes(format!("repo-{number:03}+x86_64"));
            list.repo_arch_to_directory.push(StringString { key, value: Some(dice.pick(&paths).clone()) });
        }
    }
    if dice.percent(20) {
        for number in 0..120 {
            let key = bytes(format!("fedora-42+arch{number}"));
            list.repo_arch_to_directory.push(StringString { key, value: Some(dice.pick(&paths).clone()) });
        }
    }
}

fn about_hosts(dice: &mut Dice, hosts: &[i64], list: &mut MirrorList) {
    for host in hosts {
        let key = Some(*host);
        if dice.percent(70) {
            let country = *dice.pick(&["DE", "fr", " US", "JP\n", "EU", "", "USA", "uk"]);
            list.host_country.push(IntString { key, value: bytes(country) });
        }
        if dice.percent(70) {
            let value = Some(*dice.pick(&[0, -5, 1, 100, 10_000, 1_000_000_000_000]));
            list.host_bandwidth.push(IntInt { key, value });
        }
        if dice.percent(20) {
            let value = dice.some(&COUNTRIES, 25);
            let value = value.iter().map(|country| country.to_ascii_lowercase().into_bytes()).collect();
            list.host_country_allowed.push(IntStrings { key, value });
        }
    }
    for name in ["campus", "aws:all", "h\u{e4}user \"1\""] {
        if dice.percent(60) {
            list.location.push(StringInts { key: bytes(name), value: dice.some(hosts, 30) });
        }
    }
    for number in 64_496..64_500 {
        if dice.percent(60) {
            list.host_asn.push(IntInts { key: Some(number), value: dice.some(hosts, 30) });
        }
    }
    let odd: Vec<String> = (0..dice.below(6)).map(|_| odd_prefix(dice)).collect();
    for prefix in PREFIXES.into_iter().chain(odd.iter().map(String::as_str)) {
        if dice.percent(50) {
            list.host_netblock.push(StringInts { key: bytes(prefix), value: dice.some(hosts, 25) });
        }
    }
    if dice.percent(50) {
        // Equal once host bits are masked; unknown hosts; not a prefix.
        list.host_netblock.push(StringInts { key: bytes("192.0.2.99/24"), value: dice.some(hosts, 25) });
        list.host_netblock.push(StringInts { key: bytes("10.0.0.0/8"), value: vec![123_456] });
        list.host_netblock.push(StringInts { key: bytes("0.0.0.0/0"), value: dice.some(hosts, 5) });
        list.host_netblock.push(StringInts { key: bytes("192.0.2.0/33"), value: hosts.to_vec() });
        list.host_netblock.push(StringInts { key: bytes("::/0"), value: dice.some(hosts, 5) });
        list.host_netblock
            .push(StringInts { key: bytes(" ::ffff:10.0.0.0/104\n"), value: dice.some(hosts, 25) });
    }
}

/// A prefix around an address of a known one, of any length.
fn odd_prefix(dice: &mut Dice) -> String {
    let known = dice.pick(&PREFIXES);
    let address = known.split('/').next().unwrap_or_default();
    let width = if address.contains(':') { 128 } else { 32 };
    format!("{address}/{}", 1 + dice.below(width))
}

fn about_clients(dice: &mut Dice, list: &mut MirrorList) {
    let odd: Vec<String> = (0..dice.below(6)).map(|_| odd_prefix(dice)).collect();
    for prefix in PREFIXES.into_iter().chain(odd.iter().map(String::as_str)) {
        if dice.percent(15) {
            let country = *dice.pick(&COUNTRIES);
            list.netblock_country.push(StringString { key: bytes(prefix), value: bytes(country) });
        }
    }
    for (country, continent) in [("GB", "OC"), ("XK", "EU"), ("jp", "na")] {
        if dice.percent(30) {
            let record = StringString { key: bytes(country), value: bytes(continent) };
            list.country_continent_redirect.push(record);
        }
    }
}

fn routes(dice: &mut Dice) -> String {
    let mut lines =
        "\u{feff}# prefix asn\n\n0.0.0.0/0 64496\n::/0 64496\nnonsense\n192.0.2.0/24 not-a-number\r\n"
            .to_owned();
    for prefix in PREFIXES.iter().filter(|prefix| prefix.contains('/')) {
        if dice.percent(60) {
            let number = 64_496 + dice.below(6);
            let number = match dice.below(10) {
                0 => "None".to_owned(),
                1 => format!("{{{number},64497}}"),
                2 => format!("0.{number}"),
                3 => format!("AS{number}"),
                _ => number.to_string(),
            };
            lines += &format!("{prefix} {number}{}\n", dice.one(&["", " further fields"]));
        }
    }
    // A table most of whose lines make no sense would be refused.
    (0..20).for_each(|number| lines += &format!("198.18.{number}.0/24 64511\n"));
    for _ in 0..dice.below(10) {
        lines += &format!("{} {}\n", odd_prefix(dice), 64_496 + dice.below(6));
    }
    lines
}

fn geoip(dice: &mut Dice) -> Vec<(String, String)> {
    let mut prefixes = Vec::new();
    for prefix in PREFIXES.iter().filter(|prefix| !prefix.starts_with("200")).chain(&PREFIXES[10..]) {
        if dice.percent(45) {
            prefixes.push(((*prefix).to_owned(), (*dice.pick(&COUNTRIES)).to_owned()));
        }
    }
    for _ in 0..dice.below(8) {
        prefixes.push((odd_prefix(dice), (*dice.pick(&COUNTRIES)).to_owned()));
    }
    if dice.percent(50) {
        prefixes.push(("128.0.0.0/1".to_owned(), "US".to_owned()));
        prefixes.push(("2000::/3".to_owned(), "DE".to_owned()));
    }
    prefixes
}
