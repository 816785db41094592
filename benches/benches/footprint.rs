//! What the service holds in memory with more and more workers, beside processes that have the data each for itself.
//!
//! Starts the real daemon and front end with 1 to 32 workers, puts load on them and reads what the kernel accounts for
//! each process. Beside it, processes that hold a copy of the same cache file on the heap and answer from it; processes
//! that hold what MirrorManager's own cache decodes to, as many as fit; and the 27 MB that every process had in 2007.
//! Run with `cargo bench --package benches --bench footprint`.

use benches::{
    chart::{Chart, Series},
    footprint::{Footprint, OF_2007, Service, copies, decoded, service},
    machine::Machine,
    yardsticks::Yardstick,
};
use clap::Parser;
use serde::Serialize;
use std::{fs, path::PathBuf, process::ExitCode};
use testkit::{inputs, stack::Programs, synthetic::Options};

/// Measure the memory of the service, and of processes that share nothing
#[derive(Debug, Parser)]
#[command(name = "footprint", max_term_width = 100)]
struct Arguments {
    /// The cache file; a synthetic one of 120,000 directories and 600 hosts if there is none
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// MirrorManager's cache that it was made from, for the processes that hold it decoded
    #[arg(long, value_name = "FILE", requires = "cache")]
    mirrormanager: Option<PathBuf>,
    /// How many workers
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    workers: Vec<usize>,
    /// Requests for each number of workers
    #[arg(long, value_name = "N", default_value_t = 40_000)]
    requests: u64,
    /// The synthetic cache is one in which each directory has a set of hosts of its own
    #[arg(long, conflicts_with = "cache")]
    unfriendly: bool,
    /// A small cache and little load: does it run at all?
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the memory over the number of processes
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
    /// What one more worker costs, in bytes.
    one_more_worker: Option<u64>,
}

#[derive(Serialize)]
struct Row {
    workers: usize,
    service: Service,
    copies: Option<Footprint>,
    decoded: Option<Footprint>,
    of_2007: u64,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.workers, arguments.requests) = (vec![1, 2, 4], 2_000);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: footprint: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let programs = Programs::build()?;
    let (cache, mirrormanager) = match &arguments.cache {
        Some(cache) => (cache.clone(), arguments.mirrormanager.clone()),
        None => {
            let directories = if arguments.quick { 10_000 } else { 120_000 };
            let options = Options { unfriendly: arguments.unfriendly, ..Options::new(directories) };
            let cache = inputs::synthetic_cache(&programs, &options, folder.path())?;
            (cache, Some(folder.path().join(inputs::MIRRORMANAGER)))
        }
    };
    let mut counts = arguments.workers.clone();
    counts.sort_unstable();
    counts.dedup();
    let yardstick = Yardstick::new(env!("CARGO_BIN_EXE_yardstick"));
    let copies = copies(&yardstick, &cache, &counts)?;
    let decoded = match mirrormanager {
        Some(file) => decoded(&yardstick, &file, &counts)?,
        None => vec![None; counts.len()],
    };
    let mut rows = Vec::new();
    for ((workers, copies), decoded) in counts.into_iter().zip(copies).zip(decoded) {
        let service = service(&programs, &cache, workers, arguments.requests)?;
        rows.push(Row { workers, service, copies, decoded, of_2007: workers as u64 * OF_2007 });
    }
    let one_more_worker = one_more_worker(&rows);
    print(&rows, one_more_worker);
    if let Some(file) = &arguments.svg {
        draw(&rows).lines(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let Some(file) = &arguments.json {
        let report = Report { machine: Machine::this(), rows, one_more_worker };
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// What is added from the fewest to the most workers, for each of them.
fn one_more_worker(rows: &[Row]) -> Option<u64> {
    let (first, last) = (rows.first()?, rows.last()?);
    let more = last.workers.checked_sub(first.workers).filter(|more| *more > 0)? as u64;
    Some(last.service.all.memory().saturating_sub(first.service.all.memory()) / more)
}

fn print(rows: &[Row], one_more_worker: Option<u64>) {
    let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let kb = |bytes: u64| bytes / 1000;
    let of = |footprint: Option<Footprint>| footprint.map_or("-".into(), |held| mb(held.memory()));
    println!("memory after load at 100 connections; MB, and kB for a worker");
    println!(
        "{:>7} {:>9} {:>11} {:>7} {:>9} {:>9} {:>9} {:>7} {:>9} {:>9} {:>9}",
        "workers",
        "service",
        "every page",
        "PSS",
        "kB idle",
        "kB USS",
        "kB tables",
        "caches",
        "copies",
        "decoded",
        "in 2007"
    );
    for row in rows {
        let service = &row.service;
        println!(
            "{:>7} {:>9} {:>11} {:>7} {:>9} {:>9} {:>9} {:>7} {:>9} {:>9} {:>9}",
            row.workers,
            mb(service.all.memory()),
            mb(service.all.everything()),
            mb(service.all.pss),
            kb(service.idle_workers.uss / row.workers.max(1) as u64),
            kb(service.uss_of_a_worker()),
            kb(service.page_tables_of_a_worker()),
            service.caches_mapped,
            of(row.copies),
            of(row.decoded),
            mb(row.of_2007),
        );
    }
    println!(
        "service: private memory and page tables of front end, master and workers, and the whole archive of {} MB;
every page: that, and each other page that its processes share; copies: processes with a copy of the cache file each;
decoded: processes with MirrorManager's cache as it is decoded",
        rows.first().map_or(String::new(), |row| mb(row.service.all.archive))
    );
    if let Some(bytes) = one_more_worker {
        println!("one more worker: {} kB", kb(bytes));
    }
}

fn draw(rows: &[Row]) -> Chart<'static> {
    let series = |name: &str, value: &dyn Fn(&Row) -> Option<u64>| Series {
        name: name.into(),
        values: rows.iter().map(|row| value(row).map(|bytes| bytes as f64 / 1e6)).collect(),
    };
    // Decoded data is left out: it takes so much that the others would lie on the ground.
    let series = vec![
        series("mirrorlistd and its front end: one shared cache", &|row| Some(row.service.all.memory())),
        series("27 MB in each process, as in 2007", &|row| Some(row.of_2007)),
        series("a copy of the compact cache in each process", &|row| row.copies.map(|held| held.memory())),
    ];
    Chart {
        title: "Memory of all processes",
        across: "workers",
        up: "megabytes",
        positions: rows.iter().map(|row| row.workers.to_string()).collect(),
        series,
    }
}
