//! What is done to the service while it answers: workers killed one after the other, caches loaded again and again.

use super::{PATIENCE, Service, proc, signal, until};
use nix::sys::signal::Signal;
use std::{
    thread,
    time::{Duration, Instant},
};

/// A worker that was killed: its slot, its process, and when.
struct Victim {
    slot: u32,
    pid: u32,
    killed: Instant,
}

/// Kills so many workers, one every so often, slot after slot. Returns how long each slot was empty.
pub fn kill_workers(service: &Service, kills: usize, every: Duration) -> Vec<Duration> {
    let slots = service.workers().len() as u32;
    let mut victims: Vec<Victim> = Vec::new();
    let mut empty = Vec::new();
    let (mut due, mut next) = (Instant::now(), 0);
    let end = Instant::now() + every * kills as u32 * 10 + PATIENCE;
    while empty.len() < kills {
        assert!(Instant::now() < end, "{} slots got a new worker, of {kills}", empty.len());
        let workers: Vec<(u32, u32)> =
            service.workers().into_iter().filter_map(|pid| Some((proc::slot(pid)?, pid))).collect();
        victims.retain(|victim| {
            let back = workers.iter().any(|(slot, pid)| *slot == victim.slot && *pid != victim.pid);
            if back {
                empty.push(victim.killed.elapsed());
            }
            !back
        });
        if due <= Instant::now() && empty.len() + victims.len() < kills {
            next = (next + 1) % slots;
            let alive = workers.iter().find(|(slot, pid)| *slot == next && is_not_new(*pid));
            if let Some((slot, pid)) =
                alive.filter(|(slot, _)| victims.iter().all(|other| other.slot != *slot))
                && signal(*pid, Signal::SIGKILL)
            {
                victims.push(Victim { slot: *slot, pid: *pid, killed: Instant::now() });
                due += every;
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    empty
}

/// Whether a worker has begun to answer: it has its listener in its poll, so it has been told to serve.
pub fn is_not_new(pid: u32) -> bool {
    testkit::process::cpu_ns(pid).is_ok_and(|used| used > 2_000_000)
}

/// Loads the cache so many times, one after the other; each is waited for until the old workers have gone.
pub fn reload(service: &Service, reloads: usize) {
    let workers = service.workers().len();
    for _ in 0..reloads {
        let old = service.workers();
        service.reload();
        until("the old workers' end", || {
            let now = service.workers();
            now.len() == workers && !now.iter().any(|pid| old.contains(pid))
        });
    }
}
