//! Every option of `mirrorlist-collect check`.
//!
//! Options without a section (who we are, which addresses are allowed, the state) hold for `run`, too. `contact` has no
//! default, since mirrors' admins have to be able to reach the operator.

use super::{STATE, absent_from, contact, read_shared};
use clap::{ArgMatches, Args};
use ipnetwork::IpNetwork;
use program::failure::Failure;
use std::path::PathBuf;
use url::Url;

/// Repositories whose spread is measured at most: one a round has its turn, each once an hour.
const MOST_MEASURED: usize = 20;

/// What the output is called that `database` and `run` write.
pub const INTERCHANGE: &str = "mirrorlist.proto-cache";

/// What a round is to do, all options settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the operator can be reached.
    pub contact: String,
    /// The file of what is remembered.
    pub state: PathBuf,
    /// The folder of what others read.
    pub output: PathBuf,
    /// Networks outside of the public internet that may be contacted.
    pub allow_addresses: Vec<IpNetwork>,
    /// The interchange file, if it is not the one in `output`.
    pub interchange: Option<PathBuf>,
    /// A URL that answers whenever our network is well.
    pub control: Option<Url>,
    /// Repositories whose spread is measured, `PREFIX+ARCH`.
    pub propagation: Vec<String>,
    /// Only check the configuration, and that the interchange file can be read.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

impl Config {
    /// The interchange file.
    pub fn interchange(&self) -> PathBuf {
        self.interchange.clone().unwrap_or_else(|| self.output.join(INTERCHANGE))
    }
}

/// Whom to ask, and what to make of it.
#[derive(Debug, Args)]
pub struct Options {
    /// Where mirrors' admins can reach you: a URL or an address, for the User-Agent
    #[arg(long, value_name = "TEXT", value_parser = contact)]
    contact: Option<String>,
    /// The file in which rounds are remembered
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
    /// The folder to write to: suspended, mirrors.json, propagation.json
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/mirrorlist-collect/out")]
    output: PathBuf,
    /// Networks outside of the public internet that may be contacted [default: []]
    #[arg(long, value_name = "PREFIX", num_args = 0..=1)]
    allow_addresses: Vec<IpNetwork>,
    /// The interchange file, if it is not mirrorlist.proto-cache in the output's folder
    #[arg(long, value_name = "FILE", help_heading = "check")]
    interchange: Option<PathBuf>,
    /// A URL that answers whenever your network is well, such as one of the primary mirror
    #[arg(long, value_name = "URL", value_parser = web_url, help_heading = "check")]
    control: Option<Url>,
    /// Repositories whose way to the mirrors is measured, such as updates-released-f42+x86_64 [default: []]
    #[arg(long, value_name = "PREFIX+ARCH", num_args = 0..=1, value_parser = repository, help_heading = "check")]
    propagation: Vec<String>,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, and that the interchange file can be read, then exit
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let options = match self.config {
            Some(_) => read_shared(flags)?.0,
            None => self,
        };
        if options.propagation.len() > MOST_MEASURED {
            let cause = format!(
                "propagation: more than {MOST_MEASURED} repositories, which an hour has no rounds for"
            );
            return Err(Failure::config(cause));
        }
        Ok(Config {
            contact: options
                .contact
                .ok_or_else(|| absent_from("contact", "address for mirrors' admins", "TEXT", "it"))?,
            state: options.state,
            output: options.output,
            allow_addresses: options.allow_addresses,
            interchange: options.interchange,
            control: options.control,
            propagation: options.propagation,
            check: options.check,
            json: options.json,
        })
    }
}

/// Takes a URL that can be asked.
fn web_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    url.ok_or_else(|| Failure::config("expected an https or http URL"))
}

/// Takes a repository's prefix and architecture.
fn repository(text: &str) -> Result<String, Failure> {
    let is_good = text.rsplit_once('+').is_some_and(|(prefix, arch)| !prefix.is_empty() && !arch.is_empty());
    is_good.then(|| text.to_owned()).ok_or_else(|| {
        Failure::config("expected a prefix and an architecture, such as updates-released-f42+x86_64")
    })
}
