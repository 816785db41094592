//! MirrorManager's own test, `ab -n 5000 -c N`, and 50,000 requests within a minute through twelve front ends.
//!
//! `ab` asks for one metalink, as near to the 64 kB of that test as the cache has one, for an unknown client, on a connection for each
//! request: the front end, nginx in front of it, and beside them nginx with a file and bare hyper with a constant of that size.
//! All take turns, and of each figure the median counts. Then real requests, each on a connection of its own and each answer
//! checked, go to twelve front ends of one daemon at once. `cargo bench --package benches --bench classic`.

use answer::rules::Rules;
use benches::{
    ab::{self, Run},
    beginning::{Beginning, FEW, MANY},
    machine::Machine,
    measure::median,
    yardsticks::{
        Yardstick,
        nginx::{self, Nginx},
    },
};
use cache::{CacheBytes, View};
use clap::Parser;
use serde::Serialize;
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};
use testkit::{
    load::{
        self, Outcome, Plan, Target,
        questions::{Kind, Question, of_size, questions},
    },
    process::cpu_ns,
    stack::{Programs, Running, Stack},
};

/// Bytes of the metalink, and the daemon's `--minimum`, so that there are so large ones.
const BYTES: usize = 64_000;
const MINIMUM: usize = 1000;
/// Of how many requests one of that size is taken.
const LOOKED_AT: usize = 20_000;
/// How long the requests of all front ends may take, and how many connections each has at a time.
const MINUTE: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 10;

/// Ask as MirrorManager's own test does, and through many front ends at once
#[derive(Debug, Parser)]
#[command(name = "classic", max_term_width = 100)]
struct Arguments {
    /// The cache file; a synthetic one of 120,000 directories if there is none
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Requests of a run of ab
    #[arg(long, value_name = "N", default_value_t = 5000)]
    requests: u32,
    /// Connections at a time
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [10, 100, 200, 400])]
    concurrency: Vec<u32>,
    /// Turns of each
    #[arg(long, value_name = "N", default_value_t = 3)]
    turns: usize,
    /// Front ends of one daemon, and requests to all of them
    #[arg(long, value_name = "N", default_value_t = 12)]
    front_ends: usize,
    /// Requests to all front ends
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    through_all: u64,
    /// One short turn on a small cache: does it run at all?
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    turns: usize,
    rows: Vec<Row>,
}

/// A line of the table.
#[derive(Serialize)]
struct Row {
    server: &'static str,
    requests: u64,
    connections: usize,
    /// Of an answer.
    bytes: f64,
    requests_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    /// Processor time of an answer, of all processes.
    cpu_us: f64,
}

/// Who is asked by ab.
struct Place {
    name: &'static str,
    address: SocketAddr,
    target: String,
    processes: Vec<(&'static str, u32)>,
    /// By number of connections: what each turn came to, and the processor time of an answer in microseconds.
    turns: Vec<Vec<(Run, f64)>>,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.requests, arguments.concurrency, arguments.turns) = (500, vec![10], 1);
        arguments.through_all = 5000;
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: classic: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let begun = Beginning::on(arguments.cache.as_deref(), if arguments.quick { FEW } else { MANY })?;
    let options = ["--workers", "4", "--minimum", &MINIMUM.to_string()];
    let stack = Stack::start(&begun.programs, &begun.cache, &options, &[])?;
    let bytes = CacheBytes::read(&begun.cache).map_err(|error| format!("cache: {error}"))?;
    let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;

    println!(
        "{:<38} {:>5} {:>10} {:>7} {:>7} {:>9} {:>8}",
        "", "at", "requests/s", "p50 ms", "p99 ms", "longest", "CPU us"
    );
    let mut rows = Vec::new();
    if ab::is_installed() {
        rows = by_ab(arguments, &stack, view, begun.folder.path())?;
    } else {
        eprintln!("ab is not installed (apt-get install apache2-utils): its rows are left out");
    }
    rows.push(through_all(arguments, &begun.programs, &stack, &view)?);
    if let Some(file) = &arguments.json {
        let report = Report { machine: Machine::this(), turns: arguments.turns, rows };
        let text = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
        fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// The rows of ab.
fn by_ab(arguments: &Arguments, stack: &Stack, view: View<'_>, folder: &Path) -> Result<Vec<Row>, String> {
    let failed = |error: io::Error| format!("processes: {error}");
    let question = metalink(view)?;
    // As large as ours comes to, which is not 64,000 to the byte.
    let first = ab::run(stack.http, &question.target, 10, 1)?;
    let size = first.bytes as usize;
    let none_so_large = if size < BYTES - BYTES / 10 {
        format!(" (of some {BYTES}, as that test has, the cache has none)")
    } else {
        String::new()
    };
    println!("ab, a metalink of {size} bytes{none_so_large}, {} requests", arguments.requests);
    let subfolder = |name: &str| {
        let path = folder.join(name);
        fs::create_dir(&path).map(|()| path).map_err(|error| format!("folder: {error}"))
    };
    let place = |name, address, target: &str, processes| {
        let turns = arguments.concurrency.iter().map(|_| Vec::new()).collect();
        Place { name, address, target: target.to_owned(), processes, turns }
    };
    let ours = stack.processes().map_err(failed)?;
    let mut places =
        vec![place("mirrorlist-http and mirrorlistd", stack.http, &question.target, ours.clone())];
    let (mut front, mut files) = (None, None);
    if nginx::is_installed() {
        let front = front.insert(Nginx::in_front_of(&subfolder("front")?, stack.http)?);
        let all = [front.processes().map_err(failed)?, ours].concat();
        places.push(place("nginx in front of them", front.address, &question.target, all));
        let root = subfolder("files")?;
        fs::write(root.join("metalink"), vec![b'x'; size]).map_err(failed)?;
        let files = files.insert(Nginx::start(&root)?);
        places.push(place("nginx, a file", files.address, "/metalink", files.processes().map_err(failed)?));
    } else {
        eprintln!("nginx is not installed (apt-get install nginx-light): its rows are left out");
    }
    let hyper = Yardstick::new(env!("CARGO_BIN_EXE_yardstick")).http(&subfolder("hyper")?, size)?;
    let address = hyper.address.ok_or("hyper: no address")?;
    places.push(place("hyper, a constant", address, "/", vec![("hyper", hyper.running.pid())]));

    for turn in 0..=arguments.turns {
        for (at, concurrency) in arguments.concurrency.iter().enumerate() {
            for place in &mut places {
                let before = spent(&place.processes)?;
                let run = ab::run(place.address, &place.target, arguments.requests, *concurrency)?;
                let us = (spent(&place.processes)? - before) as f64 / 1000.0 / f64::from(arguments.requests);
                // The first one makes warm.
                if turn > 0 {
                    place.turns[at].push((run, us));
                }
            }
        }
    }
    let mut rows = Vec::new();
    for (at, concurrency) in arguments.concurrency.iter().enumerate() {
        for place in &places {
            let of = |figure: fn(&(Run, f64)) -> f64| median(place.turns[at].iter().map(figure));
            rows.push(Row {
                server: place.name,
                requests: arguments.requests.into(),
                connections: *concurrency as usize,
                bytes: of(|turn| turn.0.bytes),
                requests_per_second: of(|turn| turn.0.per_second),
                p50_ms: of(|turn| turn.0.p50_ms),
                p99_ms: of(|turn| turn.0.p99_ms),
                longest_ms: of(|turn| turn.0.longest_ms),
                cpu_us: of(|turn| turn.1),
            });
        }
    }
    rows.iter().for_each(Row::print);
    Ok(rows)
}

/// A metalink of the size for a client of whom nothing is known; the largest if there is none of it.
fn metalink(view: View<'_>) -> Result<Question, String> {
    let rules = Rules { minimum: MINIMUM, ..Rules::default() };
    let asked = questions(&view, Kind::Metalink, LOOKED_AT, 1).into_iter();
    let asked: Vec<Question> =
        asked.map(|question| Question { client: Ipv4Addr::LOCALHOST.into(), ..question }).collect();
    let sizes = (1..=10).rev().map(|tenths| BYTES * tenths / 10);
    let found = sizes.map(|size| of_size(view, rules, asked.clone(), size)).find(|found| !found.is_empty());
    found.and_then(|mut found| found.pop()).ok_or_else(|| "no metalink in this cache".into())
}

/// The row of all front ends.
fn through_all(
    arguments: &Arguments,
    programs: &Programs,
    stack: &Stack,
    view: &View<'_>,
) -> Result<Row, String> {
    let count = arguments.front_ends.max(1);
    let mut addresses = vec![stack.http];
    let mut others = Vec::new();
    for _ in 1..count {
        let mut command = Command::new(&programs.frontend);
        let mut other =
            Running::start(command.arg("--daemon").arg(&stack.socket).args(["--listen", "127.0.0.1:0"]))?;
        let said = other.expect("listening on ")?;
        let address = said.rsplit("listening on ").next().and_then(|address| address.trim().parse().ok());
        addresses.push(address.ok_or_else(|| format!("front end: no address in `{said}`"))?);
        others.push(other);
    }
    let mut processes = stack.processes().map_err(|error| format!("processes: {error}"))?;
    processes.extend(others.iter().map(|other| ("front end", other.pid())));
    let each = arguments.through_all.div_ceil(count as u64);
    let asked: Vec<Vec<Question>> =
        (0..count as u64).map(|number| questions(view, Kind::Mix, 5000, number)).collect();
    let before = spent(&processes)?;
    let started = Instant::now();
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let running: Vec<_> = addresses
            .iter()
            .zip(&asked)
            .map(|(address, asked)| {
                let plan = Plan {
                    target: Target::Tcp(*address),
                    connections: CONNECTIONS,
                    pipeline: 1,
                    keep_alive: false,
                    requests: each,
                    limit: MINUTE,
                };
                scope.spawn(move || load::run(&plan, asked, &AtomicBool::new(false)))
            })
            .collect();
        let ended =
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(io::Error::other("panicked"))));
        ended.collect::<Result<_, _>>()
    })
    .map_err(|error| format!("load: {error}"))?;
    let took = started.elapsed();
    let us = (spent(&processes)? - before) as f64 / 1000.0;
    let answered: u64 = outcomes.iter().map(|outcome| outcome.answered).sum();
    let failed: u64 = outcomes.iter().map(Outcome::failed).sum();
    let mut waits = outcomes[0].latency.clone();
    for outcome in &outcomes[1..] {
        waits.add(&outcome.latency).map_err(|error| format!("waits: {error:?}"))?;
    }
    let ms = |quantile| waits.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{answered} real requests through {count} front ends in {:.1} s, {failed} failed",
        took.as_secs_f64()
    );
    let row = Row {
        server: "mirrorlist-http, each, and mirrorlistd",
        requests: answered,
        connections: count * CONNECTIONS,
        bytes: outcomes.iter().map(|outcome| outcome.bytes).sum::<u64>() as f64 / answered as f64,
        requests_per_second: answered as f64 / took.as_secs_f64(),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        longest_ms: ms(1.0),
        cpu_us: us / answered as f64,
    };
    row.print();
    if failed > 0 || answered < arguments.through_all {
        return Err(format!(
            "not all were answered within {MINUTE:?}: {:?}",
            outcomes.iter().map(|one| &one.failures).collect::<Vec<_>>()
        ));
    }
    Ok(row)
}

impl Row {
    fn print(&self) {
        let Row { server, connections, requests_per_second, p50_ms, p99_ms, longest_ms, cpu_us, .. } = self;
        println!(
            "{server:<38} {connections:>5} {requests_per_second:>10.0} {p50_ms:>7.1} {p99_ms:>7.1} {longest_ms:>9.1} {cpu_us:>8.1}"
        );
    }
}

/// Processor time of processes so far, in nanoseconds.
fn spent(processes: &[(&'static str, u32)]) -> Result<u64, String> {
    let spent = processes.iter().map(|(_, pid)| cpu_ns(*pid)).sum::<io::Result<u64>>();
    spent.map_err(|error| format!("processes: {error}"))
}
