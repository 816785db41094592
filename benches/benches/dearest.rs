//! The dearest requests that a client can make, against an ordinary one: processor time of front end and workers.
//!
//! Each candidate is as large as the front end's limits let it be. It is asked on 64 connections at a time, in turns
//! with the ordinary request, so that a busy machine slows both; the figure to look at is the ratio. The cache is
//! synthetic, of 20,000 directories, with near mirrors and what is known of mirrors' versions of IP. Another status than
//! is written beside a candidate is an error. Run with `cargo bench --package benches --bench dearest [-- ROUNDS]`.

use answer::{render::escape::url_path, rules::Rules};
use cache::{CacheBytes, FileId, View};
use std::{
    error::Error,
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};
use testkit::{
    inputs::{self, build_command},
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
/// A prefix of the redirector.
const PREFIX: &str = "/dl/";
/// Hosts of the synthetic cache.
const HOSTS: usize = 600;

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
    let file = format!("{PREFIX}{}", linked_file(&view).ok_or("no file of one version")?);

    let daemon = ["--workers", "2", "--minimum", MINIMUM, "--redirector", PREFIX];
    // The last, because 64 large answers are under way at a time; these clients read all of them.
    let frontend =
        ["--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8", "--max-unsent", "268435456"];
    let stack = Stack::start(&programs, &cache, &daemon, &frontend)?;
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
    for (name, meant, request) in later_candidates(&list, &file) {
        let status = bench.compare(name, &request, &ordinary)?;
        if status != meant {
            return Err(format!("{name}: status {status} instead of {meant}").into());
        }
    }
    stack.stop()?;
    Ok(())
}

fn compile(programs: &Programs, folder: &Path, cache: &Path) -> Result<(), Box<dyn Error>> {
    let options = Options { hosts: HOSTS, ..Options::new(20_000) };
    let file = |name| File::create(folder.join(name));
    synthetic::encode(&options, file(inputs::MIRRORMANAGER)?)?;
    synthetic::netblocks(&options, file(inputs::NETBLOCKS)?)?;
    synthetic::continents(file(inputs::CONTINENTS)?)?;
    fs::write(folder.join(inputs::GEOIP), synthetic::geoip(&options))?;
    let config = folder.join("mirrorlist-cache.toml");
    fs::write(&config, site())?;
    let built = build_command(programs, folder, cache).arg("--config").arg(config).output()?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into());
    }
    Ok(())
}

/// The site file: near mirrors, a URL for links, and every second mirror answers by IPv4 alone.
fn site() -> String {
    let mut site =
        String::from("[policy]\nnear-hosts = 5\npublic-url = \"https://dl.example.org/\"\n[hosts]\n");
    site.extend((0..HOSTS).step_by(2).map(|number| {
        // As synthetic mirrors are called.
        let domain = ["org", "net", "com"][number % 3];
        format!("[hosts.\"mirror{number}.example.{domain}\"]\nfamilies = [4]\n")
    }));
    site
}

/// The path, as it stands in a URL, of a file with a single version and a strong hash, whose redirects have links; of several
/// that which most mirrors carry.
fn linked_file(view: &View<'_>) -> Option<String> {
    let linked = (0..view.file_count() as u32).map(FileId).filter(|file| {
        let mut versions = view.versions(*file);
        versions.len() == 1 && versions.next().is_some_and(|version| version.hashes[2].is_some())
    });
    let carried = linked.filter_map(|file| view.file(file));
    let (directory, name) = carried.max_by_key(|(directory, _)| view.set(view.carriers(*directory)).len())?;
    let (mut path, mut encoded) = (Vec::new(), Vec::new());
    view.directory_path(directory, &mut path);
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    url_path(&path, &mut encoded);
    String::from_utf8(encoded).ok()
}

/// What someone might try with lists, metalinks and heads, each with its name.
fn candidates(list: &str) -> Vec<(&'static str, Vec<u8>)> {
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

/// The same with filters, further forms and the redirector, each with its name and the status that it is meant to get.
fn later_candidates(list: &str, file: &str) -> Vec<(&'static str, u16, Vec<u8>)> {
    let metalink = list.replace("/mirrorlist?", "/metalink?");
    // As many as count, and none of them is a mirror: each is compared with every URL.
    let strangers: Vec<String> =
        (HOSTS..HOSTS + 16).map(|number| format!("mirror{number}.example.org")).collect();
    let strangers = strangers.join(",");
    // One less than count, so that the list is read to its end.
    let fifteen: String = ('a'..='o').map(|letter| format!("{letter}.o,")).collect();
    let countries = "US,DE,CN,FR,GB,BR,CA,JP,RU,NL,SE,CZ,IN,AU,TW";
    // An address whose country the synthetic cache knows.
    let client = "ip=198.18.4.130";
    let digest = "Want-Digest: SHA-512;q=1,SHA-256;q=0.5\r\n";
    let any = format!("Accept: application/metalink4+xml,*/*;q=0.1\r\n{digest}");
    let metalink4 = format!("Accept: application/metalink4+xml\r\n{digest}");
    let tree = |path: &str| get(&format!("{PREFIX}{path}.apt"), "");
    vec![
        ("JSON, explained", 200, get(&format!("{list}&format=json&explain=1"), "")),
        ("JSON of one mirror, explained", 200, get(&format!("{list}&format=json&explain=1&limit=1"), "")),
        (
            "JSON, explained, with filters",
            200,
            get(&format!("{list}&format=json&explain=1&{client}&family=6&exclude={strangers}"), ""),
        ),
        (
            "a page of many mirrors, explained",
            200,
            get(&format!("{list}&format=html&explain=1&limit=255"), ""),
        ),
        ("a page, names without values", 200, get(&fill(&format!("{list}&format=html"), "&a"), "")),
        ("apt's list", 200, get(&format!("{list}&format=apt"), "")),
        ("metalink 4 of many mirrors", 200, get(&format!("{metalink}&format=metalink4&limit=255"), "")),
        ("a metalink, sixteen names excluded", 200, get(&format!("{metalink}&exclude={strangers}"), "")),
        (
            "a metalink, the same name excluded again",
            200,
            get(&fill(&format!("{metalink}&exclude={fifteen}"), "o.o,"), ""),
        ),
        (
            "a metalink, strict, one version of IP",
            200,
            get(&format!("{metalink}&country={countries}&strict=1&family=6"), ""),
        ),
        ("a metalink, near mirrors", 200, get(&format!("{metalink}&{client}"), "")),
        ("a metalink of one mirror", 200, get(&format!("{metalink}&limit=1"), "")),
        ("a path of the redirector", 302, get(file, "")),
        ("the same with links and hashes", 302, get(file, &any)),
        ("the same as metalink 4 by Accept", 200, get(file, &metalink4)),
        ("the same as JSON, explained", 200, get(&format!("{file}?json&explain=1"), "")),
        ("the same, names without values", 302, get(&fill(&format!("{file}?"), "&%61"), "")),
        ("apt's list of EPEL's whole tree", 200, tree("pub/epel")),
        ("apt's list of the archive's whole tree", 200, tree("pub/archive/fedora/linux")),
        ("an unknown path of the redirector", 404, get(&fill(PREFIX, "a/"), "")),
        ("the same of escapes", 404, get(&fill(PREFIX, "%41"), "")),
        ("the same of dots", 404, get(&fill(PREFIX, "./"), "")),
        ("help, names without values", 200, get(&fill("/?repo=x", "&%61"), "Accept: text/html\r\n")),
    ]
}

/// A target that begins so and goes on with the same piece as far as there is room.
fn fill(start: &str, piece: &str) -> String {
    format!("{start}{}", piece.repeat((ROOM - start.len()) / piece.len()))
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

    /// Asks both in turns, prints what came of it, and returns the status.
    fn compare(&mut self, name: &str, request: &[u8], ordinary: &[u8]) -> Result<u16, Box<dyn Error>> {
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
        Ok(said.0)
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
