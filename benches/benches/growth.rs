//! What grows with a site: its cache file, the build, the memory of the service, an answer.
//!
//! Synthetic caches of 300 to 1,000,000 directories and of 600 to 10,000 hosts, each friendly (directories share their
//! sets of hosts) and unfriendly (each has a set of its own), are built by `mirrorlist-cache` and answered from by the
//! programs that operators run. Run with `cargo bench --package benches --bench growth`; full sizes, which take some
//! minutes and 4 GB of disk, with MIRRORLIST_LONG=1.

use benches::{
    chart::{Chart, Series},
    footprint::service,
    functions::{Parts, time::calls_us},
    machine::Machine,
    moments::build,
};
use clap::Parser;
use serde::Serialize;
use std::{env, fs, path::PathBuf, process::ExitCode};
use testkit::{
    inputs::{self, write_synthetic},
    stack::Programs,
    synthetic::Options,
};

/// Hosts of the caches that differ in their directories.
const HOSTS: usize = 600;
/// Directories of the caches that differ in their hosts.
const DIRECTORIES: usize = 10_000;
/// Workers of the service.
const WORKERS: usize = 4;
/// Requests that the service answers before its memory is looked at.
const REQUESTS: u64 = 2000;

/// Measure what grows with the number of directories and of hosts
#[derive(Debug, Parser)]
#[command(name = "growth", max_term_width = 100)]
struct Arguments {
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw cache files and what their builds take
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    rows: Vec<Row>,
}

/// One cache. Sizes are in bytes.
#[derive(Serialize)]
struct Row {
    directories: usize,
    hosts: usize,
    unfriendly: bool,
    protobuf: u64,
    archive: u64,
    build_cpu_seconds: f64,
    build_peak: u64,
    /// Private memory and page tables of both programs, with the whole archive.
    service: u64,
    mirrorlist_us: f64,
    metalink_us: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let long = env::var_os("MIRRORLIST_LONG").is_some_and(|value| value == "1");
    let directories: &[usize] = if long { &[300, DIRECTORIES, 120_000, 1_000_000] } else { &[300, 3_000] };
    let hosts: &[usize] = if long { &[2_000, 5_000, 10_000] } else { &[1_000] };
    let fixed = if long { DIRECTORIES } else { 1_000 };
    let sizes = directories.iter().map(|directories| (*directories, HOSTS));
    let sizes: Vec<(usize, usize)> = sizes.chain(hosts.iter().map(|hosts| (fixed, *hosts))).collect();
    let programs = Programs::build()?;
    println!(
        "{:>11} {:>6} {:<10} {:>9} {:>8} {:>8} {:>8} {:>10} {:>10} {:>8}",
        "directories",
        "hosts",
        "kind",
        "protobuf",
        "archive",
        "build",
        "peak",
        "service",
        "mirrorlist",
        "metalink"
    );
    let mut rows = Vec::new();
    for (directories, hosts) in sizes {
        for unfriendly in [false, true] {
            let row = Row::measure(&programs, Options { hosts, unfriendly, ..Options::new(directories) })?;
            row.print();
            rows.push(row);
        }
    }
    if let Some(file) = &arguments.svg {
        draw(&rows).bars_by_tens(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let Some(file) = &arguments.json {
        let report = Report { machine: Machine::this(), rows };
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

impl Row {
    fn measure(programs: &Programs, options: Options) -> Result<Row, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
        write_synthetic(&options, folder.path()).map_err(|error| format!("inputs: {error}"))?;
        let protobuf = folder.path().join(inputs::MIRRORMANAGER);
        let bytes = protobuf.metadata().map_err(|error| format!("inputs: {error}"))?.len();
        let cache = folder.path().join("cache.mlc");
        let built = build(programs, folder.path(), &cache)?;
        // It may have gigabytes.
        fs::remove_file(&protobuf).map_err(|error| format!("inputs: {error}"))?;
        let service = service(programs, &cache, WORKERS, REQUESTS)?;
        let parts = Parts::open(&cache)?;
        let us = |name| calls_us([&parts], name)[0];
        Ok(Row {
            directories: options.directories,
            hosts: options.hosts,
            unfriendly: options.unfriendly,
            protobuf: bytes,
            archive: service.all.archive,
            build_cpu_seconds: built.cpu_seconds,
            build_peak: built.peak,
            service: service.all.memory(),
            mirrorlist_us: us("answer a mirrorlist of 5 hosts or more"),
            metalink_us: us("answer a metalink of 5 hosts or more"),
        })
    }

    fn kind(&self) -> &'static str {
        if self.unfriendly { "unfriendly" } else { "friendly" }
    }

    fn print(&self) {
        let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        println!(
            "{:>11} {:>6} {:<10} {:>9} {:>8} {:>6.2} s {:>8} {:>10} {:>7.1} us {:>5.1} us",
            self.directories,
            self.hosts,
            self.kind(),
            mb(self.protobuf),
            mb(self.archive),
            self.build_cpu_seconds,
            mb(self.build_peak),
            mb(self.service),
            self.mirrorlist_us,
            self.metalink_us
        );
    }
}

fn draw(rows: &[Row]) -> Chart<'_> {
    let mut sizes: Vec<(usize, usize)> = rows.iter().map(|row| (row.directories, row.hosts)).collect();
    sizes.dedup();
    let of = |name: &str, unfriendly: bool, value: fn(&Row) -> u64| Series {
        name: name.into(),
        values: rows
            .iter()
            .filter(|row| row.unfriendly == unfriendly)
            .map(|row| Some(value(row) as f64 / 1e6))
            .collect(),
    };
    Chart {
        title: "Cache files, and the memory that their builds take",
        across: "directories, hosts",
        up: "MB",
        positions: sizes.iter().map(|(directories, hosts)| format!("{directories}, {hosts}")).collect(),
        series: vec![
            of("cache file, friendly", false, |row| row.archive),
            of("cache file, unfriendly", true, |row| row.archive),
            of("build, friendly", false, |row| row.build_peak),
            of("build, unfriendly", true, |row| row.build_peak),
        ],
    }
}
