//! Options as they are written: flags and the sections of the TOML file, the one laid over the other.

use clap::Args;
use program::{
    failure::Failure,
    options::{self, Section},
};
use serde::Deserialize;
use std::path::PathBuf;

/// Which database to read, and where to.
#[derive(Debug, Args)]
pub struct Flags {
    #[command(flatten)]
    pub(super) options: Options,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Check the configuration, and that the database can be read, then exit
    #[arg(long)]
    pub(super) check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// The options that may stand in the file as well as in flags, by section.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    #[command(flatten)]
    pub(super) database: Database,
}

/// `[database]`: MirrorManager's tables.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields, expecting = "a section")]
pub struct Database {
    /// The database, such as postgres://USER@HOST/NAME; a password stands in ~/.pgpass
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The interchange file to write
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Time to wait for a table that somebody has locked [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub(super) lock_timeout: Option<u32>,
    /// Time that reading one table may take [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub(super) statement_timeout: Option<u32>,
}

/// The file's sections and their keys.
pub const SECTIONS: [Section; 1] =
    [Section { name: "database", keys: &["url", "output", "lock-timeout", "statement-timeout"] }];

impl Flags {
    /// The options that were given, and where they say nothing those of the file.
    pub(super) fn over_file(self) -> Result<Options, Failure> {
        let Options { database } = self.options;
        let file = self.config.as_deref().map(|path| options::file_of_sections::<Options>(path, &SECTIONS));
        let file = file.transpose()?.unwrap_or_default();
        Ok(Options { database: database.over(file.database) })
    }
}

impl Database {
    fn over(self, file: Database) -> Database {
        Database {
            url: self.url.or(file.url),
            output: self.output.or(file.output),
            lock_timeout: self.lock_timeout.or(file.lock_timeout),
            statement_timeout: self.statement_timeout.or(file.statement_timeout),
        }
    }
}
