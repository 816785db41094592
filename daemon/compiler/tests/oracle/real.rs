//! The oracle over real data: 530 mirrors, 10,624 directories, 732,000 routes and a country database of a million
//! networks.
//!
//! The files are not part of the repository; where they are missing these tests say so and pass.

use crate::{agree, dice::Dice, model::Model, random_request, setting::setting, world::World};
use std::path::Path;

pub const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

/// The real inputs, `None` (and a word about it) where they are missing.
pub fn world() -> Option<World> {
    let world = World::read(Path::new(DATA));
    if world.is_none() {
        eprintln!("skipped: no real data in {DATA}");
    }
    world
}

#[test]
fn answers_over_the_real_cache_are_those_of_the_model() {
    let Some(world) = world() else { return };
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let mut model = Model::of(world.facts(), random_request::rules(&mut dice));
    let tally = agree("the real cache", &world, &mut model, &mut dice, setting("ORACLE_REQUESTS", 10_000));
    println!("{tally:#?}");
}
