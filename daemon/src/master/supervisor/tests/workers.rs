//! Workers of one generation: start, loss, back-off, silence.

use super::*;
use crate::control::State;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_start_forks_every_slot_and_is_over_when_the_last_worker_is_ready() {
    let mut rig = Rig::new(3);
    assert_eq!(rig.workers.values().map(|place| place.slot).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(rig.done(), [Action::Publish]);
    rig.say_ready(100);
    rig.say_ready(102);
    assert_eq!(rig.done(), [Action::Serve(100), Action::Serve(102)]);
    rig.say_ready(101);
    assert_eq!(rig.done(), [Action::Serve(101), Action::Say(Message::Ready(None)), Action::NotifyReady]);
    // Once: a worker that is replaced is no start.
    rig.end(101, SIGKILL);
    rig.all_ready();
    assert!(!rig.said().contains(&Message::Ready(None)));
}

#[test]
fn a_worker_that_is_killed_when_it_was_ready_is_replaced_at_once() {
    let mut rig = Rig::ready(2);
    rig.end(100, SIGKILL);
    assert_eq!(rig.workers[&102], Place { generation: 1, slot: 0 });
    let done = rig.done();
    assert!(matches!(&done[..], [Action::Say(Message::Replaced(_, 102)), Action::CountRestart]), "{done:?}");
}

#[test]
fn a_worker_that_fails_later_than_its_infancy_is_replaced_at_once() {
    let mut rig = Rig::ready(1);
    rig.pass(SECOND, &[]);
    rig.end(100, SIGSEGV);
    assert_eq!(rig.of(1), [101]);
}

#[test]
fn workers_that_fail_in_a_row_are_replaced_after_a_pause_that_doubles_up_to_a_limit() {
    let mut rig = Rig::ready(1);
    let mut pauses = Vec::new();
    for failure in 0..12 {
        let [pid] = rig.of(1)[..] else { panic!("a worker") };
        // Some crash when they were just ready, some before, some are killed before.
        if failure % 2 == 0 {
            rig.say_ready(pid);
        }
        rig.end(pid, if failure % 4 == 1 { SIGKILL } else { SIGSEGV });
        let ended = rig.now;
        while rig.of(1).is_empty() {
            rig.wake();
        }
        pauses.push((rig.now - ended).as_millis());
        let said = rig.said();
        assert!(
            matches!(&said[..], [Message::Lost(_, pause)] if pause.as_millis() == pauses[failure]),
            "{said:?}"
        );
    }
    assert_eq!(pauses, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000]);
    // One that outlives its infancy makes up for them.
    rig.all_ready();
    rig.pass(3 * SECOND, &[]);
    let [pid] = rig.of(1)[..] else { panic!("a worker") };
    rig.end(pid, SIGSEGV);
    rig.all_ready();
    rig.end(pid + 1, SIGSEGV);
    assert!(rig.said().iter().any(|said| matches!(said, Message::Lost(_, pause) if pause.as_millis() == 50)));
}

#[test]
fn the_only_generation_goes_on_trying_however_often_its_workers_fail() {
    let mut rig = Rig::new(2);
    for _ in 0..50 {
        let workers = rig.of(1);
        workers.into_iter().for_each(|pid| rig.end(pid, SIGSEGV));
        while rig.of(1).len() < 2 {
            rig.wake();
        }
    }
    assert_eq!(rig.current(), (1, "first"));
    rig.all_ready();
    assert!(rig.said().contains(&Message::Ready(None)));
}

#[test]
fn a_fork_that_fails_is_tried_again_after_a_pause() {
    let mut rig = Rig::ready(1);
    rig.no_forks = true;
    rig.end(100, SIGKILL);
    assert_eq!(rig.said(), [Message::NotForked(1, "no room".into(), Duration::from_millis(50))]);
    rig.no_forks = false;
    rig.tick();
    assert!(rig.of(1).is_empty());
    rig.wake();
    assert_eq!(rig.of(1), [101]);
    // The one that it stands in for is told of now.
    assert!(matches!(rig.said()[..], [Message::Replaced(_, 101)]));
}

#[test]
fn a_hundred_workers_are_forked_at_once_and_then_one_every_hundredth_of_a_second() {
    let mut rig = Rig::new(250);
    assert_eq!(rig.workers.len(), 100);
    let start = rig.now;
    for count in 101..=250 {
        rig.wake();
        assert_eq!(rig.workers.len(), count);
        assert_eq!(rig.now, start + Duration::from_millis(10) * (count as u32 - 100));
    }
    rig.all_ready();
    rig.pass(2 * SECOND, &[]);
    rig.of(1).into_iter().for_each(|pid| rig.end(pid, SIGKILL));
    assert_eq!(rig.workers.len(), 100);
}

#[test]
fn a_worker_that_leaves_five_pings_unanswered_is_killed_and_replaced() {
    let mut rig = Rig::ready(2);
    rig.pass(5 * SECOND, &[100]);
    assert_eq!(rig.done(), []);
    rig.pass(SECOND, &[100]);
    assert_eq!(rig.done(), [Action::Say(Message::Silent(100, 1)), Action::Kill(100)]);
    // Until it is dead.
    rig.pass(SECOND, &[100]);
    assert_eq!(rig.done().last(), Some(&Action::Kill(100)));
    rig.end(100, SIGKILL);
    assert_eq!(rig.of(1), [101, 102]);
}

#[test]
fn a_master_that_was_stopped_finds_its_workers_innocent() {
    let mut rig = Rig::ready(1);
    for _ in 0..4 {
        rig.now += Duration::from_secs(3600);
        rig.tick();
    }
    rig.supervisor.heard(100, Word::Alive, rig.now);
    rig.pass(5 * SECOND, &[100]);
    assert_eq!(rig.done(), []);
}

#[test]
fn a_worker_that_says_what_no_worker_says_is_killed_and_has_failed() {
    let mut rig = Rig::ready(1);
    rig.pass(2 * SECOND, &[]);
    rig.supervisor.left(100, Some("nonsense"));
    rig.settle();
    assert_eq!(rig.done(), [Action::Say(Message::Violation(100, 1, "nonsense".into())), Action::Kill(100)]);
    assert_eq!(rig.supervisor.current().ready(), 0);
    // Killed as it is, the next one waits.
    rig.end(100, SIGKILL);
    assert!(matches!(rig.said()[..], [Message::Lost(_, pause)] if pause == Duration::from_millis(50)));
}

#[test]
fn a_worker_that_says_more_than_it_was_asked_for_is_heard_no_longer() {
    let mut rig = Rig::ready(1);
    rig.pass(SECOND, &[]);
    assert_eq!((0..100).filter(|_| rig.supervisor.heard(100, Word::Alive, rig.now)).count(), 16);
    rig.settle();
    assert!(rig.done().contains(&Action::Kill(100)));
}

#[test]
fn a_worker_that_has_closed_its_channel_is_not_ready_any_more() {
    let mut rig = Rig::ready(2);
    rig.supervisor.left(100, None);
    rig.settle();
    assert_eq!(rig.done(), []);
    assert_eq!(rig.supervisor.current().ready(), 1);
    rig.pass(6 * SECOND, &[100]);
    assert!(rig.done().contains(&Action::Kill(100)));
}

#[test]
fn the_status_of_a_worker_is_what_it_is_at() {
    let mut rig = Rig::ready(2);
    rig.reload();
    rig.all_ready();
    rig.end(103, SIGKILL);
    let workers = |rig: &Rig| {
        let all = rig.supervisor.generations().iter();
        let all =
            all.flat_map(|one| one.workers().map(|(slot, pid, state, _)| (one.number, slot, pid, state)));
        all.collect::<Vec<_>>()
    };
    let expected = [
        (2, 0, 105, State::Starting),
        (2, 1, 104, State::Ready),
        (1, 0, 100, State::Draining),
        (1, 1, 101, State::Draining),
    ];
    assert_eq!(workers(&rig), expected);
    assert_eq!(rig.supervisor.current().ready(), 1);
}

#[test]
fn the_service_manager_hears_of_a_daemon_that_is_able_to_answer_and_of_no_other() {
    let watchdog = Some(8 * SECOND);
    let mut rig = Rig::with(Limits { slots: 1, drain_limit: DRAIN_LIMIT, waiting: 3, watchdog });
    let alive = |rig: &mut Rig| rig.done().contains(&Action::NotifyAlive);
    rig.pass(10 * SECOND, &[]);
    assert!(!alive(&mut rig));
    rig.say_ready(100);
    rig.pass(SECOND, &[]);
    assert!(alive(&mut rig));
    // Twice within the limit.
    for told in [false, false, false, true, false, false, false, true] {
        rig.pass(SECOND, &[]);
        assert_eq!(alive(&mut rig), told);
    }
    rig.pass(2 * SECOND, &[100]);
    rig.done();
    rig.pass(3 * SECOND, &[100]);
    assert!(!alive(&mut rig));
    rig.pass(2 * SECOND, &[]);
    assert!(alive(&mut rig));
}
