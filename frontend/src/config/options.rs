//! Options as they are written: flags and the TOML file, the one laid over the other.
//!
//! Whatever is wrong is told with its place and in one line; nothing is guessed.

use super::{Config, Limits, Listen, Relay};
use clap::{CommandFactory as _, Parser};
use ipnetwork::IpNetwork;
use serde::Deserialize;
use shared::{
    net::Trusted,
    program::{
        failure::Failure,
        options::{self, mode},
        version,
    },
};
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Serves mirrorlists and metalinks over HTTP: relays requests to the workers of mirrorlistd.
///
/// Signals: TERM and INT end it after the requests in flight, a second one at once.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-http", version = version(), max_term_width = 100)]
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
    /// Where health and figures can be asked for: ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH [default: nowhere]
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
    /// Connections in all; at this number none is accepted until one closes [default: 4096]
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
    /// Bytes of answers that may wait for slow readers; above it they get one second [default: 16777216]
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
    // Of port 0 the system chooses another one each time.
    let any = |place: &&Listen| matches!(place, Listen::Tcp(address) if address.port() == 0);
    if let Some(place) = admin.as_ref().filter(|place| listen.contains(place) && !any(place)) {
        return Err(format!("admin: {place} is where clients connect"));
    }
    Ok(Config {
        listen,
        socket_mode: mode("socket-mode", options.socket_mode.as_deref(), default.socket_mode)?,
        admin,
        daemon: options.daemon.unwrap_or(default.daemon),
        trusted,
        threads: within("threads", options.threads, default.threads, 0, MOST_THREADS)?,
        limits,
        relay,
        stop_limit: time("stop-limit", options.stop_limit, default.stop_limit)?,
        check: false,
    })
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
        Some(seconds) if seconds > 0.0 && seconds <= LONGEST_TIME => Ok(Duration::from_secs_f64(seconds)),
        Some(seconds) => {
            Err(format!("{name}: {seconds} seconds, expected more than 0 and at most {LONGEST_TIME}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str) -> Result<Config, String> {
        options::parse(text, &KEYS).and_then(settle)
    }

    #[test]
    fn nothing_said_gives_the_defaults() {
        assert_eq!(settled(""), Ok(Config::default()));
    }

    #[test]
    fn every_key_of_the_file_is_known_and_every_field_is_a_key() {
        let all = "listen = ['[::1]:80', 'unix:/run/x']\nsocket-mode = '0600'\nadmin = 'unix:/a'\ndaemon = '/d'\ntrusted-proxy = ['10.0.0.0/8', '::1']\n\
            threads = 3\nmax-connections = 9\nmax-uri = 100\nmax-head = 300\nheader-timeout = 1\nidle-timeout = 2\n\
            write-timeout = 0.5\nmax-unsent = 7\ndeadline = 1\npatience = 0.1\nmax-in-flight = 5\nstop-limit = 3\n";
        let config = settled(all).unwrap();
        assert_eq!(config.listen, [Listen::Tcp("[::1]:80".parse().unwrap()), Listen::Unix("/run/x".into())]);
        assert_eq!(config.admin, Some(Listen::Unix("/a".into())));
        assert_eq!(config.limits.write_timeout, Duration::from_millis(500));
        assert_eq!(config.relay.in_flight, 5);
        for key in KEYS {
            assert!(all.contains(&format!("{key} = ")), "{key}");
        }
        let without_defaults = [config.limits == Limits::default(), config.relay == Relay::default()];
        assert_eq!(without_defaults, [false, false]);
    }

    #[test]
    fn the_example_file_lists_every_option_with_its_default() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirrorlist-http.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let options: String = text
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(settled(&options), Ok(Config::default()));
        for key in KEYS {
            let listed = options.lines().any(|line| line.starts_with(&format!("{key} = ")));
            // Nothing is the default of this one, and that cannot be written.
            assert!(listed || key == "admin" && text.contains("admin = "), "{key}");
        }
    }

    #[test]
    fn the_socket_unit_listens_where_the_program_does_by_itself() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirrorlist-http.socket");
        let text = std::fs::read_to_string(path).unwrap();
        let places = text.lines().filter_map(|line| line.strip_prefix("ListenStream="));
        let places: Vec<Listen> = places.map(|place| Listen::parse(place).unwrap()).collect();
        assert_eq!(places, Config::default().listen);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_likely_one() {
        let error = settled("threads = 1\nmax_connection = 5\n").unwrap_err();
        assert_eq!(error, " line 2: unknown option `max_connection`; did you mean `max-connections`?");
        assert_eq!(settled("colour = 1").unwrap_err(), " line 1: unknown option `colour`");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_with_its_line() {
        let error = settled("\nthreads = 'two'\n").unwrap_err();
        assert!(error.starts_with(" line 2: "), "{error}");
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for (text, said) in [
            ("max-connections = 0", "max-connections: 0, at least 1"),
            ("max-uri = 9000", "max-uri: 9000, at most 8192"),
            ("max-head = 4096", "max-head: 4096 bytes, less than max-uri (8192)"),
            ("deadline = 0", "deadline: 0 seconds, expected more than 0 and at most 86400"),
            ("deadline = nan", "deadline: NaN seconds, expected more than 0 and at most 86400"),
            ("listen = []", "listen: no address is given"),
            ("listen = ['::1:80']", "listen: `::1:80` names no port; write [::1]:80 or [::1:80]:8080"),
            ("listen = ['::1:080']", "listen: `::1:080` names no port; write [::1:80]:8080"),
            (
                "listen = ['127.0.0.1:1']\nadmin = '127.0.0.1:1'",
                "admin: 127.0.0.1:1 is where clients connect",
            ),
            ("admin = '9100'", "admin: `9100` is not ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH"),
            ("listen = ['::1']", "listen: `::1` names no port; write [::1]:8080"),
            ("listen = ['here']", "listen: `here` is not ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH"),
            (
                "trusted-proxy = ['10/8']",
                "trusted-proxy: `10/8` is not a prefix such as 10.0.0.0/8 or fd00::/8",
            ),
        ] {
            assert_eq!(settled(text).unwrap_err(), said, "{text}");
        }
    }

    #[test]
    fn a_flag_overrides_the_file() {
        let flags = Options { threads: Some(7), ..Options::default() };
        let config =
            settle(flags.over(options::parse("threads = 2\nmax-in-flight = 3", &KEYS).unwrap())).unwrap();
        assert_eq!((config.threads, config.relay.in_flight), (7, 3));
    }
}
