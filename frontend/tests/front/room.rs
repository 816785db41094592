//! At the limit of connections: who makes room, who does not, and what is told of it.

use super::{
    client::Client,
    eventually,
    program::Program,
    worker::{Connection, Daemon, Worker},
};
use nix::sys::signal::Signal;
use std::{net::SocketAddr, thread, time::Duration};

const CROWD: [u8; 4] = [127, 0, 0, 1];
const NEWCOMER: [u8; 4] = [127, 0, 0, 2];
const QUIET: [u8; 4] = [127, 0, 0, 3];

/// A worker that answers what is asked for `/held` only when it is asked for something else.
fn holding(daemon: &Daemon) -> Worker {
    daemon.worker(0, 1, 1, |mut connection: Connection| {
        let mut held = Vec::new();
        while let Some(asked) = connection.asked() {
            held.push((asked.id, asked.path.clone()));
            if asked.path != "/held" {
                for (id, path) in held.drain(..) {
                    connection.reply_with(id, 200, "text/plain", "", path.as_bytes());
                }
            }
        }
    })
}

/// So many that have asked, got their answers and stay.
fn kept(address: SocketAddr, count: usize) -> Vec<Client> {
    let keep = |_| {
        let mut client = Client::connect_from(CROWD, address);
        assert_eq!(client.get("/").status, 200);
        client
    };
    (0..count).map(keep).collect()
}

fn ready(program: &Program) -> (u16, String) {
    let answer = Client::connect(program.admin()).get("/healthz/ready");
    (answer.status, answer.text().to_owned())
}

#[test]
fn idle_connections_make_room_however_many_one_client_keeps() {
    for threads in ["1", "4"] {
        let daemon = Daemon::new();
        let _worker = daemon.echo();
        let program = Program::start(&daemon, &["--max-connections", "40", "--threads", threads]);
        let _crowd = kept(program.address(), 40);
        // As many as there may be, one after the other, and all of them stay.
        let newcomers: Vec<Client> = (0..40)
            .map(|_| {
                let mut client = Client::connect_from(NEWCOMER, program.address());
                assert_eq!(client.get("/").status, 200);
                client
            })
            .collect();
        assert!(program.logged("connections: limit of 40 reached; "), "{}", program.log());
        drop(newcomers);
    }
}

#[test]
fn those_that_never_say_anything_make_room_too() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program =
        Program::start(&daemon, &["--max-connections", "10", "--header-timeout", "600", "--threads", "1"]);
    let own = program.own_sockets("/");
    let _silent: Vec<_> = (0..10).map(|_| Client::connect(program.address())).collect();
    eventually("all of them are inside", || program.sockets() == own + 10);
    assert_eq!(Client::connect_from(NEWCOMER, program.address()).get("/").status, 200);
}

#[test]
fn whoever_has_most_connections_loses_the_longest_idle() {
    of_the_crowd_the_longest_idle_goes("127.0.0.1:0");
}

#[test]
fn ipv4_clients_of_a_socket_of_both_families_are_no_crowd_together() {
    of_the_crowd_the_longest_idle_goes(":0");
}

fn of_the_crowd_the_longest_idle_goes(listen: &str) {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let arguments = ["--listen", listen, "--max-connections", "10", "--threads", "1"];
    let program = Program::start_bare(&daemon, &arguments);
    let address = SocketAddr::from(([127, 0, 0, 1], program.address().port()));
    // The longest idle of all.
    let mut quiet = Client::connect_from(QUIET, address);
    assert_eq!(quiet.get("/").status, 200);
    let mut crowd = kept(address, 9);
    // Only those that have been idle for a second can make room: until then the quiet one would be alone.
    thread::sleep(Duration::from_secs(3));
    let mut newcomers = Vec::new();
    for longest_idle in &mut crowd[..4] {
        let mut client = Client::connect_from(NEWCOMER, address);
        assert_eq!(client.get("/").status, 200);
        newcomers.push(client);
        assert!(longest_idle.is_closed(), "not in good order");
    }
    assert_eq!(quiet.get("/").status, 200);
    assert!(crowd[4..].iter_mut().all(|client| client.get("/").status == 200));
    assert_eq!(newcomers[0].get("/").status, 200);
}

#[test]
fn a_request_under_way_is_never_closed_and_readiness_says_that_all_is_taken() {
    let daemon = Daemon::new();
    let _worker = holding(&daemon);
    let arguments = [
        "--max-connections",
        "3",
        "--threads",
        "1",
        "--admin",
        "127.0.0.1:0",
        "--deadline",
        "60",
        "--patience",
        "60",
    ];
    let program = Program::start(&daemon, &arguments);
    let own = program.own_sockets("/");
    let mut inside: Vec<_> = (0..3).map(|_| Client::connect(program.address())).collect();
    inside[0].send_get("/held", "");
    inside[1].send_get("/held", "");
    // A head of which something has come is as good as a request.
    inside[2].send("GET /go HT");
    eventually("readiness is denied", || {
        ready(&program) == (503, "all 3 connections are taken, and none is idle\n".into())
    });
    let mut outside = Client::connect_from(NEWCOMER, program.address());
    outside.send_get("/outside", "");
    assert!(outside.hears_nothing_for(Duration::from_millis(1500)), "served above the limit");
    // Those who asked for readiness are gone within a moment.
    eventually("it is not even accepted", || program.sockets() == own + 3);
    assert!(program.logged("limit of 3 reached; none is accepted until one closes"), "{}", program.log());
    inside[2].send("TP/1.1\r\n\r\n");
    for (client, expected) in inside.iter_mut().zip(["/held", "/held", "/go"]) {
        assert_eq!(client.answer().text(), expected);
    }
    // Now the first of them makes room.
    assert_eq!(outside.answer().text(), "/outside");
    eventually("readiness is told again", || ready(&program).0 == 200);
}

#[test]
fn at_the_limit_nobody_has_to_go_while_nobody_waits() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    for threads in ["1", "4"] {
        let program = Program::start(&daemon, &["--max-connections", "4", "--threads", threads]);
        let mut crowd = kept(program.address(), 4);
        assert!(crowd[0].hears_nothing_for(Duration::from_millis(2500)));
        assert!(crowd.iter_mut().all(|client| client.get("/").status == 200));
        assert!(!program.logged("limit of 4 reached"), "{}", program.log());
    }
}

#[test]
fn what_an_idle_client_asks_at_the_very_moment_is_answered() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--max-connections", "5", "--threads", "1"]);
    let mut crowd = kept(program.address(), 5);
    eventually("all of them are idle", || crowd[4].hears_nothing_for(Duration::from_millis(1600)));
    // It finds their questions and the newcomers at the same time.
    program.signal(Signal::SIGSTOP);
    let mut newcomers: Vec<_> = (0..3).map(|_| Client::connect_from(NEWCOMER, program.address())).collect();
    newcomers.iter_mut().for_each(|client| _ = client.send_get("/", ""));
    crowd.iter_mut().for_each(|client| _ = client.send_get("/", ""));
    program.signal(Signal::SIGCONT);
    assert!(crowd.iter_mut().all(|client| client.answer().status == 200));
    assert!(newcomers.iter_mut().all(|client| client.answer().status == 200));
}
