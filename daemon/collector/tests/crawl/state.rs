//! What runs leave: how much room it takes, who is forgotten, and what is lost when there is no room at all.

use crate::{
    primary::Primary,
    world::{RHYTHM, World, has, name},
};
use collector::{
    run::crawl::{
        crawl,
        known::{Known, Record, Verdict},
    },
    store::Store,
};
use std::fs;

#[test]
fn what_has_gone_is_forgotten() {
    let mut world = World::new(Primary::new(3, 2), 2);
    world.run();
    assert_eq!(world.store().record(&name(0)).unwrap().units.len(), 5);
    // Units that vanish vanish; ones that come are new.
    world.primary.repositories.pop();
    world.primary.others = 1;
    world.copy();
    world.run();
    assert_eq!(world.store().record(&name(0)).unwrap().units.len(), 3);
    assert_eq!(world.store().units().unwrap().len(), 3);
    world.primary.others = 2;
    let (verdicts, _) = world.run();
    assert_eq!(has(&verdicts, 0), [true, true, true, false]);
    // A mirror that is away for a while is known still, one that stays away is not.
    let gone = world.mirrors.pop().unwrap();
    world.run();
    assert_eq!(world.store().mirrors().unwrap(), [name(0), name(1)]);
    world.now += 8 * 86_400;
    let (verdicts, _) = world.run();
    assert_eq!((world.store().mirrors().unwrap(), verdicts.mirrors.len()), (vec![name(0)], 1));
    world.mirrors.push(gone);
    world.run();
    assert_eq!(world.store().mirrors().unwrap().len(), 2);
}

#[test]
fn no_more_is_known_than_there_is_to_be_known() {
    let mut world = World::new(Primary::new(2, 1), 2);
    world.run();
    let mut tree = world.primary.tree();
    tree.units[2].newest.clear();
    let mut store = world.store();
    let settings = crate::world::settings();
    let (_, summary) =
        crawl(&tree, &world.mirrors, &mut store, &settings, world.limits, world.now + 1).unwrap();
    assert_eq!((summary.known, summary.units), (4, 4));
}

#[test]
fn a_pause_ends_whatever_stands_in_the_state() {
    let mut world = World::new(Primary::new(2, 0), 1);
    world.run();
    let mut record = world.store().record(&name(0)).unwrap();
    record.pause_until = u64::MAX;
    world.store().keep_records([(&*name(0), &record)], world.now).unwrap();
    world.requests();
    world.run();
    assert_eq!(world.requests(), [0]);
    world.now += 86_400;
    world.run();
    assert!(world.requests()[0] > 0);
}

/// 10,000 directories apart from 1,000 repositories, as a mirror has them after some days of runs.
fn record(mirror: u32) -> Record {
    let mut record = Record { asked: 1_800_000_000, ..Record::default() };
    for id in 1..=11_000_u32 {
        let verdict = match (id + mirror) % 50 {
            0 => Verdict::Absent,
            1 => Verdict::Kept,
            2 => Verdict::Wrong,
            _ => Verdict::Current,
        };
        let why = match verdict {
            Verdict::Current => String::new(),
            _ => format!("package-{}.rpm: status 404", id % 97),
        };
        let hash = u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let known = Known {
            verdict,
            // Looked at 40 a run.
            asked: 1_800_000_000 - u64::from((id * 7 + mirror) % 275) * RHYTHM,
            since: 1_790_000_000 + u64::from(id % 5) * RHYTHM,
            revision: 1 + id % 7,
            found: if verdict == Verdict::Kept { hash } else { 0 },
            missed: 0,
            why,
        };
        record.units.insert(id, known);
    }
    record
}

#[test]
fn five_hundred_mirrors_of_ten_thousand_directories_take_little_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut store = Store::open(&path).unwrap();
    // A tenth of them: each takes the same.
    for mirror in 0..50 {
        store.keep_records([(&*name(mirror as usize), &record(mirror))], 1).unwrap();
    }
    let megabytes = fs::metadata(&path).unwrap().len() as f64 * 10.0 / 1e6;
    println!("500 mirrors of 11,000 units: {megabytes:.1} MB");
    assert!(megabytes < 50.0, "{megabytes} MB");
    assert_eq!(store.record(&name(7)).unwrap(), record(7));
}
