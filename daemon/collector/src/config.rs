//! Every option of `mirrorlist-collect database`, declared once: its flag, key, section, help and default; those of
//! [`run`], [`check`] and [`status`] have files of their own.
//!
//! All of them read one TOML file, in which each checks what it says to the others, too; how flags are laid over it is in
//! [`program::options`]. Database and output have no default: which they are is the site's to say.

mod aliases;
pub mod check;
pub mod check_mirror;
pub mod import;
pub mod paths;
pub mod run;
pub mod site;
pub mod status;

#[cfg(test)]
mod tests;

use crate::connection::Url;
use clap::{ArgMatches, Args};
use program::{
    failure::Failure,
    options::{self, command_of},
};
use std::{path::PathBuf, time::Duration};

/// Where rounds are remembered, unless somebody says otherwise.
const STATE: &str = "/var/lib/mirrorlist-collect/state.db";

/// What a reading of the database is to do, all options settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the database is, and as whom.
    pub url: Url,
    /// The interchange file to write.
    pub output: PathBuf,
    /// What `check` remembers, for what it has measured; it need not be there.
    pub state: PathBuf,
    /// How long to wait for a lock that somebody else holds.
    pub lock_timeout: Duration,
    /// How long a single statement may take.
    pub statement_timeout: Duration,
    /// Only check the configuration, and that the database can be read.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

/// Which database to read, and where to.
#[derive(Debug, Args)]
pub struct Options {
    /// The database, such as postgres://USER@HOST/NAME; a password stands in ~/.pgpass
    // A text here: clap would say it again with its password if it were wrong.
    #[arg(long, value_name = "URL", help_heading = "database")]
    url: Option<String>,
    /// The interchange file to write
    #[arg(long, value_name = "FILE", help_heading = "database")]
    output: Option<PathBuf>,
    /// The file in which check remembers by which versions of IP hosts answer
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
    // Waiting any longer would only mean that the next reading begins before this one ends.
    /// Time to wait for a table that somebody has locked
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = options::limit, help_heading = "database")]
    lock_timeout: Duration,
    // The largest known deployment takes seconds.
    /// Time that reading one table may take
    #[arg(long, value_name = "TIME", default_value = "300", value_parser = options::limit, help_heading = "database")]
    statement_timeout: Duration,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, and that the database can be read, then exit
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let url_by_flag = self.url.is_some();
        let options = if self.config.is_some() { read_shared(flags)?.0 } else { self };
        let url = options.url.ok_or_else(|| absent("url", "database", "URL"))?;
        let url = Url::parse(&url).map_err(|cause| Failure::config(format!("url: {cause}")))?;
        if url_by_flag && url.has_password() {
            let cause = "url: a password on the command line is there for everyone to see; put it into ~/.pgpass, or \
                         the url into the file that --config names";
            return Err(Failure::config(cause));
        }
        Ok(Config {
            url,
            output: options.output.ok_or_else(|| absent("output", "file", "FILE"))?,
            state: options.state,
            lock_timeout: options.lock_timeout,
            statement_timeout: options.statement_timeout,
            check: options.check,
            json: options.json,
        })
    }
}

/// The options of `T`, and what there is to be mirrored, of the file that all subcommands share.
fn read_shared<T: Args>(flags: &ArgMatches) -> Result<(T, site::Site), Failure> {
    let others = [command_of::<Options>(), command_of::<check::Options>(), command_of::<run::Options>()];
    let (options, entries) = options::read_beside(flags, &site::SECTIONS, &others)?;
    Ok((options, site::Site::read(&entries)?))
}

/// Takes what can stand in a header line.
fn contact(text: &str) -> Result<String, Failure> {
    let is_good = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let refused = || Failure::config("expected a URL or an address of e-mail");
    is_good.then(|| text.to_owned()).ok_or_else(refused)
}

/// An option without which nothing can be read.
fn absent(key: &str, what: &str, value: &str) -> Failure {
    absent_from(key, what, value, "its [database]")
}

/// An option that nobody has named, and the place in a file where it would stand.
fn absent_from(key: &str, what: &str, value: &str, place: &str) -> Failure {
    Failure::config(format!(
        "{key}: no {what} is named; give --{key} {value}, or --config FILE with {key} in {place}"
    ))
}
