//! The daemon's beginning and its end.

use crate::support::{
    Daemon,
    daemon::{folder, program, run, send_signal},
    descriptors, is_alive, status_number, until, write_cache,
};
use nix::sys::signal::Signal;
use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt as _, process::Command};

#[test]
fn it_answers_and_ends_without_leaving_anything() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Daemon::start(&[]);
        let body = daemon.connect().answer(1).unwrap();
        assert!(body.starts_with("# repo = fedora-42 arch = x86_64 "), "{body}");
        assert!(body.contains("https://7.first.example.org/pub/42/os/\n"), "{body}");
        let workers = daemon.workers();
        assert_eq!(workers.len(), 2);
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(workers.iter().all(|pid| !is_alive(*pid)));
        assert!(!daemon.socket().exists());
    }
}

#[test]
fn it_finishes_what_has_been_asked_before_it_ends() {
    let mut daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let asked = 2000;
    let mut questions = Vec::new();
    (0..asked).for_each(|id| questions.extend(crate::support::Client::request(id)));
    let mut writer = client.stream().try_clone().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &questions));
    client.hear().unwrap();
    writer.join().unwrap().unwrap();
    daemon.signal(Signal::SIGTERM);
    let mut answers = 1;
    while answers < asked {
        match client.hear().unwrap() {
            Some(crate::support::Said::Reply(_, 200, _)) => answers += 1,
            Some(crate::support::Said::GoAway(reason)) => assert_eq!(reason, ""),
            other => panic!("{other:?} after {answers} answers"),
        }
    }
    client.hang_up();
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_missing_or_bad_cache_is_refused_with_one_line() {
    let folder = folder();
    let path = folder.path().join("cache.mlc");
    let said = |expected: &str| {
        let (code, said) = run(folder.path(), &[]);
        assert_eq!(code, Some(66), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("error: cache /") && said.contains(expected), "{said}");
        assert!(!folder.path().join("socket").exists());
        assert_eq!(run(folder.path(), &["--check"]).0, Some(66));
    };
    said("No such file or directory (os error 2); build it: mirrorlist-cache build --config ");
    fs::write(&path, "").unwrap();
    said("is empty");
    fs::write(&path, "not a cache at all, and shorter than a header").unwrap();
    said("too few");
    fs::write(&path, "x".repeat(4096)).unwrap();
    said("not a mirrorlist cache; build it: ");
    let good = crate::support::cache_bytes("first");
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    said("bytes of payload");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    said("not a regular file");
    fs::remove_dir(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    said("not a regular file");
    fs::remove_file(&path).unwrap();
    write_cache(&path, "first");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    said("Permission denied");
}

#[test]
fn check_says_in_a_line_what_is_well() {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    assert_eq!(run(folder.path(), &["--check"]), (Some(0), String::new()));
    let cache = folder.path().join("cache.mlc");
    let output = Command::new(program()).args(["--check", "--cache"]).arg(&cache).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = format!("well: options, and cache {} (data of ", cache.display());
    assert!(
        said.starts_with(&expected) && said.ends_with(" hosts)\n") && said.lines().count() == 1,
        "{said}"
    );
    assert!(!folder.path().join("socket").exists());
}

#[test]
fn a_wrong_option_is_refused_with_one_line() {
    let folder = folder();
    let config = folder.path().join("config.toml");
    fs::write(&config, "sandbox = \"on\"\nworker = 4\n").unwrap();
    let long = "x".repeat(108);
    for (options, expected) in [
        (&["--check", "--socket", &long][..], "'--socket <PATH>': the path has 108 bytes"),
        (&["--check", "--control", &long], "'--control <PATH>': the path has 108 bytes"),
        (&["--check", "--access-log", ".", "--log-address", "full"], "access-log: . is a folder"),
        (
            &["--check", "--access-log", "no/log", "--log-address", "full"],
            "access-log: there is no folder no",
        ),
        (&["--worker", "2"], "unexpected argument '--worker' found"),
        (&["--sandbox", "perhaps"], "invalid value 'perhaps'"),
        (&["--socket-mode", "rw"], "'--socket-mode <OCTAL>': not an octal mode"),
        (&["--config", config.to_str().unwrap()], "line 2: unknown option `worker`; did you mean `workers`?"),
    ] {
        let (code, said) = run(folder.path(), options);
        assert_eq!(code, Some(78), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("error: ") && said.contains(expected), "{said}");
    }
}

#[test]
fn a_second_daemon_on_the_same_socket_is_refused() {
    let daemon = Daemon::start(&[]);
    let (code, said) = daemon.run_beside(&[]);
    assert_eq!(code, Some(71), "{said}");
    assert!(said.ends_with("another program answers on it\n"), "{said}");
    daemon.connect().answer(1).unwrap();
}

#[test]
fn after_a_kill_of_the_master_its_workers_go_and_another_one_takes_over() {
    let mut daemon = Daemon::start(&[]);
    let workers = daemon.workers();
    // A stopped worker cannot see by itself that the master is gone.
    send_signal(workers[0], Signal::SIGSTOP);
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let killed = std::time::Instant::now();
    until("the end of the workers", || workers.iter().all(|pid| !is_alive(*pid)));
    assert!(killed.elapsed().as_secs() < 10, "{:?}, promised is 1 s", killed.elapsed());
    assert!(daemon.socket().exists(), "nobody was left to remove it");
    let folder = daemon.into_folder();
    let daemon = Daemon::spawn_in(folder, &[]);
    until("ready", || daemon.log().contains("is ready"));
    daemon.connect().answer(1).unwrap();
}

#[test]
fn no_two_workers_draw_the_same_order() {
    let daemon = Daemon::start(&["--workers", "4"]);
    let answer = |worker: u32| daemon.connect_to(worker).answer(1).unwrap();
    let answers: HashSet<String> = daemon.workers().into_iter().map(answer).collect();
    assert_eq!(answers.len(), 4);
}

#[test]
fn signals_sent_to_a_worker_alone_change_nothing() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let [worker] = daemon.workers()[..] else { panic!("one worker") };
    let mut client = daemon.connect();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGPIPE] {
        send_signal(worker, signal);
    }
    client.answer(1).unwrap();
    assert_eq!(daemon.workers(), [worker]);
}

#[test]
fn a_worker_holds_no_descriptor_but_its_own() {
    let daemon = Daemon::start(&["--workers", "3"]);
    for worker in daemon.workers() {
        let fds = descriptors(worker);
        let sockets = fds.iter().filter(|fd| fd.starts_with("socket:")).count();
        let polls = fds.iter().filter(|fd| fd.contains("eventpoll")).count();
        // The listener and the worker's own end of the line to the master.
        assert_eq!((sockets, polls, fds.len()), (2, 1, 3), "{fds:?}");
        assert_eq!(status_number(worker, "Threads"), Some(1));
    }
    assert_eq!(status_number(daemon.pid(), "Threads"), Some(1));
}

#[test]
fn the_socket_file_has_the_mode_asked_for() {
    let daemon = Daemon::start(&["--socket-mode", "0606"]);
    assert_eq!(fs::metadata(daemon.socket()).unwrap().permissions().mode() & 0o777, 0o606);
}
