//! Why the program ends before its time, and the exit code that tells it to whoever started it.
//!
//! Every message is a sentence for an operator: object, what happened, cause.

use super::log;
use std::{
    fmt::{self, Write as _},
    process::ExitCode,
};

/// Whose fault an early end is. The numbers are those of sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// The cache is missing or was refused.
    Cache = 66,
    /// Nobody answers who should.
    Unavailable = 69,
    /// This program is wrong.
    Bug = 70,
    /// The operating system refused something.
    System = 71,
    /// The configuration is wrong.
    Config = 78,
}

/// An early end: whose fault, and a line for the operator.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose fault it is.
    pub fault: Fault,
    message: String,
}

impl Failure {
    /// A missing or refused cache.
    pub fn cache(message: impl Into<String>) -> Failure {
        Failure { fault: Fault::Cache, message: message.into() }
    }

    /// A program that does not answer.
    pub fn unavailable(message: impl Into<String>) -> Failure {
        Failure { fault: Fault::Unavailable, message: message.into() }
    }

    /// Something that the operating system refused.
    pub fn system(message: impl Into<String>) -> Failure {
        Failure { fault: Fault::System, message: message.into() }
    }

    /// A fault of this program.
    pub fn bug(message: impl Into<String>) -> Failure {
        Failure { fault: Fault::Bug, message: message.into() }
    }

    /// A wrong option.
    pub fn config(message: impl Into<String>) -> Failure {
        Failure { fault: Fault::Config, message: message.into() }
    }
}

impl Fault {
    /// The number that the process ends with.
    pub fn code(self) -> i32 {
        self as i32
    }
}

/// How a program ends, and the one place that logs the failure which ends it: who returns a failure has not logged it.
pub fn end(outcome: Result<(), Failure>) -> ExitCode {
    outcome.map_or_else(
        |failure| {
            log::error(&failure);
            failure.fault.into()
        },
        |()| ExitCode::SUCCESS,
    )
}

impl From<Fault> for ExitCode {
    fn from(fault: Fault) -> ExitCode {
        ExitCode::from(fault as u8)
    }
}

impl fmt::Display for Failure {
    /// One line, whatever is in the names and values that it repeats.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.chars().try_for_each(|c| f.write_char(if c.is_control() { '?' } else { c }))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_that_no_terminal_obeys() {
        let failure = Failure::config("listen: `a\nb\u{1b}[31m` is no address");
        assert_eq!(failure.to_string(), "listen: `a?b?[31m` is no address");
    }
}
