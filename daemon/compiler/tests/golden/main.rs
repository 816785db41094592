//! Golden replies: a folder for each behaviour and each known fault of the predecessors, compared byte for byte.
//!
//! `NAME/request` holds requests (see [`script`]), `NAME/reply` what they get, `NAME/cache.toml` the cache if it is not
//! `base.toml`. Chance and clock are fixed. Every reply is also held against the oracle's model, so that no mistake gets
//! into a file by `UPDATE_GOLDEN=1`, which writes the replies anew: look at the difference before you keep it.

mod below;
mod cache_toml;
#[path = "../oracle/compare.rs"]
mod compare;
#[path = "../oracle/exchange.rs"]
mod exchange;
#[allow(dead_code, reason = "the oracle uses more of it")]
#[path = "../oracle/model/mod.rs"]
mod model;
mod schema;
mod script;
mod untold;
#[allow(dead_code, reason = "the oracle uses more of it")]
#[path = "../oracle/world.rs"]
mod world;

use answer::redirector::Redirector;
use exchange::Program;
use model::Model;
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The version that the service says it has.
const VERSION: &str = "1.2.3";

/// For how long a client keeps its mirror, in seconds.
const STICKY: u64 = 21_600;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/answer/golden");

/// What a folder's requests get, in the form of a reply file.
fn replies(folder: &Path) -> String {
    let read = |path: PathBuf| {
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let own = folder.join("cache.toml");
    let cache = if own.exists() { own } else { Path::new(FOLDER).join("base.toml") };
    let world = cache_toml::world(&read(cache));
    let bytes = world.compile();
    let steps = script::read(&read(folder.join("request")));
    let mut model = Model::of(world.facts(), steps[0].rules);
    let mut text = String::new();
    for step in &steps {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(step.seed);
        let mut program = Program::start(&bytes, step.rules);
        if !step.prefixes.is_empty() {
            let prefixes = step.prefixes.iter().map(|text| text.parse().expect("a prefix")).collect();
            program = program.with(Redirector::new(prefixes, STICKY));
        }
        let reply = program.ask(&step.asked, script::NOW, &mut rng);
        if steps.len() > 1 {
            text += &format!("{}>>> {}\n", if text.is_empty() { "" } else { "\n" }, step.line);
        }
        text += &script::shown(&reply);
        model.rules = step.rules;
        model.redirect_below(&step.prefixes);
        let expected = model.answer(&step.asked.wire(), script::NOW);
        let verdict = compare::compare(&expected, &reply).and_then(|()| compare::readable(&reply));
        verdict
            .unwrap_or_else(|why| panic!("{}: {}\nthe model disagrees: {why}", folder.display(), step.line));
    }
    text
}

#[test]
fn every_golden_request_gets_its_reply() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let entries = fs::read_dir(FOLDER).expect("the folder of goldens can be read");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.join("request").exists());
    folders.sort();
    assert!(folders.len() > 50, "only {} goldens were found", folders.len());
    let mut failed = Vec::new();
    for folder in folders {
        let found = match std::panic::catch_unwind(|| replies(&folder)) {
            Ok(found) => found,
            // The panic has already printed why.
            Err(_) => {
                failed.push(folder.display().to_string());
                continue;
            }
        };
        let reply = folder.join("reply");
        if update {
            fs::write(&reply, &found).expect("a reply can be written");
        } else if fs::read_to_string(&reply).unwrap_or_default() != found {
            failed.push(format!("{}:\n{found}", reply.display()));
        }
    }
    assert!(failed.is_empty(), "{} of them differ:\n{}", failed.len(), failed.join("\n"));
}
