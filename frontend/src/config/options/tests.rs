//! The options: their defaults, ranges, and what is said of those that are wrong.

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
        ("deadline = 0", "deadline: 0.0 seconds, expected 0.001 to 86400"),
        ("deadline = 1e-300", "deadline: 1e-300 seconds, expected 0.001 to 86400"),
        ("patience = 1e-10", "patience: 1e-10 seconds, expected 0.001 to 86400"),
        ("deadline = nan", "deadline: NaN seconds, expected 0.001 to 86400"),
        ("daemon = ''", "daemon: names no file"),
        ("daemon = \"/a\\u0000\"", "daemon: \"/a\\0\" cannot be a socket's path (EINVAL: Invalid argument)"),
        ("listen = ['unix:/d']\ndaemon = '/d'", "listen: unix:/d is the daemon's socket"),
        ("listen = ['unix:/a', '[::1]:80', 'unix:/a']", "listen: unix:/a is given twice"),
        ("listen = ['[::1]:80', '[::1]:80']", "listen: [::1]:80 is given twice"),
        ("listen = []", "listen: no address is given"),
        ("listen = ['::1:80']", "listen: `::1:80` names no port; write [::1]:80 or [::1:80]:8080"),
        ("listen = ['::1:080']", "listen: `::1:080` names no port; write [::1:80]:8080"),
        ("listen = ['127.0.0.1:1']\nadmin = '127.0.0.1:1'", "admin: 127.0.0.1:1 is where clients connect"),
        ("admin = '9100'", "admin: `9100` is not ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH"),
        ("listen = ['::1']", "listen: `::1` names no port; write [::1]:8080"),
        ("listen = ['here']", "listen: `here` is not ADDRESS:PORT, [V6ADDRESS]:PORT or unix:PATH"),
        ("trusted-proxy = ['10/8']", "trusted-proxy: `10/8` is not a prefix such as 10.0.0.0/8 or fd00::/8"),
    ] {
        assert_eq!(settled(text).unwrap_err(), said, "{text}");
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
        let said = format!("{key}: the path has 108 bytes, a socket's may have 107 at most");
        assert_eq!(settled(&text(108)), Err(said));
    }
    assert!(settled("listen = ['127.0.0.1:0', '127.0.0.1:0']").is_ok(), "the system chooses two ports");
}

#[test]
fn a_flag_overrides_the_file() {
    let flags = Options { threads: Some(7), ..Options::default() };
    let config =
        settle(flags.over(options::parse("threads = 2\nmax-in-flight = 3", &KEYS).unwrap())).unwrap();
    assert_eq!((config.threads, config.relay.in_flight), (7, 3));
}
