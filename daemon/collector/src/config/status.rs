//! Every option of `mirrorlist-collect status`.

use super::{STATE, read_shared};
use clap::{ArgMatches, Args};
use program::failure::Failure;
use std::path::PathBuf;

/// What is to be shown, all options settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// The mirror of which all is to be shown, if it is only one.
    pub mirror: Option<String>,
    /// The file in which rounds are remembered.
    pub state: PathBuf,
    /// Print it as JSON.
    pub json: bool,
}

/// Whose memory to show.
#[derive(Debug, Args)]
pub struct Options {
    /// Show all that runs know of this mirror, by the name of its file
    #[arg(value_name = "MIRROR")]
    mirror: Option<String>,
    /// The file in which rounds are remembered
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let options = if self.config.is_some() { read_shared(flags)?.0 } else { self };
        let mirror = options.mirror.map(|name| name.to_ascii_lowercase());
        Ok(Config { mirror, state: options.state, json: options.json })
    }
}
