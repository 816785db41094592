//! What comes first, and what is left for another run.

use super::*;
use crate::run::tree::{File, Repository, Version};

fn version(sha256: &str) -> Version {
    Version { sha256: sha256.repeat(8), ..Version::default() }
}

/// Repositories and others, one file each, in one category.
fn units(repositories: u32, others: u32) -> Vec<Unit> {
    let of = |at: u32| {
        let file = File { path: format!("top/{at}/file"), size: Some(1), time: 0, sha256: None };
        let repository = Repository {
            name: format!("r{at}"),
            arch: "x86_64".into(),
            index: format!("top/{at}/repodata/repomd.xml"),
            versions: vec![version("01234567"), version("89abcdef")],
        };
        let repository = (at < repositories).then_some(repository);
        Unit { path: format!("top/{at}"), category: 0, repository, newest: vec![file] }
    };
    (0..repositories + others).map(of).collect()
}

fn known(verdict: Verdict, revision: u32, asked: u64) -> Known {
    Known { verdict, revision, asked, since: 1, ..Known::default() }
}

fn planned(units: &[Unit], known: &BTreeMap<u32, Known>) -> Plan {
    let now = (0..).zip(units).map(|(at, unit)| Now { at, unit, revision: 2 });
    plan(now, |now| known.get(&now.at))
}

#[test]
fn of_a_mirror_of_which_nothing_is_known_repositories_come_first() {
    let mut units = units(2, 2);
    units.swap(0, 3);
    let expected = Plan { due: vec![1, 3, 0, 2], ..Plan::default() };
    assert_eq!(planned(&units, &BTreeMap::new()), expected);
}

#[test]
fn what_has_changed_comes_before_what_is_unknown_and_both_before_the_rest() {
    let units = units(6, 3);
    let kept = |found: &str| Known { found: beginning(&found.repeat(8)), ..known(Verdict::Kept, 2, 50) };
    let known = BTreeMap::from([
        (0, known(Verdict::Current, 2, 70)),
        (1, known(Verdict::Current, 2, 60)),
        (2, known(Verdict::Absent, 1, 90)),
        // A version that no longer counts is as good as changed, one that does will be another soon.
        (3, kept("deadbeef")),
        (4, kept("89abcdef")),
        (6, known(Verdict::Current, 1, 80)),
        (7, Known { missed: 1, ..known(Verdict::Current, 2, 80) }),
        (8, known(Verdict::Wrong, 2, 10)),
    ]);
    let plan = planned(&units, &known);
    assert_eq!((&*plan.due, plan.changed), (&[3, 2, 6, 5, 7][..], 3));
    assert_eq!((&*plan.passing, &*plan.settled), (&[8, 4][..], &[1, 0][..]));
    assert_eq!(plan.bad, BTreeMap::from([(0, vec![8])]));
}

#[test]
fn a_unit_in_which_nothing_can_be_asked_for_is_not_asked_for() {
    let mut units = units(0, 2);
    units[0].newest.clear();
    assert_eq!(planned(&units, &BTreeMap::new()).due, [1]);
    assert_eq!((cost(&units[0]), cost(&units[1])), (0, 1));
}

#[test]
fn nobody_is_forgotten_whatever_comes_first() {
    // Each run has time for three units; a new revision comes of two others each time.
    let units = units(40, 40);
    let mut known = BTreeMap::<u32, Known>::new();
    for run in 1..100_u64 {
        let plan = planned(&units, &known);
        for at in plan.due.iter().chain(&plan.passing).chain(&plan.settled).take(3) {
            known.insert(*at, self::known(Verdict::Current, 2, run));
        }
        for at in [run as u32 % 7, run as u32 % 5] {
            known.entry(at).and_modify(|known| known.revision = 1);
        }
    }
    assert_eq!(known.len(), 80);
}
