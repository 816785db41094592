//! Every option of the front end: its name, default and unit.
//!
//! Options come from flags and from a flat TOML file whose keys are the flags' names; a flag overrides the file. How
//! they are read is in [`options`]; this file holds what they mean and their defaults.

mod options;

pub use options::{KEYS, command};

use crate::failure::Failure;
use std::{
    ffi::OsString,
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    thread::available_parallelism,
    time::Duration,
};
use wire::net::Trusted;

/// How the front end runs, all options settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where clients connect.
    pub listen: Vec<Listen>,
    /// Permissions of socket files that are listened on.
    pub socket_mode: u32,
    /// Where health and metrics can be asked for, if anywhere.
    pub admin: Option<Listen>,
    /// The daemon's socket.
    pub daemon: PathBuf,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted: Trusted,
    /// Threads that serve; 0 stands for one a core.
    pub threads: usize,
    /// Limits for clients.
    pub limits: Limits,
    /// Limits for the way to the workers.
    pub relay: Relay,
    /// How long requests in flight may take to end when the program is stopped.
    pub stop_limit: Duration,
    /// Only check the configuration.
    pub check: bool,
}

/// What a client may take of the front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all; at this number none is accepted until one closes.
    pub connections: usize,
    /// Bytes of a request's target; a longer one is 414.
    pub uri: usize,
    /// Bytes of a request's head; a longer one is 431.
    pub head: usize,
    /// Time from the first byte of a head (or from the connection's start) to its last.
    pub header_timeout: Duration,
    /// Time that a connection may be kept between two requests.
    pub idle_timeout: Duration,
    /// Time that an answer may take to be read by its client once it no longer fits into the socket.
    pub write_timeout: Duration,
    /// Bytes of answers that may wait for slow readers in all; above it those that have read nothing for the longest
    /// are cut off.
    pub unsent: usize,
}

/// How requests go to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Time for a request in all, from its head to its answer or 503.
    pub deadline: Duration,
    /// Time after which a request that is unanswered goes to another worker, once.
    pub patience: Duration,
    /// Requests that workers hold at a time; further ones wait.
    pub in_flight: usize,
}

/// A place where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and port.
    Tcp(SocketAddr),
    /// A socket file.
    Unix(PathBuf),
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 8080)))],
            socket_mode: 0o666,
            admin: None,
            daemon: "/run/mirrorlistd/socket".into(),
            trusted: Trusted::default(),
            threads: 0,
            limits: Limits::default(),
            relay: Relay::default(),
            stop_limit: Duration::from_secs(5),
            check: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4096,
            uri: 8 * 1024,
            head: 16 * 1024,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            unsent: 16 * 1024 * 1024,
        }
    }
}

impl Default for Relay {
    fn default() -> Relay {
        Relay { deadline: Duration::from_secs(2), patience: Duration::from_millis(250), in_flight: 512 }
    }
}

impl Config {
    /// Settles all options from the program's arguments and the file that they name.
    ///
    /// `--help` and `--version` print and end the process, as flags do.
    pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<Config, Failure> {
        options::load(arguments)
    }

    /// How many threads serve.
    pub fn thread_count(&self) -> usize {
        if self.threads == 0 { available_parallelism().map_or(1, NonZero::get) } else { self.threads }
    }
}

impl Listen {
    /// Reads `ADDRESS:PORT`, `[V6]:PORT` or `unix:PATH`.
    pub fn parse(text: &str) -> Result<Listen, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err("`unix:` names no socket file".into())
            } else {
                Ok(Listen::Unix(path.into()))
            };
        }
        text.parse().map(Listen::Tcp).map_err(|_| match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(v6)) if let Some((address, port)) = v6_and_port(text) => {
                format!("`{text}` names no port; write [{address}]:{port} or [{v6}]:8080")
            }
            Ok(IpAddr::V6(v6)) => format!("`{text}` names no port; write [{v6}]:8080"),
            Ok(IpAddr::V4(v4)) => format!("`{text}` names no port; write {v4}:8080"),
            Err(_) => format!("`{text}` is not ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH"),
        })
    }
}

/// What someone may have meant who has written an IPv6 address and a port without brackets. The port is decimal and has
/// no leading zero.
fn v6_and_port(text: &str) -> Option<(Ipv6Addr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let port = port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port)?;
    Some((address.parse().ok()?, port))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
