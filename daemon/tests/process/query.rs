//! `mirrorlistd query`, over the workers' socket.

use crate::support::{
    Daemon,
    control::Said,
    daemon::{as_user, folder, program},
    until,
};
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::Path,
    process::Command,
    thread,
};
use wire::{Hello, encode_goaway, encode_hello};

const LIST: &str = "mirrorlist?repo=fedora-42&arch=x86_64";

fn query(socket: &Path, words: &[&str]) -> Said {
    let mut command = Command::new(program());
    command.arg("query").args(words).arg("--socket").arg(socket);
    Said::of(as_user(&mut command))
}

/// A worker played by the test, for what a good one never says: HELLO, and then this.
fn says_to_one(socket: &Path, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    fs::set_permissions(socket, fs::Permissions::from_mode(0o666)).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = Vec::new();
        encode_hello(&mut hello, &Hello { slot: 0, slots: 1, pid: 1, generation: 1 });
        stream.write_all(&[hello, bytes].concat()).unwrap();
        // Until the other side has gone.
        stream.read_to_end(&mut Vec::new()).unwrap();
    })
}

#[test]
fn a_list_is_printed_with_status_and_header_lines() {
    let daemon = Daemon::start(&[]);
    let said = query(&daemon.socket(), &[LIST, "--client", "192.0.2.1"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert!(
        said.out.starts_with("200\nContent-Type: text/plain\n\n# repo = fedora-42 arch = x86_64"),
        "{said:?}"
    );
    assert!(said.out.contains("first.example.org"), "{said:?}");
    let head = query(&daemon.socket(), &[&format!("/{LIST}"), "--head", "--scheme", "https"]);
    assert_eq!((head.code, &*head.out), (Some(0), "200\nContent-Type: text/plain\n"), "{head:?}");
}

#[test]
fn json_has_what_the_reply_says_of_itself() {
    let daemon = Daemon::start(&[]);
    let answer = |words: &[&str]| -> serde_json::Value {
        let said = query(&daemon.socket(), &[words, &["--json"]].concat());
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    let list = answer(&[LIST]);
    assert_eq!(
        (&list["status"], &list["kind"], &list["tier"]),
        (&200.into(), &"mirrorlist".into(), &"global".into())
    );
    assert_eq!(list["headers"]["Content-Type"], "text/plain");
    assert!(list["body"].as_str().unwrap().contains("first.example.org"), "{list}");
    let redirect = answer(&[&format!("{LIST}&redirect=1")]);
    assert_eq!(redirect["status"], 302);
    assert!(redirect["headers"]["Location"].as_str().unwrap().starts_with("https://"), "{redirect}");
    assert_eq!(answer(&["elsewhere", "--head"]).get("body"), None);
}

#[test]
fn a_path_of_the_redirector_is_asked_for_as_a_client_would() {
    let daemon = Daemon::start(&["--redirector", "/dl/"]);
    let answer = |words: &[&str]| -> serde_json::Value {
        let said = query(&daemon.socket(), &[words, &["--json"]].concat());
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    let client = ["--client", "192.0.2.1", "--scheme", "https"];
    let led = answer(&[&["/dl/pub/fedora/42/os/a%20b.rpm"], &client[..]].concat());
    assert_eq!((&led["status"], &led["kind"], &led["tier"]), (&302.into(), &"file".into(), &"global".into()));
    let location = led["headers"]["Location"].as_str().unwrap();
    assert!(location.ends_with(".first.example.org/pub/42/os/a%20b.rpm"), "{led}");
    // The client's mirror, whoever answers.
    for _ in 0..20 {
        assert_eq!(answer(&[&["dl/pub/fedora/42/os/a%20b.rpm"], &client[..]].concat()), led);
    }
    let json = answer(&[&["/dl/pub/fedora/42/os/x?json"], &client[..]].concat());
    assert_eq!((&json["status"], &json["kind"]), (&200.into(), &"json".into()), "{json}");
    let nowhere = answer(&["/dl/elsewhere/x"]);
    assert_eq!((&nowhere["status"], &nowhere["tier"]), (&404.into(), &"none".into()));
    assert!(nowhere["body"].as_str().unwrap().contains("error: invalid path"), "{nowhere}");
    // There is no mirror by http.
    let plain = answer(&["/dl/pub/fedora/42/os/x", "--scheme", "http"]);
    assert!(plain["headers"]["Location"].as_str().unwrap().starts_with("https://"), "{plain}");
}

#[test]
fn a_client_that_is_asked_for_is_counted_and_logged_like_any_other() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    let daemon = Daemon::start(&["--access-log", path, "--log-address", "full"]);
    assert_eq!(query(&daemon.socket(), &[LIST, "--client", "192.0.2.7"]).code, Some(0));
    until("a line", || fs::read_to_string(path).is_ok_and(|lines| lines.contains("IP: 192.0.2.7;")));
    assert_eq!(daemon.status().requests, 1);
}

#[test]
fn nobody_there_and_nobody_who_answers_are_told_by_the_exit_code() {
    let folder = folder();
    let socket = folder.path().join("socket");
    let fails = |code, cause: &str| {
        let said = query(&socket, &[LIST]);
        assert_eq!((said.code, &*said.out), (Some(code), ""), "{said:?}");
        let expected = format!("error: socket {}: {cause}", socket.display());
        assert!(said.err.starts_with(&expected) && said.err.lines().count() == 1, "{said:?}");
    };
    fails(69, "no worker answers (No such file");
    fs::write(&socket, "").unwrap();
    fails(71, "not a socket");
    fs::remove_file(&socket).unwrap();

    let refusing = |bytes: Vec<u8>, cause: &str| {
        let worker = says_to_one(&socket, bytes);
        fails(69, cause);
        worker.join().unwrap();
        fs::remove_file(&socket).unwrap();
    };
    let mut goaway = Vec::new();
    encode_goaway(&mut goaway, "frame of 9000 bytes, the limit is 8448");
    refusing(goaway, "no worker answers (the request is refused: frame of 9000 bytes");
    refusing(vec![b'x'; 16], "no worker answers (what it says is not understood: protocol version 30840");
    // Only that it retires, and no answer.
    let mut retires = Vec::new();
    encode_goaway(&mut retires, "");
    refusing(retires, "no worker answers (no answer in time)");
}

#[test]
fn a_user_who_may_not_ask_is_told_so() {
    let daemon = Daemon::start(&["--peer", "4711", "--socket-mode", "0666"]);
    let said = query(&daemon.socket(), &[LIST]);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(said.err.contains("closed at once; does the option peer list this user?"), "{said:?}");
}

#[test]
fn a_request_that_no_worker_takes_is_not_sent() {
    let said = query(Path::new("/nowhere"), &[&"x".repeat(9000)]);
    assert_eq!((said.code, &*said.err), (Some(78), "error: request: longer than 8192 bytes\n"));
}
