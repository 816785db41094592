//! The figures that every promise prints, a row each; the whole table when all have been told.
//!
//! They go to standard error itself, past the test harness, so that a run shows them however it is started.

use super::{load::take_retried, proc::Holdings};
use std::{
    io::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use testkit::load::Outcome;

/// How many promises there are.
const PROMISES: usize = 17;
/// Rows told so far, by number.
static TOLD: Mutex<Vec<(usize, String)>> = Mutex::new(Vec::new());

/// What was seen while a promise was put to the test.
#[derive(Debug, Default)]
pub struct Figures {
    number: usize,
    name: &'static str,
    requests: u64,
    failed: u64,
    /// Generations that took over.
    pub reloads: u64,
    /// Processes killed.
    pub kills: u64,
    longest: Duration,
    held: Option<(Holdings, Holdings)>,
    remarks: Vec<String>,
}

impl Figures {
    /// None yet, of the promise with this number.
    pub fn of(number: usize, name: &'static str) -> Figures {
        Figures { number, name, ..Figures::default() }
    }

    /// Adds what load has seen.
    pub fn load(&mut self, outcome: &Outcome) -> &mut Figures {
        self.requests += outcome.answered + outcome.failed();
        self.failed += outcome.failed();
        self.longest = self.longest.max(Duration::from_micros(outcome.latency.max()));
        self
    }

    /// Sets what was held before and after.
    pub fn held(&mut self, before: Holdings, after: Holdings) -> &mut Figures {
        self.held = Some((before, after));
        self
    }

    /// Adds a figure of its own.
    pub fn remark(&mut self, remark: impl Into<String>) -> &mut Figures {
        self.remarks.push(remark.into());
        self
    }

    /// Prints them.
    pub fn print(&self) {
        let memory = self.held.map_or(String::new(), |(before, after)| {
            format!("{} to {}", kilobytes(before.bytes()), kilobytes(after.bytes()))
        });
        let descriptors = self.held.map_or(String::new(), |(before, after)| {
            format!("{} to {}", before.descriptors(), after.descriptors())
        });
        let row = format!(
            "| {} {} | {} | {} | {} | {} | {} | {} ms | {memory} | {descriptors} | {} |",
            self.number,
            self.name,
            self.requests,
            self.failed,
            take_retried(),
            self.reloads,
            self.kills,
            self.longest.as_millis(),
            self.remarks.join("; ")
        );
        tell(&row);
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((self.number, row));
        if told.len() == PROMISES {
            told.sort();
            tell(
                "\n| promise | requests | failed | retried | reloads | kills | longest answer | memory, kB | descriptors | remarks |\n\
                 | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |",
            );
            told.iter().for_each(|(_, row)| tell(row));
        }
    }
}

/// Bytes, in thousands of 1024.
pub fn kilobytes(bytes: u64) -> u64 {
    bytes / 1024
}

/// Prints a line that no harness keeps to itself.
pub fn tell(line: &str) {
    // A closed standard error has no reader to miss it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
