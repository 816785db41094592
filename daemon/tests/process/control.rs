//! `mirrorlistd status`, `mirrorlistd reload` and the control socket that they call on.

use crate::support::{
    Daemon, Said,
    control::{errand, hold_up_reloads, outcome},
    daemon::{as_user, folder, program, send_signal},
    until, write_cache,
};
use daemon::control::{Outcome, State};
use nix::sys::{
    signal::Signal,
    socket::{Backlog, listen},
};
use std::{
    fs,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    process::Command,
    sync::Mutex,
    thread,
};
use wire::{Counter, Key, Unit};

#[test]
fn status_tells_of_cache_workers_and_requests() {
    let daemon = Daemon::start(&[]);
    let workers = daemon.workers();
    for worker in &workers {
        let mut client = daemon.connect_to(*worker);
        (0..3).for_each(|id| drop(client.answer(id).unwrap()));
    }
    let status = daemon.status();
    assert_eq!((status.generation, status.workers_wanted, status.workers_ready), (1, 2, 2));
    assert_eq!((status.pid, status.requests, status.stopping), (daemon.pid(), 6, false));
    assert_eq!(
        (status.counter(Counter::Reloads), status.counter(Counter::ReloadsFailed), status.last_reload),
        (0, 0, None)
    );
    assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(status.cache, daemon.cache().display().to_string());
    let mut pids: Vec<u32> = status.workers.iter().map(|worker| worker.pid).collect();
    pids.sort_unstable();
    assert_eq!(pids, workers);
    for worker in &status.workers {
        assert_eq!((worker.state, worker.requests, worker.generation), (State::Ready, 3, 1));
        assert!(worker.private_kb.is_some_and(|kb| (1..100_000).contains(&kb)), "{worker:?}");
    }
    let said = daemon.errand(&["status"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    let line = "\n  generation                1 with 2 of 2 workers ready\n";
    assert!(said.out.contains(line), "{}", said.out);
}

/// Nothing but its declaration makes a counter known to status and workers, by the same name and number.
#[test]
fn status_tells_every_counter_that_is_declared_as_workers_tell_it() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    client.answer(1).unwrap();
    let told = client.counters().unwrap();
    let (status, text) = (daemon.status(), daemon.errand(&["status"]).out);
    // How old inputs are has a place of its own.
    let counters: Vec<Counter> =
        Counter::ALL.into_iter().filter(|counter| counter.input().is_none()).collect();
    assert_eq!(status.counters.len(), counters.len());
    for counter in counters {
        let value = status.counters[counter.name()];
        // The answer that told it has been sent since.
        let sent_since = counter == Counter::BytesSent && value > told[&Key::Counter(counter)];
        assert!(sent_since || told[&Key::Counter(counter)] == value, "{counter:?}: {value}");
        let label =
            counter.name().trim_start_matches("mirrorlist_").trim_start_matches("daemon_").replace('_', " ");
        let has_line = text.lines().any(|line| line.starts_with(&format!("  {label} ")));
        assert!(has_line || counter.unit() != Unit::Count, "{label}: {text}");
    }
}

#[test]
fn status_tells_of_a_worker_that_drains_and_of_one_that_was_lost() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let client = daemon.connect();
    assert_eq!(daemon.errand(&["reload"]).code, Some(0));
    let status = daemon.status();
    let states: Vec<_> = status.workers.iter().map(|worker| (worker.generation, worker.state)).collect();
    assert_eq!(states, [(2, State::Ready), (1, State::Draining)]);
    assert_eq!(status.workers[1].pid, client.hello.pid);
    assert_eq!(
        (status.counter(Counter::Reloads), status.last_reload.map(|last| last.error)),
        (1, Some(None))
    );
    drop(client);
    send_signal(status.workers[0].pid, Signal::SIGKILL);
    until("a new worker", || {
        let now = daemon.status();
        now.counter(Counter::WorkersRestarted) == 1
            && now.workers_ready == 1
            && now.workers[0].pid != status.workers[0].pid
    });
}

#[test]
fn nobody_there_is_told_by_the_exit_code() {
    let mut daemon = Daemon::start(&[]);
    let control = daemon.control();
    let nobody_answers = |cause: &str| {
        for words in [&["status"][..], &["status", "--json"], &["reload", "--no-wait"], &["reload"]] {
            let said = errand(words, &control);
            assert_eq!((said.code, &*said.out), (Some(69), ""), "{said:?}");
            let expected = format!("error: control socket {}: no daemon answers ({cause}", control.display());
            assert!(said.err.starts_with(&expected) && said.err.lines().count() == 1, "{said:?}");
        }
        let said = errand(&["reload", "--if-running"], &control);
        let expected = format!("warning: control socket {}: no daemon there ({cause}", control.display());
        assert!(said.code == Some(0) && said.err.starts_with(&expected), "{said:?}");
        assert!(said.err.ends_with("); nothing is reloaded\n") && said.err.lines().count() == 1, "{said:?}");
    };
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    nobody_answers("Connection refused");
    let folder = daemon.into_folder();
    // What the dead one has left is in nobody's way.
    let mut daemon = Daemon::spawn_in(folder, &[]);
    until("ready", || daemon.log().contains("is ready"));
    assert_eq!(daemon.status().pid, daemon.pid());
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!daemon.control().exists());
    let folder = daemon.into_folder();
    assert_eq!(folder.path(), control.parent().unwrap());
    nobody_answers("No such file");
}

#[test]
fn a_daemon_that_is_stopped_is_as_good_as_none() {
    let daemon = Daemon::start(&[]);
    daemon.signal(Signal::SIGSTOP);
    let said = daemon.errand(&["status"]);
    daemon.signal(Signal::SIGCONT);
    assert_eq!(said.code, Some(69), "{said:?}");
    assert!(said.err.ends_with("no daemon answers (no answer in time)\n"), "{said:?}");
    daemon.status();
}

#[test]
fn a_full_queue_is_not_waited_in_for_ever() {
    let folder = folder();
    let control = folder.path().join("control");
    let listener = UnixListener::bind(&control).unwrap();
    fs::set_permissions(&control, fs::Permissions::from_mode(0o666)).unwrap();
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let _queue = UnixStream::connect(&control).unwrap();
    // A daemon may well be there, so this is no case of one that does not run.
    let said = errand(&["reload", "--if-running"], &control);
    assert_eq!((said.code, &*said.out), (Some(69), ""), "{said:?}");
    assert!(said.err.ends_with("no daemon answers (no answer in time)\n"), "{said:?}");
}

#[test]
fn what_is_no_socket_tells_nothing_of_a_daemon() {
    let folder = folder();
    let control = folder.path().join("control");
    fs::write(&control, "").unwrap();
    fs::set_permissions(&control, fs::Permissions::from_mode(0o666)).unwrap();
    for words in [&["status"][..], &["reload", "--if-running"]] {
        let said = errand(words, &control);
        let expected = format!("error: control socket {}: not a socket\n", control.display());
        assert_eq!((said.code, said.err), (Some(71), expected));
    }
}

#[test]
fn a_reload_that_is_waited_for_is_over_when_the_new_generation_answers() {
    let daemon = Daemon::start(&[]);
    write_cache(&daemon.cache(), "second");
    let said = daemon.errand(&["reload"]);
    assert_eq!((said.code, &*said.out, &*said.err), (Some(0), "", ""));
    let status = daemon.status();
    assert_eq!((status.generation, status.workers_ready, status.counter(Counter::Reloads)), (2, 2, 1));
    assert!(daemon.connect_to_generation(2).answer(1).unwrap().contains(".second.example.org"));
    // Without waiting it only has to have been heard.
    write_cache(&daemon.cache(), "first");
    let said = daemon.errand(&["reload", "--no-wait"]);
    assert_eq!((said.code, &*said.out, &*said.err), (Some(0), "", ""));
    assert!(daemon.connect_to_generation(3).answer(1).unwrap().contains(".first.example.org"));
}

#[test]
fn a_reload_that_fails_says_why() {
    let daemon = Daemon::start(&[]);
    fs::remove_file(daemon.cache()).unwrap();
    fs::write(daemon.cache(), "").unwrap();
    let said = daemon.errand(&["reload", "--if-running"]);
    let cache = daemon.cache();
    let expected = format!("error: cache {}: is empty; generation 1 goes on\n", cache.display());
    assert_eq!((said.code, &*said.out, said.err), (Some(66), "", expected));
    let status = daemon.status();
    assert_eq!(
        (status.generation, status.counter(Counter::Reloads), status.counter(Counter::ReloadsFailed)),
        (1, 0, 1)
    );
    let error = format!("cache {}: is empty", cache.display());
    assert_eq!(status.last_reload.unwrap().error, Some(error));
    // A reload that nobody waits for fails in the log.
    assert_eq!(daemon.errand(&["reload", "--no-wait"]).code, Some(0));
    until("the refusal", || daemon.log().matches("; keeping generation 1").count() == 2);
    daemon.connect().answer(1).unwrap();
}

#[test]
fn whoever_waits_gets_what_was_in_the_file_when_he_came() {
    let daemon = Daemon::start(&[]);
    let published = Mutex::new(0_u32);
    let reload = || {
        let mine = {
            let mut published = published.lock().unwrap();
            *published += 1;
            write_cache(&daemon.cache(), &format!("number{published}"));
            *published
        };
        let reached = outcome(daemon.order("reload-wait\n"));
        assert!(reached.ok, "{reached:?}");
        // An old worker may still accept.
        let mut client = loop {
            let client = daemon.connect();
            if client.hello.generation >= reached.generation.unwrap() {
                break client;
            }
        };
        client.ask(1).unwrap();
        let body = loop {
            // Told to go or not, what was asked is answered.
            if let Some(Said::Reply(1, 200, body)) = client.hear().unwrap() {
                break body;
            }
        };
        let number = body.split_once(".number").unwrap().1.split_once('.').unwrap().0;
        assert!(number.parse::<u32>().unwrap() >= mine, "number {number} answers, {mine} was to");
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..15).for_each(|_| reload()));
        }
    });
}

#[test]
fn those_who_wait_for_the_same_reload_share_it() {
    let daemon = Daemon::start(&["--workers", "1", "--drain-limit", "60"]);
    let mut held = hold_up_reloads(&daemon);
    let waiting: Vec<UnixStream> = (0..20).map(|_| daemon.order("reload-wait\n")).collect();
    assert_eq!(daemon.status().counter(Counter::Reloads), 4);
    held.pop();
    for stream in waiting {
        assert_eq!(outcome(stream), Outcome { ok: true, generation: Some(6), error: None });
    }
    assert_eq!(daemon.status().counter(Counter::Reloads), 5);
}

#[test]
fn whoever_waits_when_the_daemon_ends_is_told() {
    let mut daemon = Daemon::start(&["--workers", "1", "--drain-limit", "60"]);
    let held = hold_up_reloads(&daemon);
    let waiting = daemon.order("reload-wait\n");
    assert_eq!(daemon.status().generation, 5);
    daemon.signal(Signal::SIGTERM);
    let told = outcome(waiting);
    assert_eq!((told.ok, told.error.as_deref()), (false, Some("the daemon is stopping")));
    drop(held);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn the_control_socket_of_another_daemon_is_left_alone() {
    let daemon = Daemon::start(&[]);
    let other = daemon.path("other");
    let (code, said) = daemon.run_beside(&["--socket", other.to_str().unwrap()]);
    assert_eq!(code, Some(71), "{said}");
    let control = daemon.control();
    let expected = format!("error: control socket {}: another program answers on it\n", control.display());
    assert!(said.ends_with(&expected), "{said}");
    assert!(!other.exists());
    assert_eq!(daemon.status().pid, daemon.pid());
}

#[test]
fn the_configuration_says_where_to_call() {
    let daemon = Daemon::start(&[]);
    let config = daemon.path("config.toml");
    let ask = |text: String| {
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program());
        let output = as_user(command.args(["reload", "--config"]).arg(&config)).output().unwrap();
        output.status.code()
    };
    assert_eq!(ask(format!("control = {:?}", daemon.control())), Some(0));
    assert_eq!(ask(format!("socket = {:?}", daemon.socket())), Some(0));
    assert_eq!(ask(format!("control = {:?}", daemon.path("elsewhere"))), Some(69));
    assert_eq!(ask("controll = 3".into()), Some(78));
    assert_eq!(daemon.status().counter(Counter::Reloads), 2);
}
