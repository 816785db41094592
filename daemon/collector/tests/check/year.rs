//! 400 days of rounds and more: how large the state becomes, and that it then stays so.
//!
//! The judge and the store are the real ones; what mirrors answer is thrown: each is down now and then for minutes to days, some
//! for good, and falls behind with each push of a repository.

use collector::{
    check::{
        judge::{Outcome, Round, Seen, judge},
        repomd::Age,
        seconds::{DAY, HOUR},
    },
    store::{
        Store,
        rounds::{Figures, KEPT, Kept, Spread},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use std::{collections::BTreeMap, fs, path::Path};

const BEGIN: u64 = 1_800_000_000;

/// What is thrown.
struct Dice {
    dice: Xoshiro256PlusPlus,
    /// By host, until when it is down.
    down: Vec<u64>,
    /// By host, seconds that it is behind after a push.
    slow: Vec<u64>,
}

/// Plays rounds; the bytes of the state at the end of each day of those named.
fn play(path: &Path, hosts: usize, repositories: usize, rhythm: u64, days: u64) -> Vec<u64> {
    let dice = &mut Xoshiro256PlusPlus::seed_from_u64(1);
    let slow = (0..hosts).map(|_| dice.random_range(HOUR..2 * DAY)).collect();
    let mut thrown = Dice { dice: dice.clone(), down: vec![0; hosts], slow };
    let names: BTreeMap<i64, String> =
        (0..hosts as i64).map(|host| (host, format!("mirror{host}.example.org"))).collect();
    let mut store = Store::open(path).unwrap();
    let mut sizes = Vec::new();
    let named: Vec<String> = (0..repositories).map(|n| format!("updates-released-f{n}+x86_64")).collect();
    let none = BTreeMap::new();
    let mut before = store.state().unwrap();
    for number in 1..=days * DAY / rhythm {
        let now = BEGIN + number * rhythm;
        let mut seen = Vec::new();
        for host in 0..hosts {
            // Once in twenty days, for an hour as a rule, at most for a day.
            if thrown.down[host] < now && thrown.dice.random_ratio(1, (20 * DAY / rhythm) as u32) {
                let most = if thrown.dice.random_ratio(1, 10) { DAY } else { HOUR };
                thrown.down[host] = now + thrown.dice.random_range(0..most);
            }
            let fails = thrown.down[host] > now;
            for scheme in ["http", "https"] {
                let outcome =
                    if fails { Outcome::Failed("no answer within 10 s".into()) } else { Outcome::Good };
                seen.push(Seen {
                    url: format!("{scheme}://{}/pub/linux", names[&(host as i64)]),
                    host: host as i64,
                    name: names[&(host as i64)].clone(),
                    category: 0,
                    outcome: Some(outcome),
                });
            }
        }
        let families = (0..hosts).map(|host| (host as i64, [Some(thrown.down[host] <= now); 2])).collect();
        let round = Round { now, seen, families, categories: vec!["pub/linux".into()], ..Round::default() };
        let due = store.due(&named, now).unwrap().first().map(|name| (*name).to_owned());
        let spread = due.map(|repository| {
            // Pushed once a day.
            let since_push = now % DAY;
            let age = |host: usize| match thrown.slow[host] {
                _ if thrown.down[host] > now => Age::NoAnswer,
                slow if slow <= since_push => Age::Current,
                slow if slow <= since_push + DAY => Age::OneDay,
                _ => Age::TwoDays,
            };
            Spread { repository, ages: (0..hosts).map(|host| (host as i64, age(host))).collect() }
        });
        let judgement = judge(before.clone(), &round);
        let figures = Figures { number, time: now, hosts: hosts as u64, ..Figures::default() };
        store
            .keep(&Kept {
                figures: &figures,
                before: &before,
                judgement: &judgement,
                spread: spread.as_ref(),
                also_https: &none,
                names: &names,
            })
            .unwrap();
        before = judgement.state;
        if now % DAY < rhythm {
            sizes.push(fs::metadata(path).unwrap().len());
        }
    }
    // What is remembered is what the next round would begin with.
    assert_eq!(store.state().unwrap(), before);
    let hours = store.hours(&named[0], 0).unwrap();
    assert!(hours.first().unwrap().hour >= BEGIN + days * DAY - KEPT - 2 * DAY);
    assert!(hours.len() as u64 <= KEPT / HOUR + 48);
    let changes = store.changes(0).unwrap();
    assert!(changes.first().unwrap().0 >= BEGIN + (days * DAY).saturating_sub(KEPT) - 2 * DAY);
    sizes
}

#[test]
fn the_state_stays_small_whatever_happens() {
    let folder = tempfile::Builder::new().prefix("year").tempdir_in(memory()).unwrap();
    let long = std::env::var_os("MIRRORLIST_LONG").is_some_and(|value| value == "1");
    // By hand the real rhythm with the hosts of a large distribution; else fewer hosts, and one round an hour.
    let (hosts, repositories, rhythm) = if long { (300, 10, 180) } else { (30, 1, HOUR) };
    let sizes = play(&folder.path().join("state.db"), hosts, repositories, rhythm, 430);
    let (at_400, at_end) = (sizes[399], *sizes.last().unwrap());
    println!("{hosts} hosts, {repositories} repositories: {at_400} bytes after 400 days, {at_end} after 430");
    // Eight bytes and a key for each of four changes a day of a host, and an hour's counts.
    let most = 400 * (hosts * repositories * 6 * 20 + repositories * 24 * 40 + hosts * 200) as u64;
    assert!(at_400 < most, "{at_400} of {most}");
    assert!(at_end <= at_400 + at_400 / 50, "what is older makes room: {at_400}, {at_end}");
}

/// A folder in memory, where there is one: hundreds of thousands of transactions are not for a disk.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new(env!("CARGO_TARGET_TMPDIR")) }
}
