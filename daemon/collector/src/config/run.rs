//! Every option of `mirrorlist-collect run`; what its sections say beside them is in [`site`](super::site).
//!
//! Its options stand above all sections, for they are about the same mirrors, memory and folder as those of `check`.

use super::{STATE, absent_from, check, contact, read_shared, site::Site};
use clap::{ArgMatches, Args};
use ipnetwork::IpNetwork;
use program::failure::Failure;
use std::{collections::BTreeSet, path::PathBuf};

/// What a run is to do, all options settled.
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
    /// The folder with a file for each mirror.
    pub mirrors: PathBuf,
    /// Mirrors whose files may have keys by which they take clients from others.
    pub trusted: BTreeSet<String>,
    /// What there is to be mirrored.
    pub site: Site,
    /// Believe the primary, the folder of mirrors, and what mirrors have answered, though most of what there was is gone.
    pub accept_loss: bool,
    /// Only check the configuration and the mirrors' files.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

impl Config {
    /// The interchange file.
    pub fn interchange(&self) -> PathBuf {
        self.output.join(check::INTERCHANGE)
    }
}

/// Which mirrors to look at, and what they should have.
#[derive(Debug, Args)]
pub struct Options {
    /// Where mirrors' admins can reach you: a URL or an address, for the User-Agent
    #[arg(long, value_name = "TEXT", value_parser = contact)]
    contact: Option<String>,
    /// The file in which runs are remembered
    #[arg(long, value_name = "FILE", default_value = STATE)]
    state: PathBuf,
    /// The folder to write to: mirrorlist.proto-cache
    #[arg(long, value_name = "FOLDER", default_value = "/var/lib/mirrorlist-collect/out")]
    output: PathBuf,
    /// Networks outside of the public internet that may be contacted [default: []]
    #[arg(long, value_name = "PREFIX", num_args = 0..=1)]
    allow_addresses: Vec<IpNetwork>,
    /// The folder with a file for each mirror
    #[arg(long, value_name = "FOLDER", default_value = "/etc/mirrorlist/mirrors.d")]
    mirrors: PathBuf,
    /// Mirrors whose files may say exclusive, up-to-date, weight, netblocks wider than /16 (IPv6: /32), and over 1000 netblocks or ASNs [default: []]
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    trusted: Vec<String>,
    /// Read options, and what there is to be mirrored, from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Believe the primary, the folder of mirrors, or what mirrors have answered, though more than half of what there was is gone
    #[arg(long)]
    accept_loss: bool,
    /// Check the configuration and the files of all mirrors, then exit
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name, which has to be there.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let Some(file) = self.config else {
            let cause = "config: no file is named that says what there is to be mirrored; give --config FILE";
            return Err(Failure::config(cause));
        };
        let (options, site) = read_shared::<Options>(flags)?;
        let site = site.complete(&file)?;
        Ok(Config {
            contact: options
                .contact
                .ok_or_else(|| absent_from("contact", "address for mirrors' admins", "TEXT", "it"))?,
            state: options.state,
            output: options.output,
            allow_addresses: options.allow_addresses,
            mirrors: options.mirrors,
            trusted: options.trusted.iter().map(|name| name.to_ascii_lowercase()).collect(),
            site,
            accept_loss: options.accept_loss,
            check: options.check,
            json: options.json,
        })
    }
}
