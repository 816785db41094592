//! The demo's statistics: pages that `mirrorlist-report` makes of a year of invented figures, over the demo's own cache.
//!
//! The log has the form of the daemon's, how repositories have spread that of the collector's file, and what mirrors answered is
//! what the collector has just seen, so that nothing of the pages is the demo's own.

use super::distribution::{DEAD, Distribution, STALE};
use interchange::message::{Host, MirrorList};
use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::web::{self, Being, file_below};
use time::{Date, OffsetDateTime};

const HOUR: u64 = 60 * 60;

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

/// Writes the pages into a folder of `folder` and serves them for as long as the process lives; where that is.
///
/// The error is a sentence.
pub fn serve(
    report: &Path,
    folder: &Path,
    cache: &Path,
    distribution: &Distribution,
) -> Result<SocketAddr, String> {
    let path = |name: &str| folder.join(name);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let list = fs::read(&distribution.interchange)
        .and_then(|bytes| MirrorList::decode(&bytes[..]).map_err(io::Error::other))
        .map_err(|error| format!("{}: cannot be read ({error})", distribution.interchange.display()))?;
    write(folder, &list, now).map_err(|error| format!("figures: cannot be written ({error})"))?;
    let (database, site) = (path("figures.db"), path("site"));
    let mut count = Command::new(report);
    count.args(["count", "--json", "--source", "demo", "--database"]).arg(&database).arg(path("access.log"));
    run(&mut count)?;
    let mut render = Command::new(report);
    render.args(["render", "--title", "Mirrors of the demo", "--footer", "All figures are invented."]);
    for (option, file) in [
        ("--database", &database),
        ("--cache", &cache.to_owned()),
        ("--mirrors", &distribution.mirrors),
        ("--propagation", &path("propagation.json")),
        ("--output", &site),
    ] {
        render.arg(option).arg(file);
    }
    run(&mut render)?;
    web::serve(Ipv4Addr::LOCALHOST.into(), || Being::Alive, move |path| file_below(&site, path))
        .map_err(|error| format!("web server: {error}"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output =
        command.output().map_err(|error| format!("mirrorlist-report: cannot be started ({error})"))?;
    let said = || format!("mirrorlist-report: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    if output.status.success() { Ok(()) } else { Err(said()) }
}

fn write(folder: &Path, list: &MirrorList, now: u64) -> io::Result<()> {
    fs::write(folder.join("access.log"), log())?;
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

/// The numbers of hosts that anybody may be sent to, with their names.
fn public(list: &MirrorList) -> BTreeMap<i64, String> {
    let listed: BTreeSet<i64> =
        list.mirror_list.iter().flat_map(|directory| directory.global.iter().copied()).collect();
    let name = |host: &Host| Some((host.id?, String::from_utf8(host.name.clone()?).ok()?));
    list.host.iter().filter_map(name).filter(|(id, name)| listed.contains(id) || name == DEAD).collect()
}

/// How repositories have spread over a year: quickly after each version, and never quite.
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
        let age = |name: &str| match name {
            STALE => ("two_days", this_hour - 31 * HOUR),
            DEAD => ("no_answer", this_hour - 29 * HOUR),
            _ => ("current", this_hour - this_hour / HOUR % rhythm * HOUR),
        };
        let ages: Vec<Value> = hosts
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name, "age": age(name).0, "since": age(name).1}))
            .collect();
        // Half a day, when nothing was measured.
        let hours: Vec<Value> = (0..365 * 24).rev().filter(|ago| !(76..88).contains(ago)).map(hour).collect();
        json!({"name": name, "hours": hours, "hosts": ages})
    };
    let repositories: Vec<Value> = MEASURED.iter().map(|(name, rhythm)| of(name, *rhythm)).collect();
    json!({"time": now - 60, "repositories": repositories})
}
