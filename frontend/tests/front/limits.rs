//! Limits: of heads and targets, of time, of connections.

use super::{
    client::{Answer, Client},
    eventually,
    program::Program,
    worker::{Connection, Daemon},
};
use std::time::{Duration, Instant};

/// It is hyper's refusal of a head: nothing but a status, and the line that every answer has.
fn is_refused(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{answer:?}");
    assert_eq!(answer.header("content-length"), Some("0"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{answer:?}");
    assert!(answer.header("date").is_some(), "{answer:?}");
}

#[test]
fn a_target_over_the_limit_is_414_and_one_at_it_is_served() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let longest = format!("/?{}", "x".repeat(8190));
    assert_eq!(client.get(&longest).text().len(), 8192 + "Get Unknown 127.0.0.1 \n".len());
    for extra in [1, 5_000] {
        let answer = client.get(&format!("{longest}{}", "y".repeat(extra)));
        assert_eq!((answer.status, answer.text()), (414, "the URI is too long\n"));
        answer.has_what_every_answer_has();
    }
    let whole = format!("http://mirrors.example.org{longest}");
    assert_eq!(client.get(&whole).status, 200, "the host does not count");
    assert_eq!(client.get(&format!("{whole}y")).status, 414);
}

#[test]
fn a_head_over_the_limit_is_431_and_one_at_it_is_served() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    for (limit, arguments) in [(16 * 1024, &[][..]), (300, &["--max-head", "300"][..])] {
        let program = Program::start(&daemon, arguments);
        let head = |length: usize, in_target: usize| {
            let rest = length - "GET / HTTP/1.1\r\nA: \r\n\r\n".len() - in_target;
            format!("GET /{} HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(in_target), "y".repeat(rest))
        };
        let mut client = Client::connect(program.address());
        for _ in 0..3 {
            assert_eq!(client.send(head(limit, 0)).answer().status, 200);
        }
        // Wherever it is too long, and whether hyper's buffer could hold it or not.
        for (extra, in_target) in [(1, 0), (2_000, 0), (50_000, 0), (2_000, limit), (50_000, limit + 40_000)]
        {
            let mut client = Client::connect(program.address());
            is_refused(&client.send(head(limit + extra, in_target)).answer(), 431);
            assert!(client.is_closed());
        }
    }
}

#[test]
fn more_than_a_hundred_header_lines_are_431() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    assert_eq!(Client::connect(program.address()).send_get("/", &"A: b\r\n".repeat(99)).answer().status, 200);
    is_refused(&Client::connect(program.address()).send_get("/", &"A: b\r\n".repeat(100)).answer(), 431);
}

#[test]
fn a_head_request_that_is_refused_gets_no_body() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let (long, many) = (format!("/{}", "x".repeat(9000)), "A: b\r\n".repeat(101));
    let mut client = Client::connect(program.address());
    assert_eq!(client.send(format!("HEAD {long} HTTP/1.1\r\n\r\n")).head().status, 414);
    assert_eq!(client.get("/").status, 200);
    for (lines, status) in [(&*many, 431), ("A : b\r\n", 400)] {
        let mut client = Client::connect(program.address());
        is_refused(&client.send(format!("HEAD / HTTP/1.1\r\n{lines}\r\n")).head(), status);
        assert!(client.is_closed(), "{status}");
    }
}

#[test]
fn the_refusal_arrives_though_the_client_is_still_sending() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    for _ in 0..20 {
        let mut client = Client::connect(program.address());
        client.send(format!("GET /{}", "x".repeat(20_000)));
        // What comes after the verdict must not turn it into a reset.
        for _ in 0..30 {
            client.send([b'x'; 1000]);
        }
        is_refused(&client.answer(), 431);
        assert!(client.is_closed());
    }
}

#[test]
fn a_client_that_is_refused_and_stays_is_let_go_after_a_second() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--threads", "1"]);
    let mut first = Client::connect(program.address());
    assert_eq!(first.get("/").status, 200);
    let before = program.sockets();
    let mut refused = Client::connect(program.address());
    is_refused(&refused.send("rubbish\r\n\r\n").answer(), 400);
    eventually("its socket is closed", || program.sockets() == before);
}

#[test]
fn a_client_that_never_stops_sending_is_closed_nevertheless() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let start = Instant::now();
    let sent = (0..10_000).take_while(|_| client.try_send([b'x'; 64 * 1024]).is_ok()).count();
    assert!(sent < 10_000, "640 MB were read off");
    assert!(start.elapsed() < Duration::from_secs(8));
}

#[test]
fn what_came_before_a_refused_head_is_answered_first() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    client
        .send("GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\nrubbish\r\n\r\nGET /never HTTP/1.1\r\n\r\n");
    assert!(client.answer().text().ends_with("/one?\n"));
    assert!(client.answer().text().ends_with("/two?\n"));
    is_refused(&client.answer(), 400);
    assert!(client.is_closed());
}

#[test]
fn a_head_that_comes_too_slowly_is_closed_however_steadily_it_comes() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--header-timeout", "0.4", "--idle-timeout", "60"]);
    for kept in [false, true] {
        let mut client = Client::connect(program.address());
        if kept {
            assert_eq!(client.get("/").status, 200);
        }
        let start = Instant::now();
        client.send("GET /slow HTTP/1.1\r\nA: ");
        while client.try_send("x").is_ok() && client.hears_nothing_for(Duration::from_millis(20)) {
            assert!(start.elapsed() < Duration::from_secs(5), "still open after {:?}", start.elapsed());
        }
        assert!(start.elapsed() >= Duration::from_millis(390), "closed after {:?}", start.elapsed());
    }
}

#[test]
fn a_connection_that_says_nothing_at_all_is_closed_after_the_header_timeout() {
    let daemon = Daemon::new();
    let program = Program::start(&daemon, &["--header-timeout", "0.3", "--idle-timeout", "60"]);
    let mut client = Client::connect(program.address());
    let start = Instant::now();
    assert!(client.is_closed());
    assert!(start.elapsed() >= Duration::from_millis(290) && start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_kept_connection_is_closed_after_the_idle_timeout_and_not_before() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--header-timeout", "0.2", "--idle-timeout", "0.8"]);
    let mut client = Client::connect(program.address());
    assert_eq!(client.get("/").status, 200);
    let start = Instant::now();
    assert!(client.is_closed());
    let taken = start.elapsed();
    assert!(taken >= Duration::from_millis(750) && taken < Duration::from_secs(6), "closed after {taken:?}");
}

#[test]
fn with_few_descriptors_the_connection_limit_gives_way() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start_limited(&daemon, 200, &["--threads", "1", "--listen", "127.0.0.1:0"]);
    assert!(program.logged("the limit of 200 descriptors allows 100; keeping to 100"), "{}", program.log());
    let mut clients: Vec<_> = (0..150).map(|_| Client::connect(program.address())).collect();
    for client in &mut clients[..60] {
        assert_eq!(client.get("/").status, 200);
    }
    eventually("the limit is met before the system's", || program.logged("limit of 100 reached"));
    assert!(!program.logged("cannot accept"), "{}", program.log());
    drop(clients);
    assert_eq!(Client::connect(program.address()).get("/after").status, 200);
}

#[test]
fn as_many_threads_as_a_large_machine_has_cores_do_with_the_descriptors_of_a_container() {
    let daemon = Daemon::new();
    // Of as many workers as it has cores: each thread would have a link to each.
    let workers: Vec<_> = (0..64).map(|slot| daemon.worker(slot, 64, 1, Connection::echo)).collect();
    let arguments = ["--threads", "64", "--listen", "127.0.0.1:0"];
    let program = Program::start_limited(&daemon, 1024, &arguments);
    assert!(program.logged("the limit of 1024 descriptors allows 384; keeping to 384"), "{}", program.log());
    let mut clients: Vec<_> = (0..300).map(|_| Client::connect(program.address())).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").status, 200);
    }
    assert!(!program.logged("cannot accept"), "{}", program.log());
    drop(workers);
}
