//! How long the functions take, in processor time of the thread that calls them.

use super::{ALL, Parts};
use crate::measure::median;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Rows of calls that a median is of, and calls in each.
const ROWS: usize = 101;
const CALLS: u32 = 200;

/// Processor time of a call, in microseconds.
pub fn call_us(parts: &Parts, name: &str) -> f64 {
    let [of_it] = calls_us([parts], name);
    of_it
}

/// Processor time of a call on each of these, in microseconds: the median of many short rows of calls. They take turns,
/// so that whatever slows the machine slows all of them.
pub fn calls_us<const N: usize>(parts: [&Parts; N], name: &str) -> [f64; N] {
    let make = ALL.iter().find(|function| function.0 == name).map(|function| function.1);
    let make = make.expect("the name is on the list");
    let mut calls = parts.map(make);
    let mut rows = [const { Vec::new() }; N];
    for (call, rows) in calls.iter_mut().zip(&mut rows) {
        (0..2000).for_each(|_| call());
        rows.reserve(ROWS);
    }
    for _ in 0..ROWS {
        for (call, rows) in calls.iter_mut().zip(&mut rows) {
            let before = thread_time();
            (0..CALLS).for_each(|_| call());
            rows.push((thread_time() - before).as_secs_f64() * 1e6 / f64::from(CALLS));
        }
    }
    rows.map(median)
}

fn thread_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
