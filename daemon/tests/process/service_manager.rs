//! What systemd hears, from a stand-in that listens as it does.

use crate::support::{
    Daemon, PATIENCE,
    daemon::{command_after, folder, send_signal},
    write_cache,
};
use nix::sys::signal::Signal;
use std::{
    fs,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::PermissionsExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// A service manager, and the daemon that it has started with these variables.
pub fn started(abstract_name: bool, variables: &str, options: &[&str]) -> (UnixDatagram, Daemon) {
    let folder = folder();
    write_cache(&folder.path().join("cache.mlc"), "first");
    let path = folder.path().join("notify");
    let (socket, name) = if abstract_name {
        let name = path.display().to_string();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        (UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"))
    } else {
        let socket = UnixDatagram::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        (socket, path.display().to_string())
    };
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let preparation = format!("export NOTIFY_SOCKET={name} {variables}");
    let mut command = command_after(&preparation, folder.path(), options);
    (socket, Daemon::spawn_command(folder, &mut command))
}

fn hear(socket: &UnixDatagram) -> Option<String> {
    let mut message = [0; 4096];
    let length = socket.recv(&mut message).ok()?;
    Some(String::from_utf8(message[..length].to_vec()).unwrap())
}

/// All that is said up to the message that begins so.
pub fn hear_until(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut said = Vec::new();
    while said.last().is_none_or(|message: &String| !message.starts_with(last)) {
        said.push(hear(socket).unwrap_or_else(|| panic!("{last} was not said, only {said:?}")));
    }
    said
}

#[test]
fn systemd_hears_of_start_reload_and_end() {
    for abstract_name in [false, true] {
        let (socket, mut daemon) = started(abstract_name, "", &[]);
        let hear = || hear(&socket).unwrap();
        let answers = |generation: u32| {
            format!(
                "STATUS=generation {generation} of 2 workers answers (data of 2023-11-14T22:13Z, 20 hosts)"
            )
        };
        assert_eq!(hear(), "READY=1");
        assert_eq!(hear(), answers(1));
        daemon.signal(Signal::SIGHUP);
        assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(hear(), "READY=1");
        assert_eq!(hear(), answers(2));
        fs::remove_file(daemon.cache()).unwrap();
        daemon.signal(Signal::SIGHUP);
        assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(hear(), "READY=1");
        let failed = hear();
        assert!(failed.starts_with(&answers(2)), "{failed}");
        assert!(
            failed.contains("; the last reload failed: cache /") && failed.contains("No such file"),
            "{failed}"
        );
        daemon.signal(Signal::SIGTERM);
        assert_eq!(hear(), "STOPPING=1");
        daemon.wait();
    }
}

#[test]
fn the_watchdog_hears_of_a_daemon_that_is_able_to_answer() {
    let (socket, daemon) = started(false, "WATCHDOG_USEC=400000", &["--workers", "1"]);
    hear_until(&socket, "READY=1");
    (0..3).for_each(|_| drop(hear_until(&socket, "WATCHDOG=1")));
    // The only worker is stopped: the master lives, and is not able to answer.
    let [worker] = daemon.workers()[..] else { panic!("one worker") };
    send_signal(worker, Signal::SIGSTOP);
    let is_replaced = || daemon.log().contains("killing it");
    loop {
        socket.set_read_timeout(Some(Duration::from_millis(1200))).unwrap();
        while hear(&socket).is_some() {
            assert!(!is_replaced(), "signs of life until the worker was replaced");
        }
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        hear_until(&socket, "WATCHDOG=1");
        // Or it was this machine that had no time for a moment.
        if is_replaced() {
            break;
        }
    }
}

#[test]
fn the_watchdog_of_another_process_hears_nothing() {
    // A sign of life every millisecond, were it for the daemon.
    for (variables, expected) in [
        ("WATCHDOG_USEC=2000 WATCHDOG_PID=1", false),
        ("WATCHDOG_USEC=2000 WATCHDOG_PID=$$", true),
        ("WATCHDOG_USEC=0", false),
        ("WATCHDOG_USEC=soon", false),
    ] {
        let (socket, daemon) = started(false, variables, &[]);
        let mut said = hear_until(&socket, "READY=1");
        daemon.signal(Signal::SIGHUP);
        said.extend(hear_until(&socket, "READY=1"));
        assert_eq!(said.iter().any(|message| message == "WATCHDOG=1"), expected, "{variables}: {said:?}");
    }
}

#[test]
fn what_systemd_cannot_have_said_is_told_once() {
    let daemon = Daemon::start_after("export NOTIFY_SOCKET=notify WATCHDOG_USEC=soon", &[]);
    assert_eq!(daemon.errand(&["reload"]).code, Some(0));
    let log = daemon.log();
    for expected in
        ["warning: NOTIFY_SOCKET `notify`: neither a path", "warning: WATCHDOG_USEC `soon`: not a number"]
    {
        assert_eq!(log.matches(expected).count(), 1, "{expected}: {log}");
    }
    daemon.connect_to_generation(2).answer(1).unwrap();
}
