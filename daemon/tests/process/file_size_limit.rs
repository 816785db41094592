//! Limits of file sizes (`RLIMIT_FSIZE`), which end a process that does not expect them with a signal.
//!
//! A shell's unit is 512 or 1024 bytes; the limits here leave room for both.

use crate::support::{
    Daemon, cache_bytes,
    daemon::{command_after, folder},
    until, write_cache, write_large_cache,
};
use nix::sys::signal::Signal;
use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};
use wire::Counter;

/// Room for the small cache and what the daemon says, but not for [`LARGE`].
const LIMIT: &str = "ulimit -f 2048";
/// More than any of the limits.
const LARGE: usize = 4 << 20;

/// A file beyond the limit that everyone may write to.
fn overfull(path: &Path) {
    fs::write(path, vec![b'\n'; LARGE]).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

#[test]
fn a_log_at_the_limit_costs_lines_and_no_answer() {
    let folder = folder();
    let log = folder.path().join("access.log");
    overfull(&log);
    write_cache(&folder.path().join("cache.mlc"), "first");
    let options = ["--access-log", "access.log", "--log-address", "full"];
    let mut command = command_after(LIMIT, folder.path(), &options);
    let daemon = Daemon::spawn_command(folder, &mut command);
    until("ready", || daemon.log().contains("is ready"));
    let workers = daemon.workers();
    let mut client = daemon.connect();
    for id in 0..100 {
        client.answer(id).unwrap();
    }
    until("the lines counted as lost", || daemon.status().counter(Counter::LogLinesDropped) == 100);
    assert!(daemon.log().contains("access log: 1 line lost (File too large"), "{}", daemon.log());
    assert_eq!(daemon.workers(), workers);
    assert_eq!(fs::metadata(&log).unwrap().len(), LARGE as u64);
    // With room again, the messages come to the same sum as the counter.
    fs::write(&log, "").unwrap();
    client.answer(1).unwrap();
    until("word of the rest", || daemon.log().contains("access log: 99 more lines lost (File too large"));
    assert!(daemon.log().trim_end().ends_with("; writing again"), "{}", daemon.log());
}

#[test]
fn a_line_of_the_log_cut_short_is_ended_by_the_next_worker_and_not_in_the_next_file() {
    let daemon = Daemon::start_after(LIMIT, &["--access-log", "access.log", "--log-address", "full"]);
    let log = daemon.path("access.log");
    let [mut one, mut other] = [0, 1].map(|worker| daemon.connect_to(daemon.workers()[worker]));
    let text = || fs::read_to_string(&log).unwrap();
    let limit = file_size_limit(daemon.pid());
    let mut cut_short = |lost| {
        OpenOptions::new().write(true).open(&log).unwrap().set_len(limit - 8).unwrap();
        one.answer(1).unwrap();
        until("a line cut short", || daemon.status().counter(Counter::LogLinesDropped) == lost);
        assert!(text().ends_with("\0IP: 192."));
    };
    cut_short(1);
    // Room again behind the line.
    fs::write(&log, "IP: 192.").unwrap();
    other.answer(1).unwrap();
    until("a line after it", || text().ends_with('\n'));
    assert!(text().starts_with("IP: 192.\nIP: 192.0.2.7; "), "{}", text());
    cut_short(2);
    fs::rename(&log, daemon.path("access.log.1")).unwrap();
    daemon.signal(Signal::SIGUSR1);
    until("a new file", || log.exists());
    // The master answers when it has done with the signal.
    daemon.status();
    other.answer(1).unwrap();
    until("a line in it", || text().ends_with('\n'));
    assert!(text().starts_with("IP: 192.0.2.7; "), "{}", text());
}

/// The limit that a process has, in bytes.
fn file_size_limit(pid: u32) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max file size")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn messages_at_the_limit_are_lost_and_nothing_else() {
    let folder = folder();
    let messages = folder.path().join("messages");
    overfull(&messages);
    write_cache(&folder.path().join("cache.mlc"), "first");
    let mut command = command_after(LIMIT, folder.path(), &["--drain-limit", "1"]);
    command.stderr(OpenOptions::new().append(true).open(&messages).unwrap());
    let mut daemon = Daemon::spawn_command(folder, &mut command);
    until("a listener", || std::os::unix::net::UnixStream::connect(daemon.socket()).is_ok());
    daemon.connect().answer(1).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.connect_to_generation(2).answer(1).unwrap();
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_cache_above_the_limit_is_refused_and_the_old_one_kept() {
    let mut daemon = Daemon::start_after(LIMIT, &[]);
    let reload_says = |expected: &str, times: usize| {
        daemon.signal(Signal::SIGHUP);
        until("the refusal", || daemon.log().matches("; keeping generation 1").count() == times);
        let log = daemon.log();
        assert!(log.lines().last().unwrap().contains(expected), "{log}");
        assert!(daemon.connect().answer(1).unwrap().contains(".first.example.org"));
    };
    fs::remove_file(daemon.cache()).unwrap();
    write_large_cache(&daemon.cache(), "large");
    let length = fs::metadata(daemon.cache()).unwrap().len();
    assert!(length > LARGE as u64 / 2, "{length} bytes");
    reload_says("File too large", 1);
    // What is no cache at all is told by its first bytes, before a copy would meet the limit; so is what is longer
    // than its header says.
    fs::remove_file(daemon.cache()).unwrap();
    File::create(daemon.cache()).unwrap().set_len(1 << 40).unwrap();
    reload_says("not a mirrorlist cache", 2);
    let mut file = File::create(daemon.cache()).unwrap();
    file.write_all(&cache_bytes("second")).unwrap();
    file.set_len(1 << 40).unwrap();
    reload_says("bytes of payload", 3);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_first_cache_above_the_limit_is_refused() {
    let folder = folder();
    write_large_cache(&folder.path().join("cache.mlc"), "large");
    let mut command = command_after(LIMIT, folder.path(), &[]);
    let mut daemon = Daemon::spawn_command(folder, &mut command);
    assert_eq!(daemon.wait().code(), Some(66), "{}", daemon.log());
    assert!(daemon.log().contains("File too large"), "{}", daemon.log());
}
