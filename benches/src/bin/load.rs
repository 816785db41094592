//! Load on the service, every answer checked: requests a second, latency, and what each process of the service cost.

use answer::rules::Rules;
use benches::beginning::{Beginning, FEW};
use cache::{CacheBytes, View};
use clap::Parser;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, sync::atomic::AtomicBool, time::Duration};
use testkit::{
    load::{
        Outcome, Plan, Target,
        questions::{Kind, of_size, questions},
        run,
    },
    process::{Memory, cpu_ns},
    stack::Stack,
};

/// Start daemon and front end on a cache, ask them, and print what each answer cost
#[derive(Debug, Parser)]
#[command(name = "load", version, max_term_width = 100)]
struct Arguments {
    /// The cache file; a synthetic one of 10,000 directories if there is none
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 100)]
    connections: usize,
    /// Requests in all
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    requests: u64,
    /// Requests on a connection without waiting for answers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pipeline: usize,
    /// A new connection for every request
    #[arg(long)]
    no_keep_alive: bool,
    /// What is asked for
    #[arg(long, value_name = "KIND", value_enum, default_value = "mix")]
    kind: Kind,
    /// Workers of the daemon
    #[arg(long, value_name = "N", default_value_t = 4)]
    workers: usize,
    /// Ask only what is answered with about so many bytes
    #[arg(long, value_name = "N")]
    bytes: Option<usize>,
    /// The daemon's --minimum; 100 makes large answers
    #[arg(long, value_name = "N", default_value_t = 5)]
    minimum: usize,
    /// End after so many seconds at the latest
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    requests: u64,
    failed: u64,
    failures: Vec<String>,
    seconds: f64,
    requests_per_second: f64,
    bytes_per_answer: f64,
    p50_us: u64,
    p99_us: u64,
    p999_us: u64,
    longest_us: u64,
    cpu_us_per_request: f64,
    processes: Vec<Process>,
    /// The cache file, resident or not.
    archive_bytes: u64,
    /// Private memory and page tables of all processes, and the whole archive.
    memory_bytes: u64,
    /// Proportional set sizes of all processes: counts touched pages of the archive only.
    pss_bytes: u64,
}

#[derive(Serialize)]
struct Process {
    role: &'static str,
    pid: u32,
    cpu_us_per_request: f64,
    uss_bytes: u64,
    pss_bytes: u64,
    page_table_bytes: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(report) => {
            print(&report, arguments.json);
            if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Report, String> {
    let begun = Beginning::on(arguments.cache.as_deref(), FEW)?;
    let bytes = CacheBytes::read(&begun.cache).map_err(|error| format!("cache: {error}"))?;
    let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;
    let asked = match arguments.bytes {
        None => questions(&view, arguments.kind, 8192, 1),
        Some(bytes) => {
            let rules = Rules { minimum: arguments.minimum, ..Rules::default() };
            of_size(view, rules, questions(&view, arguments.kind, 65_536, 1), bytes)
        }
    };
    if asked.is_empty() {
        return Err("no request about this cache has such an answer; try another --bytes or --minimum".into());
    }
    let (workers, minimum) = (arguments.workers.to_string(), arguments.minimum.to_string());
    let options = ["--workers", &workers, "--minimum", &minimum];
    let stack = Stack::start(&begun.programs, &begun.cache, &options, &[])?;
    let plan = Plan {
        target: Target::Tcp(stack.http),
        connections: arguments.connections,
        pipeline: arguments.pipeline,
        keep_alive: !arguments.no_keep_alive,
        requests: arguments.requests,
        limit: Duration::from_secs(arguments.limit),
    };
    // Connections are made and pages touched before the clock runs.
    let warm_up = Plan { requests: (arguments.requests / 10).max(1), ..plan.clone() };
    let stop = AtomicBool::new(false);
    run(&warm_up, &asked, &stop).map_err(|error| error.to_string())?;
    let processes = stack.processes().map_err(|error| error.to_string())?;
    let cpu = |pid| cpu_ns(pid).map_err(|error| format!("process {pid}: {error}"));
    let before: Vec<u64> = processes.iter().map(|(_, pid)| cpu(*pid)).collect::<Result<_, _>>()?;
    let outcome = run(&plan, &asked, &stop).map_err(|error| error.to_string())?;
    let count = (outcome.answered + outcome.failed()).max(1) as f64;
    let mut rows = Vec::new();
    for ((role, pid), before) in processes.iter().zip(before) {
        let memory = Memory::of(*pid).map_err(|error| format!("process {pid}: {error}"))?;
        rows.push(Process {
            role,
            pid: *pid,
            cpu_us_per_request: cpu(*pid)?.saturating_sub(before) as f64 / 1000.0 / count,
            uss_bytes: memory.uss,
            pss_bytes: memory.pss,
            page_table_bytes: memory.page_tables,
        });
    }
    stack.stop()?;
    Ok(report(&outcome, rows, bytes.len() as u64))
}

fn report(outcome: &Outcome, processes: Vec<Process>, archive: u64) -> Report {
    let count = outcome.answered + outcome.failed();
    let seconds = outcome.took.as_secs_f64();
    let at = |quantile| outcome.latency.value_at_quantile(quantile);
    Report {
        requests: count,
        failed: outcome.failed(),
        failures: outcome.failures.iter().take(10).map(|(what, times)| format!("{times} x {what}")).collect(),
        seconds,
        requests_per_second: count as f64 / seconds,
        bytes_per_answer: outcome.bytes as f64 / outcome.answered.max(1) as f64,
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
        longest_us: outcome.latency.max(),
        cpu_us_per_request: processes.iter().map(|process| process.cpu_us_per_request).sum(),
        archive_bytes: archive,
        memory_bytes: archive
            + processes.iter().map(|process| process.uss_bytes + process.page_table_bytes).sum::<u64>(),
        pss_bytes: processes.iter().map(|process| process.pss_bytes).sum(),
        processes,
    }
}

fn print(report: &Report, json: bool) {
    if json {
        // Numbers and strings always serialize.
        println!("{}", serde_json::to_string_pretty(report).unwrap_or_default());
        return;
    }
    println!(
        "{} requests, {} failed, {:.1} s, {:.0} requests/s, {:.0} bytes an answer",
        report.requests, report.failed, report.seconds, report.requests_per_second, report.bytes_per_answer
    );
    println!(
        "latency: median {} us, 99 % {} us, 99.9 % {} us, longest {} us",
        report.p50_us, report.p99_us, report.p999_us, report.longest_us
    );
    println!(
        "{:<10} {:>8} {:>14} {:>10} {:>10} {:>12}",
        "process", "pid", "CPU us/request", "USS kB", "PSS kB", "page tbl kB"
    );
    for row in &report.processes {
        println!(
            "{:<10} {:>8} {:>14.2} {:>10} {:>10} {:>12}",
            row.role,
            row.pid,
            row.cpu_us_per_request,
            row.uss_bytes / 1024,
            row.pss_bytes / 1024,
            row.page_table_bytes / 1024
        );
    }
    println!("CPU of all: {:.2} us a request", report.cpu_us_per_request);
    println!(
        "memory of all: {:.1} MB (private memory, page tables, and the whole archive of {:.1} MB); PSS {:.1} MB",
        report.memory_bytes as f64 / 1e6,
        report.archive_bytes as f64 / 1e6,
        report.pss_bytes as f64 / 1e6
    );
    for failure in &report.failures {
        println!("failed: {failure}");
    }
}
