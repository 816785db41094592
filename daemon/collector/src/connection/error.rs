//! Why a reading came to nothing: whose fault, and what the database said.

use program::failure::Failure;
use std::{error::Error as _, time::Duration};
use tokio_postgres::error::SqlState;

/// Why a reading came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not the database that is wrong, but how we ask for it.
    Config(String),
    /// It does not answer, no longer answers, or not in time.
    Unavailable(String),
    /// It has not what is to be read, or we have no right to it.
    Refused(String),
    /// The file cannot be written.
    System(String),
}

impl Error {
    /// What the library says went wrong while something was done.
    pub fn of(doing: &str, error: &tokio_postgres::Error) -> Error {
        if error.is_closed() {
            return Error::Unavailable(format!("{doing}: it has closed the connection; its log says why"));
        }
        let Some(said) = error.as_db_error() else {
            return Error::Unavailable(format!("{doing}: {}", chain(error)));
        };
        let (code, said) = (said.code(), format!("{doing}: {} ({})", said.message(), said.code().code()));
        match *code {
            _ if code.code().starts_with("28") => {
                Error::Config(format!("{said}; see url, and the password in ~/.pgpass"))
            }
            SqlState::INVALID_CATALOG_NAME => Error::Config(format!("{said}; see url")),
            SqlState::LOCK_NOT_AVAILABLE => {
                Error::Unavailable(format!("{said}: lock-timeout is over, somebody holds the table"))
            }
            SqlState::QUERY_CANCELED => {
                Error::Unavailable(format!("{said}: statement-timeout is over, or an admin ended it"))
            }
            // What says that a table is not as it should be: syntax errors and rights, wrong values.
            _ if code.code().starts_with("42") || code.code().starts_with("22") => Error::Refused(said),
            _ => Error::Unavailable(said),
        }
    }

    /// A row, after so many of its table, that is not what was asked for.
    pub fn broken(table: &str, rows: u64) -> Error {
        Error::Refused(format!("table {table}: what comes after {rows} rows is no row with a key"))
    }

    /// A server that takes what it is asked and says nothing.
    pub fn frozen(doing: &str, patience: Duration) -> Error {
        Error::Unavailable(format!(
            "{doing}: no word of it within {} s; is the server frozen?",
            patience.as_secs()
        ))
    }

    /// A file that cannot be written.
    pub fn writing(error: &std::io::Error) -> Error {
        Error::System(format!("cannot be written ({error})"))
    }

    /// The end of the program, said of this object and with what it means for the file.
    pub fn into_failure(self, database: &str, output: &str, consequence: &str) -> Failure {
        match self {
            Error::Config(cause) => Failure::config(format!("database {database}: {cause}; {consequence}")),
            Error::Unavailable(cause) => {
                Failure::unavailable(format!("database {database}: {cause}; {consequence}"))
            }
            Error::Refused(cause) => Failure::cache(format!("database {database}: {cause}; {consequence}")),
            Error::System(cause) => Failure::system(format!("output {output}: {cause}; {consequence}")),
        }
    }
}

/// An error and what is behind it, each said once.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut said = error.to_string();
    let mut behind = error.source();
    while let Some(cause) = behind {
        let text = cause.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        behind = cause.source();
    }
    said
}
