//! Every option of `mirrorlist-collect check-mirror`; what there is to be mirrored says the file of `run`.

use super::{STATE, absent_from, contact, read_shared, site::Site};
use clap::{ArgMatches, Args};
use ipnetwork::IpNetwork;
use program::failure::Failure;
use std::{collections::BTreeSet, path::PathBuf};

/// What is to be checked, all options settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// A URL, or the path of a mirror's file.
    pub mirror: String,
    /// Where the operator can be reached.
    pub contact: String,
    /// What is remembered, for versions of indexes that count still; it need not be there.
    pub state: PathBuf,
    /// Networks outside of the public internet that may be contacted.
    pub allow_addresses: Vec<IpNetwork>,
    /// Mirrors whose files may have keys by which they take clients from others.
    pub trusted: BTreeSet<String>,
    /// What there is to be mirrored.
    pub site: Site,
    /// Print what is found as JSON.
    pub json: bool,
}

/// Which mirror to check, and against what.
#[derive(Debug, Args)]
pub struct Options {
    // Said to be needed by `settle`: clap would miss it in the file, too.
    /// A URL of the mirror, or its file
    #[arg(value_name = "URL|FILE")]
    mirror: Option<String>,
    /// Where mirrors' admins can reach you: a URL or an address, for the User-Agent
    #[arg(long, value_name = "TEXT", value_parser = contact)]
    contact: Option<String>,
    /// The file in which runs are remembered, if there is one
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
    /// Networks outside of the public internet that may be contacted [default: []]
    #[arg(long, value_name = "PREFIX", num_args = 0..=1)]
    allow_addresses: Vec<IpNetwork>,
    /// Mirrors whose files may say exclusive, up-to-date, weight, netblocks wider than /16 (IPv6: /32), and over 1000 netblocks or ASNs [default: []]
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    trusted: Vec<String>,
    /// Read options, and what there is to be mirrored, from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what is found as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name, which has to be there.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let Some(mirror) = self.mirror else {
            return Err(Failure::config("mirror: no URL and no file is named; give one of them"));
        };
        let Some(file) = self.config else {
            let cause = "config: no file is named that says what there is to be mirrored; give --config FILE";
            return Err(Failure::config(cause));
        };
        let (options, site) = read_shared::<Options>(flags)?;
        Ok(Config {
            mirror,
            contact: options
                .contact
                .ok_or_else(|| absent_from("contact", "address for mirrors' admins", "TEXT", "it"))?,
            state: options.state,
            allow_addresses: options.allow_addresses,
            trusted: options.trusted.iter().map(|name| name.to_ascii_lowercase()).collect(),
            site: site.complete(&file)?,
            json: options.json,
        })
    }
}
