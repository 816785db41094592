//! Messages to the operator: one line each, on standard error.
//!
//! A line is `LEVEL: object: what happened (cause); what we do now`. Under systemd the level is the journal's prefix
//! instead of a word. A reader that does not read never holds up the program: what cannot be written at once is
//! dropped and counted, and the count is told as soon as there is room again.
//!
//! What happens is said once, by who decides what is done about it: who returns an error has not logged it, who goes on in
//! spite of one has. The failure that ends a program is logged in [`super::failure::end`] alone.

use super::characters::is_hidden;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::stat::fstat,
};
use std::{
    env,
    fmt::Display,
    io::{self, Write as _},
    os::fd::AsFd as _,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// A pipe that polls as writable takes this much without blocking (PIPE_BUF), so a line is never longer.
const LONGEST_LINE: usize = 4096;

const MINUTE: Duration = Duration::from_secs(60);

static DROPPED: AtomicU32 = AtomicU32::new(0);

/// Who has to do something about a line.
#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Info,
}

/// A human must act.
pub fn error(message: impl Display) {
    write(Level::Error, &message);
}

/// Something went wrong and the program coped.
pub fn warning(message: impl Display) {
    write(Level::Warning, &message);
}

/// Start, stop, generations.
pub fn info(message: impl Display) {
    write(Level::Info, &message);
}

fn write(level: Level, message: &dyn Display) {
    let prefix = match (level, stderr_is_the_journal()) {
        (Level::Error, true) => "<3>",
        (Level::Warning, true) => "<4>",
        (Level::Info, true) => "<6>",
        (Level::Error, false) => "error: ",
        (Level::Warning, false) => "warning: ",
        (Level::Info, false) => "info: ",
    };
    let mut line: String = format!("{prefix}{message}").chars().map(printable).collect();
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    if dropped > 0 {
        line.push_str(&format!(" ({dropped} lines before this one could not be written)"));
    }
    line.truncate(line.floor_char_boundary(LONGEST_LINE - 1));
    line.push('\n');
    #[cfg(feature = "print")]
    super::progress::clear();
    if !stderr_has_room() || io::stderr().write_all(line.as_bytes()).is_err() {
        DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
    }
}

/// What a name from outside may hold of line ends and orders to a terminal does not get through.
fn printable(character: char) -> char {
    match character {
        '\n' => ' ',
        other if is_hidden(other) => '?',
        other => other,
    }
}

/// Lets a message pass that could be said again and again: once a minute.
#[derive(Debug, Default)]
pub struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether it is to be said at `now`.
    pub fn passes(&mut self, now: Instant) -> bool {
        let passes = self.0.is_none_or(|last| now.duration_since(last) >= MINUTE);
        if passes {
            self.0 = Some(now);
        }
        passes
    }
}

fn stderr_has_room() -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Whether systemd has connected standard error to the journal; it says so by device and inode.
///
/// Found out once: a process that has given up the right to look, and its children, know it from before.
fn stderr_is_the_journal() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let Ok(stream) = env::var("JOURNAL_STREAM") else { return false };
        fstat(io::stderr()).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_end_and_no_order_to_a_terminal_gets_through() {
        let said: String = "cache a\nb\u{1b}[31m\u{85}: gone".chars().map(printable).collect();
        assert_eq!(said, "cache a b?[31m?: gone");
    }

    #[test]
    fn the_same_is_said_once_a_minute() {
        let (mut seldom, now) = (Seldom::default(), Instant::now());
        assert!(seldom.passes(now));
        assert!(!seldom.passes(now + MINUTE / 2) && !seldom.passes(now + MINUTE - Duration::from_millis(1)));
        assert!(seldom.passes(now + MINUTE) && !seldom.passes(now + MINUTE));
    }
}
