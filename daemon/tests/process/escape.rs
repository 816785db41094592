//! What a worker could do if a stranger had taken it over: the same sandbox around a process that really tries.
//!
//! The test program starts itself again for every attempt, shuts itself in with the function that workers call, and
//! ends with the attempt's error as its exit code.

mod attempts;

use crate::support::kernel::without;
use attempts::{Attempt, prepare};
use daemon::sandbox;
use nix::{errno::Errno, sys::signal::Signal};
use std::{
    env,
    os::unix::process::ExitStatusExt as _,
    process::{self, Command, Stdio},
};

/// How an attempt ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Done,
    Refused(Errno),
    Killed(Signal),
}

/// What stands around an attempt.
#[derive(Clone, Copy, Debug)]
enum Around {
    Nothing,
    Landlock,
    Seccomp,
    All,
}

/// Tells the test program that it is started for an attempt, and for which.
const ATTEMPT: &str = "MIRRORLIST_TEST_ATTEMPT";
/// What stands around it.
const AROUND: &str = "MIRRORLIST_TEST_AROUND";

/// What is refused to a worker.
const REFUSED: &[&str] = &[
    "read a file",
    "make a file",
    "look for a file",
    "make a file in memory",
    "make a pair of sockets",
    "shut the listener down",
    "give the listener away",
    "make a process",
    "make a thread",
    "make memory executable",
    "map executable memory",
    "signal another process",
    "lift a limit",
    "become another user",
];

/// What ends a worker.
const FATAL: &[&str] = &[
    "make a UNIX socket",
    "make a TCP socket",
    "make a UDP socket",
    "connect a socket",
    "bind a socket",
    "listen on a socket",
    "run a program",
    "trace another process",
    "read a process",
];

/// What landlock refuses all alone, from which version on.
const REFUSED_BY_LANDLOCK: &[(&str, Errno, i32)] = &[
    ("read a file", Errno::EACCES, 1),
    ("make a file", Errno::EACCES, 1),
    ("run a program", Errno::EACCES, 1),
    ("trace another process", Errno::EPERM, 1),
    ("make a TCP socket", Errno::EACCES, 4),
    ("signal another process", Errno::EPERM, 6),
    ("connect to an abstract socket", Errno::EPERM, 6),
];

#[test]
fn a_worker_can_do_its_work_and_nothing_else() {
    // With landlock and without: neither stands in for the other.
    for around in [Around::All, Around::Seccomp] {
        assert_eq!(end_of("work", around), End::Done, "{around:?}");
        assert_eq!(end_of("abort", around), End::Killed(Signal::SIGABRT), "{around:?}");
        for attempt in REFUSED {
            assert_eq!(end_of(attempt, around), End::Refused(Errno::EPERM), "{attempt}, {around:?}");
        }
        for attempt in FATAL {
            assert_eq!(end_of(attempt, around), End::Killed(Signal::SIGSYS), "{attempt}, {around:?}");
        }
    }
}

#[test]
fn landlock_alone_keeps_files_and_processes_away() {
    let End::Refused(version) = end_of("tell the version of landlock", Around::Landlock) else {
        eprintln!("skipped: landlock is not in this kernel, or switched off");
        return;
    };
    for (attempt, errno, since) in REFUSED_BY_LANDLOCK {
        if *since <= version as i32 {
            assert_eq!(end_of(attempt, Around::Landlock), End::Refused(*errno), "{attempt}");
        } else {
            eprintln!("skipped: {attempt} (landlock ABI {since})");
        }
    }
    assert_eq!(end_of("work", Around::Landlock), End::Done);
}

#[test]
fn without_walls_every_attempt_succeeds() {
    // Otherwise the refusals would show nothing.
    let by_landlock = REFUSED_BY_LANDLOCK.iter().map(|(attempt, ..)| attempt);
    for attempt in REFUSED.iter().chain(FATAL).chain(by_landlock) {
        assert_eq!(end_of(attempt, Around::Nothing), End::Done, "{attempt}");
    }
}

fn end_of(attempt: &str, around: Around) -> End {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "escape::attempt", "--ignored", "--test-threads=1"]);
    command.env(ATTEMPT, attempt).env(AROUND, format!("{around:?}")).stdout(Stdio::null());
    let status = command.status().unwrap();
    match (status.code(), status.signal()) {
        (Some(0), _) => End::Done,
        (Some(code), _) => End::Refused(Errno::from_raw(code)),
        (_, signal) => End::Killed(signal.unwrap().try_into().unwrap()),
    }
}

#[test]
#[ignore = "the other side of the tests above: one attempt, in a sandbox that cannot be left"]
fn attempt() {
    let Ok(name) = env::var(ATTEMPT) else { return };
    let attempt = prepare(&name);
    let around = env::var(AROUND).unwrap();
    let missing: &[i64] = match &around[..] {
        "Nothing" => end(&name, attempt, ""),
        "Landlock" => &[libc::SYS_seccomp],
        "Seccomp" => &[libc::SYS_landlock_create_ruleset],
        _ => &[],
    };
    without(missing, || end(&name, attempt, &sandbox::enter().to_string()));
}

fn end(name: &str, attempt: Attempt, sandbox: &str) -> ! {
    if name == "tell the version of landlock" {
        let version = sandbox.split_once("landlock (ABI ").and_then(|(_, rest)| rest.split_once(')'));
        process::exit(version.map_or(0, |(version, _)| version.parse().unwrap()));
    }
    process::exit(attempt().err().map_or(0, |error| error.raw_os_error().unwrap_or(255)))
}
