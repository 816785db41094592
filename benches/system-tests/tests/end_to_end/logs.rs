//! The request log of the whole service: every request is in it, and nothing that a client says can break a line.

use crate::support::{Client, programs, sample_cache, wait_until};
use nix::sys::signal::Signal;
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use testkit::stack::Stack;

/// The service with a request log, and further options.
fn start(log: &Path, options: &[&str]) -> Stack {
    let options = [&["--workers", "2", "--request-log", log.to_str().unwrap()], options].concat();
    Stack::start(&programs(), sample_cache(), &options, &[]).unwrap()
}

/// The lines, once there are so many, without their times, in an order of their own: several workers write them.
fn lines(log: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(log).unwrap_or_default();
    wait_until("lines", || read().lines().count() >= count);
    let text = read();
    assert_eq!(text.lines().count(), count, "{text}");
    let without_time = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{line}");
        rest.to_owned()
    };
    let mut lines: Vec<String> = text.lines().map(without_time).collect();
    lines.sort();
    lines
}

/// Asks for these targets, as a client in Germany, one after the other.
fn ask(stack: &Stack, targets: &[&str]) {
    let mut client = Client::connect(stack.http);
    for target in targets {
        client.ask("GET", target, "X-Forwarded-For: 192.0.2.77\r\n").answer();
    }
}

const TARGETS: [&str; 8] = [
    "/mirrorlist?repo=fedora-42&arch=x86_64&country=DE",
    "/metalink?repo=fedora-42&arch=x86_64&country=DE",
    "/mirrorlist?repo=nothing&arch=x86_64",
    "/mirrorlist",
    "/mirrorlist?path=no/such/directory",
    "/",
    "/favicon.ico",
    "/mirrorlist?repo=a%20b%0A2026&arch=%25%3B-&path=-",
];

/// What of a line is the client's and the answer's; the country is that of the sample.
fn expected(address: &str, country: &str) -> Vec<String> {
    [
        format!("{address} 200 mirrorlist country {country} fedora-42 x86_64 -"),
        format!("{address} 200 metalink country {country} fedora-42 x86_64 -"),
        format!("{address} 404 mirrorlist none {country} nothing x86_64 -"),
        format!("{address} 400 mirrorlist none {country} - - -"),
        format!("{address} 404 mirrorlist none {country} - - no/such/directory"),
        format!("{address} 200 other none {country} - - /"),
        format!("{address} 404 other none {country} - - /favicon.ico"),
        format!("{address} 404 mirrorlist none {country} a%20b%0A2026 %25%3B- %2D"),
    ]
    .into_iter()
    .collect::<BTreeSet<_>>()
    .into_iter()
    .collect()
}

#[test]
fn every_request_has_a_line_that_nothing_in_it_breaks() {
    for (how, address) in [("short", "192.0.2.0"), ("full", "192.0.2.77"), ("omit", "-")] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("requests.log");
        let stack = start(&log, &["--log-address", how]);
        ask(&stack, &TARGETS);
        let lines = lines(&log, TARGETS.len());
        let country = lines[0].split(' ').nth(4).unwrap().to_owned();
        assert_eq!(lines, expected(address, &country));
        // One client follows the other: there is no way to leave a request out, a long one neither.
        let long = format!("/{}", "%0A".repeat(2000));
        ask(&stack, &[&long]);
        wait_until("its line", || fs::read_to_string(&log).unwrap().lines().count() > TARGETS.len());
        let text = fs::read_to_string(&log).unwrap();
        let last = text.lines().last().unwrap();
        assert_eq!(last.split(' ').count(), 9, "{last}");
        assert!(last.len() < 4000, "{}", last.len());
    }
}

#[test]
fn there_is_no_request_log_unless_it_is_asked_for_and_the_access_log_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (access, requests) = (folder.path().join("access.log"), folder.path().join("requests.log"));
    let options = ["--access-log", access.to_str().unwrap(), "--log-address", "omit"];
    let stack = Stack::start(&programs(), sample_cache(), &options, &[]).unwrap();
    ask(&stack, &TARGETS);
    wait_until("lines", || fs::read_to_string(&access).unwrap().lines().count() == 2);
    let text = fs::read_to_string(&access).unwrap();
    assert!(text.lines().all(|line| line.starts_with("IP: N/A; DATE: 20")), "{text}");
    drop(stack);
    assert!(!requests.exists());
    // Both at once, each its own.
    let stack = start(&requests, &["--access-log", access.to_str().unwrap()]);
    ask(&stack, &TARGETS);
    assert_eq!(lines(&requests, TARGETS.len()).len(), TARGETS.len());
    wait_until("lines", || fs::read_to_string(&access).unwrap().lines().count() == 4);
    assert!(fs::read_to_string(&access).unwrap().ends_with("; REPO: fedora-42; ARCH: x86_64\n"));
}

#[test]
fn the_request_log_goes_on_in_a_new_file_and_counts_what_it_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let (log, old) = (folder.path().join("requests.log"), folder.path().join("requests.log.1"));
    let stack = start(&log, &[]);
    ask(&stack, &TARGETS);
    lines(&log, TARGETS.len());
    fs::rename(&log, &old).unwrap();
    stack.daemon.signal(Signal::SIGUSR1).unwrap();
    wait_until("lines in the new file", || {
        ask(&stack, &["/"]);
        fs::read_to_string(&log).is_ok_and(|text| !text.is_empty())
    });
    drop(stack);

    let mut stack = start(Path::new("/dev/full"), &[]);
    ask(&stack, &TARGETS);
    stack.daemon.expect("request log: 1 line lost (No space left on device").unwrap();
    let control = stack.socket.with_file_name("control");
    wait_until("the count of lost lines", || {
        let asked =
            Command::new(&programs().daemon).args(["status", "--json", "--control"]).arg(&control).output();
        let status: serde_json::Value = serde_json::from_slice(&asked.unwrap().stdout).unwrap();
        status["counters"]["mirrorlist_daemon_request_log_lines_dropped"] == TARGETS.len()
    });
}

/// The commands of systemd/README.md, on a log that this service has written.
#[test]
fn downloads_and_refusals_are_counted_as_the_documents_say() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.log");
    let stack = start(&log, &[]);
    ask(&stack, &TARGETS);
    lines(&log, TARGETS.len());
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/README.md")).unwrap();
    let commands: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with("awk ") && line.contains("requests.log"))
        .map(|line| line.replace("/var/log/mirrorlist/requests.log", log.to_str().unwrap()))
        .collect();
    let said: Vec<String> = commands
        .iter()
        .map(|command| {
            let output = Command::new("sh").arg("-c").arg(command).output().unwrap();
            assert!(output.status.success(), "{command}: {output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert_eq!(said.len(), 2, "{commands:?}");
    assert_eq!(said[0], "2 fedora-42 x86_64\n");
    let refusals: Vec<&str> = said[1].lines().collect();
    assert!(refusals.contains(&"1 404 nothing x86_64 -") && refusals.len() == 5, "{refusals:?}");
}
