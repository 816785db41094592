//! A line on the terminal that says what goes on; nothing where standard error is no terminal.

use indicatif::{ProgressBar, ProgressStyle};
use program::print::grouped;
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

/// Rows between two looks at the terminal.
const STEP: u64 = 1 << 16;

/// The line. It goes away when this is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins the line.
    pub fn start() -> Progress {
        if !io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_style(
            ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }

    /// What is done from now on.
    pub fn step(&self, what: &'static str) {
        self.0.set_message(what);
    }

    /// So many rows of a table are read.
    pub fn rows(&self, table: &'static str, count: u64) {
        if count.is_multiple_of(STEP) {
            self.0.set_message(format!("reading {table}: {} rows", grouped(count)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
