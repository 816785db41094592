//! What a run has counted, for people and as JSON.

use super::Counted;
use program::{log, print::grouped};
use serde::Serialize;
use std::{fmt, io, path::Path};

/// The sums of a run. The field names are those of the JSON form.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    logs: u64,
    lines: u64,
    /// Lines that are of no log.
    odd: u64,
    /// Lines of the log that is not counted.
    other: u64,
    /// Lines of days that are not kept, or that were yet to come before others that were not.
    outside: u64,
    /// Lines of days to come at the end of logs, which wait.
    waiting: u64,
    /// Logs that could not be read.
    pub(super) failed: u64,
}

impl Summary {
    /// Adds what a log has added, and tells what somebody should look at.
    pub(super) fn counted(&mut self, source: &str, path: &Path, counted: Counted) {
        let Counted { lines, odd, first_odd, other, outside, waiting, lost_end } = counted;
        self.logs += 1;
        self.lines += lines;
        self.odd += odd;
        self.other += other;
        self.outside += outside;
        self.waiting += waiting;
        let path = path.display();
        if lost_end {
            log::warning(format_args!(
                "log {path}: is shorter than what was counted of it; what is added from now on is counted"
            ));
        }
        if waiting > 0 {
            log::warning(format_args!(
                "log {path}: lines of days to come at its end: {waiting}; they wait until these days are there; is our clock \
                 right?"
            ));
        }
        if odd > 0 {
            log::warning(format_args!(
                "log {path}: lines that are of no access log or request log: {odd}, the first at byte {first_odd}; they are \
                 not counted"
            ));
        }
        if other > 0 {
            log::warning(format_args!(
                "log {path}: lines of the other kind of log than source {source} has: {other}; they tell of the same requests \
                 and are not counted, give one kind of log to a source"
            ));
        }
    }

    /// Tells of a log that cannot be read.
    pub(super) fn failed(&mut self, path: &Path, error: &io::Error) {
        self.failed += 1;
        log::warning(format_args!(
            "log {}: cannot be read ({error}); nothing of it is counted now",
            path.display()
        ));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counted {} new lines of {} logs", grouped(self.lines), grouped(self.logs))?;
        for (number, what) in [
            (self.odd, "are of no log"),
            (self.other, "are of the other kind of log"),
            (self.outside, "are of days that are not kept or yet to come"),
            (self.waiting, "are of days to come and wait"),
        ] {
            if number > 0 {
                write!(f, "\n  {} further lines {what}", grouped(number))?;
            }
        }
        Ok(())
    }
}
