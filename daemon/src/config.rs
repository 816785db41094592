//! Every option of the daemon, declared once: its flag, key, help, default, unit and range.
//!
//! How flags and the TOML file are laid over each other is in [`program::options`]; what makes sense together is checked
//! here.

mod users;

use crate::{
    control::{self, Order},
    failure::Failure,
    query::Query,
};
use answer::{
    redirector::{Prefix, Redirector},
    rules::{LogAddress, NetblockMode, Rules},
};
use cache::FORMAT;
use clap::{
    CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    builder::{PathBufValueParser, TypedValueParser as _},
    value_parser,
};
use program::{
    files,
    options::{self, duration, mode, one_of},
    socket_file::{Access, check_path},
    version,
};
use std::{
    ffi::OsString,
    num::NonZero,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};
use wire::MAX_SLOTS;

/// How long a reload may take that has to wait for another one, apart from the drain limit.
const RELOAD_LIMIT: Duration = Duration::from_secs(30);

/// Answers which mirrors near a client carry a directory, from one shared copy of the cache.
///
/// Signals: TERM and INT end it; HUP loads the cache anew; USR1 reopens the logs.
#[derive(Clone, Debug, Parser, PartialEq, Eq)]
#[command(name = "mirrorlistd", version = version(Some(FORMAT)), max_term_width = 100, args_conflicts_with_subcommands = true)]
pub struct Config {
    /// The cache file, as mirrorlist-cache builds it
    #[arg(long, value_name = "FILE", default_value = "/var/lib/mirrorlist/cache.mlc")]
    pub cache: PathBuf,
    /// List of URLs to leave out of answers; read with the cache
    #[arg(long, value_name = "FILE")]
    pub suspended: Option<PathBuf>,
    /// The UNIX socket to listen on, unless systemd passes one
    #[arg(long, value_name = "PATH", default_value = "/run/mirrorlistd/socket", value_parser = PathBufValueParser::new().try_map(check_path))]
    pub socket: PathBuf,
    /// Permissions of the socket file
    #[arg(long, value_name = "OCTAL", default_value = "0660", value_parser = mode)]
    socket_mode: u32,
    /// Owner of the socket file, a name or a number; otherwise who runs the daemon
    #[arg(long, value_name = "USER", value_parser = users::user)]
    socket_owner: Option<u32>,
    /// Group of the socket file, a name or a number; otherwise the daemon's
    #[arg(long, value_name = "GROUP", value_parser = users::group)]
    socket_group: Option<u32>,
    /// User whose processes may ask; may be repeated; without any, whoever may open the socket file [default: []]
    #[arg(long = "peer", value_name = "USER", num_args = 0..=1, value_parser = users::peer)]
    pub peers: Vec<u32>,
    /// The UNIX socket for status and reload; if `socket` is elsewhere, beside that [default: /run/mirrorlistd/control]
    #[arg(long, value_name = "PATH", value_parser = PathBufValueParser::new().try_map(check_path))]
    control: Option<PathBuf>,
    /// Worker processes, 0 for one a core
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u16).range(..=i64::from(MAX_SLOTS)))]
    pub workers: u16,
    /// Whether workers shut themselves in: as far as the kernel can, not at all, or completely or not at work
    #[arg(long, value_name = "HOW", default_value = "on")]
    pub sandbox: SandboxMode,
    /// Hosts below which the mirrors of the whole world are listed too
    #[arg(long, value_name = "N", default_value_t = Rules::default().minimum)]
    minimum: usize,
    /// Whether hosts whose netblock contains the client come first, or are the only ones
    #[arg(long, value_name = "HOW", default_value = NetblockMode::NAMES[0].0, value_parser = one_of(&NetblockMode::NAMES))]
    netblock: NetblockMode,
    /// Prefix below which paths are those of files and lead to a mirror, such as /dl/; may be repeated; with a tree in front of
    /// what follows, /pub/=pub/ [default: []]
    #[arg(long, value_name = "PREFIX", num_args = 0..=1)]
    redirector: Vec<Prefix>,
    /// For how long the redirector leads a client to the same mirror; 0: each answer is drawn anew
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    sticky: Duration,
    /// Append a line to this file for each answered request that names a repository and an architecture, as MirrorManager's
    /// statistics read it
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// Append a line to this file for each request
    #[arg(long, value_name = "FILE")]
    request_log: Option<PathBuf>,
    /// What of a client's address the logs hold: its /24 or /48, all, or nothing
    #[arg(long, value_name = "HOW", default_value = LogAddress::NAMES[0].0, value_parser = one_of(&LogAddress::NAMES))]
    pub log_address: LogAddress,
    /// How long a retired worker may go on answering
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = duration)]
    pub drain_limit: Duration,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check configuration and cache, then exit
    #[arg(long)]
    pub check: bool,
}

/// Whether workers shut themselves in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SandboxMode {
    /// As far as the kernel can.
    On,
    /// Not at all.
    Off,
    /// Completely, or the daemon does not start.
    Require,
}

// What a daemon that runs already may be asked for, instead of becoming one. (A doc comment would head the help.)
#[derive(Debug, Subcommand)]
enum Errand {
    /// Print how the daemon is: generation, cache, workers, reloads; 69 when none answers
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon load the cache file anew, and wait until the new generation answers; 66 when it does not, 69 when no
    /// daemon answers
    Reload {
        /// Do not wait for the new generation
        #[arg(long)]
        no_wait: bool,
        /// Wait, as it does anyway
        #[arg(long, hide = true, conflicts_with = "no_wait")]
        wait: bool,
        /// Succeed when no daemon runs
        #[arg(long)]
        if_running: bool,
    },
    /// Ask a worker as a front end does, and print status, header lines and answer; 69 when none answers
    Query(Query),
}

/// What the program is started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// To be the daemon.
    Serve(Box<Config>),
    /// To ask the daemon for something.
    Ask(control::errand::Errand),
    /// To ask the workers behind this socket.
    Query(Query, PathBuf),
}

/// Options of the daemon that its subcommands take too.
const SHARED: [(&str, &[&str]); 3] = [
    ("status", &["control", "config"]),
    ("reload", &["control", "config"]),
    ("query", &["socket", "config"]),
];

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    let daemon = Config::command();
    SHARED.iter().fold(Errand::augment_subcommands(daemon.clone()), |command, (name, shared)| {
        let shared = daemon.get_arguments().filter(|option| shared.contains(&option.get_id().as_str()));
        command.mut_subcommand(name, |subcommand| subcommand.args(shared.cloned()))
    })
}

impl Task {
    /// Settles all options from the program's arguments and the file that they name.
    ///
    /// `--help` and `--version` print and end the process, as flags do.
    pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<Task, Failure> {
        let flags = options::flags(command(), arguments)?;
        let config: Config = options::read(&flags)?;
        // Folders are of no concern to those who only ask a daemon, and may not be allowed to look.
        let errand = Errand::from_arg_matches(&flags).ok();
        let unusable = || if errand.is_none() { config.unusable_log() } else { None };
        if let Some(cause) = config.contradiction().or_else(unusable) {
            return Err(Failure::config(cause));
        }
        Ok(errand.map_or_else(|| Task::Serve(Box::new(config.clone())), |errand| config.errand(errand)))
    }
}

impl Default for Config {
    fn default() -> Config {
        options::defaults()
    }
}

impl Config {
    /// An errand to the daemon that runs with these options.
    fn errand(&self, errand: Errand) -> Task {
        let (order, json, if_running) = match errand {
            Errand::Query(query) => return Task::Query(query, self.socket.clone()),
            Errand::Status { json, .. } => (Order::Status, json, false),
            Errand::Reload { no_wait: false, if_running, .. } => (Order::ReloadAndWait, false, if_running),
            Errand::Reload { no_wait: true, if_running, .. } => (Order::Reload, false, if_running),
        };
        let reload_limit = RELOAD_LIMIT + self.drain_limit;
        Task::Ask(control::errand::Errand { order, control: self.control(), json, if_running, reload_limit })
    }

    /// The socket file that the operator calls on.
    pub fn control(&self) -> PathBuf {
        self.control.clone().unwrap_or_else(|| self.socket.with_file_name("control"))
    }

    /// Who may open the socket file.
    pub fn socket_access(&self) -> Access {
        Access { mode: self.socket_mode, owner: self.socket_owner, group: self.socket_group }
    }

    /// How answers are made.
    pub fn rules(&self) -> Rules {
        let log_address = if self.access_log.is_some() { self.log_address } else { LogAddress::Off };
        Rules { minimum: self.minimum, netblock: self.netblock, log_address }
    }

    /// The files of the logs, by [`Log`](crate::log_file::Log).
    pub fn logs(&self) -> [Option<&Path>; 2] {
        [self.access_log.as_deref(), self.request_log.as_deref()]
    }

    /// What paths of files lead to.
    pub fn redirector(&self) -> Redirector {
        Redirector::new(self.redirector.clone(), self.sticky.as_secs())
    }

    /// How many workers a generation has.
    pub fn slots(&self) -> u16 {
        let cores = || available_parallelism().map_or(1, NonZero::get).min(MAX_SLOTS.into()) as u16;
        if self.workers == 0 { cores() } else { self.workers }
    }

    /// What of the options makes no sense together, if anything.
    fn contradiction(&self) -> Option<String> {
        let control = self.control();
        let taken: [&Path; 3] = [&self.cache, &self.socket, &control];
        for (option, log) in self.named_logs() {
            let other = self.named_logs().find(|(name, path)| *name != option && *path == log);
            if taken.contains(&log) || other.is_some() {
                return Some(format!("{option}: {} has another use already", log.display()));
            }
        }
        match control {
            control if control == self.socket => Some("control: must name a socket file of its own".into()),
            control => check_path(control).err().map(|cause| format!("control: {cause}")),
        }
    }

    /// Why a log cannot be made, if one cannot; told before the daemon starts and fails again and again.
    fn unusable_log(&self) -> Option<String> {
        self.named_logs().find_map(|(option, log)| {
            let folder = files::folder(log);
            match log {
                _ if log.is_dir() => Some(format!("{option}: {} is a folder", log.display())),
                _ if !folder.is_dir() => Some(format!("{option}: there is no folder {}", folder.display())),
                _ => None,
            }
        })
    }

    /// The logs that there are, by their options.
    fn named_logs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let named = ["access-log", "request-log"].into_iter().zip(self.logs());
        named.filter_map(|(option, path)| Some((option, path?)))
    }
}

#[cfg(test)]
mod tests;
