//! How options are read: flags, and a flat TOML file whose keys are the flags' names.
//!
//! What they mean together, and their defaults, are one folder up.

use super::{MOST_WORKERS, MapMode};
use crate::{
    answer::{LogAddress, NetblockMode},
    failure::Failure,
};
use clap::Parser;
use serde::{Deserialize, de::IntoDeserializer as _};
use std::{ffi::OsString, fs, path::PathBuf};
use toml::de::DeTable;

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
    let flags = Flags::try_parse_from(arguments).map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        Failure::config(one_line(&error.to_string()))
    })?;
    let file = match &flags.config {
        None => Options::default(),
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::config(format!("config {}: {error}", path.display())))?;
            read_file(&text).map_err(|cause| Failure::config(format!("config {}{cause}", path.display())))?
        }
    };
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

/// Reads the file's options. An error names its line.
fn read_file(text: &str) -> Result<Options, String> {
    let line = |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count();
    let complain = |error: toml::de::Error| {
        let place = error.span().map_or(String::new(), |span| format!(" line {}", line(span.start)));
        format!("{place}: {}", one_line(error.message()))
    };
    let table = DeTable::parse(text).map_err(complain)?;
    for key in table.get_ref().keys() {
        let name = key.get_ref().as_ref();
        if !KEYS.contains(&name) {
            let hint = nearest(name).map_or(String::new(), |known| format!("; did you mean `{known}`?"));
            return Err(format!(" line {}: unknown option `{name}`{hint}", line(key.span().start)));
        }
    }
    Options::deserialize(table.into_deserializer()).map_err(complain)
}

/// The known key that `name` is most likely a slip of.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.replace('_', "-");
    KEYS.into_iter()
        .map(|key| (edits(&name, key), key))
        .min()
        .filter(|(edits, key)| *edits <= key.len().div_ceil(3))
        .map(|(_, key)| key)
}

/// Letters to insert, drop or change to get from one word to the other (Levenshtein's distance).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// What a message of several paragraphs says before it turns to usage.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<&str> = lines.take_while(|line| !line.starts_with("Usage:")).collect();
    let said = said.join("; ");
    said.trim_start_matches("error: ").replace("; For more information, try '--help'.", "")
}

/// What `--help` says of an option.
#[cfg(test)]
pub fn help(key: &str) -> String {
    use clap::CommandFactory as _;
    let command = Flags::command();
    let option = command.get_arguments().find(|argument| argument.get_long() == Some(key));
    option.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default()
}
