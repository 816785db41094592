//! Databases by chance against the model. `COLLECT_WORLDS` says how many, `COLLECT_SEED` where to begin.

use crate::{model::Model, program::Collect, world::World};
use std::env;
use testkit::postgres::{Postgres, SCHEMA};

const WORLDS: u64 = 50;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

#[test]
fn databases_by_chance_come_out_as_the_model_has_them() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("mm").unwrap();
    let mut client = postgres::Client::connect(&server.url("mm"), postgres::NoTls).unwrap();
    let collect = Collect::new(&server.url("mm"));
    let (begin, worlds) = (number("COLLECT_SEED", 1), number("COLLECT_WORLDS", WORLDS));
    // Rows go in the order opposite to that in which they refer to each other.
    let tables = SCHEMA.split("create table ").skip(1).filter_map(|table| table.split(' ').next());
    let emptied: Vec<String> = tables.map(|table| format!("delete from {table};")).collect();
    let emptied = emptied.into_iter().rev().collect::<String>();
    let mut empty = 0;
    for seed in begin..begin + worlds {
        let world = World::random(seed);
        client.batch_execute(&emptied).unwrap();
        client.batch_execute(&world.sql(seed)).unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        let expected = Model::of(&world);
        let ended = collect.run(&[]);
        if !expected.answers_anything() {
            empty += 1;
            assert_eq!(ended.code, Some(66), "seed {seed}: {ended:?}");
            assert!(ended.said.contains("no directory in it has a host"), "seed {seed}: {ended:?}");
            continue;
        }
        assert_eq!((ended.code, &*ended.said), (Some(0), ""), "seed {seed}");
        assert_eq!(Model::from(collect.written()), expected, "seed {seed}");
    }
    println!("{worlds} databases, {empty} of them without a host");
    assert!(3 * empty < worlds.max(4), "most have to say something");
}
