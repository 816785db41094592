//! What systemd and the program say to each other: sockets passed on, readiness, signs of life. The tests play systemd
//! with real sockets and a real environment.

use super::{
    client::Client,
    eventually,
    program::{PROGRAM, Program},
    worker::{Connection, Daemon},
};
use nix::sys::{
    ptrace,
    signal::Signal,
    socket::{AddressFamily, SockFlag, SockType, socket},
    wait::{WaitPidFlag, waitpid},
};
use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixListener},
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(10);

/// A command that passes two sockets on to the program, as systemd does, and says that they are for `pid`.
fn passing(first: impl Into<OwnedFd>, second: impl Into<OwnedFd>, pid: &str) -> Command {
    let script =
        format!("exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_FDS=2 LISTEN_PID={pid} exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, PROGRAM]);
    command.stdin(Stdio::from(first.into())).stdout(Stdio::from(second.into()));
    command
}

fn listening(mut command: Command, daemon: &Daemon, arguments: &[&str]) -> Program {
    command.env_remove("NOTIFY_SOCKET");
    let program = Program::run(command, daemon, arguments);
    eventually("the program listens", || program.logged("listening on"));
    program
}

fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn sockets_that_systemd_passes_are_served_and_the_option_listen_is_not_used() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let (listener, address) = tcp();
    let path = daemon.path("http");
    let file = UnixListener::bind(&path).unwrap();
    let mut waiting = Client::connect(address);
    waiting.send_get("/before", "");
    // Were it used, the program would refuse to start.
    let (_taken, elsewhere) = tcp();
    let command = passing(listener, file, "$$");
    let arguments = ["--threads", "3", "--listen", &elsewhere.to_string()];
    let mut program = listening(command, &daemon, &arguments);
    assert!(
        program.logged("sockets: 2 passed by systemd; the option listen is not used"),
        "{}",
        program.log()
    );
    assert_eq!(program.addresses(), [address]);
    let listening = format!("listening on unix:{}", path.display());
    eventually("the file is told of", || program.logged(&listening));
    assert_eq!(waiting.answer().text(), "Get Unknown 127.0.0.1 /before?\n");
    for _ in 0..20 {
        assert_eq!(Client::connect(address).get("/tcp").text(), "Get Unknown 127.0.0.1 /tcp?\n");
        assert_eq!(Client::connect_unix(&path).get("/file").text(), "Get Unknown unknown /file?\n");
    }
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
    assert!(path.exists(), "the socket file is systemd's to remove");
}

#[test]
fn all_threads_serve_a_socket_that_was_passed() {
    let daemon = Daemon::new();
    // Each thread has a connection of its own to the worker; the answer tells which it came over.
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            let number = connection.number.to_string();
            connection.reply(asked.id, &number);
        }
    });
    let (first, second) = (tcp(), tcp());
    let address = first.1;
    let _program = listening(passing(first.0, second.0, "$$"), &daemon, &["--threads", "2"]);
    let mut seen = Vec::new();
    eventually("two threads have answered", || {
        let mut clients: Vec<Client> = (0..8).map(|_| Client::connect(address)).collect();
        for client in &mut clients {
            client.send_get("/", "");
        }
        seen.extend(clients.iter_mut().map(|client| client.answer().text().to_owned()));
        seen.sort_unstable();
        seen.dedup();
        seen.len() == 2
    });
}

#[test]
fn requests_wait_in_a_passed_socket_while_the_program_is_restarted() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let ((listener, address), (other, _)) = (tcp(), tcp());
    let mut held = Vec::new();
    for turn in 0..3 {
        let (listener, other) = (listener.try_clone().unwrap(), other.try_clone().unwrap());
        let mut program = listening(passing(listener, other, "$$"), &daemon, &[]);
        for mut client in held.drain(..) {
            assert_eq!(Client::answer(&mut client).status, 200, "asked before start {turn}");
        }
        program.signal(Signal::SIGTERM);
        assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
        for _ in 0..5 {
            let mut client = Client::connect(address);
            client.send_get("/held", "");
            held.push(client);
        }
    }
}

#[test]
fn sockets_that_are_for_another_process_are_left_alone() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let ((first, address), (second, _)) = (tcp(), tcp());
    let program = listening(passing(first, second, "1"), &daemon, &["--listen", "127.0.0.1:0"]);
    assert!(!program.logged("passed by systemd"), "{}", program.log());
    assert_ne!(program.address(), address);
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
}

#[test]
fn what_is_passed_and_cannot_be_served_is_refused_with_exit_code_71() {
    let daemon = Daemon::new();
    let idle = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
    let datagrams: OwnedFd = UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    for (second, said) in [
        (idle, "error: socket 2 passed by systemd: it does not listen"),
        (datagrams, "error: socket 2 passed by systemd: it is no stream socket"),
        (file, "error: socket 2 passed by systemd: it is no stream socket"),
    ] {
        let mut program = Program::run(passing(tcp().0, second, "$$"), &daemon, &[]);
        assert_eq!(program.ended(SOON).code(), Some(71), "{}", program.log());
        eventually("the operator is told", || program.logged(said));
    }
}

#[test]
fn a_number_of_sockets_that_cannot_be_read_is_refused_with_exit_code_71() {
    let daemon = Daemon::new();
    for number in ["garbage", "", "4294967295"] {
        let mut command = Command::new("sh");
        let script = format!("LISTEN_FDS='{number}' LISTEN_PID=$$ exec \"$0\" \"$@\"");
        command.args(["-c", &script, PROGRAM]);
        let mut program = Program::run(command, &daemon, &["--listen", "127.0.0.1:0"]);
        assert_eq!(program.ended(SOON).code(), Some(71), "{}", program.log());
        let said = format!("error: sockets passed by systemd: LISTEN_FDS is {number:?}, expected a number");
        eventually("the operator is told", || program.logged(&said));
    }
}

#[test]
fn sockets_that_are_passed_to_nobody_in_particular_are_not_taken() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    for pid in ["unset LISTEN_PID; ", "export LISTEN_PID=; "] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{pid}LISTEN_FDS=1 exec \"$0\" \"$@\""), PROGRAM]);
        let program = listening(command, &daemon, &["--listen", "127.0.0.1:0"]);
        assert_eq!(Client::connect(program.address()).get("/").status, 200, "{pid}");
    }
}

/// Starts the program as a service of `Type=notify` that sends its messages to `place`.
fn notifying(daemon: &Daemon, place: &str, more: &[(&str, &str)], arguments: &[&str]) -> Program {
    let mut command = Command::new(PROGRAM);
    command.env("NOTIFY_SOCKET", place).envs(more.iter().copied()).env_remove("WATCHDOG_PID");
    let mut all = vec!["--listen", "127.0.0.1:0"];
    all.extend_from_slice(arguments);
    Program::run(command, daemon, &all)
}

/// The next message.
fn heard(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    manager.set_read_timeout(Some(SOON)).unwrap();
    let length = manager.recv(&mut bytes).expect("a message");
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn systemd_is_told_of_readiness_of_trouble_and_of_the_end() {
    let daemon = Daemon::new();
    let path = daemon.path("notify");
    let abstract_name = format!("{}", daemon.path("abstract").display());
    for (place, manager) in [
        (path.to_str().unwrap().to_owned(), UnixDatagram::bind(&path).unwrap()),
        (
            format!("@{abstract_name}"),
            UnixDatagram::bind_addr(&UnixAddress::from_abstract_name(&abstract_name).unwrap()).unwrap(),
        ),
    ] {
        let worker = daemon.echo();
        let mut program = notifying(&daemon, &place, &[], &["--stop-limit", "60"]);
        assert_eq!(heard(&manager), "READY=1");
        eventually("its log is read", || program.logged("listening on"));
        assert_eq!(Client::connect(program.address()).get("/").status, 200, "ready means that it answers");
        worker.kill();
        drop(worker);
        // The socket still takes connections; nobody says HELLO.
        let trouble = heard(&manager);
        assert!(trouble.starts_with("STATUS=no worker answers ("), "{trouble}");
        program.signal(Signal::SIGTERM);
        assert_eq!(heard(&manager), "STOPPING=1");
        assert_eq!(program.ended(SOON).code(), Some(0), "{}", program.log());
    }
}

#[test]
fn the_watchdog_is_told_that_we_live_for_as_long_as_every_thread_turns() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let path = daemon.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let within = Duration::from_secs(1);
    let program =
        notifying(&daemon, path.to_str().unwrap(), &[("WATCHDOG_USEC", "1000000")], &["--threads", "2"]);
    // Whether a sign of life comes within this time, whatever else is said.
    let alive = |limit: Duration| {
        let end = Instant::now() + limit;
        let mut bytes = [0; 4096];
        loop {
            // No time at all would be no limit.
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            manager.set_read_timeout(Some(left)).unwrap();
            match manager.recv(&mut bytes) {
                Ok(length) if &bytes[..length] == b"WATCHDOG=1" => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    };
    for _ in 0..5 {
        assert!(alive(SOON), "{}", program.log());
    }
    // One thread of three stands still; the one that tells goes on.
    let (stuck, _) = program.threads().into_iter().find(|(_, name)| name == "http-1").unwrap();
    ptrace::seize(stuck, ptrace::Options::empty()).unwrap();
    ptrace::interrupt(stuck).unwrap();
    waitpid(stuck, Some(WaitPidFlag::__WALL)).unwrap();
    eventually("the operator is told", || program.logged("thread http-1: has hung"));
    eventually("it says no more that it lives", || !alive(within * 2));
    ptrace::detach(stuck, None).unwrap();
    assert!(alive(SOON), "it turns again");
}

#[test]
fn a_watchdog_that_watches_another_process_is_told_nothing() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let path = daemon.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut command = Command::new(PROGRAM);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "20000").env("WATCHDOG_PID", "1");
    let program = Program::run(command, &daemon, &["--listen", "127.0.0.1:0"]);
    assert_eq!(heard(&manager), "READY=1");
    std::thread::sleep(Duration::from_millis(200));
    program.signal(Signal::SIGTERM);
    // Nothing comes in between, though ten signs of life would have been due at the least.
    assert_eq!(heard(&manager), "STOPPING=1");
}
