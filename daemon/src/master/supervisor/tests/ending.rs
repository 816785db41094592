//! The end.

use super::*;

#[test]
fn at_a_signal_everybody_finishes_and_then_it_is_over() {
    let mut rig = Rig::ready(2);
    rig.supervisor.stop("SIGTERM", rig.now);
    rig.tick();
    assert_eq!(
        rig.done(),
        [
            Action::Say(Message::Stopping("SIGTERM")),
            Action::CloseService,
            Action::Drain(100),
            Action::Drain(101)
        ]
    );
    rig.end(100, 0);
    assert_eq!(rig.done(), []);
    rig.end(101, 0);
    assert_eq!(rig.done(), [Action::Exit]);
    assert_eq!(rig.workers.len(), 0, "nobody is replaced");
}

#[test]
fn a_second_signal_kills_at_once() {
    let mut rig = Rig::ready(1);
    rig.supervisor.stop("SIGTERM", rig.now);
    rig.settle();
    rig.done();
    rig.supervisor.stop("SIGINT", rig.now);
    rig.settle();
    assert_eq!(rig.done(), [Action::Kill(100)]);
}

#[test]
fn whoever_does_not_finish_in_time_is_killed_again_and_again() {
    for (drain_limit, patience) in [(60, 2000), (1, 1000)] {
        let drain_limit = Duration::from_secs(drain_limit);
        let mut rig = Rig::with(Limits { slots: 1, drain_limit, waiting: 1, watchdog: None });
        rig.all_ready();
        let begun = rig.now;
        rig.supervisor.stop("SIGTERM", rig.now);
        rig.settle();
        for kills in 0..3 {
            rig.done();
            while !rig.done().contains(&Action::Kill(100)) {
                rig.supervisor.heard(100, Word::Alive, rig.now);
                rig.wake();
            }
            assert_eq!((rig.now - begun).as_millis(), patience + kills * 1000);
        }
        rig.end(100, SIGKILL);
        assert_eq!(rig.done(), [Action::Exit]);
    }
}

#[test]
fn workers_of_all_generations_finish_and_none_is_started() {
    let mut rig = Rig::ready(1);
    rig.reload();
    rig.all_ready();
    rig.reload();
    assert_eq!(rig.workers.len(), 3);
    rig.end(102, SIGSEGV);
    rig.supervisor.stop("SIGTERM", rig.now);
    rig.pass(Duration::from_secs(1), &[]);
    // The one that waits for its turn never comes, the lost one neither.
    assert!(rig.done().contains(&Action::Drain(104)) && rig.workers.len() == 2);
    rig.end(104, 0);
    rig.end(100, 0);
    assert_eq!(rig.done(), [Action::Exit]);
}

#[test]
fn whoever_waits_for_a_reload_is_told_and_the_loader_is_not_waited_for() {
    let mut rig = Rig::ready(1);
    rig.wait_for_reload(7);
    rig.wait_for_reload(8);
    let loader = rig.loader.unwrap();
    rig.done();
    rig.supervisor.stop("SIGTERM", rig.now);
    // Nor is a reload begun.
    rig.supervisor.want_reload();
    rig.wait_for_reload(9);
    let done = rig.done();
    assert!(done.contains(&Action::KillLoader));
    for caller in 7..=9 {
        assert!(done.contains(&Action::Answer(caller, failed(None, "the daemon is stopping"))));
    }
    rig.supervisor.ended(loader, ExitStatus::from_raw(SIGKILL), rig.now);
    rig.end(100, 0);
    assert_eq!(rig.done(), [Action::Exit]);
}
