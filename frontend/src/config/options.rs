//! Options as they are written: flags and the TOML file, the one laid over the other.
//!
//! Whatever is wrong is told with its place and in one line; nothing is guessed.

use super::{Config, Limits, Listen, Relay};
use clap::{CommandFactory as _, Parser};
use ipnetwork::IpNetwork;
use program::{
    failure::Failure,
    options::{self, mode},
    socket_file::check_path,
    version,
};
use serde::Deserialize;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};
use wire::net::Trusted;

/// Serves mirrorlists and metalinks over HTTP: relays requests to the workers of mirrorlistd.
///
/// Signals: TERM and INT end it after the requests in flight, a second one at once.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-http", version = version(None), max_term_width = 100)]
struct Flags {
    #[command(flatten)]
    options: Options,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, then exit
    #[arg(long)]
    check: bool,
}

/// The options that may stand in the file as well as in flags.
#[derive(Debug, Default, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Options {
    /// Where clients connect: ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH; may be repeated [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Vec<String>>,
    /// Permissions of socket files that are listened on [default: 0666]
    #[arg(long, value_name = "OCTAL")]
    socket_mode: Option<String>,
    /// Where health and metrics can be asked for: ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// The socket of mirrorlistd [default: /run/mirrorlistd/socket]
    #[arg(long, value_name = "PATH")]
    daemon: Option<PathBuf>,
    /// Believe the X-Forwarded-For of proxies in this prefix; may be repeated; replaces the default, loopback. UNIX
    /// sockets are always believed
    #[arg(long, value_name = "PREFIX")]
    trusted_proxy: Option<Vec<String>>,
    /// Threads that serve, 0 for one a core [default: 0]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Connections in all; at this number one that is idle makes room for the next [default: 4096]
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// Longest request target; a longer one is answered with 414 [default: 8192]
    #[arg(long, value_name = "BYTES")]
    max_uri: Option<usize>,
    /// Longest request head; a longer one is answered with 431 [default: 16384]
    #[arg(long, value_name = "BYTES")]
    max_head: Option<usize>,
    /// Time for a request's head to arrive [default: 10]
    #[arg(long, value_name = "SECONDS")]
    header_timeout: Option<f64>,
    /// Time that a connection is kept between requests [default: 75]
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<f64>,
    /// Time that a client may take to read an answer [default: 30]
    #[arg(long, value_name = "SECONDS")]
    write_timeout: Option<f64>,
    /// Bytes of answers that may wait for slow readers; above it those that read slowest are cut off
    /// [default: 16777216]
    #[arg(long, value_name = "BYTES")]
    max_unsent: Option<usize>,
    /// Time for a request until it is answered with 503 [default: 2]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<f64>,
    /// Time after which an unanswered request goes to another worker, once [default: 0.25]
    #[arg(long, value_name = "SECONDS")]
    patience: Option<f64>,
    /// Requests that workers hold at a time; further ones wait [default: 512]
    #[arg(long, value_name = "N")]
    max_in_flight: Option<usize>,
    /// Time for requests in flight to end when the program is stopped [default: 5]
    #[arg(long, value_name = "SECONDS")]
    stop_limit: Option<f64>,
}

/// Names of the file's keys, for suggestions.
pub const KEYS: [&str; 17] = [
    "listen",
    "socket-mode",
    "admin",
    "daemon",
    "trusted-proxy",
    "threads",
    "max-connections",
    "max-uri",
    "max-head",
    "header-timeout",
    "idle-timeout",
    "write-timeout",
    "max-unsent",
    "deadline",
    "patience",
    "max-in-flight",
    "stop-limit",
];

const MOST_THREADS: usize = 256;
const MOST_CONNECTIONS: usize = 1_000_000;
/// The wire carries no longer target.
const LONGEST_URI: usize = 8 * 1024;
const LONGEST_HEAD: usize = 64 * 1024;
/// What the wire tells times in.
const SHORTEST_TIME: f64 = 0.001;
const LONGEST_TIME: f64 = 86_400.0;

pub(super) fn load(arguments: impl Iterator<Item = OsString>) -> Result<Config, Failure> {
    let flags: Flags = options::flags(arguments)?;
    let file =
        flags.config.as_deref().map(|path| options::file(path, &KEYS)).transpose()?.unwrap_or_default();
    let config = settle(flags.options.over(file)).map_err(Failure::config)?;
    Ok(Config { check: flags.check, ..config })
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Flags::command()
}

impl Options {
    /// These options, and where they say nothing those of `file`.
    fn over(self, file: Options) -> Options {
        Options {
            listen: self.listen.or(file.listen),
            socket_mode: self.socket_mode.or(file.socket_mode),
            admin: self.admin.or(file.admin),
            daemon: self.daemon.or(file.daemon),
            trusted_proxy: self.trusted_proxy.or(file.trusted_proxy),
            threads: self.threads.or(file.threads),
            max_connections: self.max_connections.or(file.max_connections),
            max_uri: self.max_uri.or(file.max_uri),
            max_head: self.max_head.or(file.max_head),
            header_timeout: self.header_timeout.or(file.header_timeout),
            idle_timeout: self.idle_timeout.or(file.idle_timeout),
            write_timeout: self.write_timeout.or(file.write_timeout),
            max_unsent: self.max_unsent.or(file.max_unsent),
            deadline: self.deadline.or(file.deadline),
            patience: self.patience.or(file.patience),
            max_in_flight: self.max_in_flight.or(file.max_in_flight),
            stop_limit: self.stop_limit.or(file.stop_limit),
        }
    }
}

/// Puts defaults where nothing was said, and checks every value's range.
fn settle(options: Options) -> Result<Config, String> {
    let default = Config::default();
    let listen = match options.listen {
        None => default.listen,
        Some(places) if places.is_empty() => return Err("listen: no address is given".into()),
        Some(places) => places
            .iter()
            .map(|place| Listen::parse(place).map_err(|cause| format!("listen: {cause}")))
            .collect::<Result<_, _>>()?,
    };
    let admin = options.admin.as_deref().map(Listen::parse).transpose();
    let trusted = match options.trusted_proxy {
        None => default.trusted,
        Some(prefixes) => {
            Trusted::new(prefixes.iter().map(|text| prefix(text)).collect::<Result<Vec<_>, _>>()?)
        }
    };
    let limits = Limits {
        connections: within(
            "max-connections",
            options.max_connections,
            default.limits.connections,
            1,
            MOST_CONNECTIONS,
        )?,
        uri: within("max-uri", options.max_uri, default.limits.uri, 64, LONGEST_URI)?,
        head: within("max-head", options.max_head, default.limits.head, 256, LONGEST_HEAD)?,
        header_timeout: time("header-timeout", options.header_timeout, default.limits.header_timeout)?,
        idle_timeout: time("idle-timeout", options.idle_timeout, default.limits.idle_timeout)?,
        write_timeout: time("write-timeout", options.write_timeout, default.limits.write_timeout)?,
        unsent: within("max-unsent", options.max_unsent, default.limits.unsent, 0, usize::MAX)?,
    };
    let relay = Relay {
        deadline: time("deadline", options.deadline, default.relay.deadline)?,
        patience: time("patience", options.patience, default.relay.patience)?,
        in_flight: within(
            "max-in-flight",
            options.max_in_flight,
            default.relay.in_flight,
            1,
            MOST_CONNECTIONS,
        )?,
    };
    if limits.head < limits.uri {
        return Err(format!("max-head: {} bytes, less than max-uri ({})", limits.head, limits.uri));
    }
    let admin = admin.map_err(|cause| format!("admin: {cause}"))?.or(default.admin);
    let daemon = options.daemon.unwrap_or(default.daemon);
    places(&listen, admin.as_ref(), &daemon)?;
    Ok(Config {
        listen,
        socket_mode: mode("socket-mode", options.socket_mode.as_deref(), default.socket_mode)?,
        admin,
        daemon,
        trusted,
        threads: within("threads", options.threads, default.threads, 0, MOST_THREADS)?,
        limits,
        relay,
        stop_limit: time("stop-limit", options.stop_limit, default.stop_limit)?,
        check: false,
    })
}

/// Checks that every socket can be there and none is named twice.
fn places(listen: &[Listen], admin: Option<&Listen>, daemon: &Path) -> Result<(), String> {
    let check_path = |name, path| check_path(path).map_err(|cause| format!("{name}: {cause}"));
    check_path("daemon", daemon)?;
    for (name, place) in
        listen.iter().map(|place| ("listen", place)).chain(admin.map(|place| ("admin", place)))
    {
        if let Listen::Unix(path) = place {
            check_path(name, path)?;
            if path == daemon {
                return Err(format!("{name}: {place} is the daemon's socket"));
            }
        }
    }
    // Of port 0 the system chooses another one each time.
    let any = |place: &Listen| matches!(place, Listen::Tcp(address) if address.port() == 0);
    let twice = listen.iter().enumerate().find(|(at, place)| listen[..*at].contains(place) && !any(place));
    if let Some((_, place)) = twice {
        return Err(format!("listen: {place} is given twice"));
    }
    match admin {
        Some(place) if listen.contains(place) && !any(place) => {
            Err(format!("admin: {place} is where clients connect"))
        }
        _ => Ok(()),
    }
}

/// A prefix such as `10.0.0.0/8`, or a single address.
fn prefix(text: &str) -> Result<IpNetwork, String> {
    text.parse()
        .map_err(|_| format!("trusted-proxy: `{text}` is not a prefix such as 10.0.0.0/8 or fd00::/8"))
}

fn within(
    name: &str,
    given: Option<usize>,
    default: usize,
    least: usize,
    most: usize,
) -> Result<usize, String> {
    match given {
        None => Ok(default),
        Some(value) if value < least => Err(format!("{name}: {value}, at least {least}")),
        Some(value) if value > most => Err(format!("{name}: {value}, at most {most}")),
        Some(value) => Ok(value),
    }
}

fn time(name: &str, given: Option<f64>, default: Duration) -> Result<Duration, String> {
    match given {
        None => Ok(default),
        Some(seconds) if (SHORTEST_TIME..=LONGEST_TIME).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        Some(seconds) => {
            Err(format!("{name}: {seconds:?} seconds, expected {SHORTEST_TIME} to {LONGEST_TIME}"))
        }
    }
}

#[cfg(test)]
mod tests;
