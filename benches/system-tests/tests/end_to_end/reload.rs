//! New data while clients ask: every answer is right, before, during and after.

use crate::support::{Client, Load, load::wait_until_at_work, programs, sample_cache, wait_until, workers};
use nix::sys::signal::Signal;
use prost::Message as _;
use std::{fs, path::Path};
use testkit::{inputs, load::Target, sample, stack::Stack, synthetic::SOURCE_TIME};

const LIST_WITH_TIME: &str = "/mirrorlist?repo=fedora-42&arch=x86_64&time";

/// Builds the sample as of so many seconds later over `cache`.
fn build_later(cache: &Path, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    sample::write(folder.path()).unwrap();
    let mut newer = sample::mirror_list();
    newer.time = Some(SOURCE_TIME + seconds);
    fs::write(folder.path().join(inputs::MIRRORMANAGER), newer.encode_to_vec()).unwrap();
    inputs::compile(&programs(), folder.path(), cache).unwrap();
}

fn time_line(stack: &Stack) -> String {
    let answer = Client::connect(stack.http).get(LIST_WITH_TIME);
    answer.body.lines().nth(1).unwrap_or_default().to_owned()
}

fn expected_line(seconds: u64) -> String {
    format!("# database creation time: {}", SOURCE_TIME + seconds)
}

#[test]
fn reloads_under_load_cost_no_answer_and_bring_the_new_data() {
    const RELOADS: u64 = 10;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.mlc");
    build_later(&cache, 0);
    let mut stack = Stack::start(&programs(), &cache, &["--workers", "2"], &["--deadline", "20"]).unwrap();
    assert_eq!(time_line(&stack), expected_line(0));
    let kept = Load::start(Target::Tcp(stack.http), sample_cache(), true);
    let anew = Load::start(Target::Tcp(stack.http), sample_cache(), false);
    for reload in 1..=RELOADS {
        let old = workers(&stack);
        wait_until_at_work(old[0]);
        build_later(&cache, reload);
        stack.daemon.signal(Signal::SIGHUP).unwrap();
        stack.daemon.expect(&format!("generation {} is ready", reload + 1)).unwrap();
        wait_until("new answers come from the new data", || time_line(&stack) == expected_line(reload));
        wait_until("the old workers are gone and the new ones there", || {
            let now = workers(&stack);
            now.len() == old.len() && !now.iter().any(|pid| old.contains(pid))
        });
    }
    wait_until_at_work(workers(&stack)[0]);
    assert!(kept.finish().answered > 1000);
    assert!(anew.finish().answered > 100);
    stack.stop().unwrap();
}

#[test]
fn a_cache_that_is_no_good_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.mlc");
    build_later(&cache, 0);
    let mut stack = Stack::start(&programs(), &cache, &["--workers", "2"], &[]).unwrap();
    let before = workers(&stack);
    let whole = fs::read(&cache).unwrap();
    for bad in [&[][..], &whole[..whole.len() / 2], b"not a cache at all"] {
        let beside = folder.path().join("new");
        fs::write(&beside, bad).unwrap();
        fs::rename(&beside, &cache).unwrap();
        stack.daemon.signal(Signal::SIGHUP).unwrap();
        stack.daemon.expect("keeping generation 1").unwrap();
        assert_eq!((time_line(&stack), workers(&stack)), (expected_line(0), before.clone()));
    }
    build_later(&cache, 60);
    stack.daemon.signal(Signal::SIGHUP).unwrap();
    stack.daemon.expect("is ready").unwrap();
    wait_until("the next good one is taken", || time_line(&stack) == expected_line(60));
}
