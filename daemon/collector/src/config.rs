//! Every option of `mirrorlist-collect`: what it means and its default.
//!
//! Options come from flags and from a TOML file whose keys are the flags' names, in sections; a flag overrides the file.
//! How they are read is in `options`.

mod options;
#[cfg(test)]
mod tests;

pub use options::{Flags, SECTIONS};

use crate::connection::Url;
use options::Options;
use program::failure::Failure;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What a reading of the database is to do, all options settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the database is, and as whom.
    pub url: Url,
    /// The interchange file to write.
    pub output: PathBuf,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// How long a single statement may take.
    pub statement_timeout: Duration,
    /// Only check the configuration, and that the database can be read.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

/// Waiting for a lock any longer would only mean that the next reading begins before this one ends.
const LOCK_TIMEOUT: u32 = 10;

/// The largest known deployment takes seconds.
const STATEMENT_TIMEOUT: u32 = 300;

impl Config {
    /// Settles all options from the flags and the file that they name.
    pub fn load(flags: Flags) -> Result<Config, Failure> {
        let (check, json) = (flags.check, flags.json);
        let by_flag = flags.options.database.url.is_some();
        let config = settle(flags.over_file()?, by_flag).map_err(Failure::config)?;
        Ok(Config { check, json, ..config })
    }
}

/// Puts defaults where nothing was said, and checks every value.
fn settle(options: Options, url_by_flag: bool) -> Result<Config, String> {
    let options::Database { url, output, lock_timeout, statement_timeout } = options.database;
    let url = url.ok_or_else(|| absent("url", "database", "URL"))?;
    let output = output.ok_or_else(|| absent("output", "file", "FILE"))?;
    if output == Path::new("") {
        return Err("output: names no file".into());
    }
    let url = Url::parse(&url).map_err(|cause| format!("url: {cause}"))?;
    if url_by_flag && url.has_password() {
        return Err("url: a password on the command line is there for everyone to see; put it into ~/.pgpass, or the \
                    url into the file that --config names"
            .into());
    }
    Ok(Config {
        url,
        output,
        lock_timeout: seconds("lock-timeout", lock_timeout, LOCK_TIMEOUT)?,
        statement_timeout: seconds("statement-timeout", statement_timeout, STATEMENT_TIMEOUT)?,
        check: false,
        json: false,
    })
}

fn absent(key: &str, what: &str, value: &str) -> String {
    format!("{key}: no {what} is named; give --{key} {value}, or --config FILE with {key} in its [database]")
}

/// A time-out; PostgreSQL would take 0 for none.
fn seconds(key: &str, given: Option<u32>, default: u32) -> Result<Duration, String> {
    match given.unwrap_or(default) {
        seconds @ 1..=86_400 => Ok(Duration::from_secs(seconds.into())),
        other => Err(format!("{key}: {other} seconds, expected 1 to 86400")),
    }
}
