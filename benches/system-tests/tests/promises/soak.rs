//! Everything at once, for long: reloads, kills and load; and what is left of it afterwards.

use crate::support::{
    Figures, Load, Raised, Service, alone, by_profile,
    figures::kilobytes,
    load::{ask, at_work},
    proc::{self, Holdings},
    service::Setup,
    tell, trouble, until,
};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

const WORKERS: usize = 4;

#[test]
fn promise_16_nothing_grows_however_long_it_runs() {
    let _turn = alone();
    let mut figures = Figures::of(16, "nothing grows however long it runs");
    let service = Service::start(Setup::default());
    ask(&service, 5000);
    trouble::reload(&service, 2);
    ask(&service, 5000);
    let shmem = proc::shmem();
    let before = Holdings::at_rest(&service);
    let lasts = by_profile(Duration::from_secs(40), Duration::from_secs(600));
    let (reloads, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let kept = Load::start(&service);
    let anew = Load::of(&service, 2, false);
    let samples = thread::scope(|scope| {
        scope.spawn(|| {
            let _end = Raised(&over);
            let begun = Instant::now();
            while begun.elapsed() < lasts {
                // One after the other, so that each finds a service at rest from the one before.
                service.reload();
                service.settles(WORKERS);
                reloads.fetch_add(1, Ordering::Relaxed);
                let each = by_profile(2, 2);
                trouble::kill_workers(&service, each, Duration::from_millis(50));
                kills.fetch_add(each as u64, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(200));
            }
        });
        scope.spawn(|| watch(&service, &over)).join().unwrap()
    });
    at_work(&service);
    figures.load(&kept.finish());
    figures.load(&anew.finish());
    service.settles(WORKERS);
    ask(&service, 5000);
    // The cache before the last reload is kept for ten seconds, to go back to.
    until("the end of all caches but one", || all_caches(&service).len() == 1);
    for pid in [vec![service.daemon.pid()], service.workers()].concat() {
        assert_eq!(proc::caches(pid), all_caches(&service), "process {pid}");
    }
    let after = Holdings::at_rest(&service);
    let slope = slope(&samples);
    figures.held(before, after);
    figures.reloads = reloads.load(Ordering::Relaxed);
    figures.kills = kills.load(Ordering::Relaxed);
    figures.remark(format!(
        "{} s; private memory grows by {:.1} kB a minute; shared memory {} to {} kB on the whole machine",
        lasts.as_secs(),
        slope * 60.0 / 1024.0,
        kilobytes(shmem),
        kilobytes(proc::shmem())
    ));
    figures.print();
    assert_eq!((after.workers, after.descriptors()), (before.workers, before.descriptors()));
    assert!(slope * lasts.as_secs_f64() < f64::from(4 << 20), "{slope} bytes a second");
    assert!(after.bytes() < before.bytes() + (6 << 20), "{before:?}\n{after:?}");
}

/// The private memory of all processes, each second, whenever the service is between two generations.
fn watch(service: &Service, over: &AtomicBool) -> Vec<(f64, f64)> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut told = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let held = Holdings::of(service);
        if held.workers == WORKERS {
            samples.push((begun.elapsed().as_secs_f64(), held.bytes() as f64));
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            tell(&format!("soak: {} s, {} kB", begun.elapsed().as_secs(), kilobytes(held.bytes())));
        }
        thread::sleep(Duration::from_millis(500));
    }
    // The first tenth is for warming up.
    samples.split_off(samples.len() / 10)
}

/// Bytes a second, by least squares.
pub fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (time, bytes) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let spread: f64 = samples.iter().map(|sample| (sample.0 - time).powi(2)).sum();
    let joint: f64 = samples.iter().map(|sample| (sample.0 - time) * (sample.1 - bytes)).sum();
    if spread > 0.0 { joint / spread } else { 0.0 }
}

fn all_caches(service: &Service) -> BTreeSet<String> {
    let pids = [vec![service.daemon.pid()], service.workers()].concat();
    pids.into_iter().flat_map(proc::caches).collect()
}
