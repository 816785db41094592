//! What it costs that all workers take connections from one listener: which worker answers is chance, so a front end
//! connects until each of its threads has met all of them.

use crate::support::{programs, sample_cache};
use daemon::control::{Status, Worker};
use nix::sys::signal::Signal;
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::stack::Running;
use wire::Counter;

/// How long it may take; only what has failed takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a front end waits between two tries: without a new connection for so long, it looks for no worker.
const QUIET: Duration = Duration::from_millis(1200);

/// Daemon and front end, and how many connections have been made so far.
struct Service {
    _frontend: Running,
    daemon: Running,
    folder: TempDir,
    threads: usize,
    /// Sockets that a worker has before anybody connects.
    own: usize,
    connections: u64,
}

/// What it took until every thread had a link to every worker.
#[derive(Clone, Copy, Debug)]
struct Cost {
    connections: u64,
    took: Duration,
}

impl Service {
    /// Starts both, the front end last, and waits until it is connected.
    fn start(workers: usize, threads: usize) -> (Service, Cost) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let mut daemon = Command::new(programs().daemon);
        daemon.arg("--cache").arg(sample_cache()).arg("--socket").arg(&socket);
        let mut daemon = Running::start(daemon.args(["--workers", &workers.to_string()])).unwrap();
        daemon.expect("is ready").unwrap();
        let own = sockets(&status(&control(&folder)).workers[0]);
        let begun = Instant::now();
        let mut frontend = Command::new(programs().frontend);
        frontend.arg("--daemon").arg(&socket).args(["--listen", "127.0.0.1:0"]);
        let frontend = Running::start(frontend.args(["--threads", &threads.to_string()])).unwrap();
        let mut service = Service { _frontend: frontend, daemon, folder, threads, own, connections: 0 };
        let cost = service.connected(1, begun);
        (service, cost)
    }

    /// Reloads once, and waits until the front end is connected to the new workers.
    fn reload(&mut self, generation: u64) -> Cost {
        self.daemon.signal(Signal::SIGHUP).unwrap();
        self.daemon.expect(&format!("generation {generation} is ready")).unwrap();
        self.connected(generation, Instant::now())
    }

    fn connected(&mut self, generation: u64, begun: Instant) -> Cost {
        let (mut connections, mut last) = (self.connections, begun);
        loop {
            let status = status(&control(&self.folder));
            let now = Instant::now();
            assert!(now < begun + PATIENCE, "not every thread has met every worker: {status:?}");
            let made = status.counter(Counter::Connections);
            if made != connections {
                (connections, last) = (made, now);
            }
            let has_links = |worker: &Worker| sockets(worker) == self.own + self.threads;
            let mut workers = status.workers.iter().filter(|worker| worker.generation == generation);
            if now > last + QUIET && workers.all(has_links) {
                let cost = Cost { connections: connections - self.connections, took: last - begun };
                self.connections = connections;
                return cost;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn control(folder: &TempDir) -> PathBuf {
    folder.path().join("control")
}

fn status(control: &PathBuf) -> Status {
    let mut stream = UnixStream::connect(control).unwrap();
    stream.write_all(b"status\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn sockets(worker: &Worker) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", worker.pid)).unwrap();
    let names = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
    names.filter(|name| name.to_string_lossy().starts_with("socket:")).count()
}

#[test]
fn every_thread_has_a_link_to_every_worker_after_a_start_and_after_each_reload() {
    let (mut service, cost) = Service::start(4, 3);
    assert!(cost.connections >= 12, "{cost:?}");
    for generation in 2..=4 {
        let cost = service.reload(generation);
        assert!(cost.connections >= 12, "{cost:?}");
    }
}

/// The table in daemon/README.md.
#[test]
#[ignore = "prints figures that depend on the machine, and judges nothing"]
fn figures_of_accepting() {
    const ROUNDS: usize = 5;
    println!("| workers | threads | links | connections at start | ms | connections at reload | ms |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (workers, threads) in [(2, 2), (4, 2), (8, 2), (16, 2), (32, 2), (4, 4), (16, 8)] {
        let costs = (0..ROUNDS).map(|_| {
            let (mut service, start) = Service::start(workers, threads);
            (start, service.reload(2))
        });
        let (start, reload): (Vec<Cost>, Vec<Cost>) = costs.unzip();
        let (start, reload) = (told(start), told(reload));
        println!("| {workers} | {threads} | {} | {start} | {reload} |", workers * threads);
    }
}

/// The median, and the most in brackets.
fn told(costs: Vec<Cost>) -> String {
    let of = |mut values: Vec<u128>| {
        values.sort_unstable();
        format!("{} ({})", values[values.len() / 2], values[values.len() - 1])
    };
    let connections = of(costs.iter().map(|cost| u128::from(cost.connections)).collect());
    format!("{connections} | {}", of(costs.iter().map(|cost| cost.took.as_millis()).collect()))
}
