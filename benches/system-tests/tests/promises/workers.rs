//! Workers that are killed or stopped, and a master that is killed.

use crate::support::{
    Figures, Load, Service, alone, by_profile,
    load::{ask, at_work},
    proc::{Holdings, is_alive},
    service::Setup,
    signal,
    trouble::kill_workers,
    until,
};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

#[test]
fn promise_02_a_dead_worker_is_replaced_and_nobody_notices() {
    let _turn = alone();
    let mut figures = Figures::of(2, "a dead worker is replaced, nobody notices");
    let service = Service::start(Setup::default());
    ask(&service, 2000);
    let before = Holdings::at_rest(&service);
    let load = Load::start(&service);
    let kills = by_profile(300, 1000);
    let begun = Instant::now();
    let mut empty = kill_workers(&service, kills, Duration::from_millis(20));
    let took = begun.elapsed();
    at_work(&service);
    figures.load(&load.finish());
    service.settles(4);
    ask(&service, 2000);
    let after = Holdings::at_rest(&service);
    empty.sort();
    figures.kills += kills as u64;
    figures.held(before, after);
    figures.remark(format!(
        "one every {} ms; slot back after {} ms in the middle, {} ms at most",
        took.as_millis() / kills as u128,
        empty[kills / 2].as_millis(),
        empty[kills - 1].as_millis()
    ));
    figures.print();
    // Promised are 50 ms.
    assert!(empty[kills - 1] < Duration::from_millis(500), "{:?}", empty[kills - 1]);
    assert_eq!(service.daemon.said("going back"), 0);
}

#[test]
fn promise_10_a_stopped_worker_is_replaced_and_the_others_answer() {
    let _turn = alone();
    let mut figures = Figures::of(10, "a stopped worker is replaced, the others answer");
    let service =
        Service::start(Setup { frontend: &["--deadline", "20", "--patience", "0.25"], ..Setup::default() });
    let load = Load::start(&service);
    let mut slowest = Duration::ZERO;
    for number in 0..by_profile(2, 20) {
        let workers = service.workers();
        let victim = workers[number % workers.len()];
        signal(victim, Signal::SIGSTOP);
        let took = until("the stopped worker is gone", || !is_alive(victim));
        slowest = slowest.max(took);
        service.settles(4);
        at_work(&service);
        figures.kills += 1;
    }
    let outcome = load.finish();
    figures.load(&outcome);
    assert_eq!(service.daemon.said("silent for 5 s; killing it") as u64, figures.kills);
    figures.remark(format!("replaced after {:.1} s at most", slowest.as_secs_f64()));
    figures.print();
    // What the stopped one has is asked of another one after 250 ms.
    assert!(outcome.latency.max() < 2_500_000, "{} us", outcome.latency.max());
    // Five seconds of silence and one beat are allowed.
    assert!(slowest < Duration::from_secs(60), "{slowest:?}");
}

#[test]
fn promise_09_the_masters_death_takes_its_workers_along_and_a_restart_serves() {
    let _turn = alone();
    let mut figures = Figures::of(9, "the master's death takes its workers along, a restart serves");
    let mut service = Service::start(Setup::default());
    let load = Load::start(&service);
    let mut slowest = Duration::ZERO;
    for _ in 0..by_profile(10, 100) {
        let orphans = service.workers();
        service.daemon.signal(Signal::SIGKILL);
        slowest = slowest.max(until("the workers' end", || orphans.iter().all(|pid| !is_alive(*pid))));
        service.daemon.wait();
        assert!(service.socket().exists(), "nobody was left to remove the socket");
        service.start_daemon();
        service.daemon.says("is ready", 1);
        at_work(&service);
        figures.kills += 1;
    }
    let outcome = load.end();
    figures.load(&outcome);
    // What two dying workers had was lost with them, and said to be so.
    assert!(outcome.failures.keys().all(|what| what.contains("status 503")), "{:?}", outcome.failures);
    figures.load(&ask(&service, 2000));
    figures.remark(format!("workers gone after {} ms at most", slowest.as_millis()));
    figures.print();
    // Promised is one second.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}
