//! The sockets that the program opens: whom they are refused, what is in the way, who may connect.

use super::{
    client::Client,
    eventually,
    program::{PROGRAM, Program},
    worker::{Connection, Daemon, is_served},
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::Path,
    process::Command,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(10);

/// Sees that the program does not start with this `--listen`, and says why.
fn is_refused(daemon: &Daemon, place: &str, cause: &str) {
    let mut program = Program::spawn(daemon, &["--threads", "2", "--listen", place]);
    assert_eq!(program.ended(SOON).code(), Some(71), "{place}");
    eventually("the operator is told", || program.logged(&format!("error: listen {place}: {cause}")));
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

#[test]
fn a_port_of_another_front_end_is_refused() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    for threads in ["1", "2"] {
        let first = Program::start(&daemon, &["--threads", threads]);
        is_refused(&daemon, &first.address().to_string(), "Address already in use");
        for _ in 0..20 {
            assert_eq!(Client::connect(first.address()).get("/").status, 200);
        }
    }
}

#[test]
fn all_threads_serve_an_address() {
    let daemon = Daemon::new();
    // Each thread has a connection of its own to the worker; the answer tells which it came over.
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            let number = connection.number.to_string();
            connection.reply(asked.id, &number);
        }
    });
    let program = Program::start(&daemon, &["--threads", "3"]);
    let mut seen = Vec::new();
    eventually("three threads have answered", || {
        seen.push(Client::connect(program.address()).get("/").text().to_owned());
        seen.sort_unstable();
        seen.dedup();
        seen.len() == 3
    });
}

#[test]
fn a_socket_file_whose_queue_is_full_is_refused_and_not_waited_for() {
    let daemon = Daemon::new();
    let path = daemon.path("full");
    let address = SockAddr::unix(&path).unwrap();
    let busy = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    busy.bind(&address).unwrap();
    busy.listen(0).unwrap();
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None).unwrap();
        socket.connect(&address).map(|()| socket)
    };
    let _waiting: Vec<_> = std::iter::from_fn(|| connect().ok()).take(100).collect();
    assert!(connect().is_err(), "the queue is not full");
    is_refused(&daemon, &unix(&path), "another program answers on it");
    assert!(path.exists());
}

#[test]
fn a_socket_file_has_the_permissions_asked_for_whatever_the_mask() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    for (mask, mode) in [("077", "0666"), ("000", "0600"), ("027", "0640")] {
        let path = daemon.path(mode);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {mask} && exec \"$0\" \"$@\""), PROGRAM]);
        let _program = Program::run(command, &daemon, &["--listen", &unix(&path), "--socket-mode", mode]);
        eventually("it is served", || is_served(&path));
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(format!("{found:04o}"), mode, "umask {mask}");
    }
}

#[test]
fn of_a_daemon_that_turns_us_away_the_operator_is_told_where_to_look() {
    let daemon = Daemon::absent();
    let listener = UnixListener::bind(daemon.socket()).unwrap();
    // Ends with the test's process.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let program = Program::start(&daemon, &["--deadline", "0.2"]);
    assert_eq!(Client::connect(program.address()).get("/").status, 503);
    let said = "no worker answers (it closes the connection; its option peer may not let our user in)";
    eventually("the operator is told", || program.logged(said));
}
