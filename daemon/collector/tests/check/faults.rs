//! What may go wrong around a round: it is killed, there is no room, a later version was here, there are two.

use crate::{
    program::{PROGRAM, ended, without_proxies},
    server::Manner,
    world::World,
};
use answer::suspended::Suspended;
use nix::sys::signal::Signal;
use rusqlite::Connection;
use std::{fs, os::unix::process::ExitStatusExt as _, process::Command, sync::mpsc, time::Duration};

/// Whatever takes as long as this has not come about: the program has ended before, say.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_round_that_is_killed_at_any_moment_leaves_a_whole_state_and_a_whole_list() {
    let world = World::new(6);
    world.servers[0].die();
    let (bell, rung) = mpsc::channel();
    world.servers.iter().for_each(|server| server.ring(bell.clone()));
    let mut killed = 0;
    // Before anything, after each request, and after the last one, when the state is being written.
    for requests in 0..20 {
        let requests = requests % 7;
        while rung.try_recv().is_ok() {}
        let mut child = world.command("check").stdout(std::process::Stdio::null()).spawn().unwrap();
        // The dead one is sent no request.
        (0..requests.min(5)).for_each(|_| rung.recv_timeout(LONG).unwrap());
        if requests == 6 {
            // As soon as there is a journal or a lock that tells of writing; or it has ended.
            let journal = world.folder().join("state.db-journal");
            while !journal.exists() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
        }
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().signal() == Some(Signal::SIGKILL as i32));
        if let Ok(list) = fs::read(world.output("suspended")) {
            Suspended::parse(&list).unwrap();
        }
        if world.config.state.exists() {
            let state = Connection::open(&world.config.state).unwrap();
            let checked: String = state.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(checked, "ok");
        }
    }
    assert!(killed >= 15, "only {killed} were killed");
    for _ in 0..3 {
        let ended = world.run("check", &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(world.lines().len(), 1);
    assert_eq!(world.lines()[0].url, world.url(0));
}

#[test]
fn a_full_disk_leaves_what_was_and_is_said() {
    let mut world = World::new(6);
    world.servers[0].die();
    let limited = |world: &World| {
        // Too little for a new state, and too little for the pages behind the first ones of one that is there.
        let mut command = Command::new("sh");
        let options = world.options();
        command.args(["-c", "ulimit -f 8; exec \"$0\" check --config \"$1\"", PROGRAM, &options]);
        ended(without_proxies(&mut command).output().unwrap())
    };
    let full = limited(&world);
    assert_eq!(full.code, Some(71), "{full:?}");
    assert!(full.said.contains("state.db: ") && full.said.contains("; is the disk full?"), "{full:?}");
    assert!(!world.output("suspended").exists());
    world.rounds(3);
    let list = fs::read(world.output("suspended")).unwrap();
    world.servers.iter().for_each(|server| server.set(Manner::Status(503)));
    let full = limited(&world);
    assert_eq!((full.code, fs::read(world.output("suspended")).unwrap()), (Some(71), list), "{full:?}");
    world.servers.iter().for_each(|server| server.set(Manner::Has(0)));
    world.servers[0].revive();
    world.rounds(2);
    assert_eq!(world.lines(), []);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_said_and_the_next_round_goes_on() {
    let mut world = World::new(6);
    world.servers[0].die();
    world.rounds(2);
    // Something that is no file is in the way.
    fs::remove_file(world.output("suspended")).unwrap();
    fs::create_dir(world.output("suspended")).unwrap();
    let failure = world.try_round().unwrap_err().to_string();
    assert!(
        failure.contains("cannot be written (there is something that is no regular file); what was"),
        "{failure}"
    );
    fs::remove_dir(world.output("suspended")).unwrap();
    world.round();
    assert_eq!(world.suspended(), world.urls([0]), "the round before has counted");
}

#[test]
fn a_state_of_a_later_version_is_refused_and_an_interchange_file_that_is_none() {
    let mut world = World::new(6);
    world.rounds(1);
    let list = fs::read(world.output("suspended")).unwrap();
    let contacted = world.connections();
    fs::write(world.config.interchange(), "<html>").unwrap();
    let ended = world.run("check", &[]);
    assert_eq!(ended.code, Some(66));
    assert!(ended.said.contains("cannot be read (damaged or cut short); nobody is asked"), "{ended:?}");
    world.publish();
    Connection::open(&world.config.state).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for subcommand in ["check", "status"] {
        let ended = world.run(subcommand, &[]);
        assert_eq!(ended.code, Some(66));
        assert!(
            ended.said.contains("form 99, this version reads ")
                && ended.said.contains("; install the version that wrote it"),
            "{ended:?}"
        );
    }
    assert_eq!((fs::read(world.output("suspended")).unwrap(), world.connections()), (list, contacted));
}

#[test]
fn of_two_rounds_at_once_the_second_ends() {
    let world = World::new(2);
    world.servers[0].set(Manner::Stalls);
    let (bell, rung) = mpsc::channel();
    world.servers[0].ring(bell);
    let mut first = world.command("check").spawn().unwrap();
    rung.recv_timeout(LONG).unwrap();
    let second = world.run("check", &[]);
    assert_eq!(second.code, Some(69));
    assert!(second.said.contains("another check is running; this one ends"), "{second:?}");
    first.kill().unwrap();
    first.wait().unwrap();
}
