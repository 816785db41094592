//! How generations follow each other.

use super::*;

/// Lets the workers of these generations end as they were told to.
fn drained(rig: &mut Rig, generation: u64) {
    rig.of(generation).into_iter().for_each(|pid| rig.end(pid, 0));
}

#[test]
fn a_new_generation_serves_when_all_its_workers_are_ready_and_the_old_one_leaves_after_that() {
    let mut rig = Rig::ready(2);
    rig.reload();
    assert_eq!(rig.done(), [Action::NotifyReloading]);
    rig.say_ready(103);
    assert_eq!((rig.current(), rig.done()), ((1, "first"), vec![]));
    rig.now += Duration::from_millis(30);
    rig.say_ready(104);
    assert_eq!(rig.current(), (2, "second"));
    let ready = Message::Ready(Some((Duration::from_millis(30), 1)));
    let expected = [
        Action::Serve(103),
        Action::Serve(104),
        Action::Publish,
        Action::Say(ready),
        Action::Drain(100),
        Action::Drain(101),
        Action::ReloadOver(None),
        Action::NotifyReady,
    ];
    assert_eq!(rig.done(), expected);
    // Who is told to leave is not replaced.
    drained(&mut rig, 1);
    assert_eq!((rig.of(1), rig.of(2)), (vec![], vec![103, 104]));
    assert_eq!(rig.supervisor.generations().len(), 1);
}

#[test]
fn a_refused_cache_changes_nothing_and_says_why() {
    let mut rig = Rig::ready(1);
    rig.cache = Err("cache x: is empty");
    rig.wait_for_reload(1);
    rig.loader_ends();
    let refused = ReloadError::Refused("cache x: is empty".into());
    let expected = [
        Action::NotifyReloading,
        Action::Say(Message::Refused("cache x: is empty".into())),
        Action::ReloadOver(Some(refused)),
        Action::Answer(1, failed(Some(1), "cache x: is empty")),
        Action::NotifyReady,
    ];
    assert_eq!(rig.done(), expected);
    assert_eq!((rig.of(1), rig.current()), (vec![100], (1, "first")));
}

#[test]
fn a_new_generation_whose_workers_keep_failing_is_given_up() {
    let mut rig = Rig::ready(1);
    rig.wait_for_reload(1);
    rig.loader_ends();
    rig.done();
    for _ in 0..3 {
        let [pid] = rig.of(2)[..] else { panic!("a worker") };
        rig.end(pid, SIGSEGV);
        while rig.of(2).is_empty() && rig.supervisor.generations().len() == 2 {
            rig.wake();
        }
    }
    let done = rig.done();
    assert!(done.contains(&Action::Say(Message::GivenUp(ReloadError::Failing(2)))));
    assert!(done.contains(&Action::Answer(1, failed(Some(1), "generation 2: its workers keep failing"))));
    rig.pass(Duration::from_secs(30), &[]);
    assert_eq!((rig.current(), rig.of(1), rig.of(2)), ((1, "first"), vec![100], vec![]));
    // The next one has a number of its own.
    rig.reload();
    rig.all_ready();
    assert_eq!(rig.current(), (3, "second"));
}

#[test]
fn a_new_generation_that_is_not_ready_in_time_is_given_up_and_killed() {
    let mut rig = Rig::ready(2);
    rig.reload();
    rig.say_ready(103);
    rig.pass(Duration::from_millis(9999), &[]);
    rig.done();
    rig.pass(Duration::from_millis(1), &[]);
    let error = ReloadError::NotReady(2, 10);
    let expected = [
        Action::Say(Message::GivenUp(error.clone())),
        Action::Drain(103),
        Action::Drain(104),
        Action::Kill(103),
        Action::Kill(104),
        Action::ReloadOver(Some(error)),
        Action::NotifyReady,
    ];
    assert_eq!(rig.done(), expected);
    // Of no use to anybody, whatever becomes of the rest of it.
    rig.end(103, SIGKILL);
    assert_eq!((rig.current().0, rig.of(2)), (1, vec![104]));
}

#[test]
fn a_system_that_makes_no_processes_costs_the_new_generation_and_not_the_one_that_serves() {
    let mut rig = Rig::ready(1);
    rig.supervisor.want_reload();
    rig.tick();
    rig.no_forks = true;
    rig.loader_ends();
    rig.pass(Duration::from_secs(5), &[]);
    assert!(rig.said().contains(&Message::GivenUp(ReloadError::Failing(2))));
    rig.end(100, SIGKILL);
    rig.pass(Duration::from_secs(60), &[]);
    assert_eq!(rig.current(), (1, "first"));
    rig.no_forks = false;
    rig.pass(Duration::from_secs(5), &[]);
    assert_eq!(rig.of(1).len(), 1);
    // Nor does it bring an earlier cache back.
    rig.all_ready();
    rig.reload();
    rig.all_ready();
    rig.no_forks = true;
    let [pid] = rig.of(3)[..] else { panic!("a worker") };
    rig.end(pid, SIGKILL);
    rig.pass(Duration::from_secs(5), &[]);
    let said = rig.said();
    assert!(said.iter().filter(|said| matches!(said, Message::NotForked(3, ..))).count() > 3, "{said:?}");
    assert!(!said.iter().any(|said| matches!(said, Message::GoingBack(..))), "{said:?}");
}

/// Lets the workers of a generation of one slot fail until it makes way, or three times.
fn keep_failing(rig: &mut Rig, generation: u64) {
    for _ in 0..3 {
        while rig.of(generation).is_empty() {
            rig.wake();
        }
        let [pid] = rig.of(generation)[..] else { panic!("a worker") };
        rig.end(pid, SIGSEGV);
    }
}

#[test]
fn a_generation_that_fails_on_probation_makes_way_for_its_forerunner() {
    let mut rig = Rig::ready(1);
    rig.reload();
    rig.all_ready();
    rig.done();
    keep_failing(&mut rig, 2);
    let done = rig.done();
    assert!(done.contains(&Action::Say(Message::GoingBack(2, 1, 3))), "{done:?}");
    assert!(done.contains(&Action::ReloadOver(Some(ReloadError::Failing(2)))));
    rig.all_ready();
    assert_eq!(rig.current(), (3, "first"));
    // There is nothing to go back to from there.
    drained(&mut rig, 1);
    drained(&mut rig, 2);
    keep_failing(&mut rig, 3);
    rig.pass(Duration::from_secs(10), &[]);
    assert_eq!((rig.current(), rig.supervisor.generations().len()), ((3, "first"), 1));
}

#[test]
fn a_generation_that_fails_after_probation_goes_on_trying() {
    let mut rig = Rig::ready(1);
    rig.reload();
    rig.all_ready();
    assert_eq!(rig.supervisor.caches().collect::<Vec<_>>(), [&"second", &"first", &"first"]);
    drained(&mut rig, 1);
    assert_eq!(rig.supervisor.caches().collect::<Vec<_>>(), [&"second", &"first"]);
    rig.pass(Duration::from_secs(10), &[]);
    assert_eq!(rig.supervisor.caches().collect::<Vec<_>>(), [&"second"]);
    rig.done();
    keep_failing(&mut rig, 2);
    assert!(!rig.said().iter().any(|said| matches!(said, Message::GoingBack(..))));
    assert_eq!(rig.current(), (2, "second"));
}

#[test]
fn reloads_asked_for_during_a_reload_fold_into_one_more() {
    let mut rig = Rig::ready(1);
    rig.wait_for_reload(1);
    (0..100).for_each(|_| rig.supervisor.want_reload());
    rig.wait_for_reload(2);
    rig.supervisor.order_reload(3, false, |_| true);
    rig.tick();
    // Who does not wait is answered at once.
    assert_eq!(rig.answers(), [(3, went_well(1))]);
    rig.loader_ends();
    rig.wait_for_reload(4);
    assert_eq!((rig.answers(), rig.loader), (vec![], None));
    rig.all_ready();
    // Only that reload has surely not read what the others have written.
    assert_eq!(rig.answers(), [(1, went_well(2))]);
    rig.cache = Ok("third");
    rig.loader_ends();
    rig.all_ready();
    assert_eq!(rig.answers(), [(2, went_well(3)), (4, went_well(3))]);
    rig.pass(Duration::from_secs(5), &[]);
    assert_eq!((rig.current(), rig.loader), ((3, "third"), None));
}

#[test]
fn no_more_callers_wait_than_there_is_room_for_and_those_who_left_do_not_count() {
    let mut rig = Rig::ready(1);
    (1..=3).for_each(|caller| rig.wait_for_reload(caller));
    assert_eq!(rig.answers(), []);
    rig.wait_for_reload(4);
    let too_many = "too many wait for a reload already; ask with --no-wait";
    assert_eq!(rig.answers(), [(4, failed(None, too_many))]);
    rig.supervisor.order_reload(5, true, |caller| caller != 2);
    rig.tick();
    rig.loader_ends();
    rig.all_ready();
    rig.loader_ends();
    rig.all_ready();
    assert_eq!(rig.answers(), [(1, went_well(2)), (3, went_well(3)), (5, went_well(3))]);
}

#[test]
fn at_four_retired_generations_a_reload_waits_until_one_has_gone_and_says_so_once() {
    let mut rig = Rig::ready(1);
    for generation in 2..=5 {
        rig.reload();
        rig.all_ready();
        rig.pass(Duration::from_secs(1), &[]);
        assert_eq!(rig.current().0, generation);
    }
    rig.done();
    rig.wait_for_reload(1);
    rig.pass(Duration::from_secs(5), &[]);
    assert_eq!(rig.said(), [Message::HeldUp(4, DRAIN_LIMIT - Duration::from_secs(4))]);
    assert_eq!(rig.loader, None);
    drained(&mut rig, 3);
    rig.loader_ends();
    rig.all_ready();
    assert_eq!(rig.answers(), [(1, went_well(6))]);
    // And again, once for each reload.
    rig.supervisor.want_reload();
    rig.pass(Duration::from_secs(2), &[]);
    assert!(matches!(rig.said()[..], [Message::HeldUp(4, _)]));
}

#[test]
fn a_retired_generation_that_is_still_busy_at_the_drain_limit_is_killed() {
    let mut rig = Rig::ready(1);
    rig.reload();
    rig.all_ready();
    rig.done();
    rig.pass(DRAIN_LIMIT - Duration::from_millis(1), &[]);
    assert_eq!(rig.done(), []);
    rig.pass(Duration::from_millis(1), &[]);
    assert_eq!(rig.done(), [Action::Say(Message::StillBusy(1)), Action::Kill(100)]);
    // Again, should it outlive even that.
    rig.pass(Duration::from_secs(10), &[]);
    assert_eq!(rig.done(), [Action::Say(Message::StillBusy(1)), Action::Kill(100)]);
    rig.end(100, SIGKILL);
    assert_eq!(rig.supervisor.generations().len(), 1);
}

#[test]
fn a_cache_that_is_read_slowly_holds_up_nothing_and_is_told_of_once() {
    let mut rig = Rig::ready(2);
    rig.supervisor.want_reload();
    rig.pass(Duration::from_millis(9999), &[]);
    let loader = rig.loader.unwrap();
    assert_eq!(rig.said(), []);
    rig.end(100, SIGKILL);
    rig.pass(Duration::from_secs(100), &[]);
    let said = rig.said();
    assert!(
        matches!(said[..], [Message::Replaced(..), Message::SlowLoader(pid)] if pid == loader),
        "{said:?}"
    );
    assert_eq!(rig.supervisor.loader().unwrap().pid, loader);
    // The time that the new workers have to get ready begins with them.
    rig.loader_ends();
    rig.pass(Duration::from_secs(9), &[]);
    rig.all_ready();
    assert_eq!((rig.current(), rig.supervisor.loader().is_none()), ((2, "second"), true));
}

#[test]
fn a_cache_that_was_read_waits_for_its_turn() {
    let mut rig = Rig::ready(1);
    rig.supervisor.want_reload();
    rig.tick();
    // Meanwhile the listener was bound anew, and a generation of the same cache comes first.
    rig.supervisor.rebound(rig.now);
    rig.settle();
    rig.loader_ends();
    assert_eq!((rig.of(2).len(), rig.of(3).len()), (1, 0));
    rig.all_ready();
    rig.tick();
    assert_eq!(rig.current(), (2, "first"));
    rig.all_ready();
    assert_eq!(rig.current(), (3, "second"));
}

#[test]
fn a_listener_that_is_bound_anew_gets_workers_of_the_same_cache_and_that_is_no_reload() {
    let mut rig = Rig::ready(1);
    rig.supervisor.rebound(rig.now);
    rig.tick();
    rig.wait_for_reload(1);
    rig.all_ready();
    assert_eq!(rig.current(), (2, "first"));
    let done = rig.done();
    assert!(
        !done.iter().any(|action| matches!(action, Action::ReloadOver(_) | Action::Answer(..))),
        "{done:?}"
    );
    // One that fails is tried again.
    rig.loader_ends();
    rig.all_ready();
    rig.supervisor.rebound(rig.now);
    rig.settle();
    keep_failing(&mut rig, 4);
    rig.pass(Duration::from_secs(2), &[]);
    rig.all_ready();
    assert_eq!(rig.current(), (5, "second"));
}
