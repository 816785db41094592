//! The oracle over real data: 530 mirrors, 10,624 directories, 732,000 routes and a country database of a million networks.
//!
//! The files are not part of the repository; where they are missing these tests say so and pass.

use crate::{
    agree,
    dice::Dice,
    model::Model,
    random_rules, setting,
    world::{GeoipSource, World},
};
use daemon::compile::mirrormanager::message::MirrorList;
use prost::Message;
use std::{fs, path::PathBuf};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");

/// The real inputs, `None` (and a word about it) where they are missing.
pub fn world() -> Option<World> {
    let data = PathBuf::from(DATA);
    let packed = data.join("global_netblocks.txt.zst");
    if !packed.exists() {
        eprintln!("skipped: no real data in {DATA}");
        return None;
    }
    let read = |name: &str| fs::read(data.join(name)).expect("real data can be read");
    let routes =
        zstd::decode_all(&read("global_netblocks.txt.zst")[..]).expect("the routing table can be unpacked");
    Some(World {
        list: MirrorList::decode(&read("almalinux.proto-cache")[..]).expect("the cache can be decoded"),
        routes: String::from_utf8(routes).expect("the routing table is text"),
        continents: String::from_utf8(read("country_continent.csv")).expect("the continents are text"),
        geoip: GeoipSource::Database(data.join("country.mmdb")),
    })
}

#[test]
fn answers_over_the_real_cache_are_those_of_the_model() {
    let Some(world) = world() else { return };
    let mut dice = Dice::new(setting("ORACLE_SEED", 1));
    let mut model = Model { facts: world.facts(), rules: random_rules(&mut dice) };
    let tally = agree("the real cache", &world, &mut model, &mut dice, setting("ORACLE_REQUESTS", 10_000));
    println!("{tally:#?}");
}
