//! How options are read: flags, and a flat TOML file whose keys are the flags' names.
//!
//! What they mean together, and their defaults, are one folder up.

use super::SandboxMode;
use crate::query::Query;
use answer::rules;
use cache::FORMAT;
use clap::{CommandFactory as _, Parser, Subcommand};
use program::{failure::Failure, options, version};
use serde::Deserialize;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};
use wire::MAX_SLOTS;

/// Answers which mirrors near a client carry a directory, from one shared copy of the cache.
///
/// Signals: TERM and INT end it; HUP loads the cache anew; USR1 reopens the access log.
#[derive(Debug, Parser)]
#[command(name = "mirrorlistd", version = version(Some(FORMAT)), max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    errand: Option<Errand>,
    #[command(flatten)]
    options: Options,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check configuration and cache, then exit
    #[arg(long)]
    check: bool,
}

/// What a daemon that runs already may be asked for, instead of becoming one.
#[derive(Debug, Subcommand)]
pub enum Errand {
    /// Print how the daemon is: generation, cache, workers, reloads; 69 when none answers
    Status {
        #[command(flatten)]
        asked: ControlOptions,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon load the cache file anew; 69 when none answers
    Reload {
        #[command(flatten)]
        asked: ControlOptions,
        /// Wait until the new generation answers, or say why it does not and end with 66
        #[arg(long)]
        wait: bool,
        /// Succeed when no daemon runs
        #[arg(long)]
        if_running: bool,
    },
    /// Ask a worker as a front end does, and print status, header lines and answer; 69 when none answers
    Query(Query),
}

/// Where the daemon is to be found.
#[derive(Debug, clap::Args)]
pub struct ControlOptions {
    /// The daemon's control socket [default: /run/mirrorlistd/control]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Read from the daemon's options where its control socket is
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What the program's arguments and the file that they name say.
#[derive(Debug)]
pub enum Said {
    /// To be a daemon with these options, or (`check`) only to look at them.
    Serve {
        /// The options.
        options: Options,
        /// Whether only to look.
        check: bool,
    },
    /// To ask one that runs with these options.
    Ask {
        /// For what.
        errand: Errand,
        /// The options, as far as they matter for that.
        options: Options,
    },
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
    /// Owner of the socket file, a name or a number; otherwise who runs the daemon
    #[arg(long, value_name = "USER")]
    pub socket_owner: Option<String>,
    /// Group of the socket file, a name or a number; otherwise the daemon's
    #[arg(long, value_name = "GROUP")]
    pub socket_group: Option<String>,
    /// User whose processes may ask; may be repeated; without any, whoever may open the socket file [default: []]
    #[arg(long, value_name = "USER")]
    pub peer: Option<Vec<String>>,
    /// The UNIX socket for status and reload; if `socket` is elsewhere, beside that [default: /run/mirrorlistd/control]
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Worker processes, 0 for one a core [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(..=MAX_SLOTS as i64))]
    pub workers: Option<u16>,
    /// Whether workers shut themselves in: as far as the kernel can, not at all, or completely or not at work
    /// [default: on]
    #[arg(long, value_name = "HOW")]
    pub sandbox: Option<SandboxMode>,
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

/// [`rules::NetblockMode`] as options say it.
#[derive(Clone, Copy, Debug, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetblockMode {
    /// Its hosts come first, those of the other tiers follow.
    First,
    /// Its hosts are the answer.
    Only,
}

impl From<NetblockMode> for rules::NetblockMode {
    fn from(said: NetblockMode) -> rules::NetblockMode {
        match said {
            NetblockMode::First => rules::NetblockMode::First,
            NetblockMode::Only => rules::NetblockMode::Only,
        }
    }
}

/// [`rules::LogAddress`] as options say it.
#[derive(Clone, Copy, Debug, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogAddress {
    /// No line is written.
    Off,
    /// The whole address.
    Full,
    /// The /24 of an IPv4 address, the /48 of an IPv6 address.
    Short,
}

impl From<LogAddress> for rules::LogAddress {
    fn from(said: LogAddress) -> rules::LogAddress {
        match said {
            LogAddress::Off => rules::LogAddress::Off,
            LogAddress::Full => rules::LogAddress::Full,
            LogAddress::Short => rules::LogAddress::Short,
        }
    }
}

/// Names of the file's keys, for suggestions.
pub const KEYS: [&str; 14] = [
    "cache",
    "socket",
    "socket-mode",
    "socket-owner",
    "socket-group",
    "peer",
    "control",
    "workers",
    "sandbox",
    "minimum",
    "netblock",
    "access-log",
    "log-address",
    "drain-limit",
];

/// Reads the program's arguments and the file that they name.
///
/// `--help` and `--version` print and end the process, as flags do.
pub fn read(arguments: impl Iterator<Item = OsString>) -> Result<Said, Failure> {
    let flags: Flags = options::flags(arguments)?;
    let file = |path: Option<&Path>| {
        path.map_or_else(|| Ok(Options::default()), |path| options::file::<Options>(path, &KEYS))
    };
    Ok(match flags.errand {
        None => {
            let options = flags.options.over(file(flags.config.as_deref())?);
            Said::Serve { options, check: flags.check }
        }
        Some(errand) => {
            let (given, config) = match &errand {
                Errand::Status { asked, .. } | Errand::Reload { asked, .. } => {
                    (Options { control: asked.control.clone(), ..Options::default() }, &asked.config)
                }
                Errand::Query(query) => {
                    (Options { socket: query.socket.clone(), ..Options::default() }, &query.config)
                }
            };
            let options = given.over(file(config.as_deref())?);
            Said::Ask { errand, options }
        }
    })
}

impl Options {
    /// These options, and where they say nothing those of `file`.
    fn over(self, file: Options) -> Options {
        Options {
            cache: self.cache.or(file.cache),
            socket: self.socket.or(file.socket),
            socket_mode: self.socket_mode.or(file.socket_mode),
            control: self.control.or(file.control),
            socket_owner: self.socket_owner.or(file.socket_owner),
            socket_group: self.socket_group.or(file.socket_group),
            peer: self.peer.or(file.peer),
            workers: self.workers.or(file.workers),
            sandbox: self.sandbox.or(file.sandbox),
            minimum: self.minimum.or(file.minimum),
            netblock: self.netblock.or(file.netblock),
            access_log: self.access_log.or(file.access_log),
            log_address: self.log_address.or(file.log_address),
            drain_limit: self.drain_limit.or(file.drain_limit),
        }
    }
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Flags::command()
}

/// What `--help` says of an option.
#[cfg(test)]
pub fn help(key: &str) -> String {
    let command = command();
    let option = command.get_arguments().find(|argument| argument.get_long() == Some(key));
    option.and_then(clap::Arg::get_help).map(ToString::to_string).unwrap_or_default()
}
