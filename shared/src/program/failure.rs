//! Why the program ends before its time, and the exit code that tells it to whoever started it.
//!
//! Every message is a sentence for an operator: object, what happened, cause.

use std::{fmt, process::ExitCode};

/// Whose fault an early end is. The numbers are those of sysexits.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// The cache is missing or was refused.
    Cache = 66,
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

impl From<Fault> for ExitCode {
    fn from(fault: Fault) -> ExitCode {
        ExitCode::from(fault as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
