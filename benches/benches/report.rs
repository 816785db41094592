//! How long `mirrorlist-report` takes to count a log and to write a year's pages, and how much memory, beside `wc -l` of the
//! same log.
//!
//! Counted are 10,000,000 lines of an access log, with 300 repositories and 224 countries; they take 800 MB of disk. Written
//! are all pages of 500 mirrors, 1,500 repositories of four architectures and 365 days, with what the collector leaves and names
//! as long as those that there are.
//! `MIRRORLIST_LONG=1 cargo bench --package benches --bench report`; without that it is a hundredth of it, so that it does
//! not rot.

use cache::{
    inventory::{Carrier, Directory, Host, HostUrl, Inventory, Placement, Repository, Roster, SetPosition},
    place::Place,
    scheme::Scheme,
};
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::{
    process::{ended_children_ns, peak_of},
    stack,
};
use time::{Date, OffsetDateTime};
use wire::code::Country;

/// What is aimed at, of the large log and of the large site: seconds and megabytes.
const OF_COUNT: (f64, f64) = (10.0, 50.0);
const OF_RENDER: (f64, f64) = (10.0, 150.0);

/// What is aimed at, of a page: kilobytes of lists and the map, and of any other.
const OF_LIST: u64 = 250;
const OF_PAGE: u64 = 100;

/// Days that the lines are of.
const DAYS: u64 = 365;

fn main() -> Result<(), Box<dyn Error>> {
    let is_long = env::var_os("MIRRORLIST_LONG").is_some_and(|value| value == "1");
    let lines = if is_long { 10_000_000 } else { 100_000 };
    let program = stack::report()?;
    let folder = tempfile::tempdir()?;
    let (log, database, site) =
        (folder.path().join("access.log"), folder.path().join("figures.db"), folder.path().join("site"));
    write(&log, lines)?;
    let told = |what: &str, command: &mut Command| -> Result<(f64, f64), Box<dyn Error>> {
        let before = ended_children_ns(std::process::id())?;
        let peak = peak_of(command.stdout(Stdio::null()).spawn()?)?;
        let seconds = (ended_children_ns(std::process::id())? - before) as f64 / 1e9;
        println!("{what}: {seconds:.2} s of processor time, {peak:.0} MB");
        Ok((seconds, peak))
    };
    told(&format!("wc -l of {lines} lines"), Command::new("wc").arg("-l").arg(&log))?;
    let mut count = Command::new(&program);
    count.args(["count", "--source", "bench", "--database"]).arg(&database).arg(&log);
    let counted = told("count", &mut count)?;
    told("count, with nothing new", &mut count)?;
    let mut render = Command::new(&program);
    render.args(["render", "--database"]).arg(&database).arg("--output").arg(&site);
    told("render", &mut render)?;
    println!("the database has {} kB", database.metadata()?.len() / 1024);
    let (hosts, repositories) = if is_long { (500, 1500) } else { (50, 15) };
    let (log, database) = (folder.path().join("all.log"), folder.path().join("all.db"));
    let [cache, round, spread] =
        ["cache", "mirrors.json", "propagation.json"].map(|name| folder.path().join(name));
    write_all_repositories(&log, repositories)?;
    fs::write(&cache, &*cache::write(&inventory(hosts, repositories)?, 0)?.0)?;
    fs::write(&round, self::round(hosts))?;
    fs::write(&spread, self::spread(hosts))?;
    let mut count = Command::new(&program);
    count.args(["count", "--source", "bench", "--database"]).arg(&database).arg(&log).stdout(Stdio::null());
    if !count.status()?.success() {
        return Err("the log of all repositories cannot be counted".into());
    }
    let mut render = Command::new(&program);
    render
        .arg("render")
        .arg("--database")
        .arg(&database)
        .arg("--output")
        .arg(&site)
        .arg("--cache")
        .arg(&cache);
    render.arg("--mirrors").arg(&round).arg("--propagation").arg(&spread);
    let rendered =
        told(&format!("render {hosts} mirrors, {repositories} repositories, {DAYS} days"), &mut render)?;
    let files = files(&site)?;
    let megabytes = files.iter().map(|(_, size)| size).sum::<u64>() / 1_000_000;
    println!(
        "the site has {} files, {megabytes} MB; the database has {} MB",
        files.len(),
        database.metadata()?.len() / 1_000_000
    );
    for (kind, (page, size)) in largest(&files) {
        let most = if LISTS.contains(&kind.as_str()) { OF_LIST } else { OF_PAGE };
        let met = if size <= most * 1000 { "met" } else { "not met" };
        println!("largest page of {kind}: {page}, {} kB; target: {most} kB, {met}", size / 1000);
    }
    if is_long {
        for (what, (seconds, megabytes), (most_seconds, most_megabytes)) in
            [("count", counted, OF_COUNT), ("render", rendered, OF_RENDER)]
        {
            let met = |is_met| if is_met { "met" } else { "not met" };
            println!(
                "targets of {what}: {most_seconds} s {}, {most_megabytes} MB {}",
                met(seconds <= most_seconds),
                met(megabytes <= most_megabytes)
            );
        }
    }
    Ok(())
}

/// Kinds of page that are a list or the map.
const LISTS: [&str; 3] = ["map", "mirrors", "repositories"];

/// All files of a site: each with its path below that, and its bytes.
fn files(site: &Path) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let below = entry.path().strip_prefix(site)?.display().to_string();
                files.push((below, entry.metadata()?.len()));
            }
        }
    }
    Ok(files)
}

/// The largest page of each kind, by the folder that it is in.
fn largest(files: &[(String, u64)]) -> BTreeMap<String, (&str, u64)> {
    let mut largest = BTreeMap::new();
    for (path, size) in files.iter().filter(|(path, _)| path.ends_with(".html")) {
        let kind = path.split_once('/').map_or("the first page", |(folder, _)| folder);
        let most = largest.entry(kind.to_owned()).or_insert((path.as_str(), *size));
        if *size > most.1 {
            *most = (path, *size);
        }
    }
    largest
}

/// An access log of the last year, in which every repository is asked for on every day.
fn write_all_repositories(path: &Path, repositories: usize) -> Result<(), Box<dyn Error>> {
    let mut random = SmallRng::seed_from_u64(2);
    let today = OffsetDateTime::now_utc().date().to_julian_day();
    let mut log = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for age in (0..DAYS).rev() {
        let day = Date::from_julian_day(today - age as i32)?;
        for repository in 0..repositories {
            for arch in &ARCHS[..2] {
                let country = COUNTRIES[random.random_range(0..COUNTRIES.len())];
                let repository = name(repository);
                writeln!(log, "IP: N/A; DATE: {day}; COUNTRY: {country}; REPO: {repository}; ARCH: {arch}")?;
            }
        }
    }
    log.flush()?;
    Ok(())
}

const COUNTRIES: [&str; 24] = [
    "AR", "AU", "BE", "BR", "CA", "CH", "CN", "CZ", "DE", "DK", "ES", "FR", "GB", "IN", "IT", "JP", "KR",
    "NL", "PL", "RU", "SE", "US", "VN", "ZA",
];

const ARCHS: [&str; 4] = ["x86_64", "aarch64", "ppc64le", "s390x"];

/// A repository's name.
fn name(repository: usize) -> String {
    format!("updates-testing-debug-{repository:04}")
}

/// What a host's operator calls it.
fn operator(host: usize) -> String {
    format!("University of Example {host:03}")
}

fn base(host: usize) -> String {
    format!("https://mirror-{host}.example.org/pub")
}

/// Where every third host has some of it, too.
fn second_base(host: usize) -> Option<String> {
    host.is_multiple_of(3).then(|| format!("https://mirror-{host}.example.org/archive"))
}

/// A cache in which nine of ten hosts have any repository, of four architectures.
fn inventory(hosts: usize, repositories: usize) -> Result<Inventory, Box<dyn Error>> {
    let mut random = SmallRng::seed_from_u64(3);
    let mut inventory = Inventory { source_time: now()?, ..Inventory::default() };
    let mut carriers = Vec::new();
    for number in 0..hosts {
        let country = Country::parse(COUNTRIES[random.random_range(0..COUNTRIES.len())].as_bytes());
        let place = Place::new(random.random_range(-50.0..65.0), random.random_range(-180.0..180.0));
        let place = place.filter(|_| number % 3 > 0);
        let host = Host { country, place, bandwidth: 1000, ..Host::default() };
        inventory.hosts.insert(number as i64 + 1, host);
        for base in [Some(base(number)), second_base(number)].into_iter().flatten() {
            let urls = [(Scheme::Https, base.clone()), (Scheme::Http, base.replace("https:", "http:"))];
            let urls =
                urls.map(|(scheme, text)| inventory.urls.insert_full(HostUrl { scheme, text }).0 as u32);
            let placement = Placement { host: number as u32, urls: urls.to_vec() };
            let (placement, _) = inventory.placements.insert_full(placement);
            let countries = country.into_iter().collect();
            carriers.push(Carrier { placement: placement as u32, public: true, countries });
        }
    }
    let mut roster = Roster::default();
    for number in 0..repositories {
        let mut repository = Repository::default();
        for arch in ARCHS {
            let subpath = format!("releases/{number}/Everything/{arch}/os");
            let carriers = carriers.iter().filter(|_| random.random_range(0..10) > 0).cloned();
            let carriers = SetPosition { roster: 0, set: roster.set_of(carriers) };
            inventory
                .directories
                .insert(format!("pub/{subpath}"), Directory { carriers, subpath: subpath.clone() });
            repository.archs.insert(arch.into(), format!("pub/{subpath}"));
        }
        inventory.repositories.insert(name(number), repository);
    }
    inventory.rosters.push(roster);
    Ok(inventory)
}

fn now() -> Result<u64, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// What the collector would have seen of all hosts.
fn round(hosts: usize) -> String {
    let time = now().unwrap_or_default();
    let mirrors: Vec<serde_json::Value> = (0..hosts)
        .map(|host| {
            let bases = [Some(base(host)), second_base(host)].into_iter().flatten();
            let urls = bases.flat_map(|base| [base.replace("https:", "http:"), base]);
            let urls: Vec<serde_json::Value> = urls
                .map(|url| serde_json::json!({"url": url, "category": "pub", "answer": "good", "failures": 0, "good": 0, "suspended": null}))
                .collect();
            serde_json::json!({"id": host + 1, "name": operator(host), "families": [4, 6], "urls": urls})
        })
        .collect();
    serde_json::json!({"time": time, "mirrors": mirrors}).to_string()
}

/// Twenty repositories over 400 days.
fn spread(hosts: usize) -> String {
    let time = now().unwrap_or_default() / 3600 * 3600;
    let hours: Vec<serde_json::Value> = (0..400 * 24_u64)
        .rev()
        .map(|ago| {
            let late = ago * 7 % 40;
            serde_json::json!({"hour": time - ago * 3600, "current": hosts as u64 - 40, "one_day": 40 - late, "two_days": late,
                "older": 0, "no_answer": 0})
        })
        .collect();
    let ages: Vec<serde_json::Value> = (0..hosts)
        .map(|host| serde_json::json!({"id": host + 1, "age": if host % 9 > 0 { "current" } else { "older" }, "since": time}))
        .collect();
    let repositories: Vec<serde_json::Value> = (0..20)
        .map(|number| serde_json::json!({"name": format!("{}+x86_64", name(number)), "hours": hours, "hosts": ages}))
        .collect();
    serde_json::json!({"time": time, "repositories": repositories}).to_string()
}

/// Writes an access log of the last year, the oldest lines first.
fn write(path: &Path, lines: u64) -> Result<(), Box<dyn Error>> {
    let mut random = SmallRng::seed_from_u64(1);
    let today = OffsetDateTime::now_utc().date().to_julian_day();
    let mut log = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut line = String::new();
    // A few have most of it.
    let mut some = |of: u32| {
        let share: f64 = random.random();
        (share * share * share * f64::from(of)) as u32
    };
    for number in 0..lines {
        let age = DAYS - 1 - number * DAYS / lines;
        let day = Date::from_julian_day(today - age as i32)?;
        let country = some(224);
        let country = [b'A' + (country / 14) as u8, b'A' + (country % 14) as u8].map(char::from);
        line.clear();
        writeln!(
            line,
            "IP: 192.0.{}.0; DATE: {day}; COUNTRY: {}{}; REPO: repository-{}; ARCH: {}",
            some(256),
            country[0],
            country[1],
            some(300),
            ["x86_64", "aarch64", "ppc64le", "s390x"][some(4) as usize]
        )?;
        log.write_all(line.as_bytes())?;
    }
    log.flush()?;
    Ok(())
}
