//! Whose the socket file is, and whose processes may ask.

use crate::support::{
    Client, Daemon, PATIENCE,
    daemon::{NOBODY, command_after, folder},
    until, write_cache,
};
use nix::unistd::{geteuid, getuid};
use std::{
    env, fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

/// Tells the test program that it is started to ask this socket.
const SOCKET: &str = "MIRRORLIST_TEST_SOCKET";

#[test]
fn strangers_are_turned_away_before_a_byte_while_peers_are_served() {
    let myself = getuid().as_raw().to_string();
    let daemon = Daemon::start(&["--peer", "4711", "--peer", &myself, "--socket-mode", "0666"]);
    let mut peer = daemon.connect();
    peer.answer(1).unwrap();
    if !geteuid().is_root() {
        eprintln!("skipped: only root can also come as another user");
        return;
    }
    for _ in 0..20 {
        assert_eq!(ask_as_nobody(&daemon.socket()), Some(STRANGER));
    }
    peer.answer(2).unwrap();
    daemon.connect().answer(3).unwrap();
    // Said once by each worker that has met any.
    let log = daemon.log();
    let said = log.lines().filter(|line| line.contains("new connection: refused")).collect::<Vec<_>>();
    assert!((1..=2).contains(&said.len()), "{log}");
    assert!(said[0].contains(" of user 65534 is not listed in the option peer"), "{log}");
    // The same process is served where everyone is.
    let open = Daemon::start(&["--socket-mode", "0666"]);
    assert_eq!(ask_as_nobody(&open.socket()), Some(0));
}

#[test]
fn whoever_is_not_a_peer_hears_nothing() {
    // Neither HELLO, for which a silent connection would get after a moment, nor an answer.
    let daemon = Daemon::start(&["--peer", "4711", "--socket-mode", "0666"]);
    for question in [Client::request(1), Vec::new()] {
        let mut stream = daemon.stream();
        let _ = stream.write_all(&question);
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        assert!(heard.is_empty(), "{heard:?}");
    }
    until("the line", || daemon.log().contains("is not listed in the option peer); serving the others"));
}

/// The exit code of one who has been turned away.
const STRANGER: i32 = 3;

fn ask_as_nobody(socket: &Path) -> Option<i32> {
    let folder = folder();
    let program = folder.path().join("program");
    fs::hard_link(env::current_exe().unwrap(), &program)
        .or_else(|_| fs::copy(env::current_exe().unwrap(), &program).map(drop))
        .unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "strangers::ask", "--ignored", "--test-threads=1"]).env(SOCKET, socket);
    command.uid(NOBODY).gid(NOBODY).current_dir(folder.path()).output().unwrap().status.code()
}

#[test]
#[ignore = "the other side of the tests above: asks as the user that it is started as"]
fn ask() {
    let Ok(socket) = env::var(SOCKET) else { return };
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(&Client::request(1));
    let mut answer = [0; 1000];
    let is_answered = stream.read(&mut answer).is_ok_and(|length| length > 0);
    std::process::exit(if is_answered { 0 } else { STRANGER })
}

#[test]
fn the_socket_file_is_its_owners() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let options = ["--socket-owner", "4711", "--socket-group", "4712", "--socket-mode", "0620"];
    let mut command = command_after(":", folder.path(), &options);
    let daemon = Daemon::spawn_command(folder, command.uid(0).gid(0));
    until("ready", || daemon.log().contains("is ready"));
    let file = fs::metadata(daemon.socket()).unwrap();
    assert_eq!((file.uid(), file.gid(), file.permissions().mode() & 0o777), (4711, 4712, 0o620));
    daemon.connect().answer(1).unwrap();
}

#[test]
fn an_owner_that_cannot_be_set_leaves_no_socket() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let (code, said) = crate::support::daemon::run(folder.path(), &["--socket-owner", "4711"]);
    assert_eq!(code, Some(71), "{said}");
    assert!(
        said.ends_with(": its owner and group cannot be set (Operation not permitted (os error 1))\n"),
        "{said}"
    );
    assert!(!folder.path().join("socket").exists());
}

#[test]
fn unknown_users_are_mistakes_in_the_configuration() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    for (option, kind) in [("--peer", "user"), ("--socket-owner", "user"), ("--socket-group", "group")] {
        for check in [&[option, "no-such-name"][..], &[option, "no-such-name", "--check"]] {
            let (code, said) = crate::support::daemon::run(folder.path(), check);
            assert!(
                said.starts_with(&format!("error: invalid value 'no-such-name' for '{option} ")),
                "{said}"
            );
            assert!(said.ends_with(&format!(": there is no such {kind}\n")), "{said}");
            assert_eq!(code, Some(78));
        }
    }
}

#[test]
fn peers_that_cannot_be_told_apart_are_a_mistake() {
    let inside = ["--user", "--map-root-user"];
    if !Command::new("unshare").args(inside).arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no user namespaces here");
        return;
    }
    let program = env!("CARGO_BIN_EXE_mirrorlistd");
    let said = |peer: &str| {
        let mut command = Command::new("unshare");
        let output =
            command.args(inside).args([program, "--peer", peer, "--check", "--cache", "/nonexistent"]);
        let output = output.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, refusal) = said("4711");
    let expected = ": user 4711 is not in the daemon's user namespace, so it could not be told apart\n";
    assert!(code == Some(78) && refusal.ends_with(expected), "{refusal}");
    // The one that is mapped passes, and the cache is what is wrong then.
    assert_eq!(said("0").0, Some(66));
}
