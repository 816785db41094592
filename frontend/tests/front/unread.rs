//! Clients that ask and do not read: what they may hold, and who is cut off.

use super::{
    client::Client,
    eventually,
    program::Program,
    worker::{Connection, Daemon, Worker},
};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

/// A worker whose every answer is this long.
fn long_winded(daemon: &Daemon, length: usize) -> Worker {
    let body = vec![b'm'; length];
    daemon.worker(0, 1, 1, move |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            connection.reply_with(asked.id, 200, "text/plain", "", &body);
        }
    })
}

#[test]
fn clients_that_never_read_cost_bounded_memory_and_time() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        let body = vec![b'm'; 2 * 1024 * 1024];
        while let Some(asked) = connection.asked() {
            let body = if asked.path == "/small" { &b"small\n"[..] } else { &body };
            connection.reply_with(asked.id, 200, "application/metalink+xml", "", body);
        }
    });
    let arguments = [
        "--write-timeout",
        "3",
        "--max-unsent",
        "1000000000",
        "--header-timeout",
        "30",
        "--deadline",
        "8",
        "--threads",
        "1",
    ];
    let program = Program::start(&daemon, &arguments);
    let sockets = program.own_sockets("/small");
    let before = program.private_kb();
    let start = Instant::now();
    let mut hogs: Vec<_> = (0..60).map(|_| Client::connect(program.address())).collect();
    for hog in &mut hogs {
        for _ in 0..5 {
            hog.send_get("/large", "");
        }
    }
    let mut most = 0;
    let mut other = Client::connect(program.address());
    let mut longest = Duration::ZERO;
    while start.elapsed() < Duration::from_millis(1500) {
        let asked = Instant::now();
        assert_eq!(other.get("/small").text(), "small\n");
        longest = longest.max(asked.elapsed());
        most = most.max(program.private_kb());
    }
    // One answer each and no more, whatever they ask for: 60 times 2 MB, and the link's buffers.
    assert!(most < before + 160_000, "{most} kB, {before} kB before");
    assert!(longest < Duration::from_secs(1), "another client waited {longest:?}");
    eventually("they are all cut off and their memory is given back", || {
        // All but the other client; who is read from before it is cut off would be served on.
        program.sockets() <= sockets + 1 && program.private_kb() < before + 40_000
    });
    assert!(hogs.iter_mut().all(Client::ends), "a connection is still open");
}

#[test]
fn the_budget_for_unread_answers_holds_however_many_ask() {
    let daemon = Daemon::new();
    let _worker = long_winded(&daemon, 1_000_000);
    let arguments =
        ["--max-unsent", "8000000", "--write-timeout", "60", "--deadline", "60", "--threads", "1"];
    let program = Program::start(&daemon, &arguments);
    let mut first = Client::connect(program.address());
    assert_eq!(first.get("/").body.len(), 1_000_000);
    let own = program.sockets() - 1;
    drop(first);
    eventually("the first client is gone", || program.sockets() == own);
    let before = program.private_kb();
    let mut most = 0;
    let hogs: Vec<_> = (0..250)
        .map(|_| {
            let mut hog = Client::connect(program.address());
            // Of those sent ahead none is asked for before the answer before is read.
            for _ in 0..3 {
                hog.send_get("/", "");
            }
            most = most.max(program.private_kb());
            hog
        })
        .collect();
    eventually("those above the budget are cut off", || {
        most = most.max(program.private_kb());
        program.sockets() <= own + 8
    });
    // What has just come from the worker comes on top, and is above the budget for as long as a turn takes.
    assert!(most < before + 40_000, "{most} kB, {before} kB before");
    drop(hogs);
    assert_eq!(Client::connect(program.address()).get("/").body.len(), 1_000_000);
}

#[test]
fn above_the_budget_for_unread_answers_one_is_cut_off_and_the_others_go_on() {
    let daemon = Daemon::new();
    let length = 4_000_000;
    let _worker = long_winded(&daemon, length);
    for (budget, allowed) in [("9000000", 2), ("1000000", 1)] {
        let arguments = ["--write-timeout", "60", "--max-unsent", budget, "--threads", "1"];
        let program = Program::start(&daemon, &arguments);
        let mut first = Client::connect(program.address());
        assert_eq!(first.get("/").body.len(), length);
        let own = program.sockets() - 1;
        drop(first);
        eventually("its first client is gone", || program.sockets() == own);
        let ask = |_| {
            let mut hog = Client::connect(program.address());
            hog.send_get("/", "");
            eventually("its answer has begun to come", || hog.has_something());
            hog
        };
        let mut hogs: Vec<Client> = (0..allowed).map(ask).collect();
        assert_eq!(program.sockets(), own + allowed, "one within the budget was cut off");
        hogs.push(ask(allowed));
        eventually("one is cut off", || program.sockets() == own + allowed);
        // Which one depends on how much their systems have taken by then.
        let (whole, cut_off): (Vec<_>, Vec<_>) =
            hogs.into_iter().map(|mut hog| hog.try_answer()).partition(Result::is_ok);
        assert!(whole.into_iter().all(|answer| answer.unwrap().body.len() == length));
        // Who was cut off is told so, and the system holds nothing for it any more.
        let ends: Vec<_> = cut_off.into_iter().filter_map(Result::err).map(|error| error.kind()).collect();
        assert_eq!(ends, [ErrorKind::ConnectionReset]);
    }
}

#[test]
fn a_slow_reader_outlives_those_that_only_sip() {
    let daemon = Daemon::new();
    let length = 1_000_000;
    let _worker = long_winded(&daemon, length);
    let arguments =
        ["--max-unsent", "4000000", "--write-timeout", "60", "--deadline", "60", "--threads", "1"];
    let program = Program::start(&daemon, &arguments);
    let mut slow = Client::connect_from_afar(program.address());
    slow.send_get("/", "");
    let mut read_slowly = || {
        std::thread::sleep(Duration::from_millis(50));
        assert!(slow.sips(2_000), "the slow reader was cut off");
    };
    // It has been seen to read: 40 kB a second, and so has to be written to every few seconds only.
    (0..30).for_each(|_| read_slowly());
    let mut crowd = Vec::new();
    let mut cut_off = 0;
    for _ in 0..40 {
        let mut sipper = Client::connect_from_afar(program.address());
        sipper.send_get("/", "");
        eventually("its answer has begun to come", || sipper.has_something());
        crowd.push(sipper);
        read_slowly();
        let before = crowd.len();
        crowd.retain_mut(|sipper| sipper.sips(10));
        cut_off += before - crowd.len();
    }
    assert_eq!(slow.answer().body.len(), length);
    // Those that had their last bytes waiting for them have not noticed yet.
    assert!(program.sockets() < 30, "{} sockets, {cut_off} have noticed", program.sockets());
}

#[test]
fn requests_sent_ahead_are_answered_one_after_the_other_to_a_client_that_reads_late() {
    let daemon = Daemon::new();
    let _worker = long_winded(&daemon, 3_000_000);
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for _ in 0..5 {
        client.send_get("/", "");
    }
    for _ in 0..5 {
        eventually("an answer has begun to come", || client.has_something());
        assert_eq!(client.answer().body.len(), 3_000_000);
    }
    client.finish();
    assert!(client.is_closed());
}
