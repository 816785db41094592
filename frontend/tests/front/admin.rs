//! Health and metrics, on a listener of their own.

use super::{
    client::{Answer, Client},
    eventually,
    program::Program,
    worker::{Asked, Connection, Daemon, reply_as},
};
use nix::sys::signal::Signal;
use prometheus_parse::{Scrape, Value};
use std::time::Duration;
use wire::{Counter, Key, Kind, Outcome, ReplyHead, Tier, Unit};

const ADMIN: [&str; 2] = ["--admin", "127.0.0.1:0"];

fn start(daemon: &Daemon, arguments: &[&str]) -> Program {
    Program::start(daemon, &[&ADMIN, arguments].concat())
}

fn ask(program: &Program, path: &str) -> Answer {
    Client::connect(program.admin()).get(path)
}

fn head(status: u16, kind: Kind, tier: Tier) -> ReplyHead {
    ReplyHead { status, kind, tier }
}

/// The metrics, checked for what Prometheus expects of their form.
fn metrics(program: &Program) -> Scrape {
    let answer = ask(program, "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text().to_owned();
    assert!(text.ends_with('\n'), "{text}");
    let mut described = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["#", "HELP", name, ..] => {
                assert!(line.ends_with('.') && name.starts_with("mirrorlist_"), "{line}");
                assert!(!described.contains(&name.to_owned()), "twice: {line}");
                described.push(name.to_owned());
            }
            ["#", "TYPE", name, kind] => {
                assert_eq!(described.last().unwrap(), name, "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            }
            ["#", ..] => panic!("{line}"),
            _ => {
                let name = line.split(['{', ' ']).next().unwrap();
                let suffix = name.strip_prefix(described.last().unwrap().as_str());
                let suffixes = ["", "_bucket", "_sum", "_count"];
                assert!(suffix.is_some_and(|suffix| suffixes.contains(&suffix)), "{line}");
            }
        }
    }
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// The value of the sample with this name and these labels; 0 when there is none.
fn value(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
    let mut samples = scrape.samples.iter().filter(|sample| {
        sample.metric == name && labels.iter().all(|(label, value)| sample.labels.get(label) == Some(*value))
    });
    let sample = samples.next();
    assert!(samples.next().is_none(), "more than one {name} {labels:?}");
    match sample.map(|sample| &sample.value) {
        None => 0.0,
        Some(Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value)) => *value,
        Some(other) => panic!("{name}: {other:?}"),
    }
}

#[test]
fn without_the_option_there_is_no_such_listener() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--threads", "1"]);
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
    assert!(!program.logged("health and metrics"));
    assert!(program.threads().iter().all(|(_, name)| name != "admin"));
}

#[test]
fn nothing_of_it_is_reachable_where_clients_connect_and_nothing_else_where_it_is() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for path in ["/metrics", "/healthz/live", "/healthz/ready"] {
        assert_eq!(client.get(path).text(), format!("Get Unknown 127.0.0.1 {path}?\n"), "as any other path");
    }
    for path in ["/", "/mirrorlist?repo=a&arch=b", "/metalink", "/metrics/", "/healthz"] {
        assert_eq!(ask(&program, path).status, 404, "{path}");
    }
}

#[test]
fn it_answers_get_and_head_over_a_socket_file_too_and_closes() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let path = daemon.path("admin");
    let program = Program::start(&daemon, &["--admin", &format!("unix:{}", path.display())]);
    assert!(program.logged(&format!("health and metrics on unix:{}", path.display())));
    let mut client = Client::connect_unix(&path);
    assert_eq!(client.get("/healthz/live").text(), "ok\n");
    assert!(client.is_closed());
    let mut client = Client::connect_unix(&path);
    let head = client.send("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n").head();
    assert_eq!(head.status, 200);
    assert!(client.is_closed(), "no body follows");
    let mut client = Client::connect_unix(&path);
    let refused = client.send("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").answer();
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn others_than_this_machine_are_let_in_with_a_warning_only() {
    let daemon = Daemon::new();
    let program = Program::start(&daemon, &["--admin", "0.0.0.0:0"]);
    assert!(program.logged("not a loopback address"), "{}", program.log());
    let program = start(&daemon, &[]);
    assert!(!program.logged("warning: admin"), "{}", program.log());
}

#[test]
fn no_two_programs_share_its_address() {
    let daemon = Daemon::new();
    let first = start(&daemon, &[]);
    let place = first.admin().to_string();
    let mut second = Program::spawn(&daemon, &["--listen", "127.0.0.1:0", "--admin", &place]);
    assert_eq!(second.ended(Duration::from_secs(10)).code(), Some(71));
    eventually("it says why", || second.logged("Address already in use"));
}

#[test]
fn ready_means_that_a_worker_answers() {
    let mut daemon = Daemon::absent();
    let program = start(&daemon, &["--deadline", "0.3"]);
    assert_eq!(ask(&program, "/healthz/live").text(), "ok\n");
    let answer = ask(&program, "/healthz/ready");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("no worker answers (No such file"), "{}", answer.text());
    daemon.appear();
    assert_eq!(ask(&program, "/healthz/ready").status, 503, "the socket alone does not do");
    let worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            assert_eq!((asked.path.as_str(), asked.query.as_str()), ("/mirrorlist", "path=healthz"));
            let head = head(404, Kind::Mirrorlist, Tier::None);
            connection.send(&reply_as(asked.id, &head, "", b"# path = healthz error: invalid path\n"));
        }
    });
    eventually("ready", || ask(&program, "/healthz/ready").status == 200);
    worker.kill();
    eventually("not ready", || ask(&program, "/healthz/ready").status == 503);
    assert_eq!(ask(&program, "/healthz/live").status, 200, "a restart of the front end would not help");
}

#[test]
fn a_worker_that_says_nothing_is_left_for_another_one() {
    let daemon = Daemon::new();
    // Of its connections every second one is answered.
    let _worker = daemon.worker(0, 1, 1, |connection: Connection| {
        if connection.number.is_multiple_of(2) {
            let mut silent = connection;
            while silent.asked().is_some() {}
        } else {
            connection.echo();
        }
    });
    let program = start(&daemon, &["--threads", "1", "--patience", "0.05"]);
    for _ in 0..4 {
        assert_eq!(ask(&program, "/healthz/ready").status, 200);
    }
}

#[test]
fn not_ready_once_it_is_told_to_stop() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        while let Some(asked) = connection.asked() {
            if asked.path != "/slow" {
                connection.reply(asked.id, "");
            }
        }
    });
    let program = start(&daemon, &["--deadline", "30", "--stop-limit", "30"]);
    let mut client = Client::connect(program.address());
    client.send_get("/slow", "");
    assert!(client.hears_nothing_for(Duration::from_millis(50)));
    assert_eq!(ask(&program, "/healthz/ready").status, 200);
    program.signal(Signal::SIGTERM);
    eventually("stopping", || ask(&program, "/healthz/ready").text() == "stopping\n");
    assert_eq!(ask(&program, "/healthz/live").status, 200);
}

/// Answers as the request's path says: `/STATUS/KIND/TIER`, by number.
fn as_told(mut connection: Connection) {
    connection.counters = vec![
        (Key::Counter(Counter::Generation), 7),
        (Key::Counter(Counter::CacheBuilt), 1_700_000_000),
        (Key::Counter(Counter::LastReloadTime), 0),
        (Key::Counter(Counter::WorkersRestarted), 3),
        (Key::Requests(Outcome::of(&head(200, Kind::Metalink, Tier::CountryContinent))), 11),
        (Key::Requests(Outcome::of(&head(500, Kind::Other, Tier::None))), 2),
    ];
    while let Some(Asked { id, path, .. }) = connection.asked() {
        let mut numbers = path.split('/').filter_map(|word| word.parse::<usize>().ok());
        let mut next = || numbers.next();
        if let (Some(status), Some(kind), Some(tier)) = (next(), next(), next()) {
            let head = head(status as u16, Kind::ALL[kind], Tier::ALL[tier]);
            connection.send(&reply_as(id, &head, "", b"x"));
        }
    }
}

#[test]
fn metrics_tell_what_clients_got_and_what_the_daemon_tells() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, as_told);
    let program = start(&daemon, &["--threads", "2", "--deadline", "0.4", "--max-connections", "50"]);
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(program.address())).collect();
    for client in &mut clients {
        assert_eq!(client.get("/200/1/6").status, 200);
        assert_eq!(client.get("/302/3/2").status, 302);
        assert_eq!(client.get("/418/0/0").status, 418);
    }
    assert_eq!(clients[0].send("PUT / HTTP/1.1\r\nHost: x\r\n\r\n").answer().status, 405);
    assert_eq!(clients[0].get("/never-answered").status, 503);
    for (head, status) in
        [("nonsense\r\n\r\n".to_owned(), 400), (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000)), 414)]
    {
        assert_eq!(Client::connect(program.address()).send(head).answer().status, status);
    }
    let open = || value(&metrics(&program), "mirrorlist_http_connections", &[]);
    eventually("those that were refused are gone", || open() == 4.0);

    let scrape = metrics(&program);
    let requests = |kind, status, tier| {
        let labels = [("kind", kind), ("status", status), ("tier", tier)];
        value(&scrape, "mirrorlist_http_requests_total", &labels)
    };
    assert_eq!(requests("mirrorlist", "200", "geoip"), 4.0);
    assert_eq!(requests("redirect", "302", "netblock"), 4.0);
    assert_eq!(requests("other", "other", "none"), 4.0);
    assert_eq!(requests("other", "405", "none"), 1.0);
    assert_eq!(requests("other", "503", "none"), 1.0);
    let total = |name: &str| value(&scrape, name, &[]);
    assert_eq!(total("mirrorlist_http_shed_total"), 1.0);
    assert_eq!(total("mirrorlist_http_threads"), 2.0);
    assert_eq!(total("mirrorlist_http_connections"), 4.0);
    assert_eq!(total("mirrorlist_http_connections_accepted_total"), 6.0);
    assert_eq!(total("mirrorlist_http_connections_limit"), 50.0);
    assert_eq!(value(&scrape, "mirrorlist_http_heads_refused_total", &[("status", "400")]), 1.0);
    assert_eq!(value(&scrape, "mirrorlist_http_heads_refused_total", &[("status", "414")]), 1.0);
    let kind = [("kind", "redirect")];
    assert_eq!(value(&scrape, "mirrorlist_http_request_duration_seconds_count", &kind), 4.0);
    let time = value(&scrape, "mirrorlist_http_request_duration_seconds_sum", &kind);
    assert!(time > 0.0 && time < 40.0, "{time}");
    let histogram = scrape.samples.iter().find_map(|sample| match &sample.value {
        Value::Histogram(buckets) if sample.labels.get("kind") == Some("redirect") => Some(buckets),
        _ => None,
    });
    let counts: Vec<f64> = histogram.unwrap().iter().map(|bucket| bucket.count).collect();
    assert_eq!((counts.len(), counts.last()), (18, Some(&4.0)));
    assert!(counts.is_sorted(), "{counts:?}");

    assert_eq!(total("mirrorlist_daemon_up"), 1.0);
    assert_eq!(total("mirrorlist_daemon_generation"), 7.0);
    assert_eq!(total("mirrorlist_cache_built_timestamp_seconds"), 1_700_000_000.0);
    assert_eq!(total("mirrorlist_daemon_worker_restarts_total"), 3.0);
    let has = |name: &str| scrape.samples.iter().any(|sample| sample.metric == name);
    assert!(!has("mirrorlist_daemon_last_reload_timestamp_seconds"), "there was none");
    let labels = [("kind", "metalink"), ("status", "200"), ("tier", "country_continent")];
    assert_eq!(value(&scrape, "mirrorlist_daemon_requests_total", &labels), 11.0);
    let labels = [("kind", "other"), ("status", "other"), ("tier", "none")];
    assert_eq!(value(&scrape, "mirrorlist_daemon_requests_total", &labels), 2.0);
}

/// Names that others read. One more is no change to them.
const PUBLIC: [&str; 38] = [
    "mirrorlist_http_build_info",
    "mirrorlist_http_threads",
    "mirrorlist_http_requests_total",
    "mirrorlist_http_shed_total",
    "mirrorlist_http_retries_total",
    "mirrorlist_http_request_duration_seconds",
    "mirrorlist_http_heads_refused_total",
    "mirrorlist_http_connections_accepted_total",
    "mirrorlist_http_connections",
    "mirrorlist_http_connections_closed_for_room_total",
    "mirrorlist_http_connections_cut_off_total",
    "mirrorlist_http_connections_limit",
    "mirrorlist_daemon_up",
    "mirrorlist_daemon_generation",
    "mirrorlist_cache_built_timestamp_seconds",
    "mirrorlist_cache_source_timestamp_seconds",
    "mirrorlist_cache_input_timestamp_seconds",
    "mirrorlist_cache_input_max_age_seconds",
    "mirrorlist_cache_size_bytes",
    "mirrorlist_cache_hosts",
    "mirrorlist_cache_directories",
    "mirrorlist_cache_repositories",
    "mirrorlist_daemon_workers_wanted",
    "mirrorlist_daemon_workers_ready",
    "mirrorlist_daemon_worker_restarts_total",
    "mirrorlist_daemon_reloads_total",
    "mirrorlist_daemon_reloads_failed_total",
    "mirrorlist_daemon_last_reload_outcome",
    "mirrorlist_daemon_last_reload_timestamp_seconds",
    "mirrorlist_daemon_start_timestamp_seconds",
    "mirrorlist_daemon_connections_accepted_total",
    "mirrorlist_daemon_frames_refused_total",
    "mirrorlist_daemon_sent_bytes_total",
    "mirrorlist_daemon_access_log_lines_dropped_total",
    "mirrorlist_daemon_request_log_lines_dropped_total",
    "mirrorlist_daemon_requests_total",
    "mirrorlist_suspended_hosts",
    "mirrorlist_suspended_urls",
];

#[test]
fn every_counter_that_is_declared_is_a_metric_and_public_names_stay_as_they_are() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, |mut connection: Connection| {
        let single = Counter::ALL.into_iter().map(Key::Counter);
        let keys = single.chain(Outcome::all().map(Key::Requests));
        connection.counters = keys.zip(1..).collect();
        connection.echo();
    });
    let program = start(&daemon, &["--threads", "2"]);
    Client::connect(program.address()).send("nonsense\r\n\r\n").answer();
    Client::connect(program.address()).get("/");
    let scrape = metrics(&program);
    for (counter, number) in Counter::ALL.into_iter().zip(1_u32..) {
        let suffix = if counter.unit() == Unit::Count { "_total" } else { "" };
        let name = format!("{}{suffix}", counter.name());
        let labels: Vec<_> = counter.input().map(|input| ("input", input)).into_iter().collect();
        assert_eq!(value(&scrape, &name, &labels), f64::from(number), "{name}");
    }
    for name in PUBLIC {
        assert!(scrape.samples.iter().any(|sample| sample.metric == name), "{name}");
    }
}

#[test]
fn whatever_an_asker_takes_the_metrics_are_in_the_format_that_all_of_them_read() {
    let daemon = Daemon::new();
    let _worker = daemon.worker(0, 1, 1, as_told);
    let program = start(&daemon, &["--threads", "1"]);
    for accept in
        ["text/plain", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "*/*"]
    {
        let lines = format!("Accept: {accept}\r\n");
        let answer = Client::connect(program.admin()).send_get("/metrics", &lines).answer();
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let restarts = "# TYPE mirrorlist_daemon_worker_restarts_total counter\nmirrorlist_daemon_worker_restarts_total 3\n";
        assert!(answer.text().contains(restarts), "{}", answer.text());
    }
}

#[test]
fn the_alert_rules_are_about_metrics_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/examples/alerts.yml");
    let rules = std::fs::read_to_string(path).unwrap();
    let expressions: Vec<&str> =
        rules.lines().filter_map(|line| line.trim_start().strip_prefix("expr: ")).collect();
    assert_eq!(expressions.len(), rules.matches("- alert: ").count(), "an expression is in a line");
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let mut named = 0;
    for expression in expressions {
        let names: Vec<&str> =
            expression.split(word).filter(|name| name.starts_with("mirrorlist_")).collect();
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(PUBLIC.contains(&name) || family.is_some_and(|name| PUBLIC.contains(&name)), "{name}");
            named += 1;
        }
    }
    assert!(named > 0);
}

#[test]
fn a_retry_is_counted() {
    let daemon = Daemon::new();
    let _silent = daemon.worker(0, 2, 1, |mut connection: Connection| while connection.asked().is_some() {});
    let _worker = daemon.worker(1, 2, 1, Connection::echo);
    let program = start(&daemon, &["--threads", "1", "--patience", "0.05"]);
    let mut client = Client::connect(program.address());
    eventually("a retry", || {
        assert_eq!(client.get("/").status, 200);
        value(&metrics(&program), "mirrorlist_http_retries_total", &[]) >= 1.0
    });
}

#[test]
fn without_a_worker_the_front_ends_own_metrics_are_told_all_the_same() {
    let daemon = Daemon::absent();
    let program = start(&daemon, &["--deadline", "0.2"]);
    assert_eq!(Client::connect(program.address()).get("/").status, 503);
    let scrape = metrics(&program);
    assert_eq!(value(&scrape, "mirrorlist_daemon_up", &[]), 0.0);
    assert!(scrape.samples.iter().any(|sample| sample.metric == "mirrorlist_daemon_up"));
    assert_eq!(value(&scrape, "mirrorlist_http_shed_total", &[]), 1.0);
    assert!(!scrape.samples.iter().any(|sample| sample.metric.starts_with("mirrorlist_cache")));
}

#[test]
fn slow_askers_are_few_and_cut_off_and_clients_do_not_notice() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = start(&daemon, &[]);
    let mut slow: Vec<Client> = (0..64).map(|_| Client::connect(program.admin())).collect();
    for client in &mut slow {
        client.send("GET /metrics HTT");
    }
    let mut waiting = Client::connect(program.admin());
    waiting.send_get("/healthz/live", "");
    eventually("the limit is told", || program.logged("admin connections: limit of 64 reached"));
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
    // Its own patience is longer than that of the admin listener with the others.
    assert_eq!(waiting.answer().text(), "ok\n");
    for client in &mut slow {
        assert!(client.ends());
    }
}
