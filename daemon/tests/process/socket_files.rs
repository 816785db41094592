//! Socket files that others remove or put something in the place of.

use crate::support::{
    Daemon, Said,
    daemon::{command_after, folder},
    is_alive, until, write_cache,
};
use nix::sys::signal::Signal;
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    process::Stdio,
};
use wire::Counter;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_socket_file_that_was_removed_is_bound_anew_and_answered_on() {
    let daemon = Daemon::start(&["--socket-mode", "0606"]);
    let old = daemon.workers();
    let mut client = daemon.connect();
    fs::remove_file(daemon.socket()).unwrap();
    until("the file", || UnixStream::connect(daemon.socket()).is_ok());
    assert_eq!(mode(&daemon.socket()), 0o606);
    daemon.connect().answer(1).unwrap();
    // Those who are connected are told to go, as when a new cache comes.
    assert_eq!(client.hear().unwrap(), Some(Said::GoAway(String::new())));
    client.answer(2).unwrap();
    drop(client);
    until("the end of the old workers", || old.iter().all(|pid| !is_alive(*pid)));
    let log = daemon.log();
    assert!(log.contains("socket: its file is gone; bound anew"), "{log}");
    // That was no reload, and reloads go on as before.
    assert_eq!(daemon.status().counter(Counter::Reloads), 0);
    assert_eq!(daemon.errand(&["reload"]).code, Some(0));
    daemon.connect_to_generation(3).answer(3).unwrap();
}

#[test]
fn a_socket_whose_folder_is_moved_away_and_back_is_told_of_and_answered_on() {
    let daemon = Daemon::start(&[]);
    let home = daemon.path("");
    let away = home.with_file_name(format!("{}-away", home.file_name().unwrap().display()));
    fs::rename(&home, &away).unwrap();
    let log = || fs::read_to_string(away.join("stderr")).unwrap();
    until("the error", || log().contains("socket: its file is gone; cannot be bound anew ("));
    assert!(log().contains("), trying again every second\n"), "{}", log());
    fs::rename(&away, &home).unwrap();
    until("the end of it", || daemon.log().contains("socket: its file is there again\n"));
    daemon.connect().answer(1).unwrap();
}

#[test]
fn a_control_socket_that_was_removed_is_bound_anew() {
    let mut daemon = Daemon::start(&[]);
    fs::remove_file(daemon.control()).unwrap();
    until("the file", || daemon.control().exists());
    until("an answer", || daemon.errand(&["reload"]).code == Some(0));
    assert_eq!(mode(&daemon.control()), 0o600);
    daemon.connect_to_generation(2).answer(1).unwrap();
    assert!(daemon.log().contains("control: its file is gone; bound anew"), "{}", daemon.log());
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!daemon.control().exists() && !daemon.socket().exists());
}

#[test]
fn what_was_put_in_place_of_a_socket_file_is_left_alone_and_told_of_once() {
    let daemon = Daemon::start(&[]);
    fs::remove_file(daemon.socket()).unwrap();
    let another = UnixListener::bind(daemon.socket());
    // Where the daemon has been faster its new file is replaced again.
    let another = another.or_else(|_| {
        fs::remove_file(daemon.socket())?;
        UnixListener::bind(daemon.socket())
    });
    until("the error", || {
        daemon.log().contains("socket: something else has been put in its place; nobody can")
    });
    // Looked at once a second.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(daemon.log().matches("something else has been put").count(), 1);
    another.unwrap();
    fs::remove_file(daemon.socket()).unwrap();
    until("the file", || UnixStream::connect(daemon.socket()).is_ok());
    daemon.connect().answer(1).unwrap();
}

#[test]
fn a_socket_file_of_systemd_is_told_of_when_it_is_gone() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
    let preparation = "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1";
    let mut command = command_after(preparation, folder.path(), &[]);
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    let daemon = Daemon::spawn_command(folder, &mut command);
    until("ready", || daemon.log().contains("is ready"));
    let mut client = daemon.connect();
    fs::remove_file(&socket).unwrap();
    until("the error", || daemon.log().contains("nobody can connect until its socket unit is restarted"));
    client.answer(1).unwrap();
    assert!(!socket.exists());
}

#[test]
fn a_garbled_number_of_passed_sockets_is_refused() {
    for garbled in ["garbage", "''", "-1", "1x", "99999999999999999999", "4294967295"] {
        let folder = folder();
        write_cache(&folder.path().join("cache.mlc"), "first");
        let preparation = format!("export LISTEN_PID=$$ LISTEN_FDS={garbled}");
        let mut command = command_after(&preparation, folder.path(), &[]);
        let mut daemon = Daemon::spawn_command(folder, &mut command);
        assert_eq!(daemon.wait().code(), Some(71), "{garbled}: {}", daemon.log());
        let log = daemon.log();
        assert!(log.starts_with("error: sockets passed by systemd: "), "{garbled}: {log}");
        assert!(log.contains("expected a number"), "{garbled}: {log}");
        assert!(!daemon.socket().exists());
    }
}
