//! The options: their defaults, ranges, and what is said of those that are wrong.

use super::*;
use std::fs;
use wire::net::Trusted;

fn settled(text: &str) -> Result<Config, String> {
    load(text, &[])
}

/// What a file of this text and flags make; of errors what follows the name of the file.
fn load(text: &str, flags: &[&str]) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = [&["mirrorlist-http", "--config", path], flags].concat();
    match Config::load(arguments.into_iter().map(OsString::from)) {
        Ok(config) => Ok(Config { config: None, ..config }),
        Err(failure) => Err(failure.to_string().replace(&format!("config {path}"), "")),
    }
}

#[test]
fn nothing_said_gives_the_defaults() {
    assert_eq!(settled(""), Ok(options::defaults::<Config>()));
    let defaults = options::defaults::<Config>();
    assert_eq!(
        (defaults.limits, defaults.relay),
        (options::defaults::<Limits>(), options::defaults::<Relay>())
    );
    assert_eq!(Trusted::new(defaults.trusted_proxy), Trusted::default());
    assert!(settled("trusted-proxy = []").unwrap().trusted_proxy.is_empty());
}

#[test]
fn what_the_file_says_is_taken() {
    let all = "listen = ['[::1]:80', 'unix:/run/x']\nsocket-mode = '0600'\nadmin = 'unix:/a'\ndaemon = '/d'\ntrusted-proxy = ['10.0.0.0/8', '::1']\n\
        threads = 3\nmax-connections = 9\nmax-head = 300\nheader-timeout = 1\nidle-timeout = 2\n\
        write-timeout = 0.5\nmax-unsent = 7\ndeadline = 1\npatience = 0.1\nmax-in-flight = 5\nstop-limit = 3\n";
    let config = settled(all).unwrap();
    assert_eq!(config.listen, [Listen::Tcp("[::1]:80".parse().unwrap()), Listen::Unix("/run/x".into())]);
    assert_eq!(config.admin, Some(Listen::Unix("/a".into())));
    assert_eq!(config.limits.write_timeout, Duration::from_millis(500));
    assert_eq!(config.relay.in_flight, 5);
    let without_defaults =
        [config.limits == options::defaults::<Limits>(), config.relay == options::defaults::<Relay>()];
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
    assert_eq!(settled(&options), Ok(options::defaults::<Config>()));
    for (_, key) in options::keys(&command()) {
        let listed = options.lines().any(|line| line.starts_with(&format!("{key} = ")));
        // Nothing is the default of this one, and that cannot be written.
        assert!(
            listed || key == "admin" && text.contains("admin = "),
            "{key} is not in systemd/mirrorlist-http.toml"
        );
    }
}

#[test]
fn the_socket_unit_listens_where_the_program_does_by_itself() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/mirrorlist-http.socket");
    let text = std::fs::read_to_string(path).unwrap();
    let places = text.lines().filter_map(|line| line.strip_prefix("ListenStream="));
    let places: Vec<Listen> = places.map(|place| place.parse().unwrap()).collect();
    assert_eq!(places, options::defaults::<Config>().listen);
}

#[test]
fn values_out_of_range_are_refused() {
    let limits = "expected a time from 1ms to 1d";
    let time = "expected a time such as 500ms, 2s, 1m, 1h, 14d, or seconds";
    let place = "not ADDRESS:PORT (IPv6 in brackets), PORT, :PORT, localhost:PORT or unix:PATH";
    for (text, said) in [
        ("max-connections = 0", "0 is not in 1..=1000000"),
        ("max-head = 255", "255 is not in 256..=65536"),
        ("deadline = 0", limits),
        ("deadline = 1e-300", time),
        ("patience = 0.0000001", limits),
        ("deadline = nan", time),
        ("daemon = \"/a\\u0000\"", "cannot be a socket's path (EINVAL: Invalid argument)"),
        ("listen = ['127.0.0.1']", "names no port; write 127.0.0.1:8080"),
        ("listen = ['::1']", "names no port; write [::1]:8080"),
        ("listen = ['here']", place),
        ("listen = ['here:80']", place),
        ("admin = '91000'", place),
        ("admin = ':+80'", place),
        ("admin = 'unix:'", "names no file"),
        ("trusted-proxy = ['10/8']", "not a prefix such as 10.0.0.0/8 or fd00::/8"),
    ] {
        let error = settled(text).unwrap_err();
        let key = text.split(' ').next().unwrap();
        assert!(error.starts_with(" line 1: invalid value '"), "{text}: {error}");
        assert!(error.ends_with(&format!(" for `{key}`: {said}")), "{text}: {error}");
    }
    for (text, said) in [
        ("daemon = ''", " line 1: a value is required for `daemon` but none was supplied"),
        ("listen = []", " line 1: a value is required for `listen` but none was supplied"),
        ("listen = ['unix:/d']\ndaemon = '/d'", "listen, admin, daemon: unix:/d is given twice"),
        ("admin = 'unix:/d'\ndaemon = '/d'", "listen, admin, daemon: unix:/d is given twice"),
        ("listen = ['unix:/a', '[::1]:80', 'unix:/a']", "listen, admin, daemon: unix:/a is given twice"),
        ("listen = ['[::1]:80', '[::1]:80']", "listen, admin, daemon: [::1]:80 is given twice"),
        ("listen = [':80', ':80']", "listen, admin, daemon: :80 is given twice"),
        (
            "listen = ['127.0.0.1:1']\nadmin = '127.0.0.1:1'",
            "listen, admin, daemon: 127.0.0.1:1 is given twice",
        ),
    ] {
        assert_eq!(settled(text).unwrap_err(), said, "{text}");
    }
}

#[test]
fn a_port_alone_is_of_this_machine_and_one_after_a_colon_of_all_addresses() {
    let local = Listen::Tcp("127.0.0.1:8080".parse().unwrap());
    for (text, place) in
        [("'8080'", &local), ("8080", &local), ("'localhost:8080'", &local), ("':8080'", &Listen::All(8080))]
    {
        assert_eq!(
            settled(&format!("listen = {text}")).unwrap().listen,
            std::slice::from_ref(place),
            "{text}"
        );
        assert_eq!(settled(&format!("listen = 1\nadmin = {text}")).unwrap().admin.as_ref(), Some(place));
    }
}

#[test]
fn a_path_that_no_socket_can_have_is_refused() {
    let path = |length: usize| format!("/{}", "x".repeat(length - 1));
    for (key, value) in [("daemon", ""), ("admin", "unix:"), ("listen", "unix:")] {
        let text = |length| match key {
            "listen" => format!("listen = ['{value}{}']", path(length)),
            _ => format!("{key} = '{value}{}'", path(length)),
        };
        assert!(settled(&text(107)).is_ok(), "{key}");
        let said = format!("for `{key}`: the path has 108 bytes, a socket's may have 107 at most");
        assert!(settled(&text(108)).unwrap_err().ends_with(&said), "{key}");
    }
    assert!(settled("listen = ['127.0.0.1:0', '127.0.0.1:0']").is_ok(), "the system chooses two ports");
}

#[test]
fn a_flag_overrides_the_file() {
    let config = load("threads = 2\nmax-in-flight = 3", &["--threads", "7"]).unwrap();
    assert_eq!((config.threads, config.relay.in_flight), (7, 3));
}
