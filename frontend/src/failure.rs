//! Why the program ends with an error: a sentence for the operator and an exit code.

use std::{fmt, process::ExitCode};

/// An error that ends the program.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The configuration is wrong: exit code 78.
    pub fn config(message: impl Into<String>) -> Failure {
        Failure { code: 78, message: message.into() }
    }

    /// The operating system refused something: exit code 71.
    pub fn system(message: impl Into<String>) -> Failure {
        Failure { code: 71, message: message.into() }
    }

    /// This program has a bug: exit code 70.
    pub fn bug(message: impl Into<String>) -> Failure {
        Failure { code: 70, message: message.into() }
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
