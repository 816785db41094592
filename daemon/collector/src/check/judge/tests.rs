//! Each rule by itself, and what random rounds may never come to.

use super::{families::Known, *};
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

/// Seconds between rounds.
const RHYTHM: u64 = 180;

/// A world of hosts, each with an http and an https URL in one category.
struct World {
    state: State,
    now: u64,
    hosts: i64,
    round: Round,
}

fn url(host: i64, scheme: &str) -> String {
    format!("{scheme}://{host}.example/pub")
}

impl World {
    fn new(hosts: i64) -> World {
        World { state: State::default(), now: 1_000_000, hosts, round: Round::default() }
    }

    /// A round in which these hosts fail, and what has changed.
    fn round(&mut self, outcome: impl Fn(i64, &str) -> Outcome) -> Judgement {
        self.now += RHYTHM;
        let seen = (0..self.hosts).flat_map(|host| {
            ["http", "https"].map(|scheme| Seen {
                url: url(host, scheme),
                host,
                name: format!("{host}.example"),
                category: 0,
                outcome: Some(outcome(host, scheme)),
            })
        });
        let round = Round {
            now: self.now,
            seen: seen.collect(),
            categories: vec!["pub".into()],
            ..self.round.clone()
        };
        let judgement = judge(self.state.clone(), &round);
        self.state = judgement.state.clone();
        judgement
    }

    fn failing(&mut self, failing: &[i64]) -> Judgement {
        self.round(|host, _| if failing.contains(&host) { failed() } else { Outcome::Good })
    }

    fn suspended(&self) -> Vec<&str> {
        let urls = self.state.urls.iter();
        urls.filter(|(_, standing)| standing.suspended.is_some()).map(|(url, _)| &**url).collect()
    }
}

fn failed() -> Outcome {
    Outcome::Failed("no answer".into())
}

fn unknown() -> Outcome {
    Outcome::Unknown("status 403".into())
}

fn kinds(judgement: &Judgement) -> Vec<What> {
    judgement.changes.iter().map(|change| change.what).collect()
}

#[test]
fn three_failures_in_a_row_suspend_and_two_good_answers_bring_back() {
    let mut world = World::new(6);
    for _ in 0..2 {
        assert_eq!(kinds(&world.failing(&[1])), []);
    }
    assert_eq!(kinds(&world.failing(&[1])), [What::Suspended; 2]);
    let since = world.now;
    assert_eq!(world.suspended(), ["http://1.example/pub", "https://1.example/pub"]);
    let suspension = world.state.urls[&url(1, "http")].suspended.clone();
    let expected = Suspension { since, until: since + LASTING, reason: "no answer".into() };
    assert_eq!(suspension, Some(expected));
    // A good answer, a failure, and then two good ones.
    for failing in [&[][..], &[1], &[]] {
        assert_eq!(kinds(&world.failing(failing)), []);
    }
    assert_eq!(world.suspended().len(), 2);
    assert_eq!(kinds(&world.failing(&[])), [What::Back; 2]);
    assert_eq!(world.state.urls, BTreeMap::new(), "nothing is kept of who is well");
    // From here on it counts from the beginning.
    world.failing(&[1]);
    world.failing(&[1]);
    assert_eq!(world.suspended().len(), 0);
}

#[test]
fn failures_that_are_not_in_a_row_suspend_nobody() {
    let mut world = World::new(6);
    for _ in 0..20 {
        world.failing(&[1]);
        world.failing(&[1]);
        world.failing(&[]);
        assert_eq!(world.suspended().len(), 0);
    }
    // What says nothing neither counts nor ends a row.
    for _ in 0..2 {
        world.failing(&[2]);
        world.round(|_, _| unknown());
    }
    assert_eq!(world.suspended().len(), 0);
    world.failing(&[2]);
    assert_eq!(world.suspended().len(), 2);
    // Rounds that are far from each other are not in a row.
    let mut world = World::new(6);
    for _ in 0..5 {
        world.failing(&[1]);
        world.failing(&[1]);
        world.now += GAP;
    }
    assert_eq!(world.suspended().len(), 0);
}

#[test]
fn only_the_url_that_fails_is_suspended() {
    let mut world = World::new(6);
    for _ in 0..3 {
        world.round(|host, scheme| if (host, scheme) == (1, "https") { failed() } else { Outcome::Good });
    }
    assert_eq!(world.suspended(), ["https://1.example/pub"]);
}

#[test]
fn a_suspension_that_is_confirmed_lasts_and_changes_seldom() {
    let mut world = World::new(6);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    let since = world.now;
    let mut ends = BTreeSet::new();
    for _ in 0..480 {
        world.failing(&[1]);
        let suspension = world.state.urls[&url(1, "http")].suspended.clone().unwrap();
        assert_eq!(suspension.since, since);
        assert!(suspension.until > world.now + RENEWED_BELOW - RHYTHM);
        ends.insert(suspension.until);
    }
    // A day of rounds, and some two changes an hour.
    assert!(ends.len() <= 49, "{}", ends.len());
}

#[test]
fn a_suspension_that_nobody_confirms_ends_after_an_hour() {
    let mut world = World::new(6);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    let until = world.now + LASTING;
    loop {
        let judgement = world.round(|_, _| unknown());
        assert_eq!(world.suspended().len() == 2, world.now < until, "{}", world.now);
        if world.now >= until {
            assert_eq!(kinds(&judgement), [What::Expired; 2]);
            break;
        }
    }
    // The collector was away, and the suspension is over: it is not taken up again before three more failures.
    let mut world = World::new(6);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    world.now += 10 * LASTING;
    assert_eq!(kinds(&world.failing(&[1])), [What::Expired; 2]);
    assert_eq!(kinds(&world.failing(&[1])), []);
    assert_eq!(kinds(&world.failing(&[1])), [What::Suspended; 2]);
}

#[test]
fn over_a_third_that_fail_are_not_believed() {
    // Of nine three are a third, and four are over it.
    let mut world = World::new(9);
    (0..3).for_each(|_| drop(world.failing(&[1, 2, 3])));
    assert_eq!(world.suspended().len(), 6);
    let judgement = world.failing(&[1, 2, 3, 4]);
    assert_eq!(
        judgement.brakes.said(&["pub".into()]),
        [
            "4 of 9 hosts of pub fail",
            "4 of 9 hosts of pub fail over http",
            "4 of 9 hosts of pub fail over https"
        ]
    );
    let until = world.now - RHYTHM + LASTING;
    for _ in 0..40 {
        let judgement = world.failing(&[1, 2, 3, 4]);
        assert!(!kinds(&judgement).contains(&What::Suspended));
        // Those from before end by themselves.
        assert_eq!(world.suspended().len(), if world.now < until { 6 } else { 0 });
    }
    // What was not believed was not counted.
    world.failing(&[4]);
    world.failing(&[4]);
    assert_eq!(world.suspended().len(), 0);
    world.failing(&[4]);
    assert_eq!(world.suspended().len(), 2);
}

#[test]
fn those_that_have_long_been_suspended_keep_no_other_one_in() {
    // An hour after three of nine were suspended, a fourth is one of six.
    let mut world = World::new(9);
    (0..3 + LONG / RHYTHM).for_each(|_| drop(world.failing(&[1, 2, 3])));
    for failures in 1..=3 {
        assert_eq!(world.failing(&[1, 2, 3, 4]).brakes, Brakes::default());
        assert_eq!(world.suspended().len(), if failures < 3 { 6 } else { 8 });
    }
    // Of these six three are too many; the fourth, which is among them, ends by itself, and the first three do not.
    let until = world.now + LASTING;
    for _ in 0..60 {
        let judgement = world.failing(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(
            judgement.brakes.said(&["pub".into()]),
            [
                "3 of 6 hosts of pub fail",
                "3 of 6 hosts of pub fail over http",
                "3 of 6 hosts of pub fail over https"
            ]
        );
        assert!(!kinds(&judgement).contains(&What::Suspended));
        assert_eq!(world.suspended().len(), if world.now < until { 8 } else { 6 });
    }
    // One of two URLs is not the host: what the other one does counts.
    let mut world = World::new(4);
    let https = |host: i64, scheme: &str| (host, scheme) == (1, "https");
    for _ in 0..3 + LONG / RHYTHM {
        world.round(|host, scheme| if https(host, scheme) { failed() } else { Outcome::Good });
    }
    assert_eq!(
        world.failing(&[0, 1]).brakes.said(&["pub".into()]),
        ["2 of 4 hosts of pub fail", "2 of 4 hosts of pub fail over http"]
    );
    // Of a round of which nothing is believed nothing is confirmed.
    world.round.control = Some(Err(ControlError::Status(503)));
    (0..=LASTING / RHYTHM).for_each(|_| drop(world.failing(&[1])));
    assert_eq!(world.suspended().len(), 0);
}

#[test]
fn good_answers_count_even_when_failures_do_not() {
    let mut world = World::new(9);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    world.failing(&[2, 3, 4, 5]);
    assert_eq!(kinds(&world.failing(&[2, 3, 4, 5])), [What::Back; 2]);
}

#[test]
fn one_that_fails_is_believed_however_few_there_are() {
    let mut world = World::new(2);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    assert_eq!(world.suspended().len(), 2);
    // Both: nobody new, and the first comes back when its hour is over.
    for _ in 0..30 {
        world.failing(&[0, 1]);
        assert!(!world.suspended().contains(&"http://0.example/pub"));
    }
    assert_eq!(world.suspended().len(), 0);
}

#[test]
fn a_scheme_that_fails_everywhere_is_our_own_fault() {
    let mut world = World::new(9);
    for _ in 0..5 {
        let judgement = world.round(|_, scheme| if scheme == "https" { failed() } else { Outcome::Good });
        assert_eq!(judgement.brakes.said(&["pub".into()]), ["9 of 9 hosts of pub fail over https"]);
        assert!(!judgement.brakes.holds_category(0));
    }
    // A host that fails by the other scheme does so by itself.
    for _ in 0..3 {
        world.round(|host, scheme| if scheme == "https" || host == 1 { failed() } else { Outcome::Good });
    }
    assert_eq!(world.suspended(), ["http://1.example/pub"]);
}

#[test]
fn without_the_control_url_nobody_is_suspended() {
    let mut world = World::new(9);
    world.round.control = Some(Err(ControlError::Status(503)));
    for _ in 0..5 {
        let judgement = world.failing(&[1]);
        assert_eq!(judgement.brakes.said(&[]), ["the control URL fails (status 503)"]);
    }
    assert_eq!(world.suspended().len(), 0);
    world.round.control = Some(Ok(()));
    (0..3).for_each(|_| drop(world.failing(&[1])));
    assert_eq!(world.suspended().len(), 2);
}

#[test]
fn with_a_clock_that_is_off_nobody_is_suspended() {
    for (ahead, said) in [
        (vec![301, 302, -5], Some("our clock is 301 s behind of those of the mirrors")),
        (vec![-4000, -4001, -4002, 5, -4000], Some("our clock is 4000 s ahead of those of the mirrors")),
        // Two say too little, and one that is wrong nothing.
        (vec![4000, 4000], None),
        (vec![4000, 1, -1], None),
        (vec![300, 300, 300], None),
    ] {
        let mut world = World::new(9);
        world.round.ahead = ahead;
        let brakes = (0..3).map(|_| world.failing(&[1]).brakes).last().unwrap();
        assert_eq!(brakes.whole.as_deref(), said);
        assert_eq!(world.suspended().len(), if said.is_some() { 0 } else { 2 });
    }
    // A clock that goes back: one round is not believed, and nothing lasts longer than it should.
    let mut world = World::new(9);
    (0..3).for_each(|_| drop(world.failing(&[1])));
    world.now -= 10 * LASTING;
    let judgement = world.failing(&[1]);
    assert_eq!(
        judgement.brakes.whole.as_deref(),
        Some("our clock was 35820 s ahead in the last round, or is behind now")
    );
    let suspension = world.state.urls[&url(1, "http")].suspended.clone().unwrap();
    assert_eq!((suspension.since, suspension.until), (world.now, world.now + LASTING));
    assert_eq!(world.failing(&[1]).brakes, Brakes::default());
}

#[test]
fn no_category_is_left_without_a_host() {
    // One host alone, by both URLs: one of them stays.
    let mut world = World::new(1);
    (0..10).for_each(|_| drop(world.failing(&[0])));
    assert_eq!(world.suspended().len(), 1);
    // The others go away while one is suspended.
    let mut world = World::new(4);
    (0..3).for_each(|_| drop(world.round(|host, _| if host == 0 { failed() } else { Outcome::Good })));
    assert_eq!(world.suspended().len(), 2);
    world.hosts = 1;
    let judgement = world.failing(&[0]);
    assert_eq!(kinds(&judgement), [What::Last]);
    assert_eq!(world.suspended().len(), 1);
    // One who is not asked stays.
    let mut state = State::default();
    for now in (0..4).map(|round| 1000 + round * RHYTHM) {
        let seen = [(0, Some(failed())), (1, None)].map(|(host, outcome)| Seen {
            url: url(host, "http"),
            host,
            name: String::new(),
            category: 0,
            outcome,
        });
        state = judge(state, &Round { now, seen: seen.into(), ..Round::default() }).state;
    }
    assert!(state.urls[&url(0, "http")].suspended.is_some());
}

#[test]
fn a_url_that_is_no_longer_there_is_forgotten() {
    let mut world = World::new(6);
    (0..3).for_each(|_| drop(world.failing(&[5])));
    world.hosts = 5;
    world.failing(&[]);
    assert_eq!(world.state.urls, BTreeMap::new());
}

#[test]
fn a_family_is_lost_after_three_rounds_unless_it_is_our_own() {
    let mut world = World::new(3);
    let mut round = |seen: [families::Seen; 3]| {
        world.round.families = (0..).zip(seen).collect();
        let judgement = world.failing(&[]);
        let why = judgement.changes.iter().map(|change| (change.host, change.why.clone())).collect();
        let has: Vec<[bool; 2]> = judgement.state.families.values().map(|known| known.has).collect();
        (why, has)
    };
    type Found = (Vec<(i64, String)>, Vec<[bool; 2]>);
    let both = [Some(true), Some(true)];
    let (four, none) = ([Some(true), Some(false)], [None, None]);
    let (why, has): Found = round([both, both, four]);
    assert_eq!(why.len(), 5);
    assert_eq!(has, [[true, true], [true, true], [true, false]]);
    // Nobody answers by IPv6: that is us.
    for _ in 0..5 {
        assert_eq!(round([four, four, four]), (vec![], vec![[true, true], [true, true], [true, false]]));
    }
    // One does not.
    for _ in 0..2 {
        assert_eq!(round([both, four, none]).0, []);
    }
    let (why, has) = round([both, four, none]);
    assert_eq!(why, [(1, "no longer answers by IPv6".to_owned())]);
    assert_eq!(has, [[true, true], [true, false], [true, false]]);
    assert_eq!(Known { has: [true, true], missed: [0, 0] }.numbers().collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn random_rounds_never_break_what_is_promised() {
    for seed in 0..60 {
        let dice = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
        let hosts = dice.random_range(1..12);
        let mut world = World::new(hosts);
        for _ in 0..300 {
            world.now += if dice.random_ratio(1, 40) { dice.random_range(0..3 * LASTING) } else { 0 };
            let sick: Vec<u32> = (0..hosts).map(|_| dice.random_range(0..10)).collect();
            let bad = dice.random_range(0..4_u32);
            let before: Vec<String> = world.suspended().into_iter().map(str::to_owned).collect();
            let state = world.state.clone();
            let fails = |host: i64| sick[host as usize] < bad;
            let judgement = world.round(|host, _| if fails(host) { failed() } else { Outcome::Good });
            let suspended = world.suspended();
            assert!(suspended.len() < 2 * hosts as usize, "somebody stays");
            for url in &suspended {
                let suspension = world.state.urls[*url].suspended.as_ref().unwrap();
                assert!(suspension.until > world.now && suspension.until <= world.now + LASTING);
                assert!(before.contains(&(*url).to_owned()) || world.state.urls[*url].failures >= FAILURES);
            }
            let is_long_out = |host: &i64| {
                let urls = ["http", "https"].map(|scheme| state.urls.get(&url(*host, scheme)));
                urls.into_iter().all(|known| known.is_some_and(|url| url.is_long_suspended(world.now)))
            };
            let counted: Vec<i64> = (0..hosts).filter(|host| !is_long_out(host)).collect();
            let failing = counted.iter().filter(|host| fails(**host)).count();
            if failing >= 2 && 3 * failing > counted.len() {
                assert!(suspended.iter().all(|url| before.contains(&(*url).to_owned())));
                assert!(judgement.brakes.holds_category(0));
            }
        }
    }
}
