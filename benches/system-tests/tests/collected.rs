//! From MirrorManager's database to an answer: the collector's file is what the compiler takes, our own fields included.
//!
//! Where PostgreSQL is not installed, the test says so and does nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, process::Command};
use testkit::{
    postgres::{Postgres, SAMPLE},
    stack::{self, Programs},
};

/// Runs a program well; what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_the_database_says_is_answered() {
    if !Postgres::is_there() {
        return;
    }
    let server = Postgres::start(&[]).unwrap();
    server.create("mm").unwrap();
    server.sql("mm", SAMPLE).unwrap();
    let answerable = "update file_detail set sha256 = repeat(sha256, 32); delete from host_country_allowed";
    server.sql("mm", answerable).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (list, cache) = (folder.path().join("list"), folder.path().join("cache.mlc"));
    let url = server.url("mm");
    run(Command::new(stack::collector().unwrap()).args(["database", "--url", &url, "--output"]).arg(&list));
    let programs = Programs::build().unwrap();
    let mut build = Command::new(&programs.cache);
    build.args(["build", "--json", "--mirrormanager"]).arg(&list).arg("--output").arg(&cache);
    let summary: serde_json::Value = serde_json::from_str(&run(&mut build)).unwrap();
    assert_eq!((&summary["directories"], &summary["repositories"]), (&3.into(), &2.into()), "{summary}");
    assert_eq!((&summary["skipped_in_all"], &summary["file_versions"]), (&6.into(), &2.into()), "{summary}");
    // Hosts 1 to 3 carry something; what is said of the others has nobody to be of.
    assert_eq!(summary["hosts"], 3, "{summary}");
    let ask = |request: &str| {
        let mut query = Command::new(&programs.cache);
        run(query.args(["query", "--client", "192.0.2.7"]).arg(&cache).arg(request))
    };
    // Host 3 is private and for its own network, which the client is in.
    let answer = ask("mirrorlist?repo=updates-f42&arch=x86_64");
    assert!(answer.contains("\nhttps://b.example/linux/updates/42/Everything/x86_64/\n"), "{answer}");
    let answer = ask("mirrorlist?path=pub/fedora/linux/updates/42/Everything/x86_64/repodata");
    assert!(answer.contains("http://c.corp/linux/updates/"), "{answer}");
    let metalink = ask("metalink?repo=updates-released-f42&arch=x86_64");
    assert!(
        metalink.contains(&"bb".repeat(32)) && metalink.contains("https://b.example/linux/"),
        "{metalink}"
    );
}

#[test]
fn what_the_collectors_unit_writes_is_watched() {
    let read = |name: &str| {
        fs::read_to_string(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd")).join(name))
            .unwrap()
    };
    let example: toml::Table = read("mirrorlist-collect.toml").parse().unwrap();
    let output = example["database"]["output"].as_str().unwrap();
    let unit = read("mirrorlist-collect.path");
    assert!(unit.contains(&format!("\nPathChanged={output}\n")), "{unit}");
    assert!(unit.contains("\nUnit=mirrorlist-cache.service\n"), "{unit}");
    let folder = Path::new(output).parent().unwrap().display().to_string();
    let made = read("tmpfiles.d/mirrorlist.conf");
    assert!(made.contains(&format!("{folder} 0750 mirrorlist-collect mirrorlist-collect")), "{made}");
}
