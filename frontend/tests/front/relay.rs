//! What goes right: requests reach a worker as sent, answers come back as given, connections are kept.

use super::{
    client::Client,
    program::Program,
    worker::{Connection, Daemon},
};
use std::{sync::Arc, thread};
use wire::Accept;

#[test]
fn a_get_is_relayed_with_path_and_query_as_sent() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let answer =
        Client::connect(program.address()).get("/mirrorlist?repo=fedora%2D42&arch=x86_64&path=a+b?c");
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/1.1"));
    assert_eq!(answer.text(), "Get Unknown 127.0.0.1 /mirrorlist?repo=fedora%2D42&arch=x86_64&path=a+b?c\n");
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    answer.has_what_every_answer_has();
}

#[test]
fn a_head_has_the_headers_of_the_get_and_no_body() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            connection.reply_with(asked.id, 200, "application/metalink+xml", "", &[b'x'; 26_000]);
        }
    });
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let got = client.get("/metalink");
    client.send("HEAD /metalink HTTP/1.1\r\nHost: x\r\n\r\n");
    let headed = client.head();
    assert_eq!(got.body.len(), 26_000);
    assert_eq!(got.header("content-type"), Some("application/metalink+xml"));
    let without_date = |headers: &[(String, String)]| -> Vec<_> {
        headers.iter().filter(|(name, _)| name != "date").cloned().collect()
    };
    assert_eq!(without_date(&headed.headers), without_date(&got.headers));
    assert_eq!(headed.header("content-length"), Some("26000"));
    assert_eq!(client.get("/metalink").status, 200, "no byte of a body came after the headers");
}

#[test]
fn a_redirect_carries_the_workers_header_lines() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            let lines = "Location: https://mirror.example.org/a%20b/\r\nVary: X-One\r\nVary: X-Two\r\n";
            connection.reply_with(asked.id, 302, "text/plain", lines, b"see there\n");
        }
    });
    let program = Program::start(&daemon, &[]);
    let answer = Client::connect(program.address()).get("/mirrorlist?redirect");
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some("https://mirror.example.org/a%20b/"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "vary").count(), 2);
    assert_eq!(answer.text(), "see there\n");
    answer.has_what_every_answer_has();
}

#[test]
fn the_worker_is_told_what_answers_the_client_takes() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            connection.reply(asked.id, &format!("{:?}", asked.accept));
        }
    });
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for (lines, accept) in [
        ("", Accept::NONE),
        ("Accept: application/metalink4+xml, */*;q=0.1\r\n", Accept::METALINK4.with(Accept::ANY)),
        ("accept: text/html\r\nWant-Digest: sha-256\r\n", Accept::HTML.with(Accept::DIGEST)),
    ] {
        client.send(format!("GET /dl/ HTTP/1.1\r\nHost: x\r\n{lines}\r\n"));
        assert_eq!(client.answer().text(), format!("{accept:?}"), "{lines}");
    }
}

#[test]
fn every_status_and_an_empty_body_are_passed_on() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            let status = asked.query.parse().unwrap();
            connection.reply_with(asked.id, status, "text/plain", "", b"");
        }
    });
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for status in [200, 302, 400, 404, 503] {
        let answer = client.get(&format!("/x?{status}"));
        assert_eq!((answer.status, answer.header("content-length")), (status, Some("0")));
        answer.has_what_every_answer_has();
    }
}

#[test]
fn a_connection_is_kept_for_many_requests() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for number in 0..500 {
        let answer = client.get(&format!("/mirrorlist?{number}"));
        assert!(answer.text().ends_with(&format!("/mirrorlist?{number}\n")), "{answer:?}");
    }
}

#[test]
fn a_client_that_asks_to_close_is_closed() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let answer = client.send_get("/a", "Connection: close\r\n").answer();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let requests: String = (0..200).map(|number| format!("GET /p?{number} HTTP/1.1\r\n\r\n")).collect();
    client.send(requests);
    for number in 0..200 {
        assert!(client.answer().text().ends_with(&format!("/p?{number}\n")), "{number}");
    }
}

#[test]
fn requests_in_any_pieces_are_answered() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let two =
        b"\r\n\r\nGET /one HTTP/1.1\r\nA: b\r\n\r\n\r\nHEAD /two HTTP/1.1\r\n\r\nGET /three HTTP/1.1\n\n";
    for byte in two {
        client.send([*byte]);
    }
    assert!(client.answer().text().ends_with("/one?\n"));
    assert_eq!(client.head().status, 200);
    assert!(client.answer().text().ends_with("/three?\n"));
}

#[test]
fn http_1_0_is_served_without_host_and_closed_unless_kept() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let answer = client.send("GET /metalink?repo=epel-9&arch=x86_64 HTTP/1.0\r\n\r\n").answer();
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/1.0"));
    assert!(client.is_closed());
    let mut kept = Client::connect(program.address());
    for _ in 0..3 {
        let answer = kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer();
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
}

#[test]
fn a_client_that_has_ended_its_writing_side_still_gets_its_answer() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    client.send_get("/a", "").send_get("/b", "").finish();
    assert!(client.answer().text().ends_with("/a?\n"));
    assert!(client.answer().text().ends_with("/b?\n"));
    assert!(client.is_closed());
}

#[test]
fn a_large_answer_comes_whole_to_a_slow_reader() {
    let daemon = Daemon::new();
    let body: Arc<Vec<u8>> =
        Arc::new((0..4_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect());
    let expected = Arc::clone(&body);
    let _worker = daemon.worker(0, 1, 1, move |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            connection.reply_with(asked.id, 200, "application/metalink+xml", "", &body);
        }
    });
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for _ in 0..3 {
        assert!(client.get("/metalink").body == *expected);
    }
}

#[test]
fn no_client_gets_anothers_answer_though_replies_come_in_any_order() {
    let daemon = Daemon::new();
    let workers = (0..2).map(|slot| daemon.worker(slot, 2, 1, shuffled)).collect::<Vec<_>>();
    let program = Program::start(&daemon, &[]);
    let address = program.address();
    let clients: Vec<_> = (0..64)
        .map(|number| {
            thread::spawn(move || {
                let mut client = Client::connect(address);
                for turn in 0..50 {
                    let target =
                        format!("/mirrorlist?client={number}&turn={turn}&{}", "x".repeat(number * 7));
                    let answer = client.get(&target);
                    assert_eq!(answer.text(), format!("Get Unknown 127.0.0.1 {target}\n"));
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    drop(workers);
}

/// Gathers requests and answers them last first, with bodies of any length around the line.
fn shuffled(mut connection: Connection) {
    let mut held = Vec::new();
    while let Some(asked) = connection.asked() {
        held.push(asked);
        // No more than some clients are at it, so waiting for a full hand would be waiting for ever.
        if held.len() >= 8 || connection.nothing_more_comes() {
            while let Some(asked) = held.pop() {
                connection.reply(asked.id, &asked.line());
            }
        }
    }
}

#[test]
fn a_thousand_connections_at_once_are_served() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut clients: Vec<_> = (0..1000).map(|_| Client::connect(program.address())).collect();
    for turn in 0..2 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send_get(&format!("/c?{number}.{turn}"), "");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert!(client.answer().text().ends_with(&format!("/c?{number}.{turn}\n")));
        }
    }
}

#[test]
fn a_client_that_leaves_half_way_disturbs_nobody() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut other = Client::connect(program.address());
    for round in 0..100 {
        let mut leaver = Client::connect(program.address());
        match round % 3 {
            0 => leaver.send("GET /gone HTT"),
            1 => leaver.send_get("/gone", ""),
            _ => leaver.send_get("/gone", "").send_get("/gone", "").send("GET"),
        };
        drop(leaver);
        assert!(other.get(&format!("/here?{round}")).text().ends_with(&format!("/here?{round}\n")));
    }
}
