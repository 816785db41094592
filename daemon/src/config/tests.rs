//! Flags, the file, and what is said of those that are wrong.

use super::*;
use std::{fs, io::Write as _, path::Path};

fn load(arguments: &[&str]) -> Result<Config, String> {
    let arguments = ["mirrorlistd"].iter().chain(arguments).map(OsString::from);
    match Task::load(arguments).map_err(|failure| failure.to_string())? {
        Task::Serve(config) => Ok(*config),
        other => panic!("{other:?}"),
    }
}

fn load_file(text: &str, arguments: &[&str]) -> Result<Config, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let config = load(&[&["--config", path], arguments].concat());
    config.map(|config| Config { config: None, ..config }).map_err(|error| error.replace(path, "FILE"))
}

#[test]
fn the_example_file_names_every_option_with_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirrorlistd.toml");
    let example = fs::read_to_string(path).unwrap();
    // Options are commented out without a blank, so that prose is not taken for one.
    let is_option = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let lines: Vec<&str> = example.lines().filter(is_option).map(|line| &line[1..]).collect();
    let named = Config { control: Some(Config::default().control()), ..Config::default() };
    assert_eq!(load_file(&lines.join("\n"), &[]), Ok(named));
    for (_, key) in options::keys(&command()) {
        assert!(example.contains(&format!("{key} = ")), "{key} is not in the example");
    }
}

#[test]
fn nothing_said_means_defaults_and_flags_beat_the_file() {
    assert_eq!((load(&[]), Config::default().rules()), (Ok(Config::default()), Rules::default()));
    let file = "workers = 3\nminimum = 9\nnetblock = 'only'\nsocket-mode = '0600'\ndrain-limit = 5\n";
    let config = load_file(file, &["--workers", "4"]).unwrap();
    assert_eq!((config.workers, config.slots()), (4, 4));
    assert_eq!((config.minimum, config.netblock), (9, NetblockMode::Only));
    assert_eq!((config.socket_mode, config.drain_limit), (0o600, Duration::from_secs(5)));
}

#[test]
fn the_control_socket_is_beside_the_other_one_unless_it_is_named() {
    let control = |arguments: &[&str]| load(arguments).unwrap().control();
    assert_eq!(control(&["--socket", "/tmp/x/socket"]), Path::new("/tmp/x/control"));
    assert_eq!(control(&["--socket", "socket"]), Path::new("control"));
    assert_eq!(control(&["--socket", "/tmp/x/socket", "--control", "/tmp/y"]), Path::new("/tmp/y"));
    assert_eq!(load_file("control = '/tmp/y'", &[]).unwrap().control(), Path::new("/tmp/y"));
    let same = load_file("socket = '/tmp/y'\ncontrol = '/tmp/y'", &[]).unwrap_err();
    assert!(same.ends_with("must name a socket file of its own"), "{same}");
    let long = format!("/{}/s", "x".repeat(104));
    assert_eq!(
        load(&["--socket", &long]).unwrap_err(),
        "control: the path has 113 bytes, a socket's may have 107 at most"
    );
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
    let plain = control::errand::Errand {
        order: Order::Status,
        control: "/run/mirrorlistd/control".into(),
        json: false,
        if_running: false,
        reload_limit: Duration::from_secs(60),
    };
    assert_eq!(errand(&["status"]), plain);
    assert_eq!(errand(&["status", "--json"]), control::errand::Errand { json: true, ..plain.clone() });
    assert_eq!(
        errand(&["reload", "--no-wait"]),
        control::errand::Errand { order: Order::Reload, ..plain.clone() }
    );
    let waiting = control::errand::Errand {
        order: Order::ReloadAndWait,
        if_running: true,
        control: "/x".into(),
        ..plain
    };
    assert_eq!(errand(&["reload", "--if-running", "--control", "/x"]), waiting);
    // What was to be said once is taken still.
    assert_eq!(errand(&["reload", "--wait", "--if-running", "--control", "/x"]), waiting);
    for wrong in [
        &["stat"][..],
        &["status", "--no-wait"],
        &["reload", "--wait", "--no-wait"],
        &["--workers", "3", "status"],
    ] {
        assert!(load(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_mistake_is_named_with_its_line() {
    for (text, expected) in [
        ("workers = 3\nworker = 3", "config FILE line 2: unknown option `worker`; did you mean `workers`?"),
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
        ("workers = 'many'", "config FILE line 1: invalid value 'many' for `workers`: "),
        ("workers = ", "config FILE line 1: "),
        (
            "sandbox = 'perhaps'",
            "config FILE line 1: invalid value 'perhaps' for `sandbox`; [possible values: on, off, require]",
        ),
        ("workers = 2000", "config FILE line 1: invalid value '2000' for `workers`: 2000 is not in 0..=256"),
        (
            "socket-mode = '0999'",
            "config FILE line 1: invalid value '0999' for `socket-mode`: not an octal mode such as 0660",
        ),
        ("socket = ''", "config FILE line 1: a value is required for `socket` but none was supplied"),
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
    let options = ["--socket-owner", "root", "--socket-group", "4711", "--peer", "root", "--peer", "4711"];
    let config = load(&options).unwrap();
    assert_eq!(config.socket_access(), Access { mode: 0o660, owner: Some(0), group: Some(4711) });
    assert_eq!(config.peers, [0, 4711]);
    assert_eq!(load_file("peer = ['root', '1']", &["--peer", "2"]).unwrap().peers, [2]);
    for option in ["--socket-owner", "--peer"] {
        let error = load(&[option, "no-such-user"]).unwrap_err();
        assert!(
            error.starts_with("invalid value 'no-such-user'") && error.ends_with(": there is no such user"),
            "{error}"
        );
    }
}

#[test]
fn a_log_needs_a_file_of_its_own_and_cuts_addresses_unless_told_otherwise() {
    for log in ["access-log", "request-log"] {
        let flag = format!("--{log}");
        let others = ["--cache", "--socket", "--control", "--access-log", "--request-log"];
        for other in others.into_iter().filter(|other| *other != flag) {
            let said = load(&[other, "/tmp/x", &flag, "/tmp/x"]).unwrap_err();
            assert!(said.ends_with("-log: /tmp/x has another use already"), "{other}: {said}");
        }
    }
    let config = load(&["--access-log", "/tmp/log"]).unwrap();
    assert_eq!(config.logs(), [Some(Path::new("/tmp/log")), None]);
    assert_eq!((config.log_address, config.rules().log_address), (LogAddress::Short, LogAddress::Short));
    let config = load(&["--request-log", "/tmp/log", "--log-address", "omit"]).unwrap();
    assert_eq!(config.logs(), [None, Some(Path::new("/tmp/log"))]);
    assert_eq!((config.log_address, config.rules().log_address), (LogAddress::Omit, LogAddress::Off));
    assert!(load(&["--log-address", "off"]).unwrap_err().contains("possible values: short, full, omit"));
}

#[test]
fn a_wrong_flag_is_told_in_one_line() {
    let error = load(&["--worker", "3"]).unwrap_err();
    assert!(
        error.contains("'--worker'") && error.contains("'--workers'") && !error.contains('\n'),
        "{error}"
    );
}

#[test]
fn a_log_is_made_in_a_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let load = |path: &Path| load(&["--log-address", "full", "--access-log", path.to_str().unwrap()]);
    assert!(load(&folder.path().join("log")).is_ok() && load(Path::new("log")).is_ok());
    assert!(load(folder.path()).unwrap_err().ends_with(" is a folder"));
    assert!(load(&folder.path().join("none/log")).unwrap_err().contains("there is no folder /"));
    assert!(load(Path::new("")).unwrap_err().contains("a value is required for '--access-log <FILE>'"));
}
