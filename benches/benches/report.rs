//! How long `mirrorlist-report` takes to count a log and to write a year's pages, and how much memory, beside `wc -l` of the
//! same log.
//!
//! 10,000,000 lines of an access log, with 300 repositories and 224 countries; it takes 800 MB of disk.
//! `MIRRORLIST_LONG=1 cargo bench --package benches --bench report`; without that it is a hundredth of it, so that it does
//! not rot.

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
};
use testkit::{
    process::{ended_children_ns, peak_of},
    stack,
};
use time::{Date, OffsetDateTime};

/// What is aimed at, of the large log.
const SECONDS: f64 = 10.0;
const MEGABYTES: f64 = 50.0;

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
    let (seconds, megabytes) = told("count", &mut count)?;
    told("count, with nothing new", &mut count)?;
    let mut render = Command::new(&program);
    render.args(["render", "--database"]).arg(&database).arg("--output").arg(&site);
    told("render", &mut render)?;
    println!("the database has {} kB", database.metadata()?.len() / 1024);
    if is_long {
        let met = |is_met| if is_met { "met" } else { "not met" };
        println!(
            "targets of count: {SECONDS} s {}, {MEGABYTES} MB {}",
            met(seconds <= SECONDS),
            met(megabytes <= MEGABYTES)
        );
    }
    Ok(())
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
