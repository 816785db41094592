//! The whole stack under load, against other servers with answers of the same size, in the same run.
//!
//! Metalinks of 26 kB and lists of 6 kB, at 1, 10, 100 and 400 connections: over TCP and over a socket file, and
//! straight at the workers' socket; and redirects to files, over TCP, and lists beside the same as pages and JSON objects. nginx
//! serves a file, bare hyper a constant, and an event loop echoes frames. All take turns, and of each figure the median of all
//! turns counts. Run with `cargo bench --package benches --bench stack`.

use benches::{
    beginning::{Beginning, FEW, MANY},
    chart::{Chart, Series},
    contest::{Contest, ECHO, FORMS, HYPER, NGINX, NGINX_302, OTHER, REDIRECTS, SERVICE, TCP},
    machine::Machine,
    measure::{Measured, Server},
    yardsticks::Yardstick,
};
use clap::Parser;
use serde::Serialize;
use std::{fs, path::PathBuf, process::ExitCode, time::Duration};
use testkit::stack::Programs;

/// Ask the service and other servers in turn, and print what an answer costs each of them
#[derive(Debug, Parser)]
#[command(name = "stack", max_term_width = 100)]
struct Arguments {
    /// The cache file; a synthetic one of 120,000 directories if there is none
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Folder with the programs of another build, to compare with over TCP
    #[arg(long, value_name = "FOLDER")]
    other: Option<PathBuf>,
    /// Connections at a time
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 10, 100, 400])]
    connections: Vec<usize>,
    /// Turns of each
    #[arg(long, value_name = "N", default_value_t = 5)]
    turns: usize,
    /// Seconds of a turn
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
    /// One short turn on a small cache: does it run at all?
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the processor time of an answer
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    turns: usize,
    seconds: f64,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    kind: &'static str,
    way: &'static str,
    connections: usize,
    server: &'static str,
    #[serde(flatten)]
    measured: Measured,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.turns, arguments.seconds, arguments.connections) = (1, 0.1, vec![10]);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: stack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let begun = Beginning::on(arguments.cache.as_deref(), if arguments.quick { FEW } else { MANY })?;
    let yardstick = Yardstick::new(env!("CARGO_BIN_EXE_yardstick"));
    let mut contest = Contest::start(&begun.programs, &yardstick, &begun.cache)?;
    if let Some(folder) = &arguments.other {
        contest.join(&Programs::of(folder), &begun.cache)?;
    }
    for server in
        contest.servers(true)?.iter().flat_map(|(_, servers)| servers).chain(&contest.redirects(true)?)
    {
        server.measure(4, Duration::from_millis(100))?;
    }
    let rows = rows(arguments, &contest)?;
    rows.iter().for_each(|row| row.print(&rows));
    print_ratios(&rows);
    if let Some(file) = &arguments.svg {
        draw(&rows, &arguments.connections)
            .bars(file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let Some(file) = &arguments.json {
        let report =
            Report { machine: Machine::this(), turns: arguments.turns, seconds: arguments.seconds, rows };
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

fn rows(arguments: &Arguments, contest: &Contest) -> Result<Vec<Row>, String> {
    let mut places: Vec<(Row, Server, Vec<Measured>)> = Vec::new();
    let mut kinds = contest.servers(false)?;
    kinds.push((REDIRECTS, contest.redirects(false)?));
    kinds.push((FORMS, contest.forms()?.into()));
    for (kind, servers) in kinds {
        for connections in &arguments.connections {
            for server in &servers {
                let (way, name, measured) = (server.way, server.name, Measured::default());
                let row = Row { kind, way, connections: *connections, server: name, measured };
                places.push((row, server.clone(), Vec::new()));
            }
        }
    }
    let time = Duration::from_secs_f64(arguments.seconds);
    for turn in 1..=arguments.turns {
        eprintln!("turn {turn} of {}", arguments.turns);
        for (row, server, turns) in &mut places {
            turns.push(server.measure(row.connections, time)?);
        }
    }
    let settled =
        |(row, _, turns): (Row, Server, Vec<Measured>)| Row { measured: Measured::median(&turns), ..row };
    Ok(places.into_iter().map(settled).collect())
}

impl Row {
    fn print(&self, all: &[Row]) {
        let is_first =
            |row: &Row| (row.kind, row.way, row.connections) == (self.kind, self.way, self.connections);
        if all.iter().find(|row| is_first(row)).is_some_and(|row| row.server == self.server) {
            println!("\n{}, {}, {} connections", self.kind, self.way, self.connections);
            println!(
                "  {:<18} {:>10} {:>8} {:>8} {:>8} {:>10}  by process",
                "", "requests/s", "p50 us", "p99 us", "p99.9", "CPU us"
            );
        }
        let Measured { requests_per_second, p50_us, p99_us, p999_us, cpu_us, .. } = self.measured;
        let by_process: Vec<String> = (self.measured.cpu_us_by_process.iter())
            .filter(|(_, us)| **us >= 0.05)
            .map(|(role, us)| format!("{role} {us:.1}"))
            .collect();
        println!(
            "  {:<18} {requests_per_second:>10.0} {p50_us:>8.0} {p99_us:>8.0} {p999_us:>8.0} {cpu_us:>10.1}  {}",
            self.server,
            by_process.join(", ")
        );
    }
}

/// What an answer of the service costs in answers of the others.
fn print_ratios(rows: &[Row]) {
    println!("\nprocessor time of an answer, and p99.9, as multiples of the others'");
    for row in rows.iter().filter(|row| row.server == SERVICE) {
        let other = |name: &str| {
            let same = |other: &&Row| {
                (other.kind, other.way, other.connections) == (row.kind, row.way, row.connections)
                    && other.server == name
            };
            rows.iter().find(same).map(|other| {
                let cpu = row.measured.cpu_us / other.measured.cpu_us;
                let tail = row.measured.p999_us / other.measured.p999_us;
                format!("{name}: {cpu:.2} and {tail:.2}")
            })
        };
        let ratios: Vec<String> =
            [OTHER, NGINX, NGINX_302, HYPER, ECHO].into_iter().filter_map(other).collect();
        println!("  {:<10} {:<16} {:>4}   {}", row.kind, row.way, row.connections, ratios.join("; "));
    }
}

fn draw(rows: &[Row], connections: &[usize]) -> Chart<'static> {
    let mut positions = Vec::new();
    for kind in ["metalink", "mirrorlist"] {
        positions.extend(connections.iter().map(|count| (kind, *count)));
    }
    let series = [SERVICE, NGINX, HYPER].map(|name| {
        let value = |(kind, count): &(&str, usize)| {
            let same = |row: &&Row| {
                (row.kind, row.way, row.server) == (*kind, TCP, name) && row.connections == *count
            };
            rows.iter().find(same).map(|row| row.measured.cpu_us)
        };
        Series { name: name.to_owned(), values: positions.iter().map(value).collect() }
    });
    Chart {
        title: "Processor time of an answer over TCP",
        across: "kind of answer and connections",
        up: "microseconds, all processes",
        positions: positions.iter().map(|(kind, count)| format!("{kind}, {count}")).collect(),
        series: series.into(),
    }
}
