//! What workers do wrong, and what a client notices of it: nothing, or 503 in time.

use super::{
    client::{Answer, Client},
    eventually,
    program::Program,
    worker::{Asked, Connection, Daemon, Heard, reply},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use wire::{FrameHeader, HEADER_LEN, Method};

/// A program with one thread, so that there is one link to each worker, and the link to both of two workers is up.
fn with_two_workers(
    daemon: &Daemon,
    first: impl Fn(Connection) + Send + Sync + 'static,
    second: impl Fn(Connection) + Send + Sync + 'static,
    arguments: &[&str],
) -> Program {
    let workers = [daemon.worker(0, 2, 1, first), daemon.worker(1, 2, 1, second)];
    let program = Program::start(daemon, &[&["--threads", "1"], arguments].concat());
    eventually("both workers are found", || workers.iter().all(|worker| worker.accepted() > 0));
    program
}

fn is_unavailable(answer: &Answer) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(answer.text().lines().count(), 1);
    answer.has_what_every_answer_has();
}

/// Asks `count` times over one connection; every answer must be the echo of its question.
fn ask(program: &Program, count: usize) {
    let mut client = Client::connect(program.address());
    for number in 0..count {
        let answer = client.get(&format!("/q?{number}"));
        assert_eq!(answer.text(), format!("Get Unknown 127.0.0.1 /q?{number}\n"));
    }
}

#[test]
fn a_request_that_meets_silence_goes_to_another_worker() {
    let daemon = Daemon::new();
    let silent = Arc::new(AtomicUsize::new(0));
    let unanswered = Arc::clone(&silent);
    let mute = move |mut connection: Connection| {
        while connection.asked().is_some() {
            unanswered.fetch_add(1, Ordering::SeqCst);
        }
    };
    let program = with_two_workers(&daemon, mute, Connection::echo, &["--patience", "0.1"]);
    ask(&program, 20);
    let met = silent.load(Ordering::SeqCst);
    assert!(met > 0, "the silent worker was never asked");
    assert!(met < 5, "the silent worker was asked {met} times; it should have been avoided once known");
}

#[test]
fn a_request_left_by_a_dying_worker_goes_to_another_one() {
    let daemon = Daemon::new();
    let deaths = Arc::new(AtomicUsize::new(0));
    let died = Arc::clone(&deaths);
    let mortal = move |mut connection: Connection| {
        if connection.asked().is_some() {
            died.fetch_add(1, Ordering::SeqCst);
        }
    };
    let program = with_two_workers(&daemon, mortal, Connection::echo, &[]);
    let start = Instant::now();
    ask(&program, 50);
    assert!(deaths.load(Ordering::SeqCst) > 0, "no worker died");
    assert!(start.elapsed() < Duration::from_secs(5), "a death was waited for like a silence");
}

#[test]
fn a_request_is_not_carried_from_death_to_death() {
    let daemon = Daemon::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let _worker = daemon.worker(0, 1, 1, move |mut connection| {
        while let Some(asked) = connection.asked() {
            count.fetch_add(1, Ordering::SeqCst);
            if asked.path == "/poison" {
                return;
            }
            connection.reply(asked.id, "fine\n");
        }
    });
    let program = Program::start(&daemon, &["--threads", "1"]);
    let mut client = Client::connect(program.address());
    is_unavailable(&client.get("/poison"));
    assert_eq!(asked.load(Ordering::SeqCst), 3, "once, once again, and once more by a worker linked since");
    assert_eq!(client.get("/food").text(), "fine\n");
}

#[test]
fn a_request_that_workers_die_of_takes_no_other_along() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection| {
        // The first two have all of them when they die.
        if connection.number < 2 {
            for _ in 0..8 {
                connection.asked();
            }
            return;
        }
        while let Some(asked) = connection.asked().filter(|asked| asked.path != "/poison") {
            connection.reply(asked.id, "fine\n");
        }
    });
    let program = Program::start(&daemon, &["--threads", "1", "--deadline", "8"]);
    let mut clients: Vec<_> = (0..7).map(|_| Client::connect(program.address())).collect();
    let mut last = Client::connect(program.address());
    clients.iter_mut().for_each(|client| _ = client.send_get("/food", ""));
    last.send_get("/poison", "");
    assert!(clients.iter_mut().all(|client| client.answer().text() == "fine\n"));
    is_unavailable(&last.answer());
}

#[test]
fn without_any_worker_the_answer_is_503_at_the_deadline() {
    let daemon = Daemon::absent();
    let program = Program::start(&daemon, &["--deadline", "0.3"]);
    let mut client = Client::connect(program.address());
    for _ in 0..2 {
        let start = Instant::now();
        is_unavailable(&client.get("/metalink"));
        let taken = start.elapsed();
        assert!(taken >= Duration::from_millis(290), "given up after {taken:?}");
        assert!(taken < Duration::from_secs(3), "given up after {taken:?}");
    }
    eventually("the operator is told", || program.logged("no worker answers (No such file or directory"));
}

#[test]
fn a_request_waits_for_a_worker_to_appear() {
    let mut daemon = Daemon::absent();
    let program = Program::start(&daemon, &["--deadline", "8"]);
    let mut client = Client::connect(program.address());
    client.send_get("/early", "");
    assert!(client.hears_nothing_for(Duration::from_millis(100)));
    daemon.appear();
    let _worker = daemon.echo();
    assert_eq!(client.answer().text(), "Get Unknown 127.0.0.1 /early?\n");
    eventually("the operator is told", || program.logged("workers answer again"));
}

#[test]
fn a_worker_that_answers_nothing_gives_503_at_the_deadline() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection| while connection.asked().is_some() {});
    let program = Program::start(&daemon, &["--deadline", "0.4", "--patience", "0.1"]);
    is_unavailable(&Client::connect(program.address()).get("/metalink"));
}

#[test]
fn a_late_reply_is_dropped_and_never_given_to_the_next_client() {
    let daemon = Daemon::new();
    let (to_test, from_worker) = mpsc::channel::<Asked>();
    let (to_worker, from_test) = mpsc::channel::<Vec<(u64, &'static str)>>();
    let (to_test, from_test) = (Mutex::new(to_test), Mutex::new(from_test));
    let _worker = daemon.worker(0, 1, 1, move |mut connection| {
        let (to_test, from_test) = (to_test.lock().unwrap(), from_test.lock().unwrap());
        while let Some(asked) = connection.asked() {
            to_test.send(asked).unwrap();
            for (id, body) in from_test.recv().unwrap() {
                connection.reply(id, body);
            }
        }
    });
    let program = Program::start(&daemon, &["--threads", "1", "--deadline", "0.5"]);
    let mut first = Client::connect(program.address());
    is_unavailable(&first.get("/first"));
    let late = from_worker.recv().unwrap();

    let mut second = Client::connect(program.address());
    second.send_get("/second", "");
    to_worker.send(vec![(late.id, "meant for the first\n")]).unwrap();
    let asked = from_worker.recv().unwrap();
    assert_ne!(asked.id, late.id);
    let strangers = [late.id, asked.id ^ 1 << 24, asked.id ^ 1 << 32, asked.id ^ 1, u64::MAX, 0x00ff_ffff];
    let mut replies: Vec<_> = strangers.into_iter().map(|id| (id, "meant for nobody\n")).collect();
    replies.extend([(asked.id, "meant for the second\n"), (asked.id, "said twice\n")]);
    to_worker.send(replies).unwrap();
    assert_eq!(second.answer().text(), "meant for the second\n");
}

#[test]
fn a_reply_after_the_retry_is_dropped() {
    let daemon = Daemon::new();
    let asked_so_far = Arc::new(AtomicUsize::new(0));
    let (second_is_asked, second_was_asked) = mpsc::channel::<()>();
    let (let_second_answer, second_may_answer) = mpsc::channel::<()>();
    let channels = Arc::new((second_is_asked, Mutex::new(second_was_asked), Mutex::new(second_may_answer)));
    let serve = move |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            let (second_is_asked, second_was_asked, second_may_answer) = &*channels;
            if asked_so_far.fetch_add(1, Ordering::SeqCst) == 0 {
                second_was_asked.lock().unwrap().recv().unwrap();
                connection.reply(asked.id, "too late\n");
            } else {
                second_is_asked.send(()).unwrap();
                second_may_answer.lock().unwrap().recv().unwrap();
                connection.reply(asked.id, "in time\n");
            }
        }
    };
    let arguments = ["--patience", "0.1", "--deadline", "8"];
    let program = with_two_workers(&daemon, serve.clone(), serve, &arguments);
    let mut client = Client::connect(program.address());
    client.send_get("/", "");
    assert!(client.hears_nothing_for(Duration::from_millis(400)), "the late reply was taken");
    let_second_answer.send(()).unwrap();
    assert_eq!(client.answer().text(), "in time\n");
}

#[test]
fn after_goaway_nothing_more_is_sent_there_and_what_is_in_flight_is_finished() {
    let daemon = Daemon::new();
    let (report, reports) = mpsc::channel::<&'static str>();
    let report = Mutex::new(report);
    let old = daemon.worker(0, 1, 1, move |mut connection| {
        let report = report.lock().unwrap();
        let first = connection.asked().unwrap();
        connection.go_away();
        // In flight when the connection is to end; the front end must wait for it.
        assert!(connection.nothing_more_comes());
        connection.reply(first.id, "from the old one\n");
        report.send(if connection.hear() == Heard::End { "left in order" } else { "asked again" }).unwrap();
    });
    let program = Program::start(&daemon, &["--threads", "1"]);
    eventually("the old worker is found", || old.accepted() > 0);
    let mut client = Client::connect(program.address());
    client.send_get("/first", "");
    assert_eq!(client.answer().text(), "from the old one\n");
    assert_eq!(reports.recv_timeout(Duration::from_secs(10)).unwrap(), "left in order");
    old.kill();
    let _new = daemon.worker(0, 1, 2, Connection::echo);
    ask(&program, 5);
}

#[test]
fn a_worker_that_wants_to_be_left_from_the_start_is_asked_nothing() {
    let daemon = Daemon::new();
    let goaway = |number| {
        let mut bytes = Vec::new();
        if number == 0 {
            wire::encode_goaway(&mut bytes, "");
        }
        bytes
    };
    let worker = daemon.worker_that_begins(0, 1, 1, goaway, |mut connection| {
        if connection.number > 0 {
            return connection.echo();
        }
        assert_eq!(connection.hear(), Heard::End);
    });
    let program = Program::start(&daemon, &["--threads", "1"]);
    eventually("it is left, and met again", || worker.accepted() > 1);
    ask(&program, 3);
}

#[test]
fn what_a_worker_leaves_unanswered_after_goaway_is_asked_again() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection| {
        if connection.number > 0 {
            return connection.echo();
        }
        connection.asked();
        connection.go_away();
    });
    let program = Program::start(&daemon, &["--threads", "1", "--deadline", "8"]);
    ask(&program, 3);
}

#[test]
fn replies_in_pieces_and_many_in_one_are_put_together() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection| {
        while let Some(asked) = connection.asked() {
            // Strangers first: frames of a later version's types, a PING, a reply to nobody.
            let later = FrameHeader { length: 5, kind: 77, flags: 0, version: wire::VERSION, id: 1 };
            let mut bytes = [&later.encode()[..], b"later"].concat();
            wire::encode_ping(&mut bytes, 9);
            bytes.extend(reply(12345, 200, "text/plain", "", b"to nobody"));
            bytes.extend(reply(asked.id, 200, "text/plain", "A: b\r\n", asked.line().as_bytes()));
            for piece in bytes.chunks(3) {
                connection.send(piece);
            }
        }
    });
    let program = Program::start(&daemon, &["--threads", "1"]);
    ask(&program, 20);
}

#[test]
fn a_newer_daemon_is_understood() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection| {
        while let Some(asked) = connection.asked() {
            // A field more at the end, flags, and an outcome of numbers that are not known here.
            let mut newer = reply(asked.id, 200, "text/plain", "", asked.line().as_bytes());
            newer.extend_from_slice(b"new field");
            let payload = newer.split_off(HEADER_LEN);
            let (length, version) = (payload.len() as u32, wire::VERSION);
            let header = FrameHeader { length, kind: 3, flags: 0xff, version, id: asked.id };
            connection.send(&[&header.encode()[..], &payload[..2], &[77, 78], &payload[4..]].concat());
        }
    });
    let program = Program::start(&daemon, &["--threads", "1"]);
    ask(&program, 3);
}

#[test]
fn a_worker_that_breaks_the_protocol_is_left_and_its_requests_go_elsewhere() {
    let unspeakable: [fn(u64) -> Vec<u8>; 9] = [
        |_| b"HTTP/1.1 200 OK\r\n\r\nthis is no frame at all".to_vec(),
        |id| {
            FrameHeader { length: u32::MAX, kind: 3, flags: 0, version: wire::VERSION, id }.encode().to_vec()
        },
        |id| FrameHeader { length: 4, kind: 3, flags: 0, version: wire::VERSION, id }.encode().repeat(2),
        |id| reply(id, 101, "text/plain", "", b""),
        |id| reply(id, 304, "text/plain", "", b""),
        |id| reply(id, 200, "text/plain", "Content-Length: 5\r\n", b"x"),
        |id| {
            let names: String = (0..24_576).map(|at| format!("H{at}:y\r\n")).collect();
            reply(id, 200, "text/plain", &names, b"x")
        },
        |id| reply(id, 200, "text/plain", "Split: a\r\n\r\nbody", b"x"),
        |_| {
            let mut bytes = Vec::new();
            wire::encode_goaway(&mut bytes, "I do not like your frames");
            bytes
        },
    ];
    for (number, say) in unspeakable.into_iter().enumerate() {
        let daemon = Daemon::new();
        let said = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&said);
        let broken = move |mut connection: Connection| {
            while let Some(asked) = connection.asked() {
                count.fetch_add(1, Ordering::SeqCst);
                connection.send(&say(asked.id));
            }
        };
        let program = with_two_workers(&daemon, broken, Connection::echo, &[]);
        let start = Instant::now();
        ask(&program, 4);
        assert!(said.load(Ordering::SeqCst) > 0, "{number}: the broken worker was never asked");
        assert!(start.elapsed() < Duration::from_secs(2), "{number}: waited instead of leaving");
        eventually("the operator is told", || program.logged("broke the protocol"));
    }
}

#[test]
fn what_requests_can_cause_again_and_again_is_said_once_a_minute() {
    let daemon = Daemon::new();
    let said = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&said);
    let broken = move |mut connection: Connection| {
        while connection.asked().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            connection.send(b"HTTP/1.1 200 OK\r\n\r\nthis is no frame at all");
        }
    };
    let program = with_two_workers(&daemon, broken, Connection::echo, &[]);
    while said.load(Ordering::SeqCst) < 10 {
        ask(&program, 4);
    }
    let log = program.log();
    assert_eq!(log.matches("broke the protocol").count(), 1, "{log}");
}

#[test]
fn every_worker_is_found_and_none_has_more_links_than_one_a_thread() {
    let daemon = Daemon::new();
    let open: Arc<Vec<AtomicUsize>> = Arc::new((0..4).map(|_| AtomicUsize::new(0)).collect());
    let workers: Vec<_> = (0..4_u16)
        .map(|slot| {
            let open = Arc::clone(&open);
            daemon.worker(slot, 4, 1, move |connection| {
                open[usize::from(slot)].fetch_add(1, Ordering::SeqCst);
                connection.echo();
                open[usize::from(slot)].fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    let program = Program::start(&daemon, &["--threads", "2"]);
    let counts = || open.iter().map(|count| count.load(Ordering::SeqCst)).collect::<Vec<_>>();
    eventually("each worker has a link of each thread", || counts() == [2; 4]);
    ask(&program, 10);
    assert_eq!(counts(), [2; 4]);
    let accepted: usize = workers.iter().map(|worker| worker.accepted()).sum();
    // The bound that is promised: eight tries for each slot and each link.
    assert!(accepted <= 8 * (8 * 4 + 1), "{accepted} connections for 8 links");
}

#[test]
fn a_worker_that_is_replaced_is_found_again() {
    let daemon = Daemon::new();
    let first = daemon.worker(0, 2, 1, Connection::echo);
    let second = daemon.worker(1, 2, 1, Connection::echo);
    let program = Program::start(&daemon, &["--threads", "1"]);
    eventually("both are found", || first.accepted() > 0 && second.accepted() > 0);
    for _ in 0..3 {
        second.kill();
        ask(&program, 5);
    }
    let third = daemon.worker(1, 2, 1, Connection::echo);
    eventually("the new one is found", || third.accepted() > 0);
    ask(&program, 5);
}

#[test]
fn a_worker_that_accepts_and_says_nothing_is_not_waited_for() {
    let mut daemon = Daemon::absent();
    let program = Program::start(&daemon, &["--threads", "1", "--deadline", "9"]);
    let listener = std::os::unix::net::UnixListener::bind(daemon.socket()).unwrap();
    let mut client = Client::connect(program.address());
    client.send_get("/patient", "");
    // Kept open: the front end itself must let go.
    let hung = listener.accept().unwrap();
    drop(listener);
    std::fs::remove_file(daemon.socket()).unwrap();
    daemon.appear();
    let _worker = daemon.echo();
    assert_eq!(client.answer().text(), "Get Unknown 127.0.0.1 /patient?\n");
    drop(hung);
}

#[test]
fn above_the_bound_in_flight_requests_wait_their_turn() {
    let daemon = Daemon::new();
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let _worker = daemon.worker(0, 1, 1, move |mut connection| {
        let mut held = Vec::new();
        while let Some(asked) = connection.asked() {
            held.push(asked);
            seen.fetch_max(held.len(), Ordering::SeqCst);
            if connection.nothing_more_comes() {
                for asked in held.drain(..) {
                    connection.reply(asked.id, &asked.line());
                }
            }
        }
    });
    let program = Program::start(&daemon, &["--threads", "1", "--max-in-flight", "3", "--deadline", "9"]);
    let address = program.address();
    let clients: Vec<_> = (0..12)
        .map(|number| {
            thread::spawn(move || {
                let answer = Client::connect(address).get(&format!("/{number}"));
                assert_eq!(answer.text(), format!("{:?} Unknown 127.0.0.1 /{number}?\n", Method::Get));
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_worker_that_greets_and_closes_is_not_run_into_for_ever() {
    let daemon = Daemon::new();
    let worker = daemon.worker(0, 1, 1, drop);
    let program = Program::start(&daemon, &["--threads", "1"]);
    thread::sleep(Duration::from_secs(2));
    let met = worker.accepted();
    // Sixteen at once, then ever more rarely: every half second in the end.
    assert!((8..60).contains(&met), "{met} connections in two seconds");
    drop(program);
}
