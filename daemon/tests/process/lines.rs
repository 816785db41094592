//! JSON lines, as a person with socat has them.

use crate::support::{Client, Daemon, until};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

fn ask(daemon: &Daemon, lines: &str) -> Vec<serde_json::Value> {
    let mut stream = daemon.stream();
    stream.write_all(lines.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_question_gets_one_line() {
    let daemon = Daemon::start(&[]);
    let question =
        r#"{"query":"/mirrorlist?repo=fedora-42&arch=x86_64","client":"192.0.2.1","method":"GET"}"#;
    // With a line feed and without one.
    for end in ["\n", ""] {
        let answers = ask(&daemon, &format!("{question}{end}"));
        let [answer] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(answer["status"], 200);
        assert_eq!(answer["content_type"], "text/plain");
        assert_eq!(answer["kind"], "mirrorlist");
        assert_eq!(answer["tier"], "global");
        assert_eq!(answer["country"], serde_json::Value::Null);
        assert_eq!(answer["repository"], 0);
        assert!(answer["body"].as_str().unwrap().contains("first.example.org"), "{answer}");
    }
}

#[test]
fn a_redirect_shows_its_header() {
    let daemon = Daemon::start(&[]);
    let answers = ask(&daemon, r#"{"query":"/mirrorlist?repo=fedora-42&arch=x86_64&redirect=1"}"#);
    assert_eq!(answers[0]["status"], 302);
    assert!(answers[0]["headers"]["Location"].as_str().unwrap().starts_with("https://"), "{answers:?}");
}

#[test]
fn a_wrong_question_gets_an_error_and_the_next_one_an_answer() {
    let daemon = Daemon::start(&[]);
    let lines = "{\"quary\":\"/\"}\n\nnonsense\n{\"query\":\"/elsewhere\"}\n";
    let answers = ask(&daemon, lines);
    assert!(answers[0]["error"].as_str().unwrap().contains("unknown field `quary`"), "{answers:?}");
    assert!(answers[1]["error"].is_string(), "{answers:?}");
    assert_eq!(answers[2]["status"], 404);
    assert_eq!(answers.len(), 3);
}

#[test]
fn a_line_without_end_is_refused() {
    let daemon = Daemon::start(&[]);
    let mut stream = daemon.stream();
    stream.write_all(&[b'{'; 9000]).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.contains("longer than 8192 bytes"), "{text}");
}

#[test]
fn whoever_types_slowly_gets_clean_lines_too() {
    let daemon = Daemon::start(&[]);
    let stream = daemon.stream();
    // HELLO has come by then, as it must for a front end that waits for it.
    let client = Client::new(stream.try_clone().unwrap());
    drop(client);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    (&stream).write_all(b"{\"query\":\"/elsewhere\"}\n").unwrap();
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "\n");
    line.clear();
    reader.read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["status"], 404);
}

#[test]
fn a_line_that_begins_slowly_or_is_shorter_than_a_frame_has_no_frame_in_front() {
    let daemon = Daemon::start(&[]);
    for (first, rest) in [("{", "\"query\":\"/elsewhere\"}\n"), ("{}\n", ""), ("{", "}\n")] {
        until("a round in time", || {
            let opened = Instant::now();
            let mut stream = daemon.stream();
            stream.write_all(first.as_bytes()).unwrap();
            let in_time = opened.elapsed() < Duration::from_millis(100);
            // Who is silent for so long has been greeted.
            thread::sleep(Duration::from_millis(300));
            stream.write_all(rest.as_bytes()).unwrap();
            let mut line = Vec::new();
            BufReader::new(stream).read_until(b'\n', &mut line).unwrap();
            // On a busy machine HELLO may have become due before the first byte, rightly.
            assert!(!in_time || line.starts_with(b"{") && line.ends_with(b"}\n"), "{}", line.escape_ascii());
            in_time
        });
    }
}

#[test]
fn a_line_shorter_than_a_frame_is_answered_after_hello_too() {
    let daemon = Daemon::start(&[]);
    let stream = daemon.stream();
    drop(Client::new(stream.try_clone().unwrap()));
    (&stream).write_all(b"{}\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "");
    assert!(lines.next().unwrap().unwrap().contains("error"));
}

#[test]
fn a_line_is_answered_with_a_line_whoever_was_in_the_same_place_before() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let question = r#"{"query":"/mirrorlist?repo=fedora-42&arch=x86_64"}"#;
    let mut rounds = 0;
    until("five rounds in time", || {
        // Opened and gone before HELLO was due, which comes 100 ms after a connection that says nothing.
        ask(&daemon, question);
        thread::sleep(Duration::from_millis(80));
        let opened = Instant::now();
        let mut stream = daemon.stream();
        thread::sleep(Duration::from_millis(50));
        stream.write_all(format!("{question}\n").as_bytes()).unwrap();
        let mut first = [0];
        stream.read_exact(&mut first).unwrap();
        // On a busy machine its own HELLO may have become due, rightly.
        if opened.elapsed() < Duration::from_millis(100) {
            assert_eq!(first, *b"{");
            rounds += 1;
        }
        rounds == 5
    });
}
