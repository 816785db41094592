//! A line on the terminal that says what goes on; nothing where standard error is no terminal.

use program::print::grouped;
use std::io::{self, IsTerminal as _, Write as _};

/// Rows between two looks at the terminal.
const STEP: u64 = 1 << 16;

/// To the line's beginning, and everything after it away.
const CLEARED: &str = "\r\u{1b}[K";

/// The line. It goes away when this is dropped.
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
        self.show(what);
    }

    /// So many rows of a table are read.
    pub fn rows(&self, table: &'static str, count: u64) {
        if count.is_multiple_of(STEP) {
            self.show(&format!("{table}: {} rows", grouped(count)));
        }
    }

    fn show(&self, text: &str) {
        if self.is_seen {
            // A terminal that has gone away has nobody before it.
            let _ = write!(io::stderr(), "{CLEARED}{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.show("");
    }
}
