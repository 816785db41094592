//! Fedora-like data from generator to answers: written, compiled and served by the built programs.

use crate::support::{load::about, programs};
use std::{process::Command, sync::atomic::AtomicBool, time::Duration};
use testkit::{
    inputs,
    load::{Plan, Target, run},
    stack::{self, Stack},
};

/// Builds such a cache, asks `requests` times about it, and expects that many right answers.
fn serve(directories: usize, requests: u64) {
    let folder = tempfile::tempdir().unwrap();
    let written = Command::new(stack::tool("synthetic-cache").unwrap())
        .args(["--directories", &directories.to_string(), "--output"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let cache = folder.path().join("cache.mlc");
    inputs::compile(&programs(), folder.path(), &cache).unwrap();
    let stack = Stack::start(&programs(), &cache, &["--workers", "2"], &["--deadline", "20"]).unwrap();
    let plan = Plan {
        target: Target::Tcp(stack.http),
        connections: 20,
        pipeline: 4,
        keep_alive: true,
        requests,
        limit: Duration::from_secs(120),
    };
    let outcome = run(&plan, &about(&cache), &AtomicBool::new(false)).unwrap();
    assert_eq!((outcome.answered, outcome.failures), (requests, Default::default()));
    stack.stop().unwrap();
}

#[test]
fn three_hundred_directories_are_compiled_and_served() {
    serve(300, 3000);
}

#[test]
fn ten_thousand_directories_are_compiled_and_served() {
    serve(10_000, 5000);
}
