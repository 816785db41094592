//! What the parts of an answer cost, without system calls: one question a function.
//!
//! On a synthetic cache of 120,000 directories (`MIRRORLIST_BENCH_DIRECTORIES` for another size), compiled as operators
//! compile theirs. Run with `cargo bench --package benches --bench functions`.

use benches::{
    load::questions::{Kind, Question, of_size, questions},
    synthetic::{self, Options},
};
use daemon::{
    answer::{Fragments, Rules, Scratch, Service},
    compile::{self, Inputs},
};
use divan::{Bencher, black_box};
use rand::{SeedableRng, rngs::SmallRng};
use shared::{
    cache::{self, CacheBytes, DirectoryId, View},
    wire::{self, Accept, Method, Request, UrlScheme},
};
use std::{env, fs::File, net::IpAddr, sync::LazyLock, time::Duration};

/// A list of 65 hosts, and a metalink of two hundred URLs.
const LIST_BYTES: usize = 5_500;
const METALINK_BYTES: usize = 26_000;

fn main() {
    // Long enough for a median that repeats.
    divan::Divan::from_args().min_time(Duration::from_millis(300)).main();
}

static CACHE: LazyLock<CacheBytes> = LazyLock::new(|| compile().expect("the synthetic cache compiles"));
static VIEW: LazyLock<View<'static>> =
    LazyLock::new(|| View::check(&CACHE).expect("what was written is good"));
static FRAGMENTS: LazyLock<Fragments> = LazyLock::new(|| Fragments::prepare(&VIEW));

/// The synthetic cache, through the importers and the writer.
fn compile() -> Result<CacheBytes, Box<dyn std::error::Error>> {
    let size = env::var("MIRRORLIST_BENCH_DIRECTORIES").ok().and_then(|size| size.parse().ok());
    let options = Options::new(size.unwrap_or(120_000));
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    synthetic::encode(&options, File::create(path("cache"))?)?;
    synthetic::netblocks(&options, File::create(path("routes"))?)?;
    synthetic::continents(File::create(path("continents"))?)?;
    std::fs::write(path("geoip"), synthetic::geoip(&options))?;
    let inputs = Inputs {
        mirrormanager: path("cache"),
        netblocks: Some(path("routes")),
        continents: Some(path("continents")),
        geoip: Some(path("geoip")),
    };
    let (inventory, _) = compile::gather(&inputs, |_| ())?;
    Ok(cache::write(&inventory, 0)?.0)
}

/// Walks through values again and again, so that no two calls in a row ask the same.
struct Round<T> {
    values: Vec<T>,
    at: usize,
}

impl<T> Round<T> {
    fn new(values: Vec<T>) -> Round<T> {
        assert!(!values.is_empty(), "nothing to ask");
        Round { values, at: 0 }
    }

    fn next(&mut self) -> &T {
        self.at = (self.at + 1) % self.values.len();
        &self.values[self.at]
    }
}

#[divan::bench]
fn look_up_a_directory(bencher: Bencher<'_, '_>) {
    let paths = (0..VIEW.directory_count() as u32).step_by(7).map(|number| {
        let mut path = Vec::new();
        VIEW.directory_path(
            DirectoryId(number.wrapping_mul(2_654_435_761) % VIEW.directory_count() as u32),
            &mut path,
        );
        path
    });
    let mut paths = Round::new(paths.collect());
    bencher.bench_local(|| VIEW.find(black_box(paths.next())));
}

#[divan::bench]
fn look_up_an_unknown_directory(bencher: Bencher<'_, '_>) {
    let mut paths =
        Round::new((0..10_000).map(|number| format!("pub/fedora/linux/releases/{number}/no")).collect());
    bencher.bench_local(|| VIEW.find(black_box(paths.next().as_bytes())));
}

fn classify(bencher: Bencher<'_, '_>, v4: bool) {
    let clients = questions(&VIEW, Kind::Metalink, 100_000, 3).into_iter().map(|question| question.client);
    let mut clients: Round<IpAddr> = Round::new(clients.filter(|client| client.is_ipv4() == v4).collect());
    bencher.bench_local(|| VIEW.class(black_box(*clients.next())));
}

#[divan::bench]
fn classify_an_ipv4_client(bencher: Bencher<'_, '_>) {
    classify(bencher, true);
}

#[divan::bench]
fn classify_an_ipv6_client(bencher: Bencher<'_, '_>) {
    classify(bencher, false);
}

fn answer(bencher: Bencher<'_, '_>, asked: Vec<Question>, rules: Rules) {
    let service = Service { view: *VIEW, fragments: &FRAGMENTS, rules };
    let mut asked = Round::new(asked);
    let (mut scratch, mut page) = (Scratch::default(), Vec::new());
    let mut dice = SmallRng::seed_from_u64(1);
    bencher.bench_local(|| {
        let question = asked.next();
        let (path, query) = question.target.split_once('?').unwrap_or((&question.target, ""));
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            deadline_ms: 0,
            client: Some(question.client),
            path: path.as_bytes(),
            query: query.as_bytes(),
        };
        page.clear();
        service.answer(black_box(&request), 0, &mut dice, &mut scratch, &mut page)
    });
}

/// Requests with answers of about so many bytes, and the rules that make them so large.
fn sized(kind: Kind, bytes: usize) -> (Vec<Question>, Rules) {
    let rules = Rules { minimum: 1000, ..Rules::default() };
    (of_size(*VIEW, rules, questions(&VIEW, kind, 20_000, 1), bytes), rules)
}

#[divan::bench]
fn answer_a_mirrorlist_of_5500_bytes(bencher: Bencher<'_, '_>) {
    let (asked, rules) = sized(Kind::Mirrorlist, LIST_BYTES);
    answer(bencher, asked, rules);
}

#[divan::bench]
fn answer_a_metalink_of_26_kb(bencher: Bencher<'_, '_>) {
    let (asked, rules) = sized(Kind::Metalink, METALINK_BYTES);
    answer(bencher, asked, rules);
}

#[divan::bench]
fn answer_a_redirect(bencher: Bencher<'_, '_>) {
    answer(bencher, questions(&VIEW, Kind::Redirect, 1000, 1), Rules::default());
}

/// Requests that are told that there is nothing.
fn refuse(bencher: Bencher<'_, '_>, target: impl Fn(usize) -> String) {
    let asked = questions(&VIEW, Kind::Redirect, 1000, 1).into_iter().enumerate();
    let asked = asked.map(|(at, question)| Question { target: target(at), ..question });
    answer(bencher, asked.collect(), Rules::default());
}

#[divan::bench]
fn refuse_an_unknown_path(bencher: Bencher<'_, '_>) {
    refuse(bencher, |at| format!("/mirrorlist?path=pub/fedora/linux/unknown/{at}/x86_64/os"));
}

#[divan::bench]
fn refuse_an_unknown_repository(bencher: Bencher<'_, '_>) {
    refuse(bencher, |at| format!("/mirrorlist?repo=unknown-{at}&arch=x86_64"));
}

#[divan::bench]
fn frame_a_request(bencher: Bencher<'_, '_>) {
    let request = Request {
        method: Method::Get,
        scheme: UrlScheme::Https,
        accept: Accept::default(),
        deadline_ms: 2000,
        client: Some(IpAddr::from([192, 0, 2, 7])),
        path: b"/metalink",
        query: b"repo=fedora-42&arch=x86_64&countme=1",
    };
    let mut out = Vec::new();
    bencher.bench_local(|| {
        out.clear();
        wire::encode_request(&mut out, 7, black_box(&request));
        let frame = wire::next_frame(&out, wire::MAX_REQUEST).ok().flatten();
        frame.map(|frame| wire::Message::decode(&frame).is_ok())
    });
}

#[divan::bench]
fn check_a_cache(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| View::check(black_box(&CACHE)).is_ok());
}

#[divan::bench]
fn open_a_checked_cache(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| View::access(black_box(&CACHE)).is_ok());
}
