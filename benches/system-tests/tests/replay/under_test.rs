//! A server that already runs, ours or another.
//!
//! `MIRRORLIST_UNDER_TEST=http://HOST:PORT` names it. `MIRRORLIST_UNDER_TEST_INPUTS=FOLDER` names the folder of the inputs
//! that its cache was made of (`mirrorlist.proto-cache`, `global_netblocks.txt`, `country_continent.csv`,
//! `country.mmdb`); unless set, those are the real ones. The goldens of the same cache are asked too:
//! `GOLDEN_WRITE_INPUTS=FOLDER` writes inputs for each, to start a server on. `MIRRORLIST_UNDER_TEST_MINIMUM=N` and
//! `MIRRORLIST_UNDER_TEST_NETBLOCK=only` say how the server was started; it must believe the `X-Forwarded-For` of this
//! machine. `ORACLE_REQUESTS=N` bounds the random requests, sent one at a time.

use crate::{
    dice::Dice,
    goldens,
    model::Model,
    own::Cache,
    random_request::Vocabulary,
    server::{ENOUGH, Server},
    setting::setting,
    world::World,
};
use answer::rules::{LogAddress, NetblockMode, Rules};
use std::{
    env,
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
};
use testkit::load::Target;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

/// Proxies that a server believes by default (SPEC.md §2); this machine is taken for another one.
const TRUSTED: [&str; 2] = ["127.0.0.0/8", "::1"];

/// More random requests than these are not sent, whatever is asked for: it may be somebody's server.
const MOST: u64 = 100_000;

/// The address in `http://HOST:PORT`.
fn address(url: &str) -> SocketAddr {
    let authority = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}: not http://HOST:PORT"));
    let authority = authority.trim_end_matches('/');
    let with_port = match authority.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => authority.to_owned(),
        _ => format!("{authority}:80"),
    };
    let found = with_port.to_socket_addrs().unwrap_or_else(|error| panic!("{url}: {error}")).next();
    found.unwrap_or_else(|| panic!("{url}: no address"))
}

/// The rules that the server was started with.
fn rules() -> Rules {
    let netblock = match env::var("MIRRORLIST_UNDER_TEST_NETBLOCK").as_deref() {
        Err(_) | Ok("first") => NetblockMode::First,
        Ok("only") => NetblockMode::Only,
        Ok(other) => panic!("MIRRORLIST_UNDER_TEST_NETBLOCK={other}: neither first nor only"),
    };
    let minimum = setting("MIRRORLIST_UNDER_TEST_MINIMUM", 5) as usize;
    Rules { minimum, netblock, log_address: LogAddress::Off }
}

/// Asks the server at `url` what the goldens of its cache ask, and so many random requests more.
fn replay(url: &str, inputs: &Path, rules: Rules, requests: u64) -> Server {
    let world = World::read(inputs).unwrap_or_else(|| panic!("{}: no inputs there", inputs.display()));
    let model = Model::of(world.facts(), rules);
    let mut server = Server::new(vec![Target::Tcp(address(url))], &TRUSTED, model);
    let same_cache = goldens::all().into_iter().filter(|goldens| {
        let theirs = &goldens.world;
        (&theirs.list, &theirs.routes, &theirs.continents) == (&world.list, &world.routes, &world.continents)
    });
    for step in same_cache.flat_map(|goldens| goldens.steps) {
        server.ask(step);
    }
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let vocabulary = Vocabulary::of(&server.model.facts);
    for _ in 0..requests.min(MOST) {
        let asked = vocabulary.request(&mut dice);
        server.ask_somehow(&mut dice, asked);
    }
    server
}

#[test]
fn the_server_under_test_answers_as_the_model_says() {
    let Ok(url) = env::var("MIRRORLIST_UNDER_TEST") else {
        eprintln!("skipped: MIRRORLIST_UNDER_TEST=http://HOST:PORT is not set");
        return;
    };
    let inputs = env::var_os("MIRRORLIST_UNDER_TEST_INPUTS").map_or(DATA.into(), PathBuf::from);
    replay(&url, &inputs, rules(), setting("ORACLE_REQUESTS", 2000)).agrees(&url);
}

#[test]
fn a_server_that_answers_differently_is_found_out() {
    let goldens = goldens::all().into_iter().find(|goldens| goldens.name == "base").unwrap();
    let cache = Cache::build(&goldens.world);
    let stack = cache.start(&["--workers", "2"], &[]);
    let (url, inputs) = (format!("http://{}", stack.http), cache.folder.path());
    let server = replay(&url, inputs, Rules::default(), 300);
    server.agrees("rules as they are");
    assert!(server.tally.total() > 400, "goldens and random requests: {:?}", server.tally);

    let told_wrong = Rules { minimum: 0, ..Rules::default() };
    let differences = replay(&url, inputs, told_wrong, 300).differences;
    assert!(differences.len() == ENOUGH, "{differences:?}");
    stack.stop().unwrap();
}
