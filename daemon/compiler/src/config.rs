//! Every option of a build, declared once: its flag, key, section, help and default.
//!
//! How flags and the TOML file are laid over each other is in [`program::options`]; sections whose keys are free are in
//! files of their own, see [`site`]. Files have no defaults: which there
//! are is the site's to say. The example file names those that the units expect and lists every other option with its
//! default, and a test keeps the two alike.

mod aliases;
mod countries;
mod hosts;
mod origins;
mod site;

use crate::{
    compile::{Input, Inputs, MaxAges, Policy},
    failure::Failure,
};
use cache::{
    glob,
    inventory::{Choice, Site},
    limits::MOST_GLOBS,
    scheme::{Scheme, Schemes},
};
use clap::{ArgMatches, Args};
use program::options::{self, duration, likely};
use std::{path::PathBuf, time::Duration};

/// What a build is to do, all options settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the cache is made from.
    pub inputs: Inputs,
    /// The cache file to write.
    pub output: PathBuf,
    /// What of the inputs is wanted.
    pub policy: Policy,
    /// What the site says of its answers.
    pub site: Site,
    /// What the site wants of the choice among hosts.
    pub choice: Choice,
    /// Only check the configuration, and that the inputs are there.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

/// What to build from, and where to.
#[derive(Debug, Args)]
pub struct Options {
    /// MirrorManager's mirrorlist cache (protobuf)
    #[arg(long, value_name = "FILE", help_heading = "inputs")]
    mirrormanager: Option<PathBuf>,
    /// Routing table, `PREFIX ASN` a line; plain, .gz or .zst
    #[arg(long, value_name = "FILE", help_heading = "inputs")]
    netblocks: Option<PathBuf>,
    /// Continents of countries, `US,NA` a line
    #[arg(long, value_name = "FILE", help_heading = "inputs")]
    continents: Option<PathBuf>,
    /// MaxMind database of countries, such as GeoLite2-Country.mmdb
    #[arg(long, value_name = "FILE", help_heading = "inputs")]
    geoip: Option<PathBuf>,
    /// The cache file to write
    #[arg(long, value_name = "FILE", help_heading = "inputs")]
    output: Option<PathBuf>,
    /// Leave out URLs of these protocols, such as ftp,rsync [default: []]
    #[arg(long, value_name = "LIST", num_args = 0..=1, value_parser = schemes, help_heading = "policy")]
    exclude_protocols: Vec<Schemes>,
    /// Mirrors of other countries around the client's come next, until there are so many; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=255), help_heading = "policy")]
    near_hosts: u32,
    /// Ages beyond which a warning tells that an input is too old, 0 for none; inputs that are not named keep theirs [default: ["mirrormanager=1d", "netblocks=30d", "continents=0", "geoip=30d"]]
    #[arg(long, value_name = "INPUT=TIME", num_args = 0..=1, value_parser = max_age, help_heading = "policy")]
    max_age: Vec<(Input, u64)>,
    /// A file of one version that is younger comes from its origin, for mirrors cannot have it yet; 0 for none
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = options::duration, help_heading = "policy")]
    young: Duration,
    /// Files and directories that come from their origin alone, such as '*.torrent' [default: []]
    #[arg(long, value_name = "PATTERN", num_args = 0..=1, value_parser = pattern, help_heading = "policy")]
    origin_only: Vec<String>,
    /// The URL under which the world reaches the redirector's paths, such as `https://dl.example.org/`
    #[arg(long, value_name = "URL", value_parser = origins::url, help_heading = "policy")]
    public_url: Option<String>,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, and that the inputs are there, then exit
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Config, Failure> {
        let (options, entries) = match self.config {
            Some(_) => options::read_with(flags, &site::SECTIONS)?,
            None => (self, Vec::new()),
        };
        let exclude_protocols: Schemes =
            options.exclude_protocols.into_iter().flat_map(Schemes::iter).collect();
        if exclude_protocols == Schemes::ALL {
            let cause = "exclude-protocols: names every protocol, which leaves no mirror";
            return Err(Failure::config(cause));
        }
        let mut max_ages = MaxAges::default();
        options.max_age.into_iter().for_each(|(input, seconds)| max_ages.set(input, seconds));
        if options.origin_only.len() > MOST_GLOBS {
            let cause =
                format!("origin-only: more than {MOST_GLOBS} patterns, with which requests take long");
            return Err(Failure::config(cause));
        }
        let mut site = Site {
            // Options take times of up to ten years.
            young: options.young.as_secs() as u32,
            public_url: options.public_url,
            origin_only: options.origin_only,
            ..Site::default()
        };
        site::read(&entries, &mut site)?;
        let (choice, hosts) = site::choice(&entries, options.near_hosts)?;
        Ok(Config {
            inputs: Inputs {
                mirrormanager: needed("mirrormanager", options.mirrormanager)?,
                netblocks: options.netblocks,
                continents: options.continents,
                geoip: options.geoip,
            },
            output: needed("output", options.output)?,
            policy: Policy { exclude_protocols, hosts, max_ages },
            site,
            choice,
            check: options.check,
            json: options.json,
        })
    }
}

/// A file without which nothing can be built.
fn needed(key: &str, path: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let ask =
        format!("{key}: no file is named; give --{key} FILE, or --config FILE with {key} in its [inputs]");
    path.ok_or_else(|| Failure::config(ask))
}

/// Takes an input's name and a time, `=` between them.
fn max_age(said: &str) -> Result<(Input, u64), Failure> {
    let (name, time) = said.split_once('=').ok_or_else(|| Failure::config("expected INPUT=TIME"))?;
    let input = Input::ALL.into_iter().find(|input| input.to_string() == name).ok_or_else(|| {
        let known = Input::ALL.map(|input| input.to_string()).join(", ");
        Failure::config(format!("`{name}` is no input; there are {known}"))
    })?;
    Ok((input, duration(time)?.as_secs()))
}

/// Takes names of protocols, a comma between each.
fn schemes(names: &str) -> Result<Schemes, Failure> {
    let known = Scheme::ALL.map(Scheme::name);
    let scheme = |name: &str| {
        Scheme::parse(name.as_bytes()).ok_or_else(|| {
            let hint = likely(&name.to_ascii_lowercase(), known);
            let hint = if hint.is_empty() { format!("; there are {}", known.join(", ")) } else { hint };
            Failure::config(format!("`{name}` is no protocol of mirrors{hint}"))
        })
    };
    names.split(',').filter(|name| !name.is_empty()).map(scheme).collect()
}

/// Takes a pattern of paths.
fn pattern(text: &str) -> Result<String, Failure> {
    if glob::is_good(text) {
        return Ok(text.to_owned());
    }
    Err(Failure::config("expected a file's name or a path without slashes at its ends, with * and ?"))
}

#[cfg(test)]
mod tests;
