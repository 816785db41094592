//! The dearest requests that a client can make, against an ordinary one: processor time of front end and workers.
//!
//! Each candidate is as large as the front end's limits let it be. It is asked on 64 connections at a time, in turns
//! with the ordinary request, so that a busy machine slows both; the figure to look at is the ratio. The cache is
//! synthetic, of 20,000 directories. Run with `cargo bench --package benches --bench dearest [-- ROUNDS]`.

use answer::rules::Rules;
use cache::{CacheBytes, View};
use std::{
    error::Error,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};
use testkit::{
    inputs,
    load::questions::{Kind, of_size, questions},
    process::cpu_ns,
    stack::{Programs, Stack},
    synthetic::{self, Options},
};

/// Connections that ask at the same time.
const CROWD: usize = 64;
/// Bytes of a target that the front end takes, less what the request line needs besides.
const ROOM: usize = 8000;
/// Hosts that every answer may have: a metalink of 26 kB is the ordinary one.
const MINIMUM: &str = "1000";

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo passes --bench; whatever is a number is the count of rounds.
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(60);
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache.mlc");
    let programs = Programs::build()?;
    compile(&programs, folder.path(), &cache)?;
    let bytes = CacheBytes::read(&cache)?;
    let view = View::check(&bytes)?;
    let rules = Rules { minimum: 1000, ..Rules::default() };
    let ordinary = of_size(view, rules, questions(&view, Kind::Metalink, 20_000, 1), 26_000);
    let ordinary = ordinary.first().ok_or("no metalink of 26 kB")?.target.clone();
    let list = ordinary.replace("/metalink?", "/mirrorlist?");

    let trusted = ["--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8"];
    let stack = Stack::start(&programs, &cache, &["--workers", "2", "--minimum", MINIMUM], &trusted)?;
    let mut bench = Bench::new(&stack, rounds)?;
    let ordinary = get(&ordinary, "");
    println!(
        "{:<44} {:>7} {:>9} {:>10} {:>8} {:>6}",
        "request", "status", "bytes", "front us", "worker us", "ratio"
    );
    bench.compare("the ordinary one: a metalink", &ordinary, &ordinary)?;
    for (name, request) in candidates(&list) {
        bench.compare(name, &request, &ordinary)?;
    }
    stack.stop()?;
    Ok(())
}

fn compile(programs: &Programs, folder: &Path, cache: &Path) -> Result<(), Box<dyn Error>> {
    let options = Options::new(20_000);
    let file = |name| File::create(folder.join(name));
    synthetic::encode(&options, file(inputs::MIRRORMANAGER)?)?;
    synthetic::netblocks(&options, file(inputs::NETBLOCKS)?)?;
    synthetic::continents(file(inputs::CONTINENTS)?)?;
    fs::write(folder.join(inputs::GEOIP), synthetic::geoip(&options))?;
    Ok(inputs::compile(programs, folder, cache)?)
}

/// What someone might try, each with its name.
fn candidates(list: &str) -> Vec<(&'static str, Vec<u8>)> {
    let fill =
        |start: &str, piece: &str| format!("{start}{}", piece.repeat((ROOM - start.len()) / piece.len()));
    let metalink = list.replace("/mirrorlist?", "/metalink?");
    let codes: String = (0..2600).map(|n| format!(",{}{}", letter(n / 26), letter(n % 26))).collect();
    let header = |name: &str, value: String| format!("{name}: {value}\r\n");
    let many = |count: usize, line: String| line.repeat(count);
    let mut all = vec![
        ("a list", get(list, "")),
        ("a list of all countries by name", get(&format!("{list}&country={}", &codes[1..7500]), "")),
        ("a metalink, a country list of one letter", get(&fill(&format!("{metalink}&country="), "p,"), "")),
        ("a metalink for the whole world", get(&format!("{metalink}&country=global"), "")),
        ("a metalink, by fifteen countries", get(&format!("{metalink}&country={}", &codes[1..45]), "")),
        ("a metalink, many protocols", get(&fill(&format!("{metalink}&protocol="), "ftp,"), "")),
        ("a metalink, the same parameter again", get(&fill(&metalink, "&repo=x"), "")),
        ("a metalink, empty parameters", get(&fill(&metalink, "&"), "")),
        ("a metalink, names without values", get(&fill(&metalink, "&%61"), "")),
        ("an unknown repository", get(&fill("/mirrorlist?arch=x86_64&repo=", "f"), "")),
        ("an unknown repository, short", get("/mirrorlist?repo=fedora-none&arch=x86_64", "")),
        ("an unknown path of many folders", get(&fill("/mirrorlist?path=", "a/"), "")),
        ("an unknown path of blanks and slashes", get(&fill("/mirrorlist?path=", "%20/"), "")),
        ("a path of dots", get(&fill("/mirrorlist?path=pub/fedora", "/../."), "")),
        ("a path of escapes", get(&fill("/mirrorlist?path=", "%41"), "")),
        ("a target of escapes in vain", get(&fill("/mirrorlist?path=", "%"), "")),
        ("an address that is none", get(&fill(&format!("{list}&ip="), ":0"), "")),
        ("a location that is none", get(&fill(&format!("{list}&location="), "x"), "")),
        ("neither list nor metalink", get(&fill("/", "z"), "")),
        ("X-Forwarded-For of one line", get(&metalink, &header("X-Forwarded-For", "10.0.0.1,".repeat(800)))),
        (
            "X-Forwarded-For of many addresses",
            get(&metalink, &header("X-Forwarded-For", "2001:db8::1,".repeat(1200))),
        ),
        ("X-Forwarded-For of nonsense", get(&metalink, &header("X-Forwarded-For", ",".repeat(14_000)))),
        (
            "X-Forwarded-For in ninety lines",
            get(&metalink, &many(90, header("X-Forwarded-For", "10.0.0.1".into()))),
        ),
        ("ninety other headers", get(&metalink, &many(90, header("X-Padding", "0".repeat(150))))),
        ("one header of 14 kB", get(&metalink, &header("X-Padding", "0".repeat(14_000)))),
        ("Accept of 14 kB", get(&metalink, &header("Accept", "text/*;q=0.1,".repeat(1_000)))),
        ("an absolute target", get(&format!("http://{}{metalink}", "h".repeat(ROOM - 200)), "")),
    ];
    let mut raw = b"GET ".to_vec();
    raw.extend(format!("{metalink}&x=").as_bytes());
    raw.extend([0xc3, 0xa9].repeat(1300));
    raw.extend(b" HTTP/1.1\r\nHost: h\r\n\r\n");
    all.push(("2,600 bytes outside ASCII", raw));
    all
}

fn letter(number: usize) -> char {
    char::from(b'A' + (number % 26) as u8)
}

fn get(target: &str, headers: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

/// The service under load, and who asks.
struct Bench<'a> {
    stack: &'a Stack,
    rounds: usize,
    workers: Vec<u32>,
    clients: Vec<Client>,
}

/// What a request has cost, in nanoseconds for each.
#[derive(Clone, Copy, Default)]
struct Cost {
    frontend: f64,
    workers: f64,
}

impl<'a> Bench<'a> {
    fn new(stack: &'a Stack, rounds: usize) -> Result<Bench<'a>, Box<dyn Error>> {
        let processes = stack.processes()?;
        let workers = processes.iter().filter(|(role, _)| *role == "worker").map(|(_, pid)| *pid).collect();
        let clients = (0..CROWD).map(|_| Client::connect(stack)).collect::<Result<_, _>>()?;
        Ok(Bench { stack, rounds, workers, clients })
    }

    /// Asks both in turns and prints what came of it.
    fn compare(&mut self, name: &str, request: &[u8], ordinary: &[u8]) -> Result<(), Box<dyn Error>> {
        let (mut dear, mut usual, mut said) = (Cost::default(), Cost::default(), (0, 0));
        for turn in 0..self.rounds / 5 + 1 {
            let cost = self.cost(request, &mut said)?;
            let other = self.cost(ordinary, &mut (0, 0))?;
            // The first turn fills buffers.
            if turn > 0 {
                dear = dear.and(cost);
                usual = usual.and(other);
            }
        }
        let turns = (self.rounds / 5).max(1) as f64 * 1000.0;
        println!(
            "{name:<44} {:>7} {:>9} {:>10.1} {:>8.1} {:>6.2}",
            said.0,
            said.1,
            dear.frontend / turns,
            dear.workers / turns,
            dear.sum() / usual.sum()
        );
        Ok(())
    }

    /// Five requests on every connection.
    fn cost(&mut self, request: &[u8], said: &mut (u16, usize)) -> Result<Cost, Box<dyn Error>> {
        let before = self.spent()?;
        for _ in 0..5 {
            for client in &mut self.clients {
                client.stream.write_all(request)?;
            }
            for client in &mut self.clients {
                *said = client.hear()?;
                if client.closed {
                    *client = Client::connect(self.stack)?;
                }
            }
        }
        let after = self.spent()?;
        let count = (5 * CROWD) as f64;
        Ok(Cost {
            frontend: (after.frontend - before.frontend) / count,
            workers: (after.workers - before.workers) / count,
        })
    }

    fn spent(&self) -> Result<Cost, Box<dyn Error>> {
        let workers = self.workers.iter().map(|pid| cpu_ns(*pid)).sum::<Result<u64, _>>()?;
        Ok(Cost { frontend: cpu_ns(self.stack.frontend.pid())? as f64, workers: workers as f64 })
    }
}

impl Cost {
    fn and(self, other: Cost) -> Cost {
        Cost { frontend: self.frontend + other.frontend, workers: self.workers + other.workers }
    }

    fn sum(self) -> f64 {
        self.frontend + self.workers
    }
}

/// One connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    closed: bool,
}

impl Client {
    fn connect(stack: &Stack) -> Result<Client, Box<dyn Error>> {
        let stream = TcpStream::connect(stack.http)?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 1 << 20], closed: false })
    }

    /// The status of an answer, and its bytes.
    fn hear(&mut self) -> Result<(u16, usize), Box<dyn Error>> {
        let mut have = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[have..])?;
            if count == 0 {
                return Err("closed without an answer".into());
            }
            have += count;
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut head = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(start) = head.parse(&self.buffer[..have])? else { continue };
            let value =
                |name: &str| head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            let length =
                value("content-length").and_then(|header| str::from_utf8(header.value).ok()?.parse().ok());
            let length: usize = length.ok_or("an answer without length")?;
            if have >= start + length {
                self.closed = value("connection").is_some_and(|header| header.value == b"close");
                return Ok((head.code.unwrap_or(0), length));
            }
        }
    }
}
