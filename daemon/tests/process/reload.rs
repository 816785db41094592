//! A new cache takes the old one's place, or does not.

use crate::support::{
    Client, Daemon, Said, cache_bytes, control::hold_up_reloads, descriptors, is_alive, mapped_caches,
    processes::name, until, write_cache,
};
use nix::sys::signal::Signal;
use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

fn reload(daemon: &Daemon, label: &str, generation: u64) {
    write_cache(&daemon.cache(), label);
    daemon.signal(Signal::SIGHUP);
    until("the new generation", || daemon.log().contains(&format!("generation {generation} is ready")));
}

#[test]
fn a_new_cache_is_answered_from_and_the_old_workers_go() {
    let daemon = Daemon::start(&[]);
    let old = daemon.workers();
    let mut client = daemon.connect();
    reload(&daemon, "second", 2);
    // The old worker asks its peers to go, answers from what it has, and goes when they have gone.
    assert_eq!(client.hear().unwrap(), Some(Said::GoAway(String::new())));
    assert!(client.answer(1).unwrap().contains(".first.example.org"));
    assert!(is_alive(client.hello.pid));
    client.hang_up();
    assert_eq!(client.hear().unwrap(), None);
    until("the end of the old workers", || old.iter().all(|pid| !is_alive(*pid)));
    assert_eq!(daemon.workers().len(), 2);
    let mut client = daemon.connect();
    assert_eq!(client.hello.generation, 2);
    assert!(client.answer(1).unwrap().contains(".second.example.org"));
    for worker in daemon.workers() {
        assert_eq!(mapped_caches(worker), 1);
    }
}

#[test]
fn reloads_under_load_lose_nothing() {
    let daemon = Daemon::start(&[]);
    let over = AtomicBool::new(false);
    let generations = thread::scope(|scope| {
        let clients: Vec<_> = (0..3).map(|_| scope.spawn(|| ask_until(&daemon, &over))).collect();
        for generation in 2..12 {
            reload(&daemon, if generation % 2 == 0 { "second" } else { "first" }, generation);
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(generations.iter().all(|reached| *reached >= 10), "{generations:?}");
    until("the old workers' end", || daemon.workers().len() == 2);
}

/// Asks one question after the other, and changes to another worker when told to go. The last generation seen.
pub fn ask_until(daemon: &Daemon, over: &AtomicBool) -> u64 {
    let mut client = daemon.connect();
    let mut id = 0;
    while !over.load(Ordering::Relaxed) {
        id += 1;
        client.ask(id).unwrap();
        match client.hear().unwrap() {
            Some(Said::Reply(of, 200, _)) => assert_eq!(of, id),
            Some(Said::GoAway(reason)) => {
                assert_eq!(reason, "");
                // What was asked before is still answered.
                assert!(matches!(client.hear().unwrap(), Some(Said::Reply(of, 200, _)) if of == id));
                client.hang_up();
                client = daemon.connect();
            }
            other => panic!("{other:?}"),
        }
    }
    client.hello.generation
}

#[test]
fn a_bad_cache_changes_nothing_and_says_why() {
    let daemon = Daemon::start(&[]);
    let workers = daemon.workers();
    let good = cache_bytes("second").to_vec();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let mut reports = 0;
    let mut complains = |expected: &str| {
        daemon.signal(Signal::SIGHUP);
        reports += 1;
        until("the refusal", || daemon.log().matches("; keeping generation 1").count() == reports);
        let log = daemon.log();
        assert!(log.lines().last().unwrap().contains(expected), "{log}");
        assert_eq!(daemon.workers(), workers);
        assert!(daemon.connect().answer(1).unwrap().contains(".first.example.org"));
    };
    let put = |bytes: &[u8]| {
        fs::remove_file(daemon.cache()).unwrap();
        fs::write(daemon.cache(), bytes).unwrap();
    };
    put(b"");
    complains("is empty");
    put(&good[..good.len() / 2]);
    complains("bytes of payload");
    put(&flipped);
    complains("checksum");
    fs::remove_file(daemon.cache()).unwrap();
    complains("No such file");
    fs::create_dir(daemon.cache()).unwrap();
    complains("not a regular file");
    fs::remove_dir(daemon.cache()).unwrap();
    reload(&daemon, "second", 2);
    assert!(daemon.connect().answer(1).unwrap().contains(".second.example.org"));
}

#[test]
fn whatever_happens_to_the_file_the_sealed_copy_answers_on() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    fs::remove_file(daemon.cache()).unwrap();
    fs::write(daemon.cache(), vec![0; 100_000]).unwrap();
    client.answer(1).unwrap();
    fs::write(daemon.cache(), "").unwrap();
    client.answer(2).unwrap();
    assert_eq!(daemon.workers().len(), 2);
}

#[test]
fn many_signals_fold_into_few_reloads_and_nothing_grows() {
    let daemon = Daemon::start(&[]);
    let before = (descriptors(daemon.pid()).len(), daemon.workers().len());
    for _ in 0..300 {
        daemon.signal(Signal::SIGHUP);
    }
    until("a reload", || daemon.log().matches("is ready").count() >= 2);
    until("processes and descriptors as before", || {
        (descriptors(daemon.pid()).len(), daemon.workers().len()) == before
    });
    // The last of the signals may only now lead to a reload, and a worker that retires asks to be asked elsewhere.
    until("an answer", || daemon.connect().answer(1).is_ok());
}

#[test]
fn a_peer_that_never_goes_is_left_at_the_drain_limit() {
    let daemon = Daemon::start(&["--drain-limit", "1"]);
    let mut client = daemon.connect();
    let old = client.hello.pid;
    reload(&daemon, "second", 2);
    until("the end of the old worker", || !is_alive(old));
    assert!(daemon.log().contains("generation 1: still busy at the drain limit; killing its workers"));
    assert_eq!(client.hear().unwrap(), Some(Said::GoAway(String::new())));
    assert!(matches!(client.hear(), Ok(None) | Err(_)));
    assert_eq!(daemon.workers().len(), 2);
}

#[test]
fn a_new_generation_that_dies_at_its_start_is_given_up() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let [old] = daemon.workers()[..] else { panic!("one worker") };
    let mut client = daemon.connect();
    write_cache(&daemon.cache(), "second");
    daemon.signal(Signal::SIGHUP);
    let mut readers_lost = 0;
    // Every worker but the old one is killed on sight, most of them before they are ready.
    until("the end of the attempt", || {
        let lost = daemon.log().matches("the process that read it was lost").count();
        if lost > readers_lost {
            // Who reads the cache was taken for a worker before it had its name.
            readers_lost = lost;
            daemon.signal(Signal::SIGHUP);
        }
        let is_worker = |pid: &u32| *pid != old && name(*pid) != "mirrorlistd/new";
        for worker in daemon.workers().into_iter().filter(is_worker) {
            let _already_gone =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker as i32), Signal::SIGABRT);
        }
        daemon.log().contains("its workers keep failing; ")
    });
    // Given up before it served, or rolled back after it did: the old cache answers either way.
    until("the old cache", || {
        daemon.connect().answer(1).is_ok_and(|body| body.contains(".first.example.org"))
    });
    let _either_way = client.answer(1);
}

#[test]
fn a_generation_that_fails_soon_after_its_start_is_rolled_back() {
    let daemon = Daemon::start(&["--workers", "1"]);
    reload(&daemon, "second", 2);
    assert!(daemon.connect_to_generation(2).answer(1).unwrap().contains(".second.example.org"));
    until("the rollback", || {
        for worker in daemon.workers() {
            let _already_gone =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker as i32), Signal::SIGABRT);
        }
        daemon.log().contains("going back to the cache of generation 1 as generation 3")
    });
    let mut client: Client = daemon.connect_to_generation(3);
    assert!(client.answer(1).unwrap().contains(".first.example.org"));
}

#[test]
fn a_reload_that_is_held_up_says_what_it_waits_for() {
    let daemon = Daemon::start(&["--workers", "1", "--drain-limit", "600"]);
    let crowd = hold_up_reloads(&daemon);
    let told = || daemon.log().matches("reload: waiting for one of 4 retired generations").count();
    assert_eq!(told(), 0);
    daemon.signal(Signal::SIGHUP);
    until("the warning", || told() == 1);
    drop(crowd);
    daemon.connect_to_generation(6).answer(1).unwrap();
    assert_eq!(told(), 1, "{}", daemon.log());
}
