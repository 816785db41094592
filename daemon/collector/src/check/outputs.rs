//! What a round writes for others: the list of suspended URLs for daemons, two JSON files for reports.
//!
//! Each is a whole file that is renamed into place and that its group may read. The list is written only when it is
//! another one, since daemons are told by its arrival.

use super::{
    inventory::Inventory,
    judge::{LASTING, Outcome, Seen, Standing, State},
    repomd::Age,
    seconds::DAY,
};
use crate::store::rounds::{Figures, Hour};
use program::{aside, characters::is_hidden};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::Path,
};
use url::Host;

/// Whoever reads them does so through the group.
const MODE: u32 = 0o640;

/// The names of the files.
pub const SUSPENDED: &str = "suspended";
const MIRRORS: &str = "mirrors.json";
const PROPAGATION: &str = "propagation.json";

/// The list of suspended URLs, in the form that mirrorlistd(8) tells.
pub fn list(state: &State, seen: &[Seen]) -> String {
    let mut text =
        String::from("# mirrorlist-suspended 1\n# written by mirrorlist-collect check; see mirrorlistd(8)\n");
    let names: BTreeMap<&str, &str> = seen.iter().map(|seen| (&*seen.url, &*seen.name)).collect();
    let mut count = 0;
    for (url, standing) in &state.urls {
        let Some(suspension) = &standing.suspended else { continue };
        let host = names.get(&**url).copied().unwrap_or_default();
        let spelled = spelled(url);
        let url = spelled.as_ref().unwrap_or(url);
        // Daemons take no longer list, and caches no longer URL.
        if url.len() > LONGEST_URL || text.len() > LONGEST_LIST || url.contains(char::is_control) {
            continue;
        }
        let host: String = host.chars().take(LONGEST_NAME).collect();
        // A line may last a day: since when a URL is out for longer is in the state.
        let since = suspension.since.max(suspension.until.saturating_sub(DAY));
        let fields = [
            plain(url),
            plain(&host),
            since.to_string(),
            suspension.until.to_string(),
            plain(&suspension.reason),
        ];
        text.push_str(&fields.join("\t"));
        text.push('\n');
        count += 1;
    }
    // Writing to a text does not fail.
    let _ = writeln!(text, "# end {count}");
    text
}

/// A URL as caches spell it: scheme and host in lower case, an international name as punycode, the rest as it is. `None` if its
/// host is none, so that no cache has it.
fn spelled(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = match host.rfind([':', ']']) {
        Some(at) if host[at..].starts_with(':') => host.split_at(at),
        _ => (host, ""),
    };
    let host = Host::parse(host).ok()?;
    Some(format!("{}://{host}{port}{path}", scheme.to_ascii_lowercase()))
}

const _: () = assert!(LASTING < DAY);

/// Bytes of a URL, of the list but for its last line and its end, and characters of a host's name.
const LONGEST_URL: usize = 1024;
const LONGEST_LIST: usize = (1 << 20) - 4096;
const LONGEST_NAME: usize = 100;

/// Without what ends a field or a line, or what a terminal obeys.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// Puts the list in its place, unless it is there already; whether it was put there.
pub fn put_list(folder: &Path, list: &str) -> io::Result<bool> {
    let path = folder.join(SUSPENDED);
    if fs::read(&path).is_ok_and(|there| there == list.as_bytes()) {
        return Ok(false);
    }
    aside::put(&path, list.as_bytes(), MODE).map(|()| true)
}

/// `mirrors.json`: every host of the last round.
#[derive(Serialize)]
pub struct Mirrors<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    mirrors: Vec<Mirror<'a>>,
}

#[derive(Serialize)]
struct Mirror<'a> {
    id: i64,
    name: &'a str,
    /// The versions of IP by which it answers.
    families: Vec<u8>,
    urls: Vec<OfUrl<'a>>,
}

#[derive(Serialize)]
struct OfUrl<'a> {
    url: &'a str,
    category: &'a str,
    /// `good`, `failed`, `unknown` or `unasked`.
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    standing: Option<&'a Standing>,
    /// Whether https gives the same, where it is not offered.
    also_https: bool,
}

impl<'a> Mirrors<'a> {
    /// Puts together what is known.
    pub fn new(
        figures: &'a Figures,
        inventory: &'a Inventory,
        seen: &'a [Seen],
        state: &'a State,
        also_https: &BTreeSet<String>,
    ) -> Mirrors<'a> {
        let mut mirrors: BTreeMap<i64, Mirror<'a>> = BTreeMap::new();
        for seen in seen {
            let mirror = mirrors.entry(seen.host).or_insert_with(|| {
                let families = state.families.get(&seen.host);
                let families = families.map_or_else(Vec::new, |known| known.numbers().collect());
                Mirror { id: seen.host, name: &seen.name, families, urls: Vec::new() }
            });
            let (answer, why) = match &seen.outcome {
                None => ("unasked", None),
                Some(Outcome::Good) => ("good", None),
                Some(Outcome::Failed(why)) => ("failed", Some(&**why)),
                Some(Outcome::Unknown(why)) => ("unknown", Some(&**why)),
            };
            mirror.urls.push(OfUrl {
                url: &seen.url,
                category: inventory.categories.get(seen.category as usize).map_or("", |name| name),
                answer,
                why,
                standing: state.urls.get(&seen.url),
                also_https: also_https.contains(&seen.url),
            });
        }
        Mirrors { figures, mirrors: mirrors.into_values().collect() }
    }

    /// Puts the file in its place.
    pub fn put(&self, folder: &Path) -> io::Result<()> {
        put_json(&folder.join(MIRRORS), self)
    }
}

/// `propagation.json`: how repositories have spread.
#[derive(Serialize)]
pub struct Propagation {
    /// When, in seconds since the epoch.
    pub time: u64,
    /// Those that are measured.
    pub repositories: Vec<Repository>,
}

/// A repository.
#[derive(Serialize)]
pub struct Repository {
    /// `PREFIX+ARCH`.
    pub name: String,
    /// By hour, the oldest first.
    pub hours: Vec<Hour>,
    /// Hosts of the last measurement, each with its age.
    pub hosts: Vec<OfHost>,
}

/// A host's age of a repository.
#[derive(Serialize)]
pub struct OfHost {
    /// The host's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub age: Age,
    /// Since when, in seconds since the epoch.
    pub since: u64,
}

impl Propagation {
    /// Puts the file in its place.
    pub fn put(&self, folder: &Path) -> io::Result<()> {
        put_json(&folder.join(PROPAGATION), self)
    }
}

fn put_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    aside::put(path, &bytes, MODE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::judge::Suspension;
    use std::os::unix::fs::PermissionsExt as _;

    fn state(url: &str, since: u64, until: u64, reason: &str) -> State {
        let suspended = Some(Suspension { since, until, reason: reason.into() });
        let urls = [(url.into(), Standing { failures: 3, good: 0, suspended })];
        State { urls: urls.into(), ..State::default() }
    }

    #[test]
    fn a_list_has_a_line_for_each_url_that_nothing_in_it_can_break() {
        let seen =
            [Seen { url: "http://a/b".into(), host: 1, name: "A\tB".into(), category: 0, outcome: None }];
        let text = list(&state("http://a/b", 100, 3700, "no\nanswer"), &seen);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# mirrorlist-suspended 1");
        assert_eq!(lines[2..], ["http://a/b\tA B\t100\t3700\tno answer", "# end 1"]);
        // What is out for longer than a line may last.
        let text = list(&state("http://a/b", 100, 1_000_000, "x"), &seen);
        assert!(text.contains("\t913600\t1000000\tx\n"), "{text}");
        assert!(list(&State::default(), &seen).ends_with("\n# end 0\n"));
    }

    #[test]
    fn a_list_spells_urls_as_caches_do() {
        for (given, kept) in [
            (
                "HTTPS://Spiegel-B\u{fc}cher.example:8443/\u{dc}b",
                "https://xn--spiegel-bcher-4ob.example:8443/\u{dc}b",
            ),
            ("http://Mirror.Example.ORG?A", "http://mirror.example.org?A"),
            ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]:80/x"),
            ("https://192.0.2.7", "https://192.0.2.7"),
            // No cache has it, whatever it is.
            ("https://a b/X", "https://a b/X"),
        ] {
            let seen = [Seen { url: given.into(), host: 1, name: "A".into(), category: 0, outcome: None }];
            let text = list(&state(given, 100, 3700, "no answer"), &seen);
            assert_eq!(text.lines().nth(2), Some(&*format!("{kept}\tA\t100\t3700\tno answer")));
        }
    }

    #[test]
    fn a_list_is_put_in_its_place_when_it_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(put_list(folder.path(), "a").unwrap());
        assert!(!put_list(folder.path(), "a").unwrap());
        assert!(put_list(folder.path(), "b").unwrap());
        let path = folder.path().join(SUSPENDED);
        assert_eq!(fs::read(&path).unwrap(), b"b");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }
}
