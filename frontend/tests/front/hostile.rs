//! Requests as odd as they come, and clients that mean no good.

use super::{client::Client, program::Program, worker::Daemon};
use std::time::Duration;

#[test]
fn other_methods_are_405_and_the_connection_is_kept() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for line in [
        "POST /mirrorlist",
        "OPTIONS *",
        "DELETE /",
        "TRACE /",
        "PATCH /x",
        "BREW /pot",
        "get /lower",
        "PUT /",
    ] {
        let answer = client.send(format!("{line} HTTP/1.1\r\nContent-Length: 0\r\n\r\n")).answer();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{line}");
        answer.has_what_every_answer_has();
    }
    assert_eq!(client.send("CONNECT example.org:443 HTTP/1.1\r\n\r\n").answer().status, 405);
}

#[test]
fn every_form_of_target_is_served() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for (target, path) in [
        ("http://proxy.example.org/mirrorlist?repo=a", "/mirrorlist?repo=a"),
        ("HTTPS://h:1/x", "/x?"),
        ("http://h", "/?"),
        ("http://h?q", "/?q"),
        ("//mirrorlist", "//mirrorlist?"),
        ("/%00%zz?%", "/%00%zz?%"),
        ("/a{|}\\^[]?{|}\\^[]", "/a{|}\\^[]?{|}\\^[]"),
        ("/a?b#fragment", "/a?b"),
        ("*", "*?"),
        ("mirrorlist", "?"),
    ] {
        let answer = client.get(target);
        assert_eq!(answer.text(), format!("Get Unknown 127.0.0.1 {path}\n"), "{target}");
    }
}

#[test]
fn a_target_in_utf_8_goes_on_as_sent_and_one_that_http_cannot_hold_is_400() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    client.send("GET /café\"?path=é` HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
    assert_eq!(client.answer().text(), "Get Unknown 127.0.0.1 /café\"?path=é`\n");
    assert_eq!(client.answer().text(), "Get Unknown 127.0.0.1 /next?\n");
    for target in [&b"/caf\xe9"[..], b"/a?path=\xff", b"/a<b", b"/a?b>c"] {
        let mut client = Client::connect(program.address());
        assert_eq!(client.send([b"GET ", target, b" HTTP/1.1\r\n\r\n"].concat()).answer().status, 400);
    }
}

#[test]
fn a_request_with_a_body_is_answered_and_the_connection_ends_in_order() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let long = "b".repeat(60_000);
    for (method, status) in [("GET", 200), ("POST", 405)] {
        for rest in [
            "Content-Length: 5\r\n\r\nhello".to_owned(),
            "Content-Length: 5\r\n\r\nhelloGET /hidden HTTP/1.1\r\n\r\n".to_owned(),
            format!("Content-Length: 60000\r\n\r\n{long}"),
            "Content-Length: 999999999\r\n\r\nbegun".to_owned(),
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_owned(),
            "Transfer-Encoding: chunked\r\n\r\nno chunk at all".to_owned(),
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\n\r\n"
                .to_owned(),
            "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n".to_owned(),
        ] {
            let mut client = Client::connect(program.address());
            let answer = client.send(format!("{method} /a HTTP/1.1\r\n{rest}")).answer();
            assert_eq!(
                (answer.status, answer.header("connection")),
                (status, Some("close")),
                "{method} {rest:.60}"
            );
            assert!(client.is_closed(), "{method} {rest:.60}");
        }
    }
}

#[test]
fn the_answer_arrives_though_the_client_is_still_sending_its_body() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    for _ in 0..20 {
        let mut client = Client::connect(program.address());
        client.send("GET /a HTTP/1.1\r\nContent-Length: 40000\r\n\r\n");
        for _ in 0..40 {
            client.send([b'b'; 1000]);
        }
        assert_eq!(client.answer().text(), "Get Unknown 127.0.0.1 /a?\n");
        assert!(client.is_closed());
    }
}

#[test]
fn an_offer_to_speak_something_else_is_ignored() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for _ in 0..3 {
        let lines = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        assert_eq!(client.send_get("/a", lines).answer().status, 200);
    }
    assert_eq!(client.send_get("/a", "Connection: upgrade\r\nUpgrade: websocket\r\n").answer().status, 200);
}

#[test]
fn what_is_not_http_1_is_400() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET mirrorlist?repo=a HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"\x00\x00\x00\x00",
        b"{\"json\": true}\n",
    ] {
        let mut client = Client::connect(program.address());
        let answer = client.send(bytes).answer();
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{bytes:?}");
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{bytes:?}");
        assert!(client.is_closed(), "{bytes:?}");
    }
    // Who says this understands no answer of HTTP/1.
    assert!(Client::connect(program.address()).send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").ends());
}

#[test]
fn every_complete_request_is_answered_however_odd() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut state = seed;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let pieces: [&[u8]; 24] = [
        b"GET ",
        b"HEAD ",
        b"/",
        b"/mirrorlist?repo=a&arch=b",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"X-Forwarded-For: ",
        b"Connection: close\r\n",
        b"Content-Length: 0\r\n",
        b"\r\n",
        b"\n",
        b" ",
        b"\t",
        b":",
        b"\xff",
        b"%",
        b"?",
        b"#",
        b"http://",
        b"\0",
        b"\x7f",
        b"A",
        b"Upgrade: x\r\n",
    ];
    for number in 0..1_500 {
        let mut request = b"GET /x?y HTTP/1.1\r\nHost: h\r\nA: b\r\nConnection: close\r\n".to_vec();
        for _ in 0..=next(4) {
            let at = next(request.len());
            let piece = pieces[next(pieces.len())];
            let until = (at + next(3)).min(request.len());
            request.splice(at..until, piece.iter().copied());
        }
        request.extend_from_slice(b"\r\n\r\n");
        let mut client = Client::connect(program.address());
        client.send(&request).finish();
        let shown = || format!("seed {seed:#x}, request {number}: {:?}", String::from_utf8_lossy(&request));
        let answer = client.try_head().unwrap_or_else(|| panic!("no answer to {}", shown()));
        assert!([200, 400, 405].contains(&answer.status), "{}: {answer:?}", shown());
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{}", shown());
        assert!(client.ends(), "{}", shown());
    }
}

#[test]
fn idle_connections_cost_little_memory_and_are_served_again() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--threads", "1"]);
    let mut clients = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..3 {
        // All at once, so that each round needs at its height what the others need.
        let mut round: Vec<_> = (0..300).map(|_| Client::connect(program.address())).collect();
        for client in &mut round {
            client.send_get("/", "");
        }
        assert!(round.iter_mut().all(|client| client.answer().status == 200));
        clients.append(&mut round);
        // Rest comes after a second of silence; silence is what is tested here.
        std::thread::sleep(Duration::from_millis(1800));
        memory.push(program.private_kb());
    }
    let each = memory[2].saturating_sub(memory[0]) * 1024 / 600;
    assert!(each < 7_000, "{each} bytes for an idle connection: {memory:?} kB");
    for client in &mut clients {
        assert_eq!(client.get("/again").text(), "Get Unknown 127.0.0.1 /again?\n");
    }
}

#[test]
fn a_request_for_two_hosts_is_refused() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    client.send("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (400, "there is more than one Host\n"));
    answer.has_what_every_answer_has();
    assert_eq!(client.get("/").status, 200);
}
