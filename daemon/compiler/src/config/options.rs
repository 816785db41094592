//! Options as they are written: flags and the sections of the TOML file, the one laid over the other.

use clap::Args;
use program::{
    failure::Failure,
    options::{self, Section},
};
use serde::Deserialize;
use std::path::PathBuf;

/// What to build from, and where to.
#[derive(Debug, Args)]
pub struct Flags {
    #[command(flatten)]
    pub(super) options: Options,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Check the configuration, and that the inputs are there, then exit
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
    pub(super) inputs: Inputs,
    #[command(flatten)]
    pub(super) policy: Policy,
}

/// `[inputs]`: files.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a section")]
pub struct Inputs {
    /// MirrorManager's mirrorlist cache (protobuf)
    #[arg(long, value_name = "FILE")]
    pub(super) mirrormanager: Option<PathBuf>,
    /// Routing table, `PREFIX ASN` a line; plain, .gz or .zst
    #[arg(long, value_name = "FILE")]
    pub(super) netblocks: Option<PathBuf>,
    /// Continents of countries, `US,NA` a line
    #[arg(long, value_name = "FILE")]
    pub(super) continents: Option<PathBuf>,
    /// MaxMind database of countries, such as GeoLite2-Country.mmdb
    #[arg(long, value_name = "FILE")]
    pub(super) geoip: Option<PathBuf>,
    /// The cache file to write
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// `[policy]`: what the site wants of its cache beside what the inputs say.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields, expecting = "a section")]
pub struct Policy {
    /// Leave out URLs of these protocols, such as ftp,rsync [default: []]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) exclude_protocols: Option<Vec<String>>,
}

/// The file's sections and their keys.
pub const SECTIONS: [Section; 2] = [
    Section { name: "inputs", keys: &["mirrormanager", "netblocks", "continents", "geoip", "output"] },
    Section { name: "policy", keys: &["exclude-protocols"] },
];

impl Flags {
    /// The options that were given, and where they say nothing those of the file.
    pub(super) fn over_file(self) -> Result<Options, Failure> {
        let Options { inputs, policy } = self.options;
        let file = self.config.as_deref().map(|path| options::file_of_sections::<Options>(path, &SECTIONS));
        let file = file.transpose()?.unwrap_or_default();
        Ok(Options { inputs: inputs.over(file.inputs), policy: policy.over(file.policy) })
    }
}

impl Inputs {
    fn over(self, file: Inputs) -> Inputs {
        Inputs {
            mirrormanager: self.mirrormanager.or(file.mirrormanager),
            netblocks: self.netblocks.or(file.netblocks),
            continents: self.continents.or(file.continents),
            geoip: self.geoip.or(file.geoip),
            output: self.output.or(file.output),
        }
    }
}

impl Policy {
    fn over(self, file: Policy) -> Policy {
        // A flag with nothing in it is how to have none where the file has some.
        let given = self.exclude_protocols.map(|mut names| {
            names.retain(|name| !name.is_empty());
            names
        });
        Policy { exclude_protocols: given.or(file.exclude_protocols) }
    }
}
