//! Every option of the front end, declared once: its flag, key, help, default, unit and range.
//!
//! How flags and the TOML file are laid over each other is in [`program::options`]; what makes sense together is checked
//! here.

use clap::{
    CommandFactory as _, Parser,
    builder::{PathBufValueParser, TypedValueParser as _},
};
use ipnetwork::IpNetwork;
use program::{
    failure::Failure,
    options::{self, limit, mode, number},
    socket_file::check_path,
    version,
};
use std::{
    ffi::OsString,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    str::FromStr,
    thread::available_parallelism,
    time::Duration,
};

const MOST_THREADS: u64 = 256;
const MOST_CONNECTIONS: u64 = 1_000_000;
const LONGEST_HEAD: u64 = 65_536;

/// Serves mirrorlists and metalinks over HTTP: relays requests to the workers of mirrorlistd.
///
/// Signals: TERM and INT end it after the requests in flight, a second one at once.
#[derive(Clone, Debug, Parser, PartialEq)]
#[command(name = "mirrorlist-http", version = version(None), max_term_width = 100)]
pub struct Config {
    /// Where clients connect: ADDRESS:PORT (IPv6 in brackets), PORT of 127.0.0.1, :PORT of all addresses, or unix:PATH;
    /// may be repeated
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: Vec<Listen>,
    /// Permissions of socket files that are listened on
    #[arg(long, value_name = "OCTAL", default_value = "0666", value_parser = mode)]
    pub socket_mode: u32,
    /// Where health and metrics can be asked for, written as for listen [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<Listen>,
    /// The socket of mirrorlistd
    #[arg(long, value_name = "PATH", default_value = "/run/mirrorlistd/socket", value_parser = PathBufValueParser::new().try_map(check_path))]
    pub daemon: PathBuf,
    /// Believe the X-Forwarded-For of proxies in this prefix; may be repeated; replaces the default, loopback; nobody's
    /// if none is named. UNIX sockets are always believed
    #[arg(long, value_name = "PREFIX", num_args = 0..=1, default_values = ["127.0.0.0/8", "::1"], value_parser = prefix)]
    pub trusted_proxy: Vec<IpNetwork>,
    /// Threads that serve, 0 for one a core
    #[arg(long, value_name = "N", default_value = "0", value_parser = number(0..=MOST_THREADS))]
    pub threads: usize,
    /// Limits for clients.
    #[command(flatten)]
    pub limits: Limits,
    /// Limits for the way to the workers.
    #[command(flatten)]
    pub relay: Relay,
    /// Time for requests in flight to end when the program is stopped
    #[arg(long, value_name = "TIME", default_value = "5", value_parser = limit)]
    pub stop_limit: Duration,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check the configuration, then exit
    #[arg(long)]
    pub check: bool,
}

/// What a client may take of the front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Limits {
    /// Connections in all; at this number one of each thread that is idle makes room for the next
    #[arg(long = "max-connections", value_name = "N", default_value = "4096", value_parser = number(1..=MOST_CONNECTIONS))]
    pub connections: usize,
    /// Longest request head; a longer one is answered with 431
    #[arg(long = "max-head", value_name = "BYTES", default_value = "16384", value_parser = number(256..=LONGEST_HEAD))]
    pub head: usize,
    /// Time for a request's head to arrive, from its first byte or the connection's start
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = limit)]
    pub header_timeout: Duration,
    /// Time that a connection is kept between requests
    #[arg(long, value_name = "TIME", default_value = "75", value_parser = limit)]
    pub idle_timeout: Duration,
    /// Time that a client may take to read an answer
    #[arg(long, value_name = "TIME", default_value = "30", value_parser = limit)]
    pub write_timeout: Duration,
    /// Bytes of answers that may wait for slow readers; above it those that read slowest are cut off
    #[arg(long = "max-unsent", value_name = "BYTES", default_value = "16777216")]
    pub unsent: usize,
}

/// How requests go to the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Relay {
    /// Time for a request until it is answered with 503
    #[arg(long, value_name = "TIME", default_value = "2", value_parser = limit)]
    pub deadline: Duration,
    /// Time after which an unanswered request goes to another worker, once
    #[arg(long, value_name = "TIME", default_value = "0.25", value_parser = limit)]
    pub patience: Duration,
    /// Requests that workers hold at a time; further ones wait
    #[arg(long = "max-in-flight", value_name = "N", default_value = "512", value_parser = number(1..=MOST_CONNECTIONS))]
    pub in_flight: usize,
}

/// A place where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and port.
    Tcp(SocketAddr),
    /// A port of all addresses, IPv6 and IPv4.
    All(u16),
    /// A socket file.
    Unix(PathBuf),
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Config::command()
}

impl Config {
    /// Settles all options from the program's arguments and the file that they name.
    ///
    /// `--help` and `--version` print and end the process, as flags do.
    pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<Config, Failure> {
        let config: Config = options::read(&options::flags(command(), arguments)?)?;
        config.contradiction().map_or(Ok(config), |cause| Err(Failure::config(cause)))
    }

    /// Says that the options are well, and what they come to.
    pub fn say_well(&self) -> Result<(), Failure> {
        let places = self.listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let daemon = self.daemon.display();
        let threads = self.thread_count();
        let admin = self.admin.as_ref().map_or("nowhere".into(), ToString::to_string);
        options::well(format_args!(
            "options (listen {places}, admin {admin}, threads {threads}); daemon {daemon} is not asked"
        ))
    }

    /// How many threads serve.
    pub fn thread_count(&self) -> usize {
        if self.threads == 0 { available_parallelism().map_or(1, NonZero::get) } else { self.threads }
    }

    /// What of the options makes no sense together, if anything: clients, askers and the daemon need a place each.
    fn contradiction(&self) -> Option<String> {
        let daemon = Listen::Unix(self.daemon.clone());
        let places: Vec<_> = self.listen.iter().chain(&self.admin).chain([&daemon]).collect();
        // Of port 0 the system chooses another one each time.
        let is_one = |place: &Listen| match place {
            Listen::Tcp(address) => address.port() > 0,
            Listen::All(port) => *port > 0,
            Listen::Unix(_) => true,
        };
        let is_taken = |at: usize| is_one(places[at]) && places[..at].contains(&places[at]);
        let taken = (0..places.len()).find(|at| is_taken(*at))?;
        Some(format!("listen, admin, daemon: {} is given twice", places[taken]))
    }
}

impl FromStr for Listen {
    type Err = Failure;

    /// Reads `ADDRESS:PORT`, `[V6]:PORT` or `unix:PATH`; `PORT` and `localhost:PORT` are of 127.0.0.1, `:PORT` is of all
    /// addresses.
    fn from_str(text: &str) -> Result<Listen, Failure> {
        if let Some(path) = text.strip_prefix("unix:") {
            return check_path(path.into()).map(Listen::Unix);
        }
        if let Some(port) = text.strip_prefix(':').and_then(port_of) {
            return Ok(Listen::All(port));
        }
        if let Some(port) = port_of(text.strip_prefix("localhost:").unwrap_or(text)) {
            return Ok(Listen::Tcp((Ipv4Addr::LOCALHOST, port).into()));
        }
        text.parse().map(Listen::Tcp).map_err(|_| match text.parse() {
            Ok(address) => {
                Failure::config(format!("names no port; write {}", SocketAddr::new(address, 8080)))
            }
            Err(_) => Failure::config(
                "not ADDRESS:PORT (IPv6 in brackets), PORT, :PORT, localhost:PORT or unix:PATH",
            ),
        })
    }
}

/// A port in decimal digits.
fn port_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => address.fmt(f),
            Listen::All(port) => write!(f, ":{port}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Takes a prefix such as `10.0.0.0/8`, or a single address.
fn prefix(text: &str) -> Result<IpNetwork, Failure> {
    text.parse().map_err(|_| Failure::config("not a prefix such as 10.0.0.0/8 or fd00::/8"))
}

#[cfg(test)]
mod tests;
