//! Random and mutated bytes at the front end's and at the worker's socket, while good clients get right answers.
//!
//! The bytes are the inputs of the fuzz targets (`benches/fuzz/corpus`), changed by chance. The service must say
//! something that its protocol allows or nothing, close every such connection, and go on in the same processes.
//! `MIRRORLIST_FUZZ_SECONDS=60` makes it last a minute; it takes a few hundred rounds otherwise.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use std::{
    env, fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use testkit::{
    inputs, sample,
    stack::{Programs, Stack, children},
};
use wire::{MAX_REPLY, Message, next_frame};

/// At least so many times bytes are sent to each of both sockets.
const ROUNDS: usize = 500;
/// How long a connection may take to be closed; only one that is never closed takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus");
/// Heads of HTTP requests. hyper reads them, and so no fuzz target of ours does.
const HEADS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/heads");
const GOOD: &str = "/mirrorlist?repo=fedora-42&arch=x86_64&ip=192.0.2.10";

#[test]
fn odd_bytes_at_the_sockets_cost_good_clients_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.mlc");
    let programs = Programs::build().unwrap();
    sample::write(folder.path()).unwrap();
    inputs::compile(&programs, folder.path(), &cache).unwrap();
    let stack = Stack::start(&programs, &cache, &["--workers", "2"], &["--deadline", "30"]).unwrap();
    let workers = children(stack.daemon.pid()).unwrap();
    let wanted = env::var("MIRRORLIST_FUZZ_SECONDS").map_or(0, |seconds| seconds.parse().unwrap());
    let (begin, mut rounds) = (Instant::now(), 0);
    let seed = u64::from(std::process::id());
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let to_front = inputs_of(&[HEADS, "answer", "forwarded", "wire"]);
    let to_worker = inputs_of(&["connection", "wire", HEADS]);
    let (over, answered) = (&AtomicBool::new(false), &AtomicUsize::new(0));
    thread::scope(|scope| {
        let end = Raised(over);
        let http = stack.http;
        scope.spawn(move || good_client(http, over, answered));
        while rounds < ROUNDS || begin.elapsed() < Duration::from_secs(wanted) {
            let said = changed(&to_front, &mut dice);
            let heard = heard_over_tcp(&stack, &said);
            assert!(is_http(&heard), "to {}: {}", said.escape_ascii(), heard.escape_ascii());
            let said = changed(&to_worker, &mut dice);
            let heard = heard_over_unix(&stack, &said);
            assert!(is_of_a_worker(&heard), "to {}: {}", said.escape_ascii(), heard.escape_ascii());
            rounds += 1;
        }
        // A little longer, for the answers that were waited for meanwhile.
        let before = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < before + 10 {
            thread::sleep(Duration::from_millis(1));
        }
        drop(end);
    });
    assert_eq!(
        children(stack.daemon.pid()).unwrap(),
        workers,
        "seed {seed}, {rounds} rounds: a worker has died"
    );
    stack.stop().unwrap();
    println!(
        "{rounds} rounds in {} s; {} good answers",
        begin.elapsed().as_secs(),
        answered.load(Ordering::Relaxed)
    );
}

/// Raised when dropped, by a failure too.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The corpora of these targets, or what else is named by a whole path.
fn inputs_of(targets: &[&str]) -> Vec<Vec<u8>> {
    let folders = targets.iter().map(|target| Path::new(CORPUS).join(target));
    let mut files: Vec<_> =
        folders.flat_map(|folder| fs::read_dir(folder).unwrap()).collect::<Result<_, _>>().unwrap();
    files.sort_by_key(fs::DirEntry::path);
    files.iter().map(|file| fs::read(file.path()).unwrap()).collect()
}

/// One of these inputs, or two parts of two, with some of its bytes changed; seldom none of that but noise.
fn changed(inputs: &[Vec<u8>], dice: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let part = |dice: &mut Xoshiro256PlusPlus| {
        let input = &inputs[dice.random_range(0..inputs.len())];
        input[dice.random_range(0..=input.len().min(4))..].to_vec()
    };
    if dice.random_range(0..20) == 0 {
        return (0..dice.random_range(0..20_000)).map(|_| dice.random()).collect();
    }
    let mut bytes = part(dice);
    if dice.random_range(0..3) == 0 {
        bytes.truncate(dice.random_range(0..=bytes.len()));
        bytes.extend(part(dice));
    }
    for _ in 0..dice.random_range(0..4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.random_range(0..bytes.len());
        match dice.random_range(0..4) {
            0 => bytes[at] ^= 1 << dice.random_range(0..8),
            1 => bytes[at] = dice.random(),
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, dice.random()),
        }
    }
    bytes
}

/// Says this and no more; what is heard until the connection is closed.
fn heard_over_tcp(stack: &Stack, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(stack.http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Whoever has heard enough closes before all is said.
    let _said = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    rest(|buffer| stream.read(buffer))
}

/// As [`heard_over_tcp`], of a worker.
fn heard_over_unix(stack: &Stack, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(&stack.socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _said = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    rest(|buffer| stream.read(buffer))
}

fn rest(mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>) -> Vec<u8> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match read(&mut buffer) {
            Ok(0) => return heard,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("still open; heard {}", heard.escape_ascii())
            }
            // Closed with bytes unread.
            Err(_) => return heard,
        }
    }
}

/// Nothing, or an answer with a status of the service.
fn is_http(heard: &[u8]) -> bool {
    let known =
        |status: &[u8]| [&b"200"[..], b"302", b"400", b"404", b"405", b"414", b"431"].contains(&status);
    heard.is_empty()
        || [&b"HTTP/1.1 "[..], b"HTTP/1.0 "]
            .iter()
            .any(|version| heard.strip_prefix(*version).is_some_and(|rest| rest.get(..3).is_some_and(known)))
}

/// Nothing, or whole frames.
fn is_of_a_worker(mut heard: &[u8]) -> bool {
    while let Ok(Some(frame)) = next_frame(heard, MAX_REPLY) {
        if Message::decode(&frame).is_err() {
            return false;
        }
        heard = &heard[frame.wire_len()..];
    }
    heard.is_empty()
}

/// Asks the same all the time, over connections that are kept for a while.
fn good_client(service: SocketAddr, over: &AtomicBool, answered: &AtomicUsize) {
    let request = format!("GET {GOOD} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while !over.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(service).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        for _ in 0..50 {
            stream.write_all(request.as_bytes()).unwrap();
            let answer = one_answer(&mut stream);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert!(answer.contains("\r\n\r\n# repo = fedora-42 arch = x86_64 Using ASN 64496 "), "{answer}");
            answered.fetch_add(1, Ordering::Relaxed);
            // Good clients are not what the service is to be busy with.
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// An answer, as long as its Content-Length says.
fn one_answer(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if length.is_some_and(|length| body.len() >= length) {
                return text;
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "closed in the middle: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
}
