//! A mirror's file: TOML, named after the mirror.
//!
//! Whoever writes it may be anybody who can send in a change. So keys by which a mirror takes clients from others are only for
//! mirrors that the operator trusts. Whatever is wrong is told with file, line and key.

use super::{Mirror, base_url::base_url};
use crate::config::site::{Category, unknown};
use ipnetwork::IpNetwork;
use program::{
    failure::Failure,
    options::likely,
    tables::{self, Entry, Value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use url::Url;

/// Keys of a file.
const KEYS: [&str; 14] = [
    "asn",
    "bandwidth",
    "countries-allowed",
    "country",
    "disabled",
    "exclusive",
    "netblocks",
    "only",
    "place",
    "private",
    "sponsor",
    "up-to-date",
    "urls",
    "weight",
];

/// Those that a file has only if the operator trusts the mirror.
const TRUSTED: [&str; 3] = ["exclusive", "up-to-date", "weight"];

/// Bandwidths in Mbit/s, as MirrorManager has them: what anybody may say of himself is not to draw all clients.
const BANDWIDTHS: (u64, u64) = (1, 10_000);

/// The shortest prefixes, IPv4 and IPv6, that a mirror which is not trusted may name.
const WIDEST: (u8, u8) = (16, 32);

/// What a list of a file may have, of a mirror that is trusted and of another one.
const MOST: (usize, usize) = (4096, 1000);

/// A mirror, and what clients and the cache are told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// What the crawl has to know.
    pub mirror: Mirror,
    /// The rest.
    pub told: Told,
    /// The path of its file, for messages.
    pub file: String,
    /// By category, where its file names the URLs, for messages.
    pub places: BTreeMap<u32, String>,
}

/// What is told of a mirror beside its URLs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Its country's code, in upper case.
    pub country: Option<String>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// In Mbit/s.
    pub bandwidth: Option<u32>,
    /// Its share in random order, in place of the bandwidth.
    pub weight: Option<u32>,
    /// ASNs whose clients are near it.
    pub asns: BTreeSet<u32>,
    /// Prefixes whose clients are near it.
    pub netblocks: BTreeSet<IpNetwork>,
    /// Prefixes, and `AS` with a number, for whose clients it is the only mirror.
    pub exclusive: Vec<String>,
    /// `country` or `continent`: it is for clients of its own.
    pub only: Option<String>,
    /// Clients of other countries do not get it.
    pub countries_allowed: Option<BTreeSet<String>>,
}

/// URLs by category.
type Urls = Vec<(u32, Vec<Url>)>;

/// What a mirror is judged by before anything is asked of it.
pub struct Reading<'a> {
    /// The categories that there are.
    pub categories: &'a [Category],
    /// Mirrors that are trusted, in lower case.
    pub trusted: &'a BTreeSet<String>,
}

impl Reading<'_> {
    /// Reads the text of the file of a mirror of this name.
    pub fn read(&self, name: &str, path: &Path, text: &str) -> Result<Described, Failure> {
        let entries = tables::read(path, text)?;
        let is_trusted = self.trusted.contains(name);
        let mut told = Told::default();
        let mut mirror = Mirror {
            name: name.to_owned(),
            disabled: false,
            private: false,
            up_to_date: false,
            urls: Vec::new(),
        };
        let (mut has_urls, mut places) = (false, BTreeMap::new());
        for entry in &entries {
            if TRUSTED.contains(&&*entry.key) && !is_trusted {
                return Err(entry.refused(format_args!(
                    "is only for mirrors that the option trusted names; {name} is not among them"
                )));
            }
            match &*entry.key {
                "asn" => told.asns = asns(entry, is_trusted)?,
                "bandwidth" => told.bandwidth = Some(bandwidth(entry)?),
                "countries-allowed" => {
                    let codes = entry.texts()?.into_iter().map(|code| country(entry, code));
                    told.countries_allowed = Some(codes.collect::<Result<_, _>>()?);
                }
                "country" => told.country = Some(country(entry, entry.text()?)?),
                "disabled" => mirror.disabled = entry.flag()?,
                "exclusive" => told.exclusive = exclusive(entry)?,
                "netblocks" => told.netblocks = netblocks(entry, is_trusted)?,
                "only" => {
                    let only = entry.text()?;
                    if !["country", "continent"].contains(&only) {
                        return Err(entry.refused("expected \"country\" or \"continent\""));
                    }
                    told.only = Some(only.to_owned());
                }
                "place" => told.place = Some(place(entry)?),
                "private" => mirror.private = entry.flag()?,
                "sponsor" => sponsor(entry)?,
                "up-to-date" => mirror.up_to_date = entry.flag()?,
                "urls" => {
                    (mirror.urls, places) = self.urls(entry.table()?)?;
                    has_urls = true;
                }
                "weight" => told.weight = Some(number(entry, 1, u64::from(u32::MAX))? as u32),
                _ => return Err(unknown(entry, &KEYS)),
            }
        }
        if !has_urls || mirror.urls.is_empty() {
            let cause = "no [urls], which names the categories that it has, and where";
            return Err(Failure::config(format!("config {}: {cause}", path.display())));
        }
        Ok(Described { mirror, told, file: path.display().to_string(), places })
    }

    fn urls(&self, entries: &[Entry]) -> Result<(Urls, BTreeMap<u32, String>), Failure> {
        let mut urls: BTreeMap<u32, Vec<Url>> = BTreeMap::new();
        let mut places = BTreeMap::new();
        for entry in entries {
            let place = self.categories.iter().position(|category| category.name == entry.key);
            let Some(category) = place else {
                if KEYS.contains(&&*entry.key) {
                    let cause = "stands below [urls] and so belongs to it; write it above";
                    return Err(entry.refused(cause));
                }
                let names = self.categories.iter().map(|category| category.name.as_str());
                let hint = likely(&entry.key, names.clone());
                let all = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let hint = if hint.is_empty() { format!("; there are {all}") } else { hint };
                return Err(entry.refused(format_args!("there is no such category{hint}")));
            };
            let texts = match &entry.value {
                Value::Text(text) => vec![text.as_str()],
                _ => entry.texts()?,
            };
            let mut of_category = Vec::new();
            for text in texts {
                let url = base_url(text).map_err(|cause| entry.refused(format_args!("`{text}` {cause}")))?;
                if !of_category.contains(&url) {
                    of_category.push(url);
                }
            }
            if !of_category.iter().any(|url| url.scheme() != "rsync") {
                return Err(entry.refused("has no https or http URL, which clients could be sent to"));
            }
            urls.insert(category as u32, of_category);
            places.insert(category as u32, entry.place());
        }
        Ok((urls.into_iter().collect(), places))
    }
}

fn country(entry: &Entry, code: &str) -> Result<String, Failure> {
    let upper = code.trim().to_ascii_uppercase();
    // Kosovo's has no place in the standard yet and is what databases of countries use.
    if upper == "XK" || rust_iso3166::from_alpha2(&upper).is_some() {
        return Ok(upper);
    }
    let hint = if upper == "UK" { "; the United Kingdom's is GB" } else { "" };
    Err(entry.refused(format_args!("`{code}` is no code of a country, such as DE{hint}")))
}

fn number(entry: &Entry, least: u64, most: u64) -> Result<u64, Failure> {
    let expected = || entry.refused(format_args!("expected a whole number from {least} to {most}"));
    let Value::Number(number) = entry.value else { return Err(expected()) };
    let is_good = number.fract() == 0.0 && (least as f64..=most as f64).contains(&number);
    if is_good { Ok(number as u64) } else { Err(expected()) }
}

/// A number of Mbit/s, or a text with a unit.
fn bandwidth(entry: &Entry) -> Result<u32, Failure> {
    let expected = || {
        entry.refused("expected a bandwidth such as \"10 Gbit/s\" or \"500 Mbit/s\", or a number of Mbit/s")
    };
    let mbps = match &entry.value {
        Value::Number(number) => *number,
        Value::Text(text) => {
            let units = [("Gbit/s", 1000.0), ("Mbit/s", 1.0)];
            let found = units.iter().find_map(|(unit, times)| Some((text.trim().strip_suffix(unit)?, times)));
            let (number, times) = found.ok_or_else(expected)?;
            let number = number.trim();
            let is_decimal = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            number.parse::<f64>().ok().filter(|_| is_decimal).ok_or_else(expected)? * times
        }
        _ => return Err(expected()),
    };
    if !(1.0..=1e9).contains(&mbps) {
        return Err(expected());
    }
    Ok((mbps as u64).clamp(BANDWIDTHS.0, BANDWIDTHS.1) as u32)
}

/// Refuses a list with more than a mirror may have.
fn bounded(entry: &Entry, count: usize, is_trusted: bool) -> Result<(), Failure> {
    let (most, hint) = match is_trusted {
        true => (MOST.0, ""),
        false => (MOST.1, ", which only mirrors may name that the option trusted names"),
    };
    if count > most { Err(entry.refused(format_args!("has more than {most}{hint}"))) } else { Ok(()) }
}

fn asns(entry: &Entry, is_trusted: bool) -> Result<BTreeSet<u32>, Failure> {
    let expected = || entry.refused("expected a list of numbers of autonomous systems, such as [64500]");
    let Value::List(values) = &entry.value else { return Err(expected()) };
    bounded(entry, values.len(), is_trusted)?;
    let asn = |value: &Value| match value {
        Value::Number(number) if number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(number) => {
            Ok(*number as u32)
        }
        _ => Err(expected()),
    };
    values.iter().map(asn).collect()
}

fn netblocks(entry: &Entry, is_trusted: bool) -> Result<BTreeSet<IpNetwork>, Failure> {
    let texts = entry.texts()?;
    bounded(entry, texts.len(), is_trusted)?;
    let prefix = |text: &str| {
        let prefix = prefix(text).ok_or_else(|| {
            entry.refused(format_args!("`{text}` is no prefix, such as 192.0.2.0/24 or 2001:db8::/32"))
        })?;
        let widest = if prefix.is_ipv4() { WIDEST.0 } else { WIDEST.1 };
        if prefix.prefix() < widest && !is_trusted {
            let cause = format!(
                "{prefix} is wider than a /{widest}, which only mirrors may name that the option trusted names"
            );
            return Err(entry.refused(cause));
        }
        Ok(prefix)
    };
    texts.into_iter().map(prefix).collect()
}

/// A prefix without host bits; an address is one of its own. Not everybody's.
pub fn prefix(text: &str) -> Option<IpNetwork> {
    let network: IpNetwork = text.trim().parse().ok()?;
    let network = IpNetwork::new(network.network(), network.prefix()).ok()?;
    Some(network).filter(|network| network.prefix() > 0)
}

fn exclusive(entry: &Entry) -> Result<Vec<String>, Failure> {
    let network = |text: &str| {
        let number = text.strip_prefix("AS").and_then(|digits| digits.parse::<u32>().ok());
        let network = number.map(|number| format!("AS{number}"));
        network.or_else(|| prefix(text).map(|prefix| prefix.to_string())).ok_or_else(|| {
            entry.refused(format_args!(
                "`{text}` is neither a prefix, such as 192.0.2.0/24, nor an AS, such as AS64500"
            ))
        })
    };
    let texts = entry.texts()?;
    bounded(entry, texts.len(), true)?;
    texts.into_iter().map(network).collect()
}

fn place(entry: &Entry) -> Result<(f64, f64), Failure> {
    let expected = "expected latitude and longitude in degrees, such as [52.5, 13.4]";
    let Value::List(list) = &entry.value else { return Err(entry.refused(expected)) };
    match list[..] {
        [Value::Number(latitude), Value::Number(longitude)] => {
            let is_place = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
            let refused = || entry.refused("latitude is from -90 to 90, longitude from -180 to 180");
            is_place.then_some((latitude, longitude)).ok_or_else(refused)
        }
        _ => Err(entry.refused(expected)),
    }
}

/// Looked at, so that a slip is told; it is for readers of the file.
fn sponsor(entry: &Entry) -> Result<(), Failure> {
    for inside in entry.table()? {
        match &*inside.key {
            "name" => drop(inside.text()?),
            "url" => {
                let text = inside.text()?;
                if !Url::parse(text).is_ok_and(|url| ["https", "http"].contains(&url.scheme())) {
                    return Err(inside.refused(format_args!("`{text}` is no https or http URL")));
                }
            }
            _ => return Err(unknown(inside, &["name", "url"])),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Described, String> {
        let category = |name: &str, top: &str| Category {
            name: name.into(),
            top: top.into(),
            origin: None,
            marker: None,
        };
        let categories = [category("Example Linux", "pub/example"), category("Images", "pub/images")];
        let trusted = BTreeSet::from(["trusted.example".to_owned()]);
        let reading = Reading { categories: &categories, trusted: &trusted };
        reading.read(name, Path::new("FILE"), text).map_err(|failure| failure.to_string())
    }

    const URLS: &str = "[urls]\n\"Example Linux\" = [\"https://m.example/a\"]\n";

    #[test]
    fn everything_that_a_file_may_say_is_taken() {
        let text = "country = 'de'\nplace = [52.5, -13]\nbandwidth = '2.5 Gbit/s'\nasn = [64500, 4200000000]\n\
                    netblocks = ['192.0.2.7/24', '2001:db8::/32', '198.51.100.7']\nonly = 'continent'\n\
                    countries-allowed = ['DE', 'at']\nprivate = true\ndisabled = true\n\
                    sponsor = { name = 'S', url = 'https://s.example' }\n\
                    [urls]\nImages = 'https://m.example/i//'\n\
                    \"Example Linux\" = ['http://M.example:8080/a', 'rsync://m.example/a', 'https://m.example']\n";
        let Described { mirror, told, .. } = read("m.example", text).unwrap();
        assert_eq!(
            (mirror.name.as_str(), mirror.disabled, mirror.private, mirror.up_to_date),
            ("m.example", true, true, false)
        );
        let urls: Vec<(u32, Vec<&str>)> = mirror
            .urls
            .iter()
            .map(|(category, urls)| (*category, urls.iter().map(Url::as_str).collect()))
            .collect();
        let linux = vec!["http://m.example:8080/a/", "rsync://m.example/a/", "https://m.example/"];
        assert_eq!(urls, [(0, linux), (1, vec!["https://m.example/i/"])]);
        assert_eq!(
            (told.country.as_deref(), told.place, told.bandwidth),
            (Some("DE"), Some((52.5, -13.0)), Some(2500))
        );
        assert_eq!(told.asns, BTreeSet::from([64500, 4_200_000_000]));
        let netblocks: Vec<String> = told.netblocks.iter().map(IpNetwork::to_string).collect();
        assert_eq!(netblocks, ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]);
        assert_eq!((told.only.as_deref(), told.weight), (Some("continent"), None));
        assert_eq!(told.countries_allowed, Some(BTreeSet::from(["AT".to_owned(), "DE".to_owned()])));
        let more = "netblocks = ['10.0.0.0/8']\nexclusive = ['10.1.2.3/8', 'AS64500']\nup-to-date = true\nweight = 7\nbandwidth = 40000\n";
        let Described { mirror, told, .. } = read("trusted.example", &format!("{more}{URLS}")).unwrap();
        assert_eq!((mirror.up_to_date, told.weight, told.bandwidth), (true, Some(7), Some(10_000)));
        assert_eq!(told.exclusive, ["10.0.0.0/8", "AS64500"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_key() {
        let mut many = String::from("asn = [1");
        (0..MOST.1).for_each(|_| many.push_str(", 1"));
        many.push_str("]\n");
        for (text, cause) in [
            ("countri = 'DE'\n", "line 1: `countri`: unknown; did you mean `country`?"),
            (
                "country = 'UK'\n",
                "line 1: `country`: `UK` is no code of a country, such as DE; the United Kingdom's is GB",
            ),
            ("country = ['DE']\n", "line 1: `country`: value of type list, expected text"),
            (
                "\nplace = [91, 0]\n",
                "line 2: `place`: latitude is from -90 to 90, longitude from -180 to 180",
            ),
            ("place = '52,13'\n", "line 1: `place`: expected latitude and longitude"),
            ("bandwidth = 'fast'\n", "line 1: `bandwidth`: expected a bandwidth such as"),
            ("bandwidth = '10 GB/s'\n", "line 1: `bandwidth`: expected a bandwidth such as"),
            ("bandwidth = 0\n", "line 1: `bandwidth`: expected a bandwidth such as"),
            ("asn = ['AS1']\n", "line 1: `asn`: expected a list of numbers"),
            ("asn = [4294967296]\n", "line 1: `asn`: expected a list of numbers"),
            (
                &many,
                "line 1: `asn`: has more than 1000, which only mirrors may name that the option trusted names",
            ),
            ("netblocks = ['192.0.2.0/33']\n", "line 1: `netblocks`: `192.0.2.0/33` is no prefix"),
            ("netblocks = ['0.0.0.0/0']\n", "line 1: `netblocks`: `0.0.0.0/0` is no prefix"),
            (
                "netblocks = ['10.0.0.0/15']\n",
                "line 1: `netblocks`: 10.0.0.0/15 is wider than a /16, which only mirrors",
            ),
            ("netblocks = ['2001:db8::/31']\n", "line 1: `netblocks`: 2001:db8::/31 is wider than a /32"),
            (
                "up-to-date = true\n",
                "line 1: `up-to-date`: is only for mirrors that the option trusted names; m.example is not",
            ),
            ("exclusive = ['AS1']\n", "line 1: `exclusive`: is only for mirrors"),
            ("weight = 5\n", "line 1: `weight`: is only for mirrors"),
            ("private = 'yes'\n", "line 1: `private`: value of type text, expected true or false"),
            ("only = 'planet'\n", "line 1: `only`: expected \"country\" or \"continent\""),
            ("countries-allowed = ['Germany']\n", "line 1: `countries-allowed`: `Germany` is no code"),
            ("sponsor = { nmae = 'x' }\n", "line 1: `nmae` in [sponsor]: unknown; did you mean `name`?"),
            ("sponsor = { url = 'x' }\n", "line 1: `url` in [sponsor]: `x` is no https or http URL"),
            ("country = 'DE'\ncountry = 'FR'\n", "line 2: duplicate key"),
            ("country = \n", "line 1: "),
        ] {
            let said = read("m.example", &format!("{text}{URLS}")).unwrap_err();
            assert!(said.contains(cause) && said.starts_with("config FILE"), "{text}: {said}");
        }
        for (url, cause) in [
            ("m.example/a", "is no URL (relative URL without a base)"),
            ("ftp://m.example/a", "is a URL of ftp, which is none of https, http and rsync"),
            ("https:///", "is no URL"),
            ("https://me:secret@m.example/", "names a user"),
            ("https://m.example/?path=", "has a `?` or `#`"),
            ("https://m.example/a b", "has a blank"),
            ("rsync://m.example/a", "has no https or http URL"),
        ] {
            let said = read("m.example", &format!("[urls]\nImages = ['{url}']")).unwrap_err();
            assert!(
                said.starts_with("config FILE line 2: `Images` in [urls]: ") && said.contains(cause),
                "{url}: {said}"
            );
        }
        for (urls, cause) in [
            ("", "config FILE: no [urls]"),
            ("urls = 3", "line 1: `urls`: value of type number, expected a table"),
            ("[urls]\n", "config FILE: no [urls]"),
            (
                "[urls]\nImage = ['https://m.example/']",
                "line 2: `Image` in [urls]: there is no such category; did you mean `Images`?",
            ),
            (
                "[urls]\nEPEL = ['https://m.example/']",
                "there is no such category; there are `Example Linux`, `Images`",
            ),
            (
                &format!("{URLS}country = 'DE'\n"),
                "line 3: `country` in [urls]: stands below [urls] and so belongs to it; write it above",
            ),
        ] {
            let said = read("m.example", urls).unwrap_err();
            assert!(said.contains(cause), "{urls}: {said}");
        }
    }
}
