//! New caches while clients ask: storms of them, clients that connect each time, clients that never go.

use crate::support::{
    Figures, Load, PATIENCE, Raised, Service, alone, by_profile,
    frames::{Client, Said},
    load::{ask, at_work},
    proc::{self, Holdings},
    service::{PATIENT, Setup},
    trouble, until,
};
use nix::sys::signal::Signal;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

#[test]
fn promise_04_a_storm_of_reloads_loses_nothing_and_leaves_nothing_behind() {
    let _turn = alone();
    let mut figures = Figures::of(4, "a storm of reloads leaves nothing behind");
    let service = Service::start(Setup::default());
    ask(&service, 2000);
    trouble::reload(&service, 1);
    ask(&service, 2000);
    until("the first cache's end", || caches(&service) == 1);
    let before = Holdings::at_rest(&service);
    let ready = service.daemon.said("is ready with");
    let load = Load::start(&service);
    let storm = by_profile(300, 3000);
    for _ in 0..storm {
        service.daemon.signal(Signal::SIGHUP);
        thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..1000 {
        service.daemon.signal(Signal::SIGHUP);
    }
    at_work(&service);
    let outcome = load.finish();
    service.settles(4);
    ask(&service, 2000);
    until("one cache, and descriptors as before", || {
        caches(&service) == 1 && Holdings::of(&service).descriptors() <= before.descriptors()
    });
    let after = Holdings::at_rest(&service);
    figures.load(&outcome).held(before, after);
    figures.reloads = (service.daemon.said("is ready with") - ready) as u64;
    figures.remark(format!("{} signals", storm + 1000));
    figures.print();
    assert_eq!(after.workers, before.workers);
    assert!(after.descriptors() == before.descriptors(), "{before:?}\n{after:?}");
    assert!(after.daemon_bytes < before.daemon_bytes + (1 << 20), "{before:?}\n{after:?}");
    assert!(after.frontend_bytes < before.frontend_bytes + (4 << 20), "{before:?}\n{after:?}");
    assert!(figures.reloads >= 3 && service.daemon.said("lost") == 0, "{}", service.daemon.log());
}

/// How many caches the daemon's processes have mapped, all together.
fn caches(service: &Service) -> usize {
    let pids = [vec![service.daemon.pid()], service.workers()].concat();
    pids.into_iter().flat_map(proc::caches).collect::<BTreeSet<_>>().len()
}

#[test]
fn promise_05_whoever_connects_for_every_request_is_never_refused() {
    let _turn = alone();
    let mut figures = Figures::of(5, "whoever connects for every request is never refused");
    let service = Service::start(Setup::default());
    let kept = Load::of(&service, 2, true);
    let anew = Load::connecting(&service);
    let over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let reloads = by_profile(100, 1000);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| connect_until(&service, &over, &answered));
        }
        let guard = Raised(&over);
        trouble::reload(&service, reloads);
        drop(guard);
    });
    at_work(&service);
    figures.load(&kept.finish());
    figures.load(&anew.finish());
    figures.reloads += reloads as u64;
    figures
        .remark(format!("{} connections to the daemon's socket besides", answered.load(Ordering::Relaxed)));
    figures.print();
    assert!(answered.load(Ordering::Relaxed) > 100);
}

/// Connects to the daemon's own socket, asks once, and goes.
fn connect_until(service: &Service, over: &AtomicBool, answered: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let mut client = Client::connect(service).unwrap();
        assert_eq!(client.answer(7).unwrap(), 200);
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn promise_06_whoever_never_closes_is_left_at_the_drain_limit() {
    let _turn = alone();
    let mut figures = Figures::of(6, "whoever never closes is left at the drain limit");
    let daemon = &["--workers", "2", "--drain-limit", "2"];
    let service = Service::start(Setup { daemon, frontend: PATIENT, ..Setup::default() });
    let load = Load::start(&service);
    let mut slowest = Duration::ZERO;
    for _ in 0..by_profile(2, 20) {
        let old = service.workers();
        // One that has heard HELLO and says nothing more, and one that has asked.
        let mut stayers: Vec<Client> = (0..8).map(|_| Client::connect(&service).unwrap()).collect();
        for (number, stayer) in stayers.iter_mut().enumerate() {
            assert!(matches!(stayer.hear().unwrap(), Some(Said::Hello(_))));
            if number % 2 == 0 {
                assert_eq!(stayer.answer(1).unwrap(), 200);
            }
        }
        service.reload();
        let begun = Instant::now();
        for stayer in &mut stayers {
            assert_eq!(stayer.hear().unwrap(), Some(Said::GoAway(String::new())));
            assert_eq!(stayer.answer(2).unwrap(), 200, "asked to go, it is answered all the same");
        }
        until("the old workers' end", || old.iter().all(|pid| !proc::is_alive(*pid)));
        slowest = slowest.max(begun.elapsed());
        figures.reloads += 1;
        at_work(&service);
    }
    figures.load(&load.finish());
    assert_eq!(service.daemon.said("still busy at the drain limit") as u64, figures.reloads);
    figures.remark(format!("gone after {:.1} s at most, 2 s allowed", slowest.as_secs_f64()));
    figures.print();
    assert!(slowest < Duration::from_secs(20) && slowest < PATIENCE, "{slowest:?}");
}
