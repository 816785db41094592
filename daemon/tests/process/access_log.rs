//! The access log as files, not as lines: what a line holds is tested where it is rendered.

use crate::support::{Daemon, until};
use nix::sys::signal::Signal;
use std::{fs, io::Write as _};

#[test]
fn lines_are_written_and_follow_a_reopened_file() {
    let daemon = start("access.log");
    let mut client = daemon.connect();
    let log = daemon.path("access.log");
    let lines = |path| fs::read_to_string(path).map_or(0, |text| text.lines().count());
    for id in 0..10 {
        client.answer(id).unwrap();
    }
    until("ten lines", || lines(log.clone()) == 10);
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with("IP: 192.0.2.7; DATE: 20"), "{text}");
    // As a rotation with a signal does it.
    let old = daemon.path("access.log.1");
    fs::rename(&log, &old).unwrap();
    daemon.signal(Signal::SIGUSR1);
    until("a new file", || log.exists());
    until("lines in the new file", || {
        client.answer(1).unwrap();
        lines(log.clone()) > 0
    });
    // As a rotation by copytruncate does it.
    let before = lines(log.clone());
    fs::OpenOptions::new().write(true).truncate(true).open(&log).unwrap();
    client.answer(1).unwrap();
    until("lines after truncation", || (1..=before + 1).contains(&lines(log.clone())));
    assert!(fs::read_to_string(&log).unwrap().starts_with("IP: "));
}

#[test]
fn a_log_that_takes_nothing_costs_no_answer() {
    let mut daemon = start("/dev/full");
    let mut client = daemon.connect();
    for id in 0..100 {
        client.answer(id).unwrap();
    }
    until("the warning", || daemon.log().contains("access log: 1 line lost (No space left on device"));
    assert_eq!(daemon.log().matches("access log: ").count(), 1);
    // Workers leave when their clients have.
    drop(client);
    daemon.signal(Signal::SIGTERM);
    daemon.wait();
    assert!(
        daemon.log().contains("access log: 99 more lines lost (No space left on device"),
        "{}",
        daemon.log()
    );
}

#[test]
fn a_pipe_that_nobody_reads_costs_no_answer() {
    let folder = crate::support::daemon::folder();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
    fs::set_permissions(&pipe, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    crate::support::write_cache(&folder.path().join("cache.mlc"), "first");
    // A reader that has the pipe open, but does not read.
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let options = ["--access-log", pipe.to_str().unwrap(), "--log-address", "full"];
    let daemon = Daemon::spawn_in(folder, &options);
    until("ready", || daemon.log().contains("is ready"));
    let mut client = daemon.connect();
    for id in 0..3000 {
        client.answer(id).unwrap();
    }
    until("the warning", || daemon.log().contains("lost (Resource temporarily unavailable"));
    (&reader).write_all(b"").unwrap();
}

#[test]
fn a_log_that_cannot_be_reopened_goes_on_in_the_old_file() {
    let daemon = start("access.log");
    let (log, old) = (daemon.path("access.log"), daemon.path("old"));
    fs::rename(&log, &old).unwrap();
    fs::create_dir(&log).unwrap();
    daemon.signal(Signal::SIGUSR1);
    until("the warning", || daemon.log().contains("cannot be reopened (Is a directory"));
    daemon.connect().answer(1).unwrap();
    until("the line in the old file", || fs::read_to_string(&old).unwrap().starts_with("IP: "));
}

/// A daemon that logs to this file, in its folder unless the path is absolute.
fn start(file: &str) -> Daemon {
    Daemon::start(&["--access-log", file, "--log-address", "full"])
}
