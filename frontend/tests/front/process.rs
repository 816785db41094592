//! The program itself: start, options, stop.

use super::{
    client::Client,
    eventually,
    program::{PROGRAM, Program},
    worker::{Connection, Daemon, is_served},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    process::Command,
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn sigterm_and_sigint_end_an_idle_program_at_once_and_leave_no_socket() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let daemon = Daemon::new();
        let _worker = daemon.echo();
        let socket = daemon.path("http");
        let place = format!("unix:{}", socket.display());
        let mut program = Program::start(&daemon, &["--listen", &place, "--stop-limit", "60"]);
        eventually("the socket file is served", || is_served(&socket));
        let mut kept = Client::connect(program.address());
        assert_eq!(kept.get("/").status, 200);
        program.signal(signal);
        assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
        assert!(kept.is_closed());
        assert!(!socket.exists());
    }
}

#[test]
fn the_daemons_signals_are_nothing_to_the_front_end() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    for (signal, name) in [(Signal::SIGHUP, "SIGHUP"), (Signal::SIGUSR1, "SIGUSR1")] {
        program.signal(signal);
        eventually("the operator is told", || program.logged(&format!("info: {name}: ignored")));
        assert_eq!(Client::connect(program.address()).get("/").status, 200);
    }
}

#[test]
fn a_program_that_was_started_with_signals_blocked_obeys_them() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let mut command = Command::new("env");
    command.args(["--block-signal", PROGRAM]);
    let mut program = Program::run(command, &daemon, &["--listen", "127.0.0.1:0"]);
    eventually("it listens", || program.logged("listening on"));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
}

#[test]
fn a_request_in_flight_is_answered_before_the_program_stops() {
    let daemon = Daemon::new();
    let (heard, hears) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let (heard, released) = (Mutex::new(heard), Mutex::new(released));
    let _worker = daemon.worker(0, 1, 1, move |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            heard.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            connection.reply(asked.id, "after all\n");
        }
    });
    let mut program = Program::start(&daemon, &["--deadline", "30", "--stop-limit", "30"]);
    let address = program.address();
    let mut client = Client::connect(address);
    client.send_get("/", "");
    hears.recv().unwrap();
    program.signal(Signal::SIGTERM);
    eventually("no more is accepted", || std::net::TcpStream::connect(address).is_err());
    release.send(()).unwrap();
    let answer = client.answer();
    assert_eq!((answer.text(), answer.header("connection")), ("after all\n", Some("close")));
    assert!(client.is_closed());
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
}

#[test]
fn a_request_whose_head_is_under_way_is_answered_before_the_program_stops() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    // One thread, so that all of it has heard of the stop when the idle client has been closed.
    let mut program = Program::start(&daemon, &["--threads", "1", "--stop-limit", "30"]);
    let address = program.address();
    let mut begun = Client::connect(address);
    begun.send("GET /begun HTTP/1.1\r\n");
    let mut other = Client::connect(address);
    assert_eq!(other.get("/").status, 200, "so both are accepted");
    let mut kept = Client::connect(address);
    assert_eq!(kept.get("/").status, 200);
    kept.send("GET /kept HTTP/1.1\r\n");
    assert!(kept.hears_nothing_for(Duration::from_millis(50)));
    program.signal(Signal::SIGTERM);
    assert!(other.is_closed());
    for client in [&mut begun, &mut kept] {
        let answer = client.send("\r\n").answer();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
}

#[test]
fn a_stop_does_not_wait_longer_than_its_limit() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| while connection.asked().is_some() {});
    let mut program = Program::start(&daemon, &["--deadline", "60", "--stop-limit", "0.3"]);
    let mut client = Client::connect(program.address());
    client.send_get("/", "");
    assert!(client.hears_nothing_for(Duration::from_millis(50)));
    let start = Instant::now();
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| while connection.asked().is_some() {});
    let mut program = Program::start(&daemon, &["--deadline", "60", "--stop-limit", "60"]);
    let mut client = Client::connect(program.address());
    client.send_get("/", "");
    assert!(client.hears_nothing_for(Duration::from_millis(50)));
    program.signal(Signal::SIGTERM);
    eventually("the first signal is heard", || program.logged("SIGTERM: stopping"));
    let end = Instant::now() + SOON;
    while Instant::now() < end && !program.has_ended() {
        program.signal(Signal::SIGTERM);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(program.has_ended(), "{}", program.log());
}

#[test]
fn a_stale_socket_file_is_replaced_and_gets_the_permissions_asked_for() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let socket = daemon.path("http");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists() && !is_served(&socket));
    let place = format!("unix:{}", socket.display());
    let _program = Program::start_bare(&daemon, &["--listen", &place, "--socket-mode", "0600"]);
    assert_eq!(Client::connect_unix(&socket).get("/").status, 200);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_cannot_be_listened_on_is_refused_with_exit_code_71() {
    let daemon = Daemon::new();
    let served = daemon.path("served");
    let _other = UnixListener::bind(&served).unwrap();
    let file = daemon.path("file");
    fs::write(&file, "precious").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    for (place, cause) in [
        (format!("unix:{}", served.display()), "another program answers on it"),
        (format!("unix:{}", file.display()), "a file that is not a socket is there"),
        (format!("unix:{}/none/x", file.display()), "its folder cannot be opened (Not a directory"),
        (port.local_addr().unwrap().to_string(), "Address already in use"),
        ("192.0.2.1:80".to_owned(), "Cannot assign requested address"),
    ] {
        let mut program = Program::spawn(&daemon, &["--listen", &place]);
        assert_eq!(program.ended(SOON).code(), Some(71), "{place}");
        let said = format!("error: listen {place}: {cause}");
        eventually("the operator is told", || program.logged(&said));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(is_served(&served));
}

#[test]
fn a_wrong_option_is_one_line_and_exit_code_78() {
    let daemon = Daemon::new();
    let file = daemon.path("front.toml");
    fs::write(&file, "threads = 1\nlisen = ['127.0.0.1:0']\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, said) in [
        (
            vec!["--listen", "nowhere"],
            "error: invalid value 'nowhere' for '--listen <ADDRESS>': not ADDRESS:PORT",
        ),
        (vec!["--threads", "many"], "error: invalid value 'many' for '--threads <N>'"),
        (vec!["--lissten", "x"], "error: unexpected argument '--lissten' found"),
        (
            vec!["--deadline", "0"],
            "error: invalid value '0' for '--deadline <TIME>': expected a time from 1ms",
        ),
        (vec!["--config", file], "front.toml line 2: unknown option `lisen`; did you mean `listen`?"),
        (vec!["--config", "/nonexistent"], "error: config /nonexistent: No such file"),
    ] {
        let mut program = Program::spawn(&daemon, &arguments);
        assert_eq!(program.ended(SOON).code(), Some(78), "{arguments:?}");
        eventually("the operator is told", || program.logged(said));
        assert_eq!(program.log().lines().count(), 1, "{}", program.log());
    }
}

#[test]
fn options_may_stand_in_a_file_and_flags_override_it() {
    let daemon = Daemon::absent();
    let file = daemon.path("front.toml");
    fs::write(&file, "listen = ['127.0.0.1:0']\ndeadline = 60\nmax-head = 300\nthreads = 1\n").unwrap();
    let program = Program::start_bare(&daemon, &["--config", file.to_str().unwrap(), "--deadline", "0.2"]);
    let mut client = Client::connect(program.address());
    assert_eq!(client.get("/").status, 503, "the flag's deadline");
    assert_eq!(client.get(&format!("/{}", "x".repeat(300))).status, 431, "the file's limit");
}

#[test]
fn a_log_that_may_not_grow_ends_nothing() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let (log, socket) = (daemon.path("log"), daemon.path("http"));
    fs::write(&log, [b'x'; 4096]).unwrap();
    let mut command = Command::new("sh");
    let script = format!("ulimit -f 1 && exec \"$0\" \"$@\" 2>>'{}'", log.display());
    command.args(["-c", &script, PROGRAM]);
    let mut program = Program::run(command, &daemon, &["--listen", &format!("unix:{}", socket.display())]);
    eventually("the socket file is served", || program.has_ended() || is_served(&socket));
    assert!(!program.has_ended(), "its first line was its last");
    assert_eq!(Client::connect_unix(&socket).get("/").status, 200);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(SOON).code(), Some(0));
    assert_eq!(fs::metadata(&log).unwrap().len(), 4096, "the limit did not hold");
}

#[test]
fn children_that_it_has_inherited_are_reaped() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let mut command = Command::new("sh");
    command.args(["-c", "true & sleep 0.1 & sleep 1000 & exec \"$0\" \"$@\"", PROGRAM]);
    let program = Program::run(command, &daemon, &["--listen", "127.0.0.1:0"]);
    eventually("the program listens", || program.logged("listening on"));
    let path = format!("/proc/{0}/task/{0}/children", program.pid());
    let children = || fs::read_to_string(&path).unwrap().split_whitespace().count();
    eventually("only the child that lives is left", || children() == 1);
    let child = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(child), Signal::SIGKILL).unwrap();
    eventually("none is left", || children() == 0);
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
}

#[test]
fn a_check_ends_without_listening() {
    let daemon = Daemon::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap().to_string();
    let mut program = Program::spawn(&daemon, &["--check", "--listen", &place]);
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
}
