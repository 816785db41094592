//! Whatever happens in whatever order: what always holds.

use super::*;
use crate::control::State;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::SmallRng, seq::IteratorRandom as _};
use std::collections::BTreeSet;

const SLOTS: u16 = 3;
/// The longest pause that failures cost.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a walk keeps in mind.
#[derive(Default)]
struct Walk {
    callers: u64,
    answered: BTreeSet<u64>,
    /// Slots of the current generation without a worker, and since when.
    empty: BTreeMap<(u64, usize), Instant>,
    number: u64,
    was_ready: bool,
    /// What there was in all, so that silence means something.
    exchanges: u64,
    lost: usize,
    given_up: usize,
    gone_back: usize,
}

impl Walk {
    /// Checks what always holds, and what has been done since the last check.
    fn check(&mut self, rig: &mut Rig) {
        for action in rig.done() {
            match action {
                Action::Answer(caller, _) => {
                    assert!(self.answered.insert(caller), "{caller} is answered twice");
                }
                Action::Say(Message::Lost(_, pause) | Message::NotForked(_, _, pause)) => {
                    self.lost += 1;
                    assert!(pause <= LONGEST_PAUSE, "{pause:?}");
                }
                Action::Say(Message::GivenUp(_)) => self.given_up += 1,
                Action::Say(Message::GoingBack(..)) => self.gone_back += 1,
                _ => {}
            }
        }
        let current = rig.supervisor.current();
        assert!(current.number >= self.number);
        self.exchanges += u64::from(current.number > self.number);
        self.was_ready = self.was_ready && current.number == self.number || current.is_ready();
        // What took the place of a generation that was ready was ready itself.
        assert!(self.was_ready || current.number == 1);
        self.number = current.number;
        assert!(rig.supervisor.generations().len() <= 7, "{}", rig.supervisor.generations().len());
        let known: usize = rig.supervisor.generations().iter().map(|one| one.workers().count()).sum();
        assert_eq!(known, rig.workers.len(), "every process is known, and no other");
        for (slot, pid, state, _) in current.workers() {
            assert_ne!(state, State::Draining, "the generation that answers goes on answering");
            assert_eq!(rig.workers[&pid], Place { generation: current.number, slot: slot.into() });
        }
        for slot in 0..usize::from(SLOTS) {
            let place = Place { generation: current.number, slot };
            if rig.no_forks || rig.workers.values().any(|living| *living == place) {
                self.empty.remove(&(current.number, slot));
            } else {
                let since = *self.empty.entry((current.number, slot)).or_insert(rig.now);
                assert!(rig.now - since <= LONGEST_PAUSE + Duration::from_secs(1), "{place:?} stays empty");
            }
        }
        assert!(rig.supervisor.next_wake() > rig.now, "a wake-up that changes nothing");
    }

    fn step(&mut self, rig: &mut Rig, dice: &mut SmallRng) {
        let worker = rig.workers.keys().copied().choose(dice);
        match (dice.next_u32() % 32, worker) {
            (0..8, _) => {
                let wake = rig.supervisor.next_wake();
                rig.now = wake.min(rig.now + Duration::from_millis(dice.random_range(0..1500)));
                rig.tick();
            }
            (8..20, Some(pid)) => {
                let word = if dice.random() { Word::Ready } else { Word::Alive };
                rig.supervisor.heard(pid, word, rig.now);
                rig.tick();
            }
            (20..23, Some(pid)) => {
                rig.end(pid, *[0, SIGKILL, SIGSEGV].iter().choose(dice).unwrap_or(&0));
            }
            (23, Some(pid)) => {
                rig.supervisor.left(pid, dice.random::<bool>().then_some("nonsense"));
                rig.tick();
            }
            (24, _) => rig.supervisor.want_reload(),
            (25, _) => {
                self.callers += 1;
                rig.supervisor.order_reload(self.callers, dice.random(), |_| true);
                rig.tick();
            }
            (26..29, _) if rig.loader.is_some() => {
                rig.cache = if dice.random_ratio(1, 4) { Err("refused") } else { Ok("next") };
                rig.loader_ends();
            }
            (29, _) if dice.random_ratio(1, 8) => {
                rig.supervisor.rebound(rig.now);
                rig.tick();
            }
            (30, _) => rig.no_forks = dice.random_ratio(1, 4),
            // Who was told to leave does, now and then.
            (31, _) => self.let_go(rig),
            _ => rig.tick(),
        }
    }

    /// All who were told to leave do.
    fn let_go(&mut self, rig: &mut Rig) {
        let all = rig.supervisor.generations().iter().flat_map(|one| one.workers());
        let leaving = all.filter(|(_, _, state, _)| *state == State::Draining).map(|(_, pid, ..)| pid);
        leaving.collect::<Vec<_>>().into_iter().for_each(|pid| rig.end(pid, 0));
    }

    /// Lets everything go well until nothing is left to be done.
    fn calm(&mut self, rig: &mut Rig) {
        rig.no_forks = false;
        rig.cache = Ok("last");
        for _ in 0..60 {
            if rig.loader.is_some() {
                rig.loader_ends();
            }
            rig.all_ready();
            self.let_go(rig);
            rig.pass(Duration::from_secs(1), &[]);
            self.check(rig);
        }
    }
}

#[test]
fn whatever_happens_the_promises_hold() {
    let (mut exchanges, mut lost, mut given_up, mut gone_back) = (0, 0, 0, 0);
    for seed in 0..20 {
        println!("seed {seed}");
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut rig = Rig::new(SLOTS);
        let mut walk = Walk::default();
        for _ in 0..3000 {
            walk.step(&mut rig, &mut dice);
            rig.tick();
            walk.check(&mut rig);
        }
        walk.calm(&mut rig);
        assert_eq!(walk.answered, (1..=walk.callers).collect(), "everybody is answered");
        assert_eq!((rig.supervisor.generations().len(), rig.supervisor.current().ready()), (1, 3));
        assert_eq!((rig.supervisor.caches().count(), rig.supervisor.loader().is_none()), (1, true));
        rig.supervisor.stop("SIGTERM", rig.now);
        rig.settle();
        let workers: Vec<_> = rig.workers.keys().copied().collect();
        workers.into_iter().for_each(|pid| rig.end(pid, 0));
        assert_eq!((rig.done().last(), rig.workers.len()), (Some(&Action::Exit), 0));
        exchanges += walk.exchanges;
        (lost, given_up) = (lost + walk.lost, given_up + walk.given_up);
        gone_back += walk.gone_back;
    }
    println!("{exchanges} exchanges, {lost} lost, {given_up} given up, {gone_back} gone back");
    assert!(exchanges > 200 && lost > 200 && given_up > 20 && gone_back > 5);
}
