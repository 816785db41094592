//! A worker that a stranger has taken over, and its master: the test takes the worker's end of the line between them.

use crate::support::{Daemon, daemon::send_signal, descriptors, until};
use nix::{
    errno::Errno,
    sys::{
        signal::Signal,
        socket::{ControlMessage, MsgFlags, SockType, UnixAddr, getsockopt, sendmsg, sockopt},
    },
};
use std::{
    fs,
    io::IoSlice,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    thread,
    time::Duration,
};

/// What a worker says when it lives.
const ALIVE: u8 = b'a';

#[test]
fn a_worker_that_talks_without_end_is_killed() {
    let Some((daemon, workers, line)) = taken_over() else { return };
    // So that all of it is there at once.
    send_signal(daemon.pid(), Signal::SIGSTOP);
    for _ in 0..40 {
        say(&line, ALIVE, 0).unwrap();
    }
    send_signal(daemon.pid(), Signal::SIGCONT);
    daemon.newcomer(&workers);
    let victim = workers[0];
    let strange = format!(
        "worker {victim} of generation 1: protocol violation on its channel (more answers than the master asked for)"
    );
    assert!(daemon.log().contains(&strange), "{}", daemon.log());
    daemon.connect().answer(1).unwrap();
}

#[test]
fn a_worker_that_talks_steadily_is_killed_too() {
    let Some((daemon, workers, line)) = taken_over() else { return };
    // Far more than one for each ping, and never two at once.
    for _ in 0..60 {
        if say(&line, ALIVE, 0).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    daemon.newcomer(&workers);
    daemon.connect().answer(1).unwrap();
}

#[test]
fn files_that_a_worker_sends_stay_with_nobody() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let before = descriptors(daemon.pid()).len();
    let worker = daemon.workers()[0];
    let Some(line) = line_to_the_master(worker) else { return };
    for _ in 0..10 {
        say(&line, ALIVE, 5).unwrap();
        // It has heard that when it answers.
        daemon.status();
    }
    until("the master has closed them", || descriptors(daemon.pid()).len() == before);
    assert_eq!(daemon.workers(), [worker]);
}

#[test]
fn a_worker_that_says_what_no_worker_says_is_killed() {
    let Some((daemon, workers, line)) = taken_over() else { return };
    say(&line, b'!', 0).unwrap();
    daemon.newcomer(&workers);
    assert!(daemon.log().contains("protocol violation on its channel"), "{}", daemon.log());
    daemon.connect().answer(1).unwrap();
}

/// A daemon, its workers, and the line to the master of the first of them.
fn taken_over() -> Option<(Daemon, Vec<u32>, OwnedFd)> {
    let daemon = Daemon::start(&[]);
    let workers = daemon.workers();
    let line = line_to_the_master(workers[0])?;
    Some((daemon, workers, line))
}

/// A byte and so many files.
fn say(line: &OwnedFd, byte: u8, files: usize) -> nix::Result<usize> {
    let files = vec![line.as_raw_fd(); files];
    let rights = [ControlMessage::ScmRights(&files)];
    let rights = if files.is_empty() { &[][..] } else { &rights[..] };
    sendmsg::<UnixAddr>(line.as_raw_fd(), &[IoSlice::new(&[byte])], rights, MsgFlags::MSG_DONTWAIT, None)
}

/// A copy of the worker's only socket that keeps packets apart; `None`, and a message, where that is not allowed.
fn line_to_the_master(worker: u32) -> Option<OwnedFd> {
    let process = call(libc::SYS_pidfd_open, [worker as libc::c_long, 0, 0]);
    let numbers = fs::read_dir(format!("/proc/{worker}/fd")).unwrap();
    for number in numbers.map(|entry| entry.unwrap().file_name().into_string().unwrap().parse().unwrap()) {
        let copy = process
            .as_ref()
            .map_err(|errno| *errno)
            .and_then(|process| call(libc::SYS_pidfd_getfd, [process.as_raw_fd().into(), number, 0]));
        match copy {
            Ok(copy) if getsockopt(&copy, sockopt::SockType) == Ok(SockType::SeqPacket) => return Some(copy),
            Ok(_) => {}
            Err(errno @ (Errno::EPERM | Errno::ENOSYS)) => {
                eprintln!("skipped: the worker's descriptors cannot be had ({errno})");
                return None;
            }
            // Closed meanwhile.
            Err(_) => {}
        }
    }
    panic!("worker {worker} has no line to its master");
}

/// A system call that makes a descriptor and that Rust offers in no safe form.
#[expect(unsafe_code, reason = "neither the standard library nor nix has these calls")]
fn call(number: libc::c_long, with: [libc::c_long; 3]) -> nix::Result<OwnedFd> {
    // SAFETY: both calls take plain numbers and make a new descriptor, which nobody else knows of.
    unsafe {
        let made = Errno::result(libc::syscall(number, with[0], with[1], with[2]))?;
        Ok(OwnedFd::from_raw_fd(made as i32))
    }
}
