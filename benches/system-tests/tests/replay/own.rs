//! Our own service, started on one cache after another, asked over TCP and a UNIX socket.

use crate::{
    dice::Dice,
    goldens, input_files,
    model::Model,
    random_hops,
    random_request::{self, Vocabulary},
    random_world,
    script::Step,
    server::Server,
    setting::setting,
    tally::Tally,
    world::World,
};
use answer::rules::{LogAddress, NetblockMode, Rules};
use std::{collections::BTreeMap, fs, path::Path};
use testkit::{
    inputs,
    load::Target,
    stack::{Programs, Stack},
};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

/// A cache in a folder of its own, and the inputs that it was made of.
pub struct Cache {
    pub folder: tempfile::TempDir,
    world: World,
}

impl Cache {
    /// Through files and the operator's tool, as an operator does it.
    pub fn build(world: &World) -> Cache {
        let folder = tempfile::tempdir().unwrap();
        input_files::write(world, folder.path());
        let world = World::read(folder.path()).unwrap();
        inputs::compile(&Programs::build().unwrap(), folder.path(), &folder.path().join("cache.mlc"))
            .unwrap();
        Cache { folder, world }
    }

    /// Starts the service with these options.
    pub fn start(&self, daemon_options: &[&str], frontend_options: &[&str]) -> Stack {
        let cache = self.folder.path().join("cache.mlc");
        Stack::start(&Programs::build().unwrap(), &cache, daemon_options, frontend_options).unwrap()
    }

    /// Starts the service under these rules, lets `ask` do so, then stops it and compares the access log.
    fn serve(&self, rules: Rules, name: &str, trusted: &[&str], ask: impl FnOnce(&mut Server)) -> Tally {
        let path = |name: &str| self.folder.path().join(name);
        let (socket, log) = (path("http"), path("access.log"));
        fs::write(&log, "").unwrap();
        let mut daemon_options = options(rules);
        if rules.log_address != LogAddress::Off {
            daemon_options.extend(["--access-log".into(), text(&log)]);
        }
        let mut frontend_options = vec![
            "--listen".into(),
            "127.0.0.1:0".into(),
            "--listen".into(),
            format!("unix:{}", text(&socket)),
        ];
        frontend_options
            .extend(trusted.iter().flat_map(|prefix| ["--trusted-proxy".into(), (*prefix).to_owned()]));
        let stack = self.start(&strs(&daemon_options), &strs(&frontend_options));
        let ways = vec![Target::Tcp(stack.http), Target::Unix(socket)];
        let mut server = Server::new(ways, trusted, Model::of(self.world.facts(), rules));
        ask(&mut server);
        stack.stop().unwrap();
        server.agrees(name);
        let mut written: Vec<String> =
            fs::read_to_string(&log).unwrap().split_inclusive('\n').map(undated).collect();
        let mut expected: Vec<String> = server.log.iter().map(|line| undated(line)).collect();
        written.sort();
        expected.sort();
        assert_eq!(written, expected, "{name}: the access log");
        server.tally
    }
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn has_mirrors(world: &World) -> bool {
    world.facts().directories.values().any(|directory| !directory.carriers.is_empty())
}

/// A line of the access log without its date: midnight may pass between an answer and its line.
fn undated(line: &str) -> String {
    let fields = line.split("; ").filter(|field| !field.starts_with("DATE: "));
    fields.collect::<Vec<_>>().join("; ")
}

/// The rules as the daemon's options.
fn options(rules: Rules) -> Vec<String> {
    let netblock = match rules.netblock {
        NetblockMode::First => "first",
        NetblockMode::Only => "only",
    };
    // Without a file there is no log.
    let log = match rules.log_address {
        LogAddress::Full => "full",
        LogAddress::Off | LogAddress::Short => "short",
        LogAddress::Omit => "omit",
    };
    let minimum = rules.minimum.to_string();
    let options = ["--workers", "2", "--minimum", &minimum, "--netblock", netblock, "--log-address", log];
    options.map(str::to_owned).to_vec()
}

/// Random requests about what is in the cache.
fn ask_at_random(server: &mut Server, dice: &mut Dice, count: u64) {
    let vocabulary = Vocabulary::of(&server.model.facts);
    for _ in 0..count {
        let asked = vocabulary.request(dice);
        server.ask_somehow(dice, asked);
    }
}

#[test]
fn goldens_are_answered_as_the_model_says() {
    let mut total = 0;
    for goldens in goldens::all() {
        let cache = Cache::build(&goldens.world);
        let mut by_rules: BTreeMap<Vec<String>, Vec<Step>> = BTreeMap::new();
        for step in goldens.steps {
            by_rules.entry(options(step.rules)).or_default().push(step);
        }
        for steps in by_rules.into_values() {
            let rules = steps[0].rules;
            let tally = cache.serve(rules, &goldens.name, &random_hops::TRUSTED[..1], |server| {
                steps.into_iter().for_each(|step| server.ask(step));
            });
            total += tally.total();
        }
    }
    assert!(total > 200, "only {total}");
}

#[test]
fn random_requests_about_random_caches_are_answered_as_the_model_says() {
    let seed = setting("ORACLE_SEED", 1);
    let mut tally = Tally::default();
    for number in 0..16 {
        let mut dice = Dice::new(seed << 32 | number);
        // The tool makes no cache in which no directory has a mirror.
        let world = std::iter::repeat_with(|| random_world::world(&mut dice)).find(has_mirrors);
        let cache = Cache::build(&world.unwrap());
        let rules = random_request::rules(&mut dice);
        let name = format!("ORACLE_SEED={seed}, cache {number}");
        let trusted = &random_hops::TRUSTED[..1 + dice.below(4)];
        tally.add(&cache.serve(rules, &name, trusted, |server| ask_at_random(server, &mut dice, 250)));
    }
    assert_eq!(tally.by_status.keys().copied().collect::<Vec<_>>(), [200, 302, 400, 404]);
    assert_eq!(tally.by_tier.len(), 9, "every tier was the nearest of some answer: {tally:?}");
}

#[test]
fn random_requests_about_the_real_cache_are_answered_as_the_model_says() {
    let Some(world) = World::read(Path::new(DATA)) else {
        eprintln!("skipped: no real data in {DATA}");
        return;
    };
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let rules = Rules { log_address: LogAddress::Full, ..Rules::default() };
    Cache::build(&world).serve(rules, "the real cache", &random_hops::TRUSTED, |server| {
        ask_at_random(server, &mut dice, 2000);
    });
}
