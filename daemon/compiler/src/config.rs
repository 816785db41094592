//! Every option of a build: what it means and its default.
//!
//! Options come from flags and from a TOML file whose keys are the flags' names, in sections; a flag overrides the file.
//! How they are read is in `options`. Files have no defaults: which there are is the site's to say. The example file
//! names those that the units expect and lists every other option with its default, and a test keeps the two alike.

mod options;

pub use options::{Flags, SECTIONS};

use crate::{
    compile::{Inputs, Policy},
    failure::Failure,
};
use cache::scheme::{Scheme, Schemes};
use options::Options;
use program::options::likely;
use std::path::{Path, PathBuf};

/// What a build is to do, all options settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the cache is made from.
    pub inputs: Inputs,
    /// The cache file to write.
    pub output: PathBuf,
    /// What of the inputs is wanted.
    pub policy: Policy,
    /// Only check the configuration, and that the inputs are there.
    pub check: bool,
    /// Print the summary as JSON.
    pub json: bool,
}

impl Config {
    /// Settles all options from the flags and the file that they name.
    pub fn load(flags: Flags) -> Result<Config, Failure> {
        let (check, json) = (flags.check, flags.json);
        let config = settle(flags.over_file()?).map_err(Failure::config)?;
        Ok(Config { check, json, ..config })
    }
}

/// Puts defaults where nothing was said, and checks every value.
fn settle(options: Options) -> Result<Config, String> {
    let options::Inputs { mirrormanager, netblocks, continents, geoip, output } = options.inputs;
    Ok(Config {
        inputs: Inputs {
            mirrormanager: needed("mirrormanager", mirrormanager)?,
            netblocks: named("netblocks", netblocks)?,
            continents: named("continents", continents)?,
            geoip: named("geoip", geoip)?,
        },
        output: needed("output", output)?,
        policy: Policy { exclude_protocols: excluded(options.policy.exclude_protocols.as_deref())? },
        check: false,
        json: false,
    })
}

/// A file that may be left out, but if it is given has a name.
fn named(key: &str, path: Option<PathBuf>) -> Result<Option<PathBuf>, String> {
    match path {
        Some(path) if path == Path::new("") => Err(format!("{key}: names no file")),
        path => Ok(path),
    }
}

/// A file without which nothing can be built.
fn needed(key: &str, path: Option<PathBuf>) -> Result<PathBuf, String> {
    named(key, path)?.ok_or_else(|| {
        format!("{key}: no file is named; give --{key} FILE, or --config FILE with {key} in its [inputs]")
    })
}

/// The schemes of these names.
fn excluded(names: Option<&[String]>) -> Result<Schemes, String> {
    let known = Scheme::ALL.map(Scheme::name);
    let scheme = |name: &String| {
        Scheme::parse(name.as_bytes()).ok_or_else(|| {
            let hint = likely(&name.to_ascii_lowercase(), &known);
            let hint = if hint.is_empty() { format!("; there are {}", known.join(", ")) } else { hint };
            format!("exclude-protocols: `{name}` is no protocol of mirrors{hint}")
        })
    };
    let excluded = names.unwrap_or_default().iter().map(scheme).collect::<Result<Schemes, _>>()?;
    if excluded == Schemes::ALL {
        return Err("exclude-protocols: names every protocol, which leaves no mirror".into());
    }
    Ok(excluded)
}

#[cfg(test)]
mod tests;
