//! How options are read: flags, and a flat TOML file whose keys are the flags' names.
//!
//! What they mean together, and their defaults, are one folder up.

use super::{MOST_WORKERS, MapMode};
use crate::answer::{LogAddress, NetblockMode};
use clap::Parser;
use serde::Deserialize;
use shared::program::{failure::Failure, options};
use std::{ffi::OsString, path::PathBuf};

/// Answers which mirrors near a client carry a directory, from one shared copy of the cache.
///
/// Signals: TERM and INT end it; HUP loads the cache anew; USR1 reopens the access log.
#[derive(Debug, Parser)]
#[command(name = "mirrorlistd", version, max_term_width = 100)]
struct Flags {
    #[command(flatten)]
    options: Options,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check configuration and cache, then exit
    #[arg(long)]
    check: bool,
}

/// The options that may stand in the file as well as in flags.
#[derive(Debug, Default, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {
    /// The cache file, as mirrorlist-cache builds it [default: /var/lib/mirrorlist/cache.mlc]
    #[arg(long, value_name = "FILE")]
    pub cache: Option<PathBuf>,
    /// The UNIX socket to listen on, unless systemd passes one [default: /run/mirrorlistd/socket]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Permissions of the socket file [default: 0660]
    #[arg(long, value_name = "OCTAL")]
    pub socket_mode: Option<String>,
    /// Worker processes, 0 for one a core [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=MOST_WORKERS as i64))]
    pub workers: Option<u16>,
    /// How the cache comes into memory: a sealed copy, or a map of the file itself [default: seal]
    #[arg(long, value_name = "HOW")]
    pub map: Option<MapMode>,
    /// Hosts below which the mirrors of the whole world are listed too [default: 5]
    #[arg(long, value_name = "N")]
    pub minimum: Option<usize>,
    /// Whether hosts whose netblock contains the client come first, or are the only ones [default: first]
    #[arg(long, value_name = "HOW")]
    pub netblock: Option<NetblockMode>,
    /// Append access-log lines to this file; needs log-address
    #[arg(long, value_name = "FILE")]
    pub access_log: Option<PathBuf>,
    /// What of a client's address the access log holds: nothing is logged, all, or its /24 or /48 [default: off]
    #[arg(long, value_name = "HOW")]
    pub log_address: Option<LogAddress>,
    /// How long a retired worker may go on answering [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub drain_limit: Option<u32>,
}

/// Names of the file's keys, for suggestions.
pub const KEYS: [&str; 10] = [
    "cache",
    "socket",
    "socket-mode",
    "workers",
    "map",
    "minimum",
    "netblock",
    "access-log",
    "log-address",
    "drain-limit",
];

/// Reads the program's arguments and the file that they name. Returns the options, and whether only to check them.
///
/// `--help` and `--version` print and end the process, as flags do.
pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<(Options, bool), Failure> {
    let flags: Flags = options::flags(arguments)?;
    let file =
        flags.config.as_deref().map(|path| options::file(path, &KEYS)).transpose()?.unwrap_or_default();
    Ok((flags.options.over(file), flags.check))
}

impl Options {
    /// These options, and where they say nothing those of `file`.
    fn over(self, file: Options) -> Options {
        Options {
            cache: self.cache.or(file.cache),
            socket: self.socket.or(file.socket),
            socket_mode: self.socket_mode.or(file.socket_mode),
            workers: self.workers.or(file.workers),
            map: self.map.or(file.map),
            minimum: self.minimum.or(file.minimum),
            netblock: self.netblock.or(file.netblock),
            access_log: self.access_log.or(file.access_log),
            log_address: self.log_address.or(file.log_address),
            drain_limit: self.drain_limit.or(file.drain_limit),
        }
    }
}

/// What `--help` says of an option.
#[cfg(test)]
pub fn help(key: &str) -> String {
    use clap::CommandFactory as _;
    let command = Flags::command();
    let option = command.get_arguments().find(|argument| argument.get_long() == Some(key));
    option.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default()
}
