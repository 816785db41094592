//! Every option of the daemon: its name, default and unit.
//!
//! Options come from flags and from a flat TOML file; a flag overrides the file. How they are read is in `options`;
//! this file holds what they mean and their defaults. The commented example file lists every option with its default,
//! and a test keeps the two alike.

mod options;

use crate::{
    answer::{LogAddress, Rules},
    failure::Failure,
};
use options::Options;
use serde::Deserialize;
use shared::program::options::mode;
use std::{ffi::OsString, num::NonZero, path::PathBuf, thread::available_parallelism, time::Duration};

/// Workers that may be asked for.
const MOST_WORKERS: u16 = 256;

/// How the daemon runs, all options settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The cache file.
    pub cache: PathBuf,
    /// The socket file to listen on, unless systemd passes a socket.
    pub socket: PathBuf,
    /// Permissions of the socket file.
    pub socket_mode: u32,
    /// Worker processes; 0 stands for one a core.
    pub workers: u16,
    /// How the cache comes into memory.
    pub map: MapMode,
    /// How answers are made.
    pub rules: Rules,
    /// Where access-log lines go.
    pub access_log: Option<PathBuf>,
    /// How long a retired worker may go on answering.
    pub drain_limit: Duration,
    /// Only check configuration and cache.
    pub check: bool,
}

/// How the cache comes into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapMode {
    /// A sealed copy: whatever happens to the file later changes nothing.
    #[default]
    Seal,
    /// The file itself: no copy, but it must be replaced by renaming, never written to.
    File,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            cache: "/var/lib/mirrorlist/cache.mlc".into(),
            socket: "/run/mirrorlistd/socket".into(),
            socket_mode: 0o660,
            workers: 0,
            map: MapMode::Seal,
            rules: Rules::default(),
            access_log: None,
            drain_limit: Duration::from_secs(30),
            check: false,
        }
    }
}

impl Config {
    /// Settles all options from the program's arguments and the file that they name.
    pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<Config, Failure> {
        let (options, check) = options::read(arguments)?;
        let config = settle(options).map_err(Failure::config)?;
        Ok(Config { check, ..config })
    }

    /// How many workers a generation has.
    pub fn slots(&self) -> u16 {
        let cores = || available_parallelism().map_or(1, NonZero::get).min(MOST_WORKERS.into()) as u16;
        if self.workers == 0 { cores() } else { self.workers }
    }
}

/// Puts defaults where nothing was said, and checks what only makes sense together.
fn settle(options: Options) -> Result<Config, String> {
    let default = Config::default();
    let socket_mode = mode("socket-mode", options.socket_mode.as_deref(), default.socket_mode)?;
    let workers = options.workers.unwrap_or(default.workers);
    if workers > MOST_WORKERS {
        return Err(format!("workers: {workers}, at most {MOST_WORKERS}"));
    }
    let log_address = options.log_address.unwrap_or(default.rules.log_address);
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
    Ok(Config {
        cache: options.cache.unwrap_or(default.cache),
        socket: options.socket.unwrap_or(default.socket),
        socket_mode,
        workers,
        map: options.map.unwrap_or(default.map),
        rules: Rules {
            minimum: options.minimum.unwrap_or(default.rules.minimum),
            netblock: options.netblock.unwrap_or(default.rules.netblock),
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
    use std::{fs, io::Write as _};

    fn load(arguments: &[&str]) -> Result<Config, String> {
        let arguments = ["mirrorlistd"].iter().chain(arguments).map(OsString::from);
        Config::load(arguments).map_err(|failure| failure.to_string())
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
        let config = load_file(file, &["--workers", "4", "--map", "file"]).unwrap();
        assert_eq!((config.workers, config.slots(), config.map), (4, 4, MapMode::File));
        assert_eq!((config.rules.minimum, config.rules.netblock), (9, crate::answer::NetblockMode::Only));
        assert_eq!((config.socket_mode, config.drain_limit), (0o600, Duration::from_secs(5)));
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
            ("map = 'seal'\nmap = 'file'", "config FILE line 2: duplicate key"),
        ] {
            assert_eq!(load_file(text, &[]), Err(expected.into()));
        }
        for (text, expected) in [
            ("workers = 'many'", "config FILE line 1: invalid type"),
            ("workers = ", "config FILE line 1: "),
            ("map = 'copy'", "config FILE line 1: unknown variant `copy`"),
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
    fn a_log_needs_a_file_and_to_know_what_to_hold() {
        assert!(load(&["--log-address", "full"]).unwrap_err().contains("access-log names no file"));
        assert!(load(&["--access-log", "/tmp/log"]).unwrap_err().contains("would stay empty"));
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
