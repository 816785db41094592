//! The oracle: the program's answers against those of a slow, plain model of the spec.
//!
//! `model` is the second reading of SPEC.md. `random_world` and `random_request` make caches and requests, `world` takes a
//! cache through the program's own compiler, `exchange` asks, `compare` judges. `order` looks at chance itself.
//! `redirects` does all that for paths of the redirector. `ORACLE_REQUESTS=N` sets how many requests each test makes,
//! `ORACLE_REDIRECTS=N` how many paths, `ORACLE_SEED=N` which.

#[path = "../golden/cache_toml.rs"]
mod cache_toml;
mod clients;
mod compare;
mod dice;
mod exchange;
mod forwarded;
mod model;
mod nearer;
mod order;
#[allow(dead_code, reason = "the replay uses more of it")]
mod random_hops;
mod random_request;
mod random_world;
mod real;
mod redirects;
mod reports;
mod setting;
#[allow(dead_code, reason = "the replay uses more of it")]
mod tally;
mod world;

use dice::Dice;
use exchange::Program;
use model::Model;
use random_request::Vocabulary;
use setting::setting;
use tally::Tally;
use world::World;

/// The version that the service says it has.
const VERSION: &str = "1.2.3";

/// Asks model and program the same, `count` times; panics with the first differences.
fn agree(name: &str, world: &World, model: &mut Model, dice: &mut Dice, count: u64) -> Tally {
    let cache = world.compile();
    let vocabulary = Vocabulary::of(&model.facts);
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    let mut asked_so_far = 0;
    while asked_so_far < count && differences.len() < 5 {
        model.rules = random_request::rules(dice);
        let mut program = Program::start(&cache, model.rules);
        for _ in 0..100.min(count - asked_so_far) {
            let asked = vocabulary.request(dice);
            let now = 1_795_255_000 + dice.below(400_000_000) as u64;
            let expected = model.answer(&asked.wire(), now);
            let mut same_dice = dice.0.clone();
            let reply = program.ask(&asked, now, &mut dice.0);
            if asked_so_far % 20 == 0 {
                let again = program.ask(&asked, now, &mut same_dice);
                assert_eq!(
                    (&again.headers, &again.body),
                    (&reply.headers, &reply.body),
                    "same dice, same answer: {asked}"
                );
            }
            tally.count(&expected);
            let verdict = compare::compare(&expected, &reply).and_then(|()| compare::readable(&reply));
            if let Err(difference) = verdict {
                differences.push(format!("{name}, {:?}\n{asked}\n{difference}", model.rules));
            }
            asked_so_far += 1;
        }
    }
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(5)].join("\n\n"));
    tally
}

#[test]
fn answers_over_random_caches_are_those_of_the_model() {
    let (seed, requests) = (setting("ORACLE_SEED", 1), setting("ORACLE_REQUESTS", 10_000));
    let mut tally = Tally::default();
    for number in 0..requests.div_ceil(500) {
        let mut dice = Dice::new(seed << 32 | number);
        let world = random_world::world(&mut dice);
        let mut model = Model::of(world.facts(), random_request::rules(&mut dice));
        let name = format!("ORACLE_SEED={seed}, cache {number}");
        tally.add(&agree(&name, &world, &mut model, &mut dice, 500.min(requests - number * 500)));
    }
    println!("{tally:#?}");
    if requests >= 10_000 {
        assert_eq!(
            tally.by_tier.len(),
            11,
            "every tier and the origin was the nearest of some answer: {tally:?}"
        );
        assert_eq!(tally.by_status.keys().copied().collect::<Vec<_>>(), [200, 302, 400, 404]);
    }
}
