//! Every option of the daemon: its name, default and unit.
//!
//! Options come from flags and from a flat TOML file; a flag overrides the file. How they are read is in `options`;
//! this file holds what they mean and their defaults. The commented example file lists every option with its default,
//! and a test keeps the two alike.

mod options;
mod paths;
mod users;

pub use options::{KEYS, command};

use crate::{
    control::{Order, errand::Errand},
    failure::Failure,
    query::Query,
};
use answer::rules::{LogAddress, Rules};
use options::{Options, Said};
use program::{options::mode, socket_file::Access};
use serde::Deserialize;
use std::{ffi::OsString, num::NonZero, path::PathBuf, thread::available_parallelism, time::Duration};
use wire::MAX_SLOTS;

/// How long a reload may take that has to wait for another one, apart from the drain limit.
const RELOAD_LIMIT: Duration = Duration::from_secs(30);

/// How the daemon runs, all options settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The cache file.
    pub cache: PathBuf,
    /// The socket file to listen on, unless systemd passes a socket.
    pub socket: PathBuf,
    /// Who may open the socket file.
    pub socket_access: Access,
    /// Users whose processes may ask; whoever may open the socket file if there are none.
    pub peers: Vec<u32>,
    /// The socket file that the operator calls on.
    pub control: PathBuf,
    /// Worker processes; 0 stands for one a core.
    pub workers: u16,
    /// Whether workers shut themselves in.
    pub sandbox: SandboxMode,
    /// How answers are made.
    pub rules: Rules,
    /// Where access-log lines go.
    pub access_log: Option<PathBuf>,
    /// How long a retired worker may go on answering.
    pub drain_limit: Duration,
    /// Only check configuration and cache.
    pub check: bool,
}

/// Whether workers shut themselves in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    /// As far as the kernel can.
    #[default]
    On,
    /// Not at all.
    Off,
    /// Completely, or the daemon does not start.
    Require,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            cache: "/var/lib/mirrorlist/cache.mlc".into(),
            socket: "/run/mirrorlistd/socket".into(),
            socket_access: Access { mode: 0o660, owner: None, group: None },
            peers: Vec::new(),
            control: "/run/mirrorlistd/control".into(),
            workers: 0,
            sandbox: SandboxMode::On,
            rules: Rules::default(),
            access_log: None,
            drain_limit: Duration::from_secs(30),
            check: false,
        }
    }
}

/// What the program is started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// To be the daemon.
    Serve(Config),
    /// To ask the daemon for something.
    Ask(Errand),
    /// To ask the workers behind this socket.
    Query(Query, PathBuf),
}

impl Task {
    /// Settles all options from the program's arguments and the file that they name.
    pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<Task, Failure> {
        match options::read(arguments)? {
            Said::Serve { options, check } => {
                let config = settle(options).map_err(Failure::config)?;
                // Of no concern to those who only ask a daemon, and may not be allowed to look.
                let log = config.access_log.as_ref().map(|path| paths::made_file("access-log", path));
                log.transpose().map_err(Failure::config)?;
                Ok(Task::Serve(Config { check, ..config }))
            }
            Said::Ask { errand, options } => {
                let config = settle(options).map_err(Failure::config)?;
                Ok(config.errand(errand))
            }
        }
    }
}

impl Config {
    /// An errand to the daemon that runs with these options.
    fn errand(self, errand: options::Errand) -> Task {
        let (order, json, if_running) = match errand {
            options::Errand::Query(query) => return Task::Query(query, self.socket),
            options::Errand::Status { json, .. } => (Order::Status, json, false),
            options::Errand::Reload { wait: true, if_running, .. } => {
                (Order::ReloadAndWait, false, if_running)
            }
            options::Errand::Reload { wait: false, if_running, .. } => (Order::Reload, false, if_running),
        };
        let reload_limit = RELOAD_LIMIT + self.drain_limit;
        Task::Ask(Errand { order, control: self.control, json, if_running, reload_limit })
    }

    /// How many workers a generation has.
    pub fn slots(&self) -> u16 {
        let cores = || available_parallelism().map_or(1, NonZero::get).min(MAX_SLOTS.into()) as u16;
        if self.workers == 0 { cores() } else { self.workers }
    }
}

/// Puts defaults where nothing was said, and checks what only makes sense together.
fn settle(options: Options) -> Result<Config, String> {
    let default = Config::default();
    let socket_access = Access {
        mode: mode("socket-mode", options.socket_mode.as_deref(), default.socket_access.mode)?,
        owner: options.socket_owner.map(|name| users::user("socket-owner", &name)).transpose()?,
        group: options.socket_group.map(|name| users::group("socket-group", &name)).transpose()?,
    };
    let peers = options.peer.map_or(Ok(default.peers), |names| users::peers(&names))?;
    let workers = options.workers.unwrap_or(default.workers);
    if workers > MAX_SLOTS {
        return Err(format!("workers: {workers}, at most {MAX_SLOTS}"));
    }
    let log_address = options.log_address.map_or(default.rules.log_address, Into::into);
    match (log_address, &options.access_log) {
        (LogAddress::Full | LogAddress::Short, None) => {
            return Err("log-address: says what is logged, but access-log names no file".into());
        }
        (LogAddress::Off, Some(file)) => {
            let file = file.display();
            return Err(format!("access-log: {file} would stay empty without log-address = full or short"));
        }
        _ => {}
    }
    let socket = options.socket.unwrap_or(default.socket);
    let control = options.control.unwrap_or_else(|| socket.with_file_name("control"));
    if control == socket || control.as_os_str().is_empty() {
        return Err("control: must name a socket file of its own".into());
    }
    let cache = options.cache.unwrap_or(default.cache);
    paths::file("cache", &cache)?;
    if let Some(log) = options.access_log.as_ref().filter(|log| [&cache, &socket, &control].contains(log)) {
        return Err(format!("access-log: {} has another use already", log.display()));
    }
    paths::socket("socket", &socket)?;
    paths::socket("control", &control)?;
    Ok(Config {
        control,
        cache,
        socket,
        socket_access,
        peers,
        workers,
        sandbox: options.sandbox.unwrap_or(default.sandbox),
        rules: Rules {
            minimum: options.minimum.unwrap_or(default.rules.minimum),
            netblock: options.netblock.map_or(default.rules.netblock, Into::into),
            log_address,
        },
        access_log: options.access_log,
        drain_limit: options.drain_limit.map_or(default.drain_limit, |s| Duration::from_secs(s.into())),
        check: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Write as _, path::Path};

    fn load(arguments: &[&str]) -> Result<Config, String> {
        let arguments = ["mirrorlistd"].iter().chain(arguments).map(OsString::from);
        match Task::load(arguments).map_err(|failure| failure.to_string())? {
            Task::Serve(config) => Ok(config),
            other => panic!("{other:?}"),
        }
    }

    fn load_file(text: &str, arguments: &[&str]) -> Result<Config, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        load(&[&["--config", path], arguments].concat()).map_err(|error| error.replace(path, "FILE"))
    }

    #[test]
    fn the_example_file_and_the_help_name_every_default() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirrorlistd.toml");
        let example = fs::read_to_string(path).unwrap();
        // Options are commented out without a blank, so that prose is not taken for one.
        let is_option = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        let lines: Vec<&str> = example.lines().filter(is_option).map(|line| &line[1..]).collect();
        assert_eq!(load_file(&lines.join("\n"), &[]), Ok(Config::default()));
        for key in options::KEYS {
            assert!(example.contains(&format!("{key} = ")), "{key} is not in the example");
        }
        for line in lines {
            let (key, value) = line.split_once(" = ").unwrap();
            let help = options::help(key);
            assert!(help.ends_with(&format!("[default: {}]", value.trim_matches('"'))), "{key}: {help}");
        }
    }

    #[test]
    fn nothing_said_means_defaults_and_flags_beat_the_file() {
        assert_eq!(load(&[]), Ok(Config::default()));
        let file = "workers = 3\nminimum = 9\nnetblock = 'only'\nsocket-mode = '0600'\ndrain-limit = 5\n";
        let config = load_file(file, &["--workers", "4"]).unwrap();
        assert_eq!((config.workers, config.slots()), (4, 4));
        assert_eq!((config.rules.minimum, config.rules.netblock), (9, answer::rules::NetblockMode::Only));
        assert_eq!((config.socket_access.mode, config.drain_limit), (0o600, Duration::from_secs(5)));
    }

    #[test]
    fn the_control_socket_is_beside_the_other_one_unless_it_is_named() {
        let control = |arguments: &[&str]| load(arguments).unwrap().control;
        assert_eq!(control(&["--socket", "/tmp/x/socket"]), Path::new("/tmp/x/control"));
        assert_eq!(control(&["--socket", "socket"]), Path::new("control"));
        assert_eq!(control(&["--socket", "/tmp/x/socket", "--control", "/tmp/y"]), Path::new("/tmp/y"));
        assert_eq!(load_file("control = '/tmp/y'", &[]).unwrap().control, Path::new("/tmp/y"));
        for none in ["socket = '/tmp/y'\ncontrol = '/tmp/y'", "control = ''"] {
            assert!(load_file(none, &[]).unwrap_err().ends_with("must name a socket file of its own"));
        }
    }

    #[test]
    fn an_errand_is_told_from_service() {
        let errand = |arguments: &[&str]| {
            let arguments = ["mirrorlistd"].iter().chain(arguments).map(OsString::from);
            match Task::load(arguments) {
                Ok(Task::Ask(errand)) => errand,
                other => panic!("{other:?}"),
            }
        };
        let plain = Errand {
            order: Order::Status,
            control: "/run/mirrorlistd/control".into(),
            json: false,
            if_running: false,
            reload_limit: Duration::from_secs(60),
        };
        assert_eq!(errand(&["status"]), plain);
        assert_eq!(errand(&["status", "--json"]), Errand { json: true, ..plain.clone() });
        assert_eq!(errand(&["reload"]), Errand { order: Order::Reload, ..plain.clone() });
        let waiting = Errand { order: Order::ReloadAndWait, if_running: true, control: "/x".into(), ..plain };
        assert_eq!(errand(&["reload", "--wait", "--if-running", "--control", "/x"]), waiting);
        for wrong in [&["stat"][..], &["status", "--wait"], &["--workers", "3", "status"]] {
            assert!(load(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, expected) in [
            (
                "workers = 3\nworker = 3",
                "config FILE line 2: unknown option `worker`; did you mean `workers`?",
            ),
            (
                "\n\naccess_log = 'x'",
                "config FILE line 3: unknown option `access_log`; did you mean `access-log`?",
            ),
            ("colour = 3", "config FILE line 1: unknown option `colour`"),
            ("sandbox = 'on'\nsandbox = 'off'", "config FILE line 2: duplicate key"),
        ] {
            assert_eq!(load_file(text, &[]), Err(expected.into()));
        }
        for (text, expected) in [
            ("workers = 'many'", "config FILE line 1: invalid type"),
            ("workers = ", "config FILE line 1: "),
            ("sandbox = 'perhaps'", "config FILE line 1: unknown variant `perhaps`"),
            ("workers = 70000", "config FILE line 1: invalid value"),
            ("workers = 2000", "workers: 2000, at most 256"),
            ("socket-mode = '0999'", "socket-mode: `0999` is not an octal mode"),
        ] {
            let error = load_file(text, &[]).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains('\n'), "{error}");
        }
        assert!(
            load(&["--config", "/nonexistent"]).unwrap_err().starts_with("config /nonexistent: No such file")
        );
    }

    #[test]
    fn owners_and_peers_are_known_users_or_numbers() {
        let options =
            ["--socket-owner", "root", "--socket-group", "4711", "--peer", "root", "--peer", "4711"];
        let config = load(&options).unwrap();
        assert_eq!(config.socket_access, Access { mode: 0o660, owner: Some(0), group: Some(4711) });
        assert_eq!(config.peers, [0, 4711]);
        assert_eq!(load_file("peer = ['root', '1']", &["--peer", "2"]).unwrap().peers, [2]);
        for option in ["--socket-owner", "--peer"] {
            let error = load(&[option, "no-such-user"]).unwrap_err();
            assert!(error.ends_with(": there is no user `no-such-user`"), "{error}");
        }
    }

    #[test]
    fn a_log_needs_a_file_and_to_know_what_to_hold() {
        assert!(load(&["--log-address", "full"]).unwrap_err().contains("access-log names no file"));
        assert!(load(&["--access-log", "/tmp/log"]).unwrap_err().contains("would stay empty"));
        for other in ["--cache", "--socket", "--control"] {
            let said =
                load(&[other, "/tmp/x", "--access-log", "/tmp/x", "--log-address", "full"]).unwrap_err();
            assert_eq!(said, "access-log: /tmp/x has another use already", "{other}");
        }
        let config = load(&["--access-log", "/tmp/log", "--log-address", "short"]).unwrap();
        assert_eq!(
            (config.rules.log_address, config.access_log),
            (LogAddress::Short, Some("/tmp/log".into()))
        );
    }

    #[test]
    fn a_wrong_flag_is_told_in_one_line() {
        let error = load(&["--worker", "3"]).unwrap_err();
        assert!(
            error.contains("'--worker'") && error.contains("'--workers'") && !error.contains('\n'),
            "{error}"
        );
    }
}
