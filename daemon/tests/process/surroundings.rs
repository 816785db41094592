//! What the system around the daemon does: service managers, containers, limits, readers of its messages.

use crate::support::{
    Daemon,
    daemon::{command_after, folder, send_signal},
    processes::zombies,
    until, write_cache,
};
use nix::sys::signal::Signal;
use std::{
    fs,
    io::{PipeWriter, Read as _, Write as _},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        net::{UnixListener, UnixStream},
        process::CommandExt as _,
    },
    process::Stdio,
};

#[test]
fn a_socket_passed_by_systemd_is_used_and_left_alone() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let preparation = "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1";
    let mut command = command_after(preparation, folder.path(), &[]);
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    let mut daemon = Daemon::spawn_command(folder, &mut command);
    until("ready", || daemon.log().contains("is ready"));
    daemon.connect().answer(1).unwrap();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(socket.exists());
}

#[test]
fn something_else_passed_by_systemd_is_refused() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let preparation = "exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1";
    let mut command = command_after(preparation, folder.path(), &[]);
    let mut daemon = Daemon::spawn_command(folder, &mut command);
    assert_eq!(daemon.wait().code(), Some(71));
    assert!(daemon.log().contains("it is no stream socket"));
}

#[test]
fn orphans_of_others_are_reaped() {
    // A child of the shell, and so of the daemon that takes the shell's place; as process 1 it inherits many.
    let daemon = Daemon::start_after("sleep 0.2 & (exit 3) &", &[]);
    until("the end of the orphans", || daemon.workers().len() == 2);
    until("no zombie", || zombies(daemon.pid()) == 0);
    assert!(!daemon.log().contains("lost"), "{}", daemon.log());
}

#[test]
fn whoever_started_it_may_have_ignored_the_end_of_children() {
    // Shells do not agree on whether they may be told to.
    let mut daemon = Daemon::start_after(r#"exec env --ignore-signal=CHLD "$0" "$@""#, &[]);
    let workers = daemon.workers();
    send_signal(workers[0], Signal::SIGKILL);
    daemon.newcomer(&workers);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn messages_that_nobody_reads_hold_up_nobody() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    fill(&writer);
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let mut command = command_after(":", folder.path(), &["--drain-limit", "1"]);
    let mut daemon = Daemon::spawn_command(folder, command.stderr(writer));
    drop(command);
    until("a listener", || UnixStream::connect(daemon.socket()).is_ok());
    daemon.connect().answer(1).unwrap();
    for generation in 2..5 {
        daemon.signal(Signal::SIGHUP);
        daemon.connect_to_generation(generation).answer(1).unwrap();
    }
    // Read after all, it tells of what was lost.
    reader.read_exact(&mut vec![0; 32 * 1024]).unwrap();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("lines before this one could not be written"), "{rest}");
}

/// Leaves no room in a pipe.
fn fill(mut pipe: &PipeWriter) {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
}

#[test]
fn a_fork_that_fails_costs_no_answer_and_is_tried_again() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs a user of its own, whose processes nobody else adds to");
        return;
    }
    let user = 61_000 + std::process::id() % 1000;
    // Room for the master, two workers, and whoever reads a cache. Shells do not agree on the letter.
    for (processes, expected) in [
        (3, "cache.mlc: not read, for no process could be started (Resource temporarily unavailable"),
        (4, "new worker of generation 2: not started (Resource temporarily unavailable"),
    ] {
        let folder = folder();
        write_cache(&folder.path().join("cache.mlc"), "first");
        chown(folder.path(), Some(user), Some(user)).unwrap();
        let limit = format!("ulimit -p {processes} 2>/dev/null || ulimit -u {processes}");
        let mut command = command_after(&limit, folder.path(), &[]);
        let daemon = Daemon::spawn_command(folder, command.uid(user).gid(user));
        until("ready", || daemon.log().contains("is ready"));
        let workers = daemon.workers();
        daemon.signal(Signal::SIGHUP);
        until("the end of the attempt", || daemon.log().contains("; keeping generation 1"));
        assert!(daemon.log().contains(expected), "{}", daemon.log());
        // What was started of a generation that is given up ends.
        until("the workers as before", || daemon.workers() == workers);
        daemon.connect().answer(1).unwrap();
        send_signal(workers[0], Signal::SIGKILL);
        daemon.newcomer(&workers);
    }
}
