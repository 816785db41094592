//! A new daemon in the place of the old one, while something else holds the socket.

use crate::support::{
    Figures, Load, NOBODY, Program, Service, alone, by_profile, cache,
    load::at_work,
    service::{Setup, daemon_command, folder, put},
};
use std::{
    fs::{self, Permissions},
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt as _, net::UnixListener},
    },
    path::Path,
    process::Stdio,
    time::Instant,
};

/// Starts a daemon as systemd does: with the listening socket as its fourth descriptor.
fn start_with(listener: &UnixListener, folder: &Path, options: &[String], number: usize) -> Program {
    let mut command =
        daemon_command("exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1", folder, options);
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    Program::start(&mut command, folder.join(format!("passed-{number}.log")), NOBODY)
}

#[test]
fn promise_07_a_restart_with_the_socket_held_costs_time_and_no_answer() {
    let _turn = alone();
    let mut figures = Figures::of(7, "a restart with the socket held costs time only");
    let place = folder(NOBODY);
    put(&fs::read(cache::usual()).unwrap(), &place.path().join("cache.mlc"), NOBODY);
    let path = place.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let options = vec!["--workers".to_owned(), "2".to_owned()];
    let folder = place.path().to_owned();
    let daemon = start_with(&listener, &folder, &options, 0);
    daemon.says("is ready", 1);
    let mut service = Service::with_daemon(daemon, place, options.clone(), Setup::default());
    let kept = Load::start(&service);
    let anew = Load::connecting(&service);
    let restarts = by_profile(20, 200);
    let mut longest = 0;
    for number in 1..=restarts {
        let begun = Instant::now();
        assert!(service.daemon.stop().success());
        assert!(path.exists(), "the socket is not the daemon's to remove");
        service.daemon = start_with(&listener, &folder, &options, number);
        service.daemon.says("is ready", 1);
        longest = longest.max(begun.elapsed().as_millis());
        at_work(&service);
    }
    figures.load(&kept.finish());
    figures.load(&anew.finish());
    figures.remark(format!("{restarts} restarts, {longest} ms at most"));
    figures.print();
}
