//! What visits leave: verdicts that last, come and go.

use super::*;
use crate::run::tree::{Category, File, Unit};
use url::Url;

fn tree(units: u32) -> Tree {
    let category = Category { name: "Linux".into(), top: "top".into(), origin: None, marker: None };
    let unit = |at: u32| {
        let file = File { path: format!("top/{at}/file"), size: Some(1), time: 0, sha256: None };
        Unit { path: format!("top/{at}"), category: 0, repository: None, newest: vec![file] }
    };
    Tree { categories: vec![category], units: (0..units).map(unit).collect(), ..Tree::default() }
}

fn numbers(units: u32) -> Vec<Numbered> {
    (0..units).map(|at| Numbered { id: at + 10, revision: 1 }).collect()
}

fn mirror() -> Mirror {
    let urls = ["https://a/", "http://a/"].map(|url| Url::parse(url).unwrap()).into();
    Mirror { name: "a".into(), disabled: false, private: false, up_to_date: false, urls: vec![(0, urls)] }
}

fn found(units: &[(u32, OfUnit)]) -> Found {
    let reached = [0].into();
    Found { units: units.iter().cloned().collect(), reached, ..Found::default() }
}

fn is(verdict: Verdict) -> OfUnit {
    OfUnit::Found(verdict, 0, String::new())
}

fn unknown() -> OfUnit {
    OfUnit::Unknown("status 500".into())
}

/// A record with units found to be this in the first run, at 100.
fn record(units: &[(u32, OfUnit)]) -> Record {
    let mut record = Record::default();
    settle(&mut record, &found(units), &tree(3), &numbers(3), 100);
    record
}

fn has_now(record: &Record) -> Vec<bool> {
    has(record, &mirror(), &tree(3), &numbers(3))
}

#[test]
fn what_was_good_stays_so_for_three_runs_and_no_is_no_at_once() {
    let mut record = record(&[(0, is(Verdict::Current)), (1, is(Verdict::Kept)), (2, is(Verdict::Wrong))]);
    assert_eq!(has_now(&record), [true, true, false]);
    let findings = found(&[(0, unknown()), (1, is(Verdict::Absent)), (2, unknown())]);
    for run in 1..=3 {
        let changes = settle(&mut record, &findings, &tree(3), &numbers(3), 100 + run);
        assert_eq!(has_now(&record), [true, false, false], "run {run}");
        assert_eq!(changes.outward, u64::from(run == 1));
    }
    assert_eq!((record.units[&10].since, record.units[&11].since), (100, 101));
    settle(&mut record, &findings, &tree(3), &numbers(3), 104);
    assert_eq!(has_now(&record), [false; 3]);
    assert_eq!((record.units[&10].since, &*record.units[&10].why), (104, "status 500"));
    // One good answer is enough.
    let changes = settle(&mut record, &found(&[(0, is(Verdict::Newer))]), &tree(3), &numbers(3), 105);
    assert_eq!((has_now(&record), changes.inward), (vec![true, false, false], 1));
}

#[test]
fn a_category_that_does_not_answer_is_out_after_three_runs_and_back_with_the_first_answer() {
    let mut record = record(&[(0, is(Verdict::Current))]);
    for run in 1..=4 {
        // Its units say nothing while it says nothing.
        let silent = Found { reached: BTreeSet::new(), ..found(&[(0, unknown())]) };
        settle(&mut record, &silent, &tree(3), &numbers(3), 100 + run);
        assert_eq!(missed(&mut record, "Linux", "refused", 100 + run), run == 4);
        assert_eq!(has_now(&record)[0], run < 4, "run {run}");
    }
    assert!(!missed(&mut record, "Linux", "refused", 105));
    assert_eq!((record.categories["Linux"].since, record.units[&10].missed), (101, 0));
    let changes = settle(&mut record, &found(&[(1, is(Verdict::Absent))]), &tree(3), &numbers(3), 106);
    assert_eq!((has_now(&record), changes.back), (vec![true, false, false], vec!["Linux".to_owned()]));
}

#[test]
fn what_has_changed_and_was_not_asked_for_counts_as_unknown() {
    let mut record = record(&[(0, is(Verdict::Current))]);
    for run in 1..=4 {
        let findings = Found { missed: vec![0], ..found(&[]) };
        settle(&mut record, &findings, &tree(3), &numbers(3), 100 + run);
        assert_eq!(has_now(&record)[0], run < 4);
    }
    assert!(record.units[&10].why.contains("no time"));
}

#[test]
fn a_marker_says_it_all() {
    let mut record = record(&[(0, is(Verdict::Wrong))]);
    let findings = Found { marked: [0].into(), ..found(&[]) };
    let changes = settle(&mut record, &findings, &tree(3), &numbers(3), 200);
    assert_eq!((has_now(&record), changes.inward), (vec![true; 3], 3));
}

#[test]
fn a_url_with_bad_tls_is_out_at_once_and_one_that_is_silent_after_three_runs() {
    let mut record = Record::default();
    let urls = [
        ("https://a/".to_owned(), Did::Bad("expired".into())),
        ("http://a/".to_owned(), Did::Nothing("refused".into())),
    ];
    let findings = Found { urls: urls.clone().into(), ..found(&[(0, is(Verdict::Current))]) };
    let changes = settle(&mut record, &findings, &tree(3), &numbers(3), 100);
    assert_eq!(changes.bad, [("https://a/".to_owned(), "expired".to_owned())]);
    for run in 1..=3 {
        assert!(record.urls["http://a/"].is_in());
        let changes = settle(&mut record, &findings, &tree(3), &numbers(3), 100 + run);
        assert_eq!(changes.bad.len(), usize::from(run == 3));
    }
    assert!(!record.urls["http://a/"].is_in() && record.urls["http://a/"].since == 100);
    let urls = urls.map(|(url, _)| (url, Did::Well));
    let changes = settle(&mut record, &Found { urls: urls.into(), ..found(&[]) }, &tree(3), &numbers(3), 200);
    assert_eq!(changes.well, ["http://a/", "https://a/"]);
    // When a mirror says nothing at all, no URL of it is worse than the others.
    let silent =
        Found { urls: [("http://a/".into(), Did::Nothing("refused".into()))].into(), ..Found::default() };
    settle(&mut record, &silent, &tree(3), &numbers(3), 201);
    assert_eq!(record.urls["http://a/"].missed, 0);
}

#[test]
fn a_unit_without_files_goes_with_its_category() {
    let mut tree = tree(3);
    tree.units[2].newest.clear();
    let of = |verdict| {
        let mut record = Record::default();
        settle(&mut record, &found(&[(0, is(verdict))]), &tree, &numbers(3), 100);
        has(&record, &mirror(), &tree, &numbers(3))
    };
    assert_eq!(of(Verdict::Current), [true, false, true]);
    assert_eq!(of(Verdict::Absent), [false; 3]);
}

#[test]
fn what_is_gone_from_the_tree_or_the_mirror_is_forgotten() {
    let mut record = record(&[(0, is(Verdict::Current)), (2, is(Verdict::Current))]);
    missed(&mut record, "Linux", "x", 1);
    missed(&mut record, "Other", "x", 1);
    record.urls.insert("https://a/".into(), Default::default());
    record.urls.insert("https://b/".into(), Default::default());
    trim(&mut record, &mirror(), &tree(2), &numbers(2));
    assert_eq!(record.units.keys().collect::<Vec<_>>(), [&10]);
    assert_eq!(record.categories.keys().collect::<Vec<_>>(), ["Linux"]);
    assert_eq!(record.urls.keys().collect::<Vec<_>>(), ["https://a/"]);
    let nowhere = Mirror { urls: Vec::new(), ..mirror() };
    trim(&mut record, &nowhere, &tree(2), &numbers(2));
    assert!(record.units.is_empty() && has(&record, &nowhere, &tree(2), &numbers(2)) == [false, false]);
}

#[test]
fn a_mirror_that_wants_to_be_left_alone_is_for_so_long() {
    let mut record = Record::default();
    let left = Found { left: Some(("status 429".into(), 60)), ..found(&[]) };
    settle(&mut record, &left, &tree(1), &numbers(1), 100);
    assert_eq!(record.pause_until, 160);
    settle(&mut record, &found(&[]), &tree(1), &numbers(1), 200);
    assert_eq!((record.pause_until, record.asked, record.units), (0, 200, BTreeMap::new()));
}

#[test]
fn what_is_newer_is_so_for_some_hours_and_wrong_then_until_the_primary_has_changed() {
    let mut record = Record::default();
    let newer = found(&[(0, is(Verdict::Newer))]);
    for (hours, expected) in [(0, true), (3, true), (6, true), (7, false), (30, false)] {
        settle(&mut record, &newer, &tree(3), &numbers(3), 100 + hours * 3600);
        assert_eq!(has_now(&record)[0], expected, "{hours} h");
    }
    assert_eq!(record.units[&10].verdict, Verdict::Wrong);
    let next = [Numbered { id: 10, revision: 2 }, numbers(3)[1], numbers(3)[2]];
    settle(&mut record, &newer, &tree(3), &next, 200_000);
    assert!(has_now(&record)[0]);
    settle(&mut record, &found(&[(0, is(Verdict::Current))]), &tree(3), &next, 200_001);
    assert_eq!((record.units[&10].verdict, record.units[&10].found), (Verdict::Current, 0));
}
