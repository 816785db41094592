//! Messages to the operator: one line each, on standard error.
//!
//! `LEVEL: object: what happened (cause); what we do now`; under systemd the level is the journal's prefix instead of
//! a word. Nothing per request is ever logged, and no client address. A reader that does not read never holds up the
//! program: what cannot be written at once is dropped.

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::stat::fstat,
};
use std::{
    env,
    fmt::Display,
    io::{self, Write as _},
    os::fd::AsFd as _,
};

/// A pipe that polls as writable takes this much without blocking (PIPE_BUF), so a line is never longer.
const LONGEST_LINE: usize = 4096;

/// A human must act.
pub fn error(message: impl Display) {
    write("<3>", "error: ", &message);
}

/// Something went wrong and the program coped.
pub fn warning(message: impl Display) {
    write("<4>", "warning: ", &message);
}

/// Start, stop, workers found and lost.
pub fn info(message: impl Display) {
    write("<6>", "info: ", &message);
}

fn write(prefix: &str, word: &str, message: &dyn Display) {
    let level = if stderr_is_the_journal() { prefix } else { word };
    let mut line = format!("{level}{message}").replace('\n', " ");
    line.truncate(line.floor_char_boundary(LONGEST_LINE - 1));
    line.push('\n');
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
        // Nobody is left to tell when standard error itself fails.
        let _ = stderr.lock().write_all(line.as_bytes());
    }
}

/// Whether systemd has connected standard error to the journal; it says so by device and inode.
fn stderr_is_the_journal() -> bool {
    let Ok(stream) = env::var("JOURNAL_STREAM") else { return false };
    fstat(io::stderr()).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}
