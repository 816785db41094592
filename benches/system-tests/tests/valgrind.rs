//! A worker's run under valgrind: no byte is read that nobody wrote, none beyond what was allocated, nothing is lost.
//!
//! It needs valgrind, so it runs only with `MIRRORLIST_VALGRIND` set; see `.ci/memory-check`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use nix::sys::signal::Signal;
use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Shutdown},
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use testkit::{
    inputs, sample,
    stack::{Programs, Running},
};
use wire::{Accept, MAX_REPLY, Message, Method, Request, UrlScheme, encode_ping, encode_request, next_frame};

/// Everything is some fifty times as slow.
const PATIENCE: Duration = Duration::from_secs(300);

const CLIENTS: [&str; 6] =
    ["192.0.2.10", "192.0.2.200", "198.51.100.7", "2001:db8:49::1", "2002:c000:2c8::", "10.0.0.1"];
const QUERIES: [&str; 10] = [
    "repo=fedora-42&arch=x86_64",
    "repo=updates-released-f42&arch=aarch64&country=global&protocol=https,ftp",
    "repo=epel-10&arch=x86_64&country=de,us,JP&time",
    "path=pub/fedora/linux&location=munich",
    "path=pub/epel/10/Everything/x86_64/repodata/repomd.xml",
    "repo=unknown&arch=x86_64",
    "repo=fedora-30&arch=x86_64",
    "repo=fedora&version=42&arch=unknown",
    "path=%2e%2e//%ff&ip=nonsense",
    "",
];

#[test]
fn a_worker_makes_no_memory_error() {
    if env::var_os("MIRRORLIST_VALGRIND").is_none() {
        eprintln!("skipped: MIRRORLIST_VALGRIND is not set");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::build().unwrap();
    let (cache, socket) = (folder.path().join("cache.mlc"), folder.path().join("socket"));
    sample::write(folder.path()).unwrap();
    inputs::compile(&programs, folder.path(), &cache).unwrap();
    let mut daemon = Running::start(
        Command::new("valgrind")
            .args([
                "--quiet",
                "--leak-check=full",
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
            ])
            .arg(format!("--log-file={}/valgrind.%p", folder.path().display()))
            .arg(&programs.daemon)
            // Valgrind writes programs into memory and files, which the sandbox is there to prevent.
            .args(["--workers", "1", "--sandbox", "off", "--log-address", "full", "--access-log"])
            .arg(folder.path().join("access.log"))
            .arg("--cache")
            .arg(&cache)
            .arg("--socket")
            .arg(&socket),
    )
    .unwrap();
    said(&mut daemon, "generation 1 is ready");
    ask_all(&socket);
    daemon.signal(Signal::SIGUSR1).unwrap();
    daemon.signal(Signal::SIGHUP).unwrap();
    said(&mut daemon, "generation 2 is ready");
    ask_all(&socket);
    daemon.stop().unwrap();
    let logs: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "valgrind"))
        .collect();
    assert!(logs.len() >= 3, "a master and two workers, not {logs:?}");
    for log in logs {
        // With --quiet only errors are told.
        assert_eq!(fs::read_to_string(&log).unwrap(), "", "{}", log.display());
    }
}

fn said(daemon: &mut Running, text: &str) {
    let end = Instant::now() + PATIENCE;
    while !daemon.messages().iter().any(|line| line.contains(text)) {
        assert!(Instant::now() < end, "not said: {text}; but {:?}", daemon.messages());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Some hundreds of requests of every kind, in frames; then bytes that are none.
fn ask_all(socket: &Path) {
    let mut asked = Vec::new();
    let mut id = 0;
    for client in CLIENTS.map(|address| address.parse::<IpAddr>().ok()).into_iter().chain([None]) {
        for (path, query) in QUERIES.iter().flat_map(|query| {
            let redirect = format!("{query}&redirect");
            [
                ("/mirrorlist", (*query).to_owned()),
                ("/metalink", (*query).to_owned()),
                ("/mirrorlist", redirect),
                ("/", String::new()),
            ]
        }) {
            id += 1;
            let method = if id % 7 == 0 { Method::Head } else { Method::Get };
            let request = Request {
                method,
                scheme: UrlScheme::Https,
                accept: Accept::default(),
                client,
                path: path.as_bytes(),
                query: query.as_bytes(),
            };
            encode_request(&mut asked, id, &request);
            encode_ping(&mut asked, id);
        }
    }
    let answers = heard(socket, asked);
    let mut rest = &answers[..];
    let mut replies = 0;
    while let Some(frame) = next_frame(rest, MAX_REPLY).unwrap() {
        replies += u64::from(matches!(Message::decode(&frame).unwrap(), Message::Reply(_)));
        rest = &rest[frame.wire_len()..];
    }
    assert_eq!((replies, rest.len()), (id, 0));
    for odd in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 5000], b"{", &[b'{'; 9000], b""] {
        heard(socket, odd.to_vec());
    }
}

/// Says this and no more; what is heard until the connection is closed.
fn heard(socket: &Path, said: Vec<u8>) -> Vec<u8> {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        // A peer that is refused is not read to its end.
        let _said = writing.write_all(&said);
        let _closed = writing.shutdown(Shutdown::Write);
    });
    let mut heard = Vec::new();
    let mut reading = stream;
    let _closed = reading.read_to_end(&mut heard);
    writer.join().unwrap();
    heard
}
