//! A new cache is read by a process of its own, and whatever becomes of that one the daemon goes on.

use crate::{
    service_manager::{hear_until, started},
    support::{
        Daemon,
        control::outcome,
        daemon::send_signal,
        descriptors, eventually, is_alive,
        processes::{children, is_stopped, name, status_number},
        until, write_cache, write_dear_cache, write_long_cache,
    },
};
use nix::sys::signal::Signal;
use std::os::unix::net::UnixDatagram;
use wire::Counter;

/// Begins a reload of a cache with this label and stops its loader in the midst of it, as a disk that hangs does.
fn hung_loader(daemon: &Daemon, label: &str) -> u32 {
    write_long_cache(&daemon.cache(), label);
    let reloads = || daemon.log().matches("is ready").count();
    let mut before = 0;
    eventually("a loader that was stopped", || {
        // The first time, and again if it was too quick for this test.
        let now = reloads();
        if now != before {
            before = now;
            daemon.signal(Signal::SIGHUP);
        }
        let loader = children(daemon.pid()).into_iter().find(|pid| name(*pid) == "mirrorlistd/new")?;
        send_signal(loader, Signal::SIGSTOP);
        until("its stop, or its end", || is_stopped(loader) || !is_alive(loader));
        is_stopped(loader).then_some(loader)
    })
}

/// Forgets what has been said so far.
fn forget(socket: &UnixDatagram) {
    socket.set_nonblocking(true).unwrap();
    while socket.recv(&mut [0; 4096]).is_ok() {}
    socket.set_nonblocking(false).unwrap();
}

#[test]
fn a_disk_that_hangs_holds_up_nothing_but_the_reload() {
    let (socket, daemon) = started(false, "WATCHDOG_USEC=1000000", &["--workers", "2"]);
    hear_until(&socket, "STATUS=");
    let loader = hung_loader(&daemon, "second");
    let status = daemon.status();
    let generation = status.generation;
    assert_eq!(status.loader.unwrap().pid, loader);
    let told = daemon.errand(&["status"]).out;
    assert!(told.contains("  reload                    has been reading the cache for "), "{told}");
    assert!(told.contains(&format!(" (process {loader})\n")), "{told}");
    // It has the memory, its line to the master and the file.
    for file in descriptors(loader) {
        let known = ["/memfd:mirrorlist-cache", "pipe:", &daemon.cache().display().to_string()];
        assert!(known.iter().any(|known| file.starts_with(known)), "{file}");
    }
    // Those that came meanwhile fold into one more reload.
    (0..3).for_each(|_| daemon.signal(Signal::SIGHUP));
    let waiting = daemon.order("reload-wait\n");
    let before = daemon.workers();
    let victim = before.iter().copied().find(|pid| *pid != loader).unwrap();
    send_signal(victim, Signal::SIGKILL);
    let new = daemon.newcomer(&before);
    daemon.connect_to(new).answer(1).unwrap();
    // Longer than a new generation may take to get ready.
    until("the warning", || daemon.log().contains("still being read after 10 s"));
    forget(&socket);
    hear_until(&socket, "WATCHDOG=1");
    assert_eq!(daemon.status().generation, generation);
    send_signal(loader, Signal::SIGCONT);
    let told = outcome(waiting);
    assert_eq!((told.ok, told.generation), (true, Some(generation + 2)), "{told:?}");
    let log = daemon.log();
    assert!(log.contains(&format!("generation {} is ready", generation + 1)), "{log}");
    assert_eq!(log.matches("still being read").count(), 1, "{log}");
    let status = daemon.status();
    assert_eq!(
        (status.generation, status.counter(Counter::ReloadsFailed), status.loader),
        (generation + 2, 0, None)
    );
    let mut client = daemon.connect_to_generation(generation + 2);
    assert!(client.answer(1).unwrap().contains(".second.example.org"));
}

#[test]
fn a_loader_that_is_killed_costs_only_the_reload() {
    let daemon = Daemon::start(&[]);
    let loader = hung_loader(&daemon, "second");
    let generation = daemon.status().generation;
    let workers: Vec<u32> = daemon.workers().into_iter().filter(|pid| *pid != loader).collect();
    // The first to be killed where memory is short.
    let score = std::fs::read_to_string(format!("/proc/{loader}/oom_score_adj")).unwrap();
    assert_eq!(score.trim(), "1000");
    send_signal(loader, Signal::SIGKILL);
    let cause = format!(
        "cache {}: the process that read it was lost (signal: 9 (SIGKILL); out of memory?)",
        daemon.cache().display()
    );
    until("the refusal", || daemon.log().contains(&format!("{cause}; keeping generation {generation} (")));
    assert_eq!(daemon.workers(), workers);
    let status = daemon.status();
    assert_eq!((status.generation, status.loader), (generation, None));
    assert_eq!(status.last_reload.unwrap().error, Some(cause));
    write_cache(&daemon.cache(), "third");
    assert_eq!(daemon.errand(&["reload"]).code, Some(0));
    let mut client = daemon.connect_to_generation(generation + 1);
    assert!(client.answer(1).unwrap().contains(".third.example.org"));
}

#[test]
fn a_loader_ends_with_its_master() {
    for (signal, code) in [(Signal::SIGTERM, Some(0)), (Signal::SIGKILL, None)] {
        let mut daemon = Daemon::start(&[]);
        let loader = hung_loader(&daemon, "second");
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), code);
        until("the loader's end", || !is_alive(loader));
    }
}

#[test]
fn a_reload_that_finds_no_memory_is_refused_by_a_daemon_that_goes_on() {
    let size = status_number(Daemon::start(&[]).pid(), "VmPeak").unwrap();
    // Room for the file, and not for all that is made of it.
    let limit = size + 32 * 1024;
    let daemon = Daemon::start_after(&format!("ulimit -v {limit}"), &[]);
    let workers = daemon.workers();
    write_dear_cache(&daemon.cache());
    let said = daemon.errand(&["reload"]);
    assert_eq!(said.code, Some(66), "{said:?}");
    assert!(said.err.contains("the process that read it was lost (signal: 6 (SIGABRT)"), "{said:?}");
    assert!(said.err.ends_with("out of memory?); generation 1 goes on\n"), "{said:?}");
    assert_eq!(daemon.workers(), workers);
    write_cache(&daemon.cache(), "second");
    let said = daemon.errand(&["reload"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    assert!(daemon.connect_to_generation(2).answer(1).unwrap().contains(".second.example.org"));
}

/// The caches that the daemon has already take room too: whatever the limit, a reload is done or refused.
#[test]
fn no_limit_of_memory_lets_a_reload_end_the_daemon() {
    let size = status_number(Daemon::start(&[]).pid(), "VmPeak").unwrap();
    let mut refused = 0;
    for room in (24..=240).step_by(12) {
        let daemon = Daemon::start_after(&format!("ulimit -v {}", size + room * 1024), &[]);
        write_dear_cache(&daemon.cache());
        for _ in 0..3 {
            let said = daemon.errand(&["reload"]);
            assert!(matches!(said.code, Some(0 | 66)), "{room} MB more: {said:?}");
            refused += usize::from(said.code == Some(66));
        }
    }
    assert!(refused > 3, "the limits are too high to show anything");
}
