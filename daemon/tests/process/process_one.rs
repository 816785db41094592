//! The daemon as process 1 of a container: nobody else reaps, and no signal has a default.

use crate::support::{
    Daemon,
    daemon::{command_after, folder, send_signal},
    processes::{children, zombies},
    until, write_cache,
};
use nix::{sys::signal::Signal, unistd::geteuid};
use std::{
    fs,
    process::{Command, Stdio},
};

/// A namespace whose process 1 comes next, with a /proc of its own; it ends with whoever made it.
const CONTAINER: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/// A daemon as process 1, and its number outside; `None` where that cannot be had.
fn start(preparation: &str, options: &[&str]) -> Option<(Daemon, u32)> {
    let tried = Command::new("unshare").args(CONTAINER).arg("true").stderr(Stdio::null()).status();
    if !geteuid().is_root() || !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no process namespace can be made here (needs root and unshare)");
        return None;
    }
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let inner = command_after(preparation, folder.path(), options);
    let mut command = Command::new("unshare");
    command.args(CONTAINER).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(folder.path()).env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET");
    command.stderr(fs::File::create(folder.path().join("stderr")).unwrap());
    let daemon = Daemon::spawn_command(folder, &mut command);
    until("ready", || daemon.log().contains("generation 1 is ready"));
    let [master] = children(daemon.pid())[..] else { panic!("one process 1") };
    Some((daemon, master))
}

/// Sends a signal from within, where process 1 is shielded from those that it does not ask for.
fn signal_from_within(master: u32, signal: &str) {
    let mut command = Command::new("nsenter");
    command.args(["--target", &master.to_string(), "--pid", "--mount", "sh", "-c"]);
    // Its own end says nothing: process 1 may take it along.
    command.arg(format!("kill -{signal} 1")).status().unwrap();
}

#[test]
fn process_one_reaps_all_replaces_workers_reloads_and_ends() {
    let options = ["--access-log", "access.log", "--log-address", "full"];
    // A child of its own, and one of the shell's that becomes an orphan.
    let Some((mut daemon, master)) = start("sleep 0.3 & (sleep 0.6 &)", &options) else { return };
    let mut client = daemon.connect();
    client.answer(1).unwrap();
    let workers = || children(master).into_iter().filter(|pid| is_worker(*pid)).collect::<Vec<u32>>();
    until("two workers and nothing else", || children(master).len() == 2 && workers().len() == 2);
    until("no zombie", || zombies(master) == 0);
    assert!(!daemon.log().contains("lost"), "{}", daemon.log());

    let first = workers();
    send_signal(first[0], Signal::SIGKILL);
    until("a new worker", || {
        let now = workers();
        now.len() == 2 && now != first
    });
    assert_eq!(zombies(master), 0);

    fs::rename(daemon.path("access.log"), daemon.path("old")).unwrap();
    signal_from_within(master, "USR1");
    until("a new log", || daemon.path("access.log").exists());
    signal_from_within(master, "HUP");
    daemon.connect_to_generation(2).answer(2).unwrap();
    drop(client);

    signal_from_within(master, "TERM");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!daemon.socket().exists());
    assert!(daemon.log().ends_with("info: stopped\n"), "{}", daemon.log());
}

#[test]
fn process_one_obeys_the_container_engine_too() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let Some((mut daemon, master)) = start(":", &[]) else { return };
        // From outside, as an engine does it.
        send_signal(master, signal);
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(daemon.log().contains(&format!("info: {signal}: stopping")), "{}", daemon.log());
    }
}

fn is_worker(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("mirrorlistd/"))
}
