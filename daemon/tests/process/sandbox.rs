//! Workers that have shut themselves in: all of them, always, as far as the kernel can, and said once.

use crate::support::{
    Daemon,
    daemon::{command_after, run, send_signal},
    kernel::{where_calls_meet, without},
    status_number, until, write_cache,
};
use nix::sys::signal::Signal;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use std::collections::HashSet;

/// Filters of a process that the tests do not have themselves, and whether it can gain privileges no more.
fn filters_of(pid: u32) -> (u64, u64) {
    let filters = |pid| status_number(pid, "Seccomp_filters").unwrap_or_default();
    (filters(pid) - filters(std::process::id()), status_number(pid, "NoNewPrivs").unwrap_or_default())
}

#[test]
fn every_worker_is_shut_in_and_it_is_said_once() {
    let daemon = Daemon::start(&[]);
    let shut_in = || daemon.workers().iter().all(|worker| filters_of(*worker) == (2, 1));
    assert!(shut_in());
    assert_eq!(filters_of(daemon.pid()), (0, 1));
    // Those that take another's place, and those of another cache.
    let first = daemon.workers();
    send_signal(first[0], Signal::SIGKILL);
    daemon.connect_to(daemon.newcomer(&first));
    assert!(shut_in());
    daemon.signal(Signal::SIGHUP);
    until("the next generation", || daemon.log().contains("generation 2 is ready"));
    until("the end of the first", || daemon.workers().len() == 2);
    assert!(shut_in());
    let log = daemon.log();
    let said: Vec<&str> = log.lines().filter(|line| line.contains("seccomp")).collect();
    let [said] = said[..] else { panic!("{log}") };
    assert!(
        said.starts_with("info: workers: seccomp filter and landlock (ABI ")
            || said.starts_with("warning: workers: only the seccomp filter is active, landlock is not ("),
        "{said}"
    );
}

#[test]
fn no_sandbox_is_left_out_unasked() {
    let daemon = Daemon::start(&["--sandbox", "off"]);
    assert!(daemon.workers().iter().all(|worker| filters_of(*worker) == (0, 1)));
    assert!(daemon.log().starts_with("warning: workers: no sandbox, as configured"), "{}", daemon.log());
}

#[test]
fn a_kernel_that_lacks_something_is_coped_with_unless_all_is_required() {
    let landlock =
        "only the seccomp filter is active, landlock is not (this kernel or container does not have it)";
    let both = "neither the seccomp filter (";
    for (missing, filters, said) in [
        (&[libc::SYS_landlock_create_ruleset][..], 3, landlock),
        (&[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp], 1, both),
    ] {
        let daemon = without(missing, || Daemon::start(&[]));
        daemon.connect().answer(1).unwrap();
        assert!(daemon.workers().iter().all(|worker| filters_of(*worker) == (filters, 1)));
        let log = daemon.log();
        assert!(log.starts_with(&format!("warning: workers: {said}")), "{log}");
        let folder = crate::support::folder();
        write_cache(&folder.path().join("cache.mlc"), "first");
        let (code, log) = without(missing, || run(folder.path(), &["--sandbox", "require"]));
        assert_eq!(code, Some(71), "{log}");
        assert!(log.starts_with(&format!("error: workers: sandbox is required, but {said}")), "{log}");
        assert!(!folder.path().join("socket").exists());
    }
}

#[test]
fn a_worker_still_marks_its_messages_for_the_journal() {
    // It cannot look at its standard error any more; the master has.
    let folder = crate::support::folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let journal = "export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)";
    let mut command = command_after(journal, folder.path(), &["--peer", "4711", "--socket-mode", "0666"]);
    let daemon = Daemon::spawn_command(folder, &mut command);
    until("ready", || daemon.log().contains(" is ready"));
    drop(daemon.stream());
    until("the message", || daemon.log().contains("new connection: refused"));
    assert!(daemon.log().contains("\n<4>new connection: refused"), "{}", daemon.log());
}

#[test]
fn what_is_required_is_had() {
    let folder = crate::support::folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let daemon = Daemon::spawn_in(folder, &["--sandbox", "require"]);
    until("ready or refused", || {
        daemon.log().contains(" is ready") || daemon.log().contains("required, but")
    });
    if daemon.log().contains("required, but") {
        eprintln!("skipped: {}", daemon.log());
        return;
    }
    daemon.connect().answer(1).unwrap();
    assert!(daemon.workers().iter().all(|worker| filters_of(*worker) == (2, 1)));
}

#[test]
fn no_socket_is_ever_made_but_unix_ones() {
    // From the first instruction of the master to the last: another family's socket would be the end of whoever makes
    // it.
    let other_family =
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, libc::AF_UNIX as u64).unwrap();
    let calls = [libc::SYS_socket, libc::SYS_socketpair]
        .map(|call| (call, vec![SeccompRule::new(vec![other_family.clone()]).unwrap()]));
    let mut daemon = where_calls_meet(calls.into(), SeccompAction::KillProcess, || {
        Daemon::start(&["--access-log", "access.log", "--log-address", "full"])
    });
    let first = daemon.workers();
    daemon.connect().answer(1).unwrap();
    daemon.signal(Signal::SIGUSR1);
    daemon.signal(Signal::SIGHUP);
    daemon.connect_to_generation(2).answer(2).unwrap();
    send_signal(daemon.workers()[0], Signal::SIGKILL);
    until("workers of the second generation only", || {
        daemon.workers().len() == 2 && first.iter().all(|pid| !daemon.workers().contains(pid))
    });
    let unix = std::fs::read_to_string(format!("/proc/{}/net/unix", daemon.pid())).unwrap();
    let inodes: HashSet<&str> = unix.lines().filter_map(|line| line.split_whitespace().nth(6)).collect();
    for process in daemon.workers().into_iter().chain([daemon.pid()]) {
        for file in crate::support::descriptors(process) {
            let Some(inode) = file.strip_prefix("socket:[") else { continue };
            assert!(inodes.contains(inode.trim_end_matches(']')), "{file} of {process}");
        }
    }
    assert!(!daemon.log().contains("SIGSYS"), "{}", daemon.log());
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}
