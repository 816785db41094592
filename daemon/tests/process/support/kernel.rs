//! Kernels and containers that lack something: programs run under a filter of their own.

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};
use std::{env::consts::ARCH, thread};

/// System calls, each with the arguments that are meant; all if there are none.
pub type Calls = Vec<(i64, Vec<SeccompRule>)>;

/// Runs `start` where these calls meet with `verdict`, for it and all processes that it starts.
pub fn where_calls_meet<T: Send>(
    calls: Calls,
    verdict: SeccompAction,
    start: impl FnOnce() -> T + Send,
) -> T {
    let filter = SeccompFilter::new(
        calls.into_iter().collect(),
        SeccompAction::Allow,
        verdict,
        ARCH.try_into().unwrap(),
    );
    let filter = BpfProgram::try_from(filter.unwrap()).unwrap();
    // Filters are the thread's, and cannot be taken off.
    let thread = || {
        apply_filter(&filter).unwrap();
        start()
    };
    thread::scope(|scope| scope.spawn(thread).join().unwrap())
}

/// A kernel without these calls.
pub fn without<T: Send>(calls: &[i64], start: impl FnOnce() -> T + Send) -> T {
    let calls = calls.iter().map(|call| (*call, Vec::new())).collect();
    where_calls_meet(calls, SeccompAction::Errno(libc::ENOSYS as u32), start)
}
