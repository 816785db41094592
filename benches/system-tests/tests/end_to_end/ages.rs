//! How old each input of a cache is: told by build, status, metrics, `inspect` and `/` of the same service.

use crate::support::{Client, programs, wait_until};
use std::{
    fs::{self, File},
    process::Command,
    time::{Duration, SystemTime},
};
use testkit::{inputs, mmdb::Database, sample, stack::Stack};

const DAY: u64 = 86_400;

/// What the front end's `/metrics` says.
fn metrics(stack: &mut Stack) -> String {
    let mut admin = None;
    wait_until("an address for metrics", || {
        let said = stack.frontend.messages().iter();
        admin =
            said.filter_map(|line| line.split_once("health and metrics on ")?.1.trim().parse().ok()).next();
        admin.is_some()
    });
    Client::connect(admin.unwrap()).get("/metrics").body
}

/// A figure of an input.
fn metric(metrics: &str, name: &str, input: &str) -> Option<u64> {
    let start = format!("mirrorlist_cache_input_{name}{{input=\"{input}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

fn out(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_input_that_is_too_old_is_told_wherever_one_looks() {
    let (programs, folder) = (programs(), tempfile::tempdir().unwrap());
    sample::write(folder.path()).unwrap();
    // Routes written 40 days ago, which may be 30 days old; continents as old, which may be of any age.
    let written = SystemTime::now() - Duration::from_secs(40 * DAY);
    for name in [inputs::NETBLOCKS, inputs::CONTINENTS] {
        File::options().append(true).open(folder.path().join(name)).unwrap().set_modified(written).unwrap();
    }
    let cache = folder.path().join("cache.mlc");
    let mut build = inputs::build_command(&programs, folder.path(), &cache);
    let built = build.args(["--max-age", "mirrormanager=0", "--max-age", "geoip=3600d"]).output().unwrap();
    let said = String::from_utf8(built.stderr).unwrap();
    let warning = format!(
        "warning: netblocks {}: what it says is 40 d 0 h old, more than its max-age of 30 d 0 h; it is built from all \
         the same\n",
        folder.path().join(inputs::NETBLOCKS).display()
    );
    assert_eq!((built.status.code(), said), (Some(0), warning));

    let seen = out(Command::new(&programs.cache).arg("inspect").arg(&cache));
    let line = |name: &str| seen.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    assert!(line("netblocks").ends_with("(40 d 0 h ago); too old: its max-age is 30 d 0 h"), "{seen}");
    assert!(line("continents").ends_with("(40 d 0 h ago)"), "{seen}");
    // What says itself how old it is, and what does not.
    assert!(line("mirrormanager").contains("bytes, of 20"), "{seen}");
    assert!(line("geoip").contains("bytes, written 20"), "{seen}");

    let mut stack = Stack::start(&programs, &cache, &[], &["--admin", "127.0.0.1:0"]).unwrap();
    let control = stack.socket.with_file_name("control");
    let status = out(Command::new(&programs.daemon).args(["status", "--control"]).arg(&control));
    let told: Vec<&str> = status.lines().filter(|line| line.contains("too old")).collect();
    assert_eq!(told.len(), 1, "{status}");
    assert!(told[0].trim_start().starts_with("netblocks  "), "{status}");
    assert!(told[0].ends_with("(40 d 0 h ago); too old: warning, its max-age is 30 d 0 h"), "{status}");
    let json = out(Command::new(&programs.daemon).args(["status", "--json", "--control"]).arg(&control));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let sources = json["sources"].as_array().unwrap();
    let old: Vec<&str> = sources
        .iter()
        .filter(|source| source["too_old"] == true)
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!((sources.len(), old), (4, vec!["netblocks"]));

    let metrics = metrics(&mut stack);
    let sample = |name: &str, input: &str| metric(&metrics, name, input);
    let written = written.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for (input, time, max_age) in [
        ("mirrormanager", sources[0]["time"].as_u64(), None),
        ("netblocks", Some(written), Some(30 * DAY)),
        ("continents", Some(written), None),
        ("geoip", sources[3]["time"].as_u64(), Some(3600 * DAY)),
    ] {
        assert!(time.is_some());
        assert_eq!((sample("timestamp_seconds", input), sample("max_age_seconds", input)), (time, max_age));
    }

    let mut client = Client::connect(stack.http);
    for accept in ["", "Accept: text/html\r\n"] {
        let help = client.ask("GET", "/", accept).answer().body;
        assert!(help.contains("routes 40 days old") && help.contains("countries of addresses "), "{help}");
    }
}

/// Copied today, built long ago.
#[test]
fn a_country_database_is_as_old_as_it_says_itself_whatever_its_file_says() {
    let (programs, folder) = (programs(), tempfile::tempdir().unwrap());
    sample::write(folder.path()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let built = now - 45 * DAY - 60;
    let mut database = Database::default();
    let germany = database.record(Some("DE"), None);
    database.insert_v4([192, 0, 2, 0].into(), 24, germany);
    database.set_built(built);
    let file = folder.path().join(inputs::GEOIP);
    fs::write(&file, database.encode("GeoLite2-Country")).unwrap();
    let cache = folder.path().join("cache.mlc");
    let mut build = inputs::build_command(&programs, folder.path(), &cache);
    let build = build.args(["--max-age", "mirrormanager=0"]).output().unwrap();
    let warning = format!(
        "warning: geoip {}: what it says is 45 d 0 h old, more than its max-age of 30 d 0 h; it is built from all the \
         same\n",
        file.display()
    );
    assert_eq!((build.status.code(), String::from_utf8(build.stderr).unwrap()), (Some(0), warning));

    let seen = out(Command::new(&programs.cache).arg("inspect").arg(&cache));
    let line = seen.lines().find(|line| line.trim_start().starts_with("geoip")).unwrap();
    assert!(line.contains("bytes, of 20"), "{line}");
    assert!(line.ends_with("(45 d 0 h ago); too old: its max-age is 30 d 0 h"), "{line}");

    let mut stack = Stack::start(&programs, &cache, &[], &["--admin", "127.0.0.1:0"]).unwrap();
    let control = stack.socket.with_file_name("control");
    let status = out(Command::new(&programs.daemon).args(["status", "--control"]).arg(&control));
    let line = status.lines().find(|line| line.trim_start().starts_with("geoip")).unwrap();
    assert!(line.ends_with("(45 d 0 h ago); too old: warning, its max-age is 30 d 0 h"), "{line}");
    let metrics = metrics(&mut stack);
    assert_eq!(metric(&metrics, "timestamp_seconds", "geoip"), Some(built));
    assert_eq!(metric(&metrics, "max_age_seconds", "geoip"), Some(30 * DAY));
    let help = Client::connect(stack.http).get("/").body;
    assert!(help.contains("countries of addresses 45 days old"), "{help}");
}
