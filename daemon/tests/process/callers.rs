//! Who may call on the control socket, and callers who are slow, rude or gone.

use crate::support::{
    Daemon,
    control::{hold_up_reloads, outcome},
    daemon::{as_user, program, send_signal},
    descriptors, until,
};
use nix::{sys::signal::Signal, unistd::geteuid};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::{fs::PermissionsExt as _, net::UnixStream, process::CommandExt as _},
    process::Command,
};
use wire::Counter;

#[test]
fn callers_without_manners_hold_up_nobody() {
    let daemon = Daemon::start(&[]);
    let silent: Vec<UnixStream> = (0..200).map(|_| daemon.order("")).collect();
    let deaf: Vec<UnixStream> = (0..20).map(|_| daemon.order("status\n")).collect();
    // The master goes on with its work, and has time for the next caller once the first have had theirs.
    let workers = daemon.workers();
    let victim = workers[0];
    send_signal(victim, Signal::SIGKILL);
    daemon.newcomer(&workers);
    until("a status", || daemon.errand(&["status"]).code == Some(0));
    assert!(descriptors_of_callers(&daemon) <= 64);
    drop((silent, deaf));
    until("no callers", || descriptors_of_callers(&daemon) == 0);
    for (said, expected) in [
        (&b"stat\n"[..], "not an order; orders are status, reload, reload-wait"),
        (&[b'x'; 5000], "not an order"),
        (&[0, 255, b'\n'], "not an order"),
    ] {
        let mut stream = daemon.order("");
        // It may have been refused before all is written.
        let _refused = stream.write_all(said);
        let refusal = outcome(stream);
        assert!(!refusal.ok && refusal.error.unwrap().starts_with(expected));
    }
    // A line that ends with the stream, and one in pieces.
    let whole = daemon.order("reload-wait");
    whole.shutdown(Shutdown::Write).unwrap();
    assert!(outcome(whole).ok);
    let mut pieces = daemon.order("rel");
    pieces.write_all(b"oad-wait\n").unwrap();
    assert!(outcome(pieces).ok);
}

#[test]
fn the_operator_gets_in_however_many_are_silent() {
    let daemon = Daemon::start(&[]);
    // Those that he finds before him.
    let silent: Vec<UnixStream> = (0..600).map(|_| daemon.order("")).collect();
    // He does not wait for longer than for a daemon that hangs.
    for _ in 0..3 {
        let said = daemon.errand(&["status"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    drop(silent);
}

#[test]
fn those_who_wait_for_a_reload_leave_room_for_other_orders() {
    let daemon = Daemon::start(&["--workers", "1", "--drain-limit", "60"]);
    let held = hold_up_reloads(&daemon);
    let mut waiting: Vec<UnixStream> = (0..100).map(|_| daemon.order("reload-wait\n")).collect();
    assert_eq!(daemon.errand(&["status"]).code, Some(0));
    for stream in waiting.drain(32..) {
        let told = outcome(stream);
        assert!(!told.ok && told.error.unwrap().starts_with("too many wait for a reload already"));
    }
    // That says nothing against the cache.
    let said = daemon.errand(&["reload"]);
    assert_eq!(said.code, Some(69), "{said:?}");
    drop(held);
    assert!(waiting.into_iter().all(|stream| outcome(stream).ok));
}

/// Sockets of the master, apart from those that it always has: two listeners and a line to each worker.
fn descriptors_of_callers(daemon: &Daemon) -> usize {
    let sockets = descriptors(daemon.pid());
    let sockets = sockets.iter().filter(|file| file.starts_with("socket:")).count();
    sockets.saturating_sub(2 + daemon.workers().len())
}

#[test]
fn a_caller_who_leaves_while_waiting_is_forgotten() {
    let daemon = Daemon::start(&["--workers", "1", "--drain-limit", "60"]);
    let held = hold_up_reloads(&daemon);
    until("no callers", || descriptors_of_callers(&daemon) == 0);
    let waiting: Vec<UnixStream> = (0..10).map(|_| daemon.order("reload-wait\n")).collect();
    until("ten callers", || descriptors_of_callers(&daemon) == 10);
    drop(waiting);
    until("no callers", || descriptors_of_callers(&daemon) == 0);
    drop(held);
    until("the reload that they asked for", || daemon.status().generation == 6);
}

#[test]
fn only_root_and_the_daemons_user_may_call() {
    let daemon = Daemon::start(&[]);
    let mode = fs::metadata(daemon.control()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    if !geteuid().is_root() {
        eprintln!("skipped: only root can be someone else");
        return;
    }
    let as_other = |user| {
        let mut command = Command::new(program());
        command.args(["status", "--control"]).arg(daemon.control());
        as_user(&mut command).uid(user).gid(user).output().unwrap()
    };
    let said = as_other(61_999);
    assert_eq!(said.status.code(), Some(71));
    assert!(String::from_utf8_lossy(&said.stderr).contains("Permission denied"));
    // Even if the file lets him.
    fs::set_permissions(daemon.control(), fs::Permissions::from_mode(0o666)).unwrap();
    let said = as_other(61_999);
    assert_eq!(said.status.code(), Some(71));
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(error.ends_with("only root and the daemon's own user may give orders\n"), "{error}");
    assert_eq!(as_other(0).status.code(), Some(0));
}

#[test]
fn a_caller_gets_one_answer_and_the_end() {
    let daemon = Daemon::start(&[]);
    let mut stream = daemon.order("status\nstatus\nreload\n");
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(daemon.status().counter(Counter::Reloads), 0);
}
