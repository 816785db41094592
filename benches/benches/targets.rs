//! The targets of speed and memory, each beside what is measured here: a table that says whether they are met.
//!
//! On synthetic caches of 120,000 directories and 600 hosts, and of 300 and 1,000,000 where it is about size. With
//! `--real FOLDER` the routing table and GeoIP database are those of that folder. What depends on a clock is worth as
//! much as the machine is idle; processor time and memory are to be trusted. Run with
//! `cargo bench --package benches --bench targets`.

use benches::{
    contest::{Contest, HYPER, NGINX, SERVICE, TCP},
    footprint::service,
    functions::{
        Parts,
        time::{call_us, calls_us},
    },
    measure::{Measured, Server, median},
    moments::{build, reload_to_first_new_answer, start_to_first_answer},
    yardsticks::Yardstick,
};
use clap::Parser;
use std::{fs, path::Path, path::PathBuf, process::ExitCode, time::Duration};
use testkit::{
    inputs::{self, write_synthetic},
    process::system_memory,
    stack::Programs,
    synthetic::Options,
};

/// Directories of the cache that most targets are about.
const DIRECTORIES: usize = 120_000;
/// What a cache of a million directories needs while it is made.
const MEMORY_FOR_A_MILLION: u64 = 10_000_000_000;

/// Measure what the targets are about, and say which are met
#[derive(Debug, Parser)]
#[command(name = "targets", max_term_width = 100)]
struct Arguments {
    /// A folder with country.mmdb, country_continent.csv and global_netblocks.txt, or .zst
    #[arg(long, value_name = "FOLDER")]
    real: Option<PathBuf>,
    /// Turns of what is measured by the clock or under load
    #[arg(long, value_name = "N", default_value_t = 5)]
    turns: usize,
    /// Small caches, one turn: does it run at all?
    #[arg(long)]
    quick: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The table, as far as it is filled.
struct Targets {
    programs: Programs,
    quick: bool,
    turns: usize,
    missed: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: targets: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
    let turns = if arguments.quick { 1 } else { arguments.turns.max(1) };
    let mut targets = Targets { programs: Programs::build()?, quick: arguments.quick, turns, missed: 0 };
    println!("{:<66} {:>12} {:>12}", "figure", "target", "measured");
    let directories = if arguments.quick { 10_000 } else { DIRECTORIES };
    write_synthetic(&Options::new(directories), folder.path())
        .and_then(|()| arguments.real.as_deref().map_or(Ok(()), |real| put_real(real, folder.path())))
        .map_err(|error| format!("inputs: {error}"))?;
    let cache = targets.archive(folder.path())?;
    targets.stack(&cache)?;
    targets.functions(directories)?;
    targets.memory(&cache)?;
    targets.moments(&cache)?;
    println!("{} not met", targets.missed);
    Ok(())
}

/// Puts real inputs in the place of synthetic ones.
fn put_real(real: &Path, folder: &Path) -> std::io::Result<()> {
    fs::copy(real.join("country.mmdb"), folder.join(inputs::GEOIP))?;
    fs::copy(real.join("country_continent.csv"), folder.join(inputs::CONTINENTS))?;
    let (plain, packed) = (real.join("global_netblocks.txt"), real.join("global_netblocks.txt.zst"));
    if plain.exists() {
        return fs::copy(plain, folder.join(inputs::NETBLOCKS)).map(|_| ());
    }
    zstd::stream::copy_decode(fs::File::open(packed)?, fs::File::create(folder.join(inputs::NETBLOCKS))?)
}

impl Targets {
    fn row(&mut self, figure: &str, target: f64, measured: f64, unit: &str) {
        let met = measured <= target;
        self.missed += usize::from(!met);
        let shown = |value: f64| format!("{value:.*} {unit}", if value < 10.0 { 2 } else { 1 });
        let remark = if met { "" } else { "  not met" };
        println!("{figure:<66} {:>12} {:>12}{remark}", shown(target), shown(measured));
    }

    /// Builds the cache with and without what knows addresses; the one with it is for the other targets.
    fn archive(&mut self, folder: &Path) -> Result<PathBuf, String> {
        let size = |file: &Path| file.metadata().map_or(0.0, |file| file.len() as f64 / 1e6);
        let (whole, bare) = (folder.join("cache.mlc"), folder.join("bare.mlc"));
        let built = build(&self.programs, folder, &whole)?;
        let only = tempfile::tempdir_in(folder).map_err(|error| format!("folder: {error}"))?;
        fs::hard_link(folder.join(inputs::MIRRORMANAGER), only.path().join(inputs::MIRRORMANAGER))
            .map_err(|error| format!("inputs: {error}"))?;
        build(&self.programs, only.path(), &bare)?;
        self.row("archive without routing table and GeoIP", 10.0, size(&bare), "MB");
        self.row("archive with both", 10.0, size(&whole), "MB");
        self.row("build from protobuf, by the clock", 3.0, built.took.as_secs_f64(), "s");
        self.row("build from protobuf, processor time", 3.0, built.cpu_seconds, "s");
        self.row("build from protobuf, memory", 400.0, built.peak as f64 / 1e6, "MB");
        self.unfriendly(folder)?;
        Ok(whole)
    }

    /// The same where each directory has a set of hosts of its own; `folder` has the other inputs.
    fn unfriendly(&mut self, folder: &Path) -> Result<(), String> {
        let directories = if self.quick { 10_000 } else { DIRECTORIES };
        let only = tempfile::tempdir_in(folder).map_err(|error| format!("folder: {error}"))?;
        let options = Options { unfriendly: true, ..Options::new(directories) };
        write_synthetic(&options, only.path()).map_err(|error| format!("inputs: {error}"))?;
        for name in [inputs::NETBLOCKS, inputs::CONTINENTS, inputs::GEOIP] {
            fs::copy(folder.join(name), only.path().join(name))
                .map_err(|error| format!("inputs: {error}"))?;
        }
        let cache = only.path().join("cache.mlc");
        let built = build(&self.programs, only.path(), &cache)?;
        let megabytes = cache.metadata().map_or(0.0, |file| file.len() as f64 / 1e6);
        self.row("a set for each directory: archive with both", 20.0, megabytes, "MB");
        self.row("the same: build from protobuf, processor time", 4.0, built.cpu_seconds, "s");
        self.row("the same: build from protobuf, memory", 400.0, built.peak as f64 / 1e6, "MB");
        Ok(())
    }

    /// The whole stack beside nginx and hyper, in turns.
    fn stack(&mut self, cache: &Path) -> Result<(), String> {
        let yardstick = Yardstick::new(env!("CARGO_BIN_EXE_yardstick"));
        let contest = Contest::start(&self.programs, &yardstick, cache)?;
        let time = Duration::from_millis(if self.quick { 50 } else { 1500 });
        for (kind, servers) in contest.servers(false)? {
            let (most, times) = if kind == "metalink" { (30.0, 1.7) } else { (20.0, 1.3) };
            let over_tcp = |name: &str| {
                let of_name = |server: &&Server| server.way == TCP && server.name == name;
                servers.iter().find(of_name).cloned()
            };
            let ours = over_tcp(SERVICE).ok_or("the service does not take part")?;
            // Without nginx the service is measured alone.
            let beside_nginx: Vec<Server> =
                [Some(ours.clone()), over_tcp(NGINX)].into_iter().flatten().collect();
            let costs = self.costs(&beside_nginx, time)?;
            self.row(
                &format!("{kind}, 100 connections: processor time of both programs"),
                most,
                costs[0],
                "us",
            );
            if let [ours, nginx] = costs[..] {
                let figure = format!("the same, times that of nginx with a file ({nginx:.1} us)");
                self.row(&figure, times, ours / nginx, "x");
            }
            let beside_hyper = [ours, over_tcp(HYPER).ok_or("hyper does not take part")?];
            if let [ours, hyper] = &self.in_turns(&beside_hyper, 400, time)?[..] {
                let (ours, hyper) = (ours.p999_us, hyper.p999_us);
                let figure =
                    format!("{kind}, 400 connections: p99.9 ({ours:.0} us), times that of bare hyper");
                self.row(&figure, 2.0, ours / hyper, "x");
            }
        }
        self.redirects(&contest, time)?;
        self.forms(&contest, time)
    }

    /// A path of the redirector beside nginx's own redirect, in turns.
    fn redirects(&mut self, contest: &Contest, time: Duration) -> Result<(), String> {
        for server in contest.redirects(true)? {
            server.measure(4, time / 10)?;
        }
        if let [ours, nginx] = self.costs(&contest.redirects(false)?, time)?[..] {
            let figure =
                format!("redirect, 100 connections ({ours:.1} us), times nginx's return 302 ({nginx:.1})");
            self.row(&figure, 2.2, ours / nginx, "x");
        }
        Ok(())
    }

    /// The page and the JSON object of lists beside the lists, in turns.
    fn forms(&mut self, contest: &Contest, time: Duration) -> Result<(), String> {
        let servers = contest.forms()?;
        let costs = self.costs(&servers, time)?;
        for (server, cost) in servers.iter().zip(&costs).skip(1) {
            let (name, list) = (server.name, costs[0]);
            let figure =
                format!("{name}, 100 connections ({cost:.1} us), times the same mirrorlist ({list:.1})");
            self.row(&figure, 4.0, cost / list, "x");
        }
        Ok(())
    }

    /// What an answer costs each at 100 connections, asked in turns: medians of the processor time, in microseconds.
    fn costs(&self, servers: &[Server], time: Duration) -> Result<Vec<f64>, String> {
        Ok(self.in_turns(servers, 100, time)?.iter().map(|measured| measured.cpu_us).collect())
    }

    /// Puts load on each in turns, so that what slows the machine slows all of them; of each figure the median.
    fn in_turns(
        &self,
        servers: &[Server],
        connections: usize,
        time: Duration,
    ) -> Result<Vec<Measured>, String> {
        let mut turns: Vec<Vec<Measured>> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.turns {
            for (server, turns) in servers.iter().zip(&mut turns) {
                turns.push(server.measure(connections, time)?);
            }
        }
        Ok(turns.iter().map(|turns| Measured::median(turns)).collect())
    }

    /// What workers do without system calls.
    fn functions(&mut self, directories: usize) -> Result<(), String> {
        const METALINK: &str = "answer a metalink of 200 URLs";
        const LIST: &str = "answer a mirrorlist of up to 100 hosts";
        const HIT: &str = "answer a mirrorlist of 5 hosts or more";
        let parts = Parts::synthetic(&Options::new(directories))?;
        let hit = call_us(&parts, HIT);
        self.row(METALINK, 7.0, call_us(&parts, METALINK), "us");
        self.row(LIST, 3.0, call_us(&parts, LIST), "us");
        for name in ["refuse an unknown path", "refuse an unknown repository", "refuse a disabled repository"]
        {
            self.row(&format!("{name}, against a usual mirrorlist"), hit, call_us(&parts, name), "us");
        }
        let small = Parts::synthetic(&Options::new(300))?;
        let times = |larger: &Parts, name| {
            let [larger, small] = calls_us([larger, &small], name);
            larger / small
        };
        self.row("metalink: 120,000 directories against 300", 1.2, times(&parts, METALINK), "x");
        self.row("mirrorlist: 120,000 directories against 300", 1.2, times(&parts, LIST), "x");
        drop(parts);
        let available = system_memory("MemAvailable:").unwrap_or(0);
        if self.quick || available < MEMORY_FOR_A_MILLION {
            println!(
                "1,000,000 directories against 300: not measured (quick, or less than 10 GB of memory are free)"
            );
            return Ok(());
        }
        let large = Parts::synthetic(&Options::new(1_000_000))?;
        self.row("metalink: 1,000,000 directories against 300", 1.5, times(&large, METALINK), "x");
        self.row("mirrorlist: 1,000,000 directories against 300", 1.5, times(&large, LIST), "x");
        Ok(())
    }

    fn memory(&mut self, cache: &Path) -> Result<(), String> {
        let requests = if self.quick { 1000 } else { 40_000 };
        let four = service(&self.programs, cache, 4, requests)?;
        let more = service(&self.programs, cache, 16, requests)?;
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let kb = |bytes: u64| bytes as f64 / 1024.0;
        let all = four.all;
        self.row(
            "memory of the service, 4 workers, beyond the archive",
            8.0,
            mb(all.memory() - all.archive),
            "MB",
        );
        self.row("memory of the service, 4 workers", 24.0, mb(all.memory()), "MB");
        let one_more = more.all.memory().saturating_sub(all.memory()) / 12;
        self.row("one more worker: private memory and page tables", 256.0, kb(one_more), "kB");
        self.row("a worker before any request: private memory", 128.0, kb(four.idle_workers.uss / 4), "kB");
        Ok(())
    }

    fn moments(&mut self, cache: &Path) -> Result<(), String> {
        let ms = |measure: &dyn Fn() -> Result<Duration, String>| -> Result<f64, String> {
            let all: Result<Vec<Duration>, String> = (0..self.turns).map(|_| measure()).collect();
            Ok(median(all?.into_iter().map(|took| took.as_secs_f64() * 1e3)))
        };
        let start = ms(&|| start_to_first_answer(&self.programs, cache))?;
        let reload = ms(&|| reload_to_first_new_answer(&self.programs, cache))?;
        self.row("start of both programs to the first answer", 100.0, start, "ms");
        self.row("reload to the first new answer", 100.0, reload, "ms");
        Ok(())
    }
}
