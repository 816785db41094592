//! The demo's statistics: pages that `mirrorlist-report` makes of a year of invented figures, over the demo's own cache.
//!
//! The log has the form of the daemon's, what mirrors answered and how repositories have spread that of the collector's
//! files, so that nothing of the pages is the demo's own.

use super::web::{self, Found};
use interchange::message::{Host, MirrorList};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    net::SocketAddr,
    path::{Component, Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};
use time::{Date, OffsetDateTime};

const HOUR: u64 = 60 * 60;

/// Where mirrors of the sample are: number, degrees north and east. Of the others no more than the country is known.
const PLACES: [(i64, f64, f64); 9] = [
    (1, 53.55, 9.99),
    (2, 48.14, 11.58),
    (4, 47.22, -1.55),
    (5, 50.09, 14.42),
    (6, 40.71, -74.01),
    (7, 60.72, -135.06),
    (8, -3.12, -60.02),
    (9, 36.65, 138.18),
    (11, -34.93, 138.6),
];

/// Shares of countries, repositories and architectures.
const COUNTRIES: [(&str, u32); 14] = [
    ("US", 30),
    ("DE", 18),
    ("FR", 9),
    ("JP", 8),
    ("BR", 7),
    ("GB", 6),
    ("IN", 6),
    ("CA", 4),
    ("N/A", 4),
    ("AU", 3),
    ("CZ", 3),
    ("NL", 2),
    ("VN", 2),
    ("PL", 1),
];
const REPOSITORIES: [(&str, u32); 4] =
    [("updates-released-f42", 40), ("fedora-42", 30), ("epel-10", 24), ("rawhide", 6)];
const ARCHS: [(&str, u32); 2] = [("x86_64", 82), ("aarch64", 18)];

/// Repositories that are measured, with the hours between two of their versions.
const MEASURED: [(&str, u64); 3] =
    [("updates-released-f42+x86_64", 26), ("epel-10+x86_64", 40), ("rawhide+x86_64", 24)];

/// A mirror that has not got the latest updates, one of which a URL fails, one that does not answer.
const STALE: i64 = 2;
const FAILING: i64 = 8;
const SILENT: i64 = 10;

/// Says where mirrors are, and that it is of now.
pub fn complete(list: &mut MirrorList) {
    list.time = Some(now());
    list.host.extend(PLACES.iter().map(|(id, north, east)| Host {
        id: Some(*id),
        latitude: Some(*north),
        longitude: Some(*east),
        ..Host::default()
    }));
}

/// Writes the pages into a folder of `folder` and serves them for as long as the process lives; where that is.
///
/// The error is a sentence.
pub fn serve(report: &Path, folder: &Path, cache: &Path, list: &MirrorList) -> Result<SocketAddr, String> {
    let path = |name: &str| folder.join(name);
    write(folder, list, now()).map_err(|error| format!("figures: cannot be written ({error})"))?;
    let (database, site) = (path("figures.db"), path("site"));
    let mut count = Command::new(report);
    count.args(["count", "--json", "--source", "demo", "--database"]).arg(&database).arg(path("access.log"));
    run(&mut count)?;
    let mut render = Command::new(report);
    render.args(["render", "--title", "Mirrors of the demo", "--footer", "All figures are invented."]);
    for (option, file) in [
        ("--database", &database),
        ("--cache", &cache.to_owned()),
        ("--mirrors", &path("mirrors.json")),
        ("--propagation", &path("propagation.json")),
        ("--output", &site),
    ] {
        render.arg(option).arg(file);
    }
    run(&mut render)?;
    web::serve(move |path| find(&site, path)).map_err(|error| format!("web server: {error}"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output =
        command.output().map_err(|error| format!("mirrorlist-report: cannot be started ({error})"))?;
    let said = || format!("mirrorlist-report: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    if output.status.success() { Ok(()) } else { Err(said()) }
}

/// A file of the site.
fn find(site: &Path, path: &str) -> Option<Found> {
    let mut file = PathBuf::from(path.trim_start_matches('/'));
    // Nothing but names.
    if !file.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    if path.ends_with('/') {
        file.push("index.html");
    }
    let media = match file.extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        _ => return None,
    };
    Some((media, fs::read(site.join(file)).ok()?))
}

fn write(folder: &Path, list: &MirrorList, now: u64) -> io::Result<()> {
    fs::write(folder.join("access.log"), log())?;
    fs::write(folder.join("mirrors.json"), round(list, now).to_string())?;
    fs::write(folder.join("propagation.json"), spread(list, now).to_string())
}

/// An access log of the last year: more from month to month, less at weekends, much when something is released.
fn log() -> String {
    let mut random = SmallRng::seed_from_u64(1);
    let today = OffsetDateTime::now_utc().date().to_julian_day();
    let mut log = String::new();
    for age in (0..365).rev() {
        let Ok(day) = Date::from_julian_day(today - age) else { continue };
        let weekday = if day.weekday().number_days_from_monday() < 5 { 1.0 } else { 0.72 };
        let released = if (150..156).contains(&age) { 1.0 + f64::from(age - 149) / 6.0 } else { 1.0 };
        let lines =
            (150.0 + f64::from(365 - age) * 0.3) * weekday * released * random.random_range(0.94..1.06);
        for _ in 0..lines as u32 {
            let mut some = |of: &[(&'static str, u32)]| {
                let mut number = random.random_range(0..of.iter().map(|(_, share)| share).sum());
                let is_it = |(_, share): &&(&str, u32)| {
                    let is_it = number < *share;
                    number = number.saturating_sub(*share);
                    is_it
                };
                of.iter().find(is_it).map_or("", |(name, _)| name)
            };
            let (country, repository, arch) = (some(&COUNTRIES), some(&REPOSITORIES), some(&ARCHS));
            // Writing to a string does not fail.
            let _ =
                writeln!(log, "IP: N/A; DATE: {day}; COUNTRY: {country}; REPO: {repository}; ARCH: {arch}");
        }
    }
    log
}

/// The URLs of hosts that directories list for everybody.
fn public(list: &MirrorList) -> BTreeMap<i64, BTreeSet<String>> {
    let texts =
        list.hcurl.iter().filter_map(|row| Some((row.key?, String::from_utf8(row.value.clone()?).ok()?)));
    let texts: BTreeMap<i64, String> = texts.collect();
    let mut hosts: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for directory in &list.mirror_list {
        for row in &directory.by_host_id {
            let Some(host) = row.key.filter(|host| directory.global.contains(host)) else { continue };
            let urls = row.value.iter().filter_map(|url| texts.get(url));
            hosts.entry(host).or_default().extend(urls.filter(|url| url.starts_with("http")).cloned());
        }
    }
    hosts
}

/// What a round of checks has seen of them.
fn round(list: &MirrorList, now: u64) -> Value {
    let of_url = |host: i64, url: String| {
        let why = match host {
            SILENT => Some("no connection within 10 s"),
            FAILING if url.starts_with("https:") => Some("its certificate is of another name"),
            _ => None,
        };
        json!({"url": url, "category": "", "answer": if why.is_some() { "failed" } else { "good" },
            "why": why.unwrap_or_default(), "failures": if why.is_some() { 2 } else { 0 }, "good": 0, "suspended": null,
            "also_https": false})
    };
    let mirrors: Vec<Value> = public(list)
        .into_iter()
        .map(|(host, urls)| {
            let urls: Vec<Value> = urls.into_iter().map(|url| of_url(host, url)).collect();
            json!({"id": host, "name": "", "families": [4, 6], "urls": urls})
        })
        .collect();
    json!({"number": 1, "time": now - 60, "seconds": 4.2, "hosts": mirrors.len(), "good": 0, "failed": 0, "unknown": 0,
        "brakes": [], "mirrors": mirrors})
}

/// How repositories have spread over sixty days: quickly after each version, and never quite.
fn spread(list: &MirrorList, now: u64) -> Value {
    let hosts = public(list);
    let count = hosts.len() as f64;
    let this_hour = now / HOUR * HOUR;
    let of = |name: &str, rhythm: u64| {
        let hour = |ago: u64| {
            let begins = this_hour - ago * HOUR;
            let after = begins / HOUR % rhythm;
            let late = (count * 0.7 * (-(after as f64) / 3.0).exp()).round() as u64;
            let older = u64::from((begins / HOUR / 200).is_multiple_of(3));
            let silent = u64::from(ago < 30 || (begins / HOUR / 90).is_multiple_of(4));
            let behind = 1 + late;
            let current = (hosts.len() as u64).saturating_sub(behind + older + silent);
            json!({"hour": begins, "current": current, "one_day": late, "two_days": 1, "older": older, "no_answer": silent})
        };
        let age = |host: i64| match host {
            STALE => ("two_days", this_hour - 31 * HOUR),
            SILENT => ("no_answer", this_hour - 29 * HOUR),
            _ => ("current", this_hour - this_hour / HOUR % rhythm * HOUR),
        };
        let ages: Vec<Value> = hosts
            .keys()
            .map(|host| json!({"id": host, "name": "", "age": age(*host).0, "since": age(*host).1}))
            .collect();
        // Half a day, when nothing was measured.
        let hours: Vec<Value> = (0..60 * 24).rev().filter(|ago| !(76..88).contains(ago)).map(hour).collect();
        json!({"name": name, "hours": hours, "hosts": ages})
    };
    let repositories: Vec<Value> = MEASURED.iter().map(|(name, rhythm)| of(name, *rhythm)).collect();
    json!({"time": now - 60, "repositories": repositories})
}
