//! A new cache whose workers die at their start.

use crate::support::{
    Figures, Load, PATIENCE, Service, alone, load::at_work, proc, service::Setup, signal, until,
};
use nix::sys::signal::Signal;
use std::time::Instant;
use testkit::stack::children;

/// New caches that must have been given up before the promise counts as kept.
const ATTEMPTS: usize = 3;

/// What is said when the process that reads a cache is killed.
const READER_LOST: &str = "the process that read it was lost";

#[test]
fn promise_03_workers_of_a_new_cache_that_die_at_their_start_are_rolled_back() {
    let _turn = alone();
    let mut figures = Figures::of(3, "workers that die at their start are rolled back");
    let service = Service::start(Setup::default());
    let load = Load::start(&service);
    let mut won = 0;
    while won < ATTEMPTS {
        let current = service.daemon.said("is ready with");
        let given_up = service.daemon.said("its workers keep failing; keeping generation");
        let readers_lost = service.daemon.said(READER_LOST);
        let old = service.workers();
        service.daemon.signal(Signal::SIGHUP);
        let end = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < end, "{}", service.daemon.log());
            if service.daemon.said("its workers keep failing; keeping generation") > given_up {
                won += 1;
                assert!(old.iter().all(|pid| proc::is_alive(*pid)), "the old workers are gone");
                break;
            }
            if service.daemon.said(READER_LOST) > readers_lost {
                // Taken for a worker before it had its name.
                break;
            }
            if service.daemon.said("is ready with") > current {
                // Faster than this test: no start has failed, and another cache is tried.
                figures.reloads += 1;
                service.settles(old.len());
                break;
            }
            figures.kills += kill_unborn(&service, &old, current);
        }
        at_work(&service);
    }
    figures.load(&load.finish());
    service.reload();
    service.settles(4);
    figures.reloads += 1;
    figures.remark(format!("{ATTEMPTS} generations given up"));
    figures.print();
}

/// Kills workers that are about to start, as a fault of their own would, while the master looks away: it must find them
/// dead before it can find them ready. Nothing is killed when the new generation serves already.
fn kill_unborn(service: &Service, old: &[u32], generations: usize) -> u64 {
    let master = service.daemon.pid();
    let is_new =
        |pid: &u32| !old.contains(pid) && proc::is_alive(*pid) && proc::name(*pid) != "mirrorlistd/new";
    let new = || children(master).unwrap().into_iter().filter(is_new);
    if new().next().is_none() {
        return 0;
    }
    signal(master, Signal::SIGSTOP);
    until("the master stands still", || proc::state(master) == Some('T'));
    let mut killed = 0;
    if service.daemon.said("is ready with") == generations {
        for pid in new() {
            killed += u64::from(signal(pid, Signal::SIGABRT));
            until("a worker's end", || !proc::is_alive(pid));
        }
    }
    signal(master, Signal::SIGCONT);
    killed
}
