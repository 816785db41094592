//! A line on the terminal that says what goes on; nothing where standard error is no terminal.
//!
//! A message that comes meanwhile takes the line's place; see [`super::log`].

use super::{characters::is_hidden, grouped::grouped};
use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

/// Rows or lines between two looks at the terminal.
const STEP: u64 = 1 << 16;

/// Characters of a line: no terminal is narrower.
const LONGEST: usize = 72;

/// To the line's beginning, and everything after it away.
const CLEARED: &str = "\r\u{1b}[K";

/// Whether the terminal shows a line.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// The line. It goes away when this is dropped.
#[derive(Debug)]
pub struct Progress {
    is_seen: bool,
}

impl Progress {
    /// Begins the line.
    pub fn start() -> Progress {
        Progress { is_seen: io::stderr().is_terminal() }
    }

    /// What is done from now on.
    pub fn step(&self, what: &str) {
        if self.is_seen {
            show(&plain(what));
        }
    }

    /// So many rows of a table are read.
    pub fn rows(&self, table: impl Display, count: u64) {
        self.counted(table, count, "rows");
    }

    /// So many lines of a log are read.
    pub fn lines(&self, log: impl Display, count: u64) {
        self.counted(log, count, "lines");
    }

    fn counted(&self, what: impl Display, count: u64, unit: &str) {
        if self.is_seen && count.is_multiple_of(STEP) {
            self.step(&format!("{} {unit} of {what}", grouped(count)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

/// Takes the line away, if there is one.
pub fn clear() {
    if IS_SHOWN.swap(false, Ordering::Relaxed) {
        // A terminal that has gone away has nobody before it.
        let _ = write!(io::stderr(), "{CLEARED}");
    }
}

fn show(text: &str) {
    IS_SHOWN.store(true, Ordering::Relaxed);
    let _ = write!(io::stderr(), "{CLEARED}{text}");
}

/// So short that it is one line, and nothing that a terminal obeys.
fn plain(text: &str) -> String {
    text.chars().take(LONGEST).map(|c| if is_hidden(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_one_line_and_no_order_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{202e}c\n"), "a?[31mb?c?");
        assert_eq!(plain(&"é".repeat(100)).chars().count(), 72);
    }
}
