//! What the front end answers comes through a web server as it is, compressed for who asks for it.

use super::service::{Service, TOOLS, WAYS};
use crate::support::{
    curl::{Answer, curl},
    has, wait_until,
};
use std::{collections::BTreeSet, fs};

const HOST: &str = "http://mirrors.example.org";
const LIST: &str = "/mirrorlist?repo=fedora-42&arch=x86_64";
/// With one URL of every mirror, so that its length does not depend on their order.
const METALINK: &str = "/metalink?repo=fedora-42&arch=x86_64&protocol=https";

/// Method, target, status: every kind of answer.
const REQUESTS: [(&str, &str, u16); 13] = [
    ("GET", LIST, 200),
    ("HEAD", LIST, 200),
    ("GET", METALINK, 200),
    ("HEAD", METALINK, 200),
    ("GET", "/mirrorlist?path=pub/fedora/linux/releases/42&redirect=1&location=munich&protocol=https", 302),
    ("HEAD", "/mirrorlist?path=pub/fedora/linux/releases/42&redirect=1&location=munich&protocol=https", 302),
    ("GET", "/mirrorlist?repo=fedora-30&arch=x86_64", 200),
    ("GET", "/mirrorlist?repo=unheard-of&arch=x86_64", 404),
    ("HEAD", "/mirrorlist?repo=unheard-of&arch=x86_64", 404),
    ("GET", "/metalink?path=pub/fedora/linux/%3Cunheard%26of%3E%20--%20%ff", 404),
    ("GET", "/mirrorlist", 400),
    ("GET", "/favicon.ico", 404),
    ("POST", LIST, 405),
];

/// What must be the same on both sides of a web server, in one order whatever was drawn.
fn essence(answer: &Answer) -> (u16, [&str; 6], Vec<&str>) {
    let names = ["content-type", "content-length", "cache-control", "location", "retry-after", "allow"];
    let lines = answer.sorted().into_iter().filter(|line| !line.contains("<url ") && !is_pubdate(line));
    (answer.status, names.map(|name| answer.header(name)), lines.collect())
}

fn is_pubdate(line: &str) -> bool {
    line.contains("pubdate=")
}

#[test]
fn every_kind_of_answer_passes_unchanged() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    for way in WAYS {
        let web = service.behind(way);
        for (accept, is) in [("*/*", "text/plain"), ("text/html", "text/html; charset=utf-8")] {
            let help = curl(web.http, &format!("{HOST}/"), &["--header", &format!("Accept: {accept}")]);
            assert_eq!((help.status, help.header("content-type")), (200, is), "{way:?}: {help:?}");
            assert!(help.body.contains("Mirror list service"), "{way:?}: {help:?}");
        }
        for (method, target, status) in REQUESTS {
            let url = format!("{HOST}{target}");
            let options: &[&str] = match method {
                "HEAD" => &["--head"],
                "GET" => &[],
                method => &["--request", method],
            };
            let direct = curl(service.stack.http, &url, options);
            let through = curl(web.http, &url, options);
            assert_eq!(direct.status, status, "{method} {target}: {direct:?}");
            assert_eq!(essence(&through), essence(&direct), "{way:?} {method} {target}");
            let wants_body = method != "HEAD";
            assert_eq!(!through.body.is_empty(), wants_body, "{way:?} {method} {target}: {through:?}");
        }
    }
}

#[test]
fn pages_of_the_report_are_beside_the_lists() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    let pages = service.pages();
    fs::create_dir_all(pages.join("mirrors")).unwrap();
    let page = format!("<!DOCTYPE html><title>Pages</title>{}", "statistics ".repeat(100));
    fs::write(pages.join("mirrors/index.html"), &page).unwrap();
    fs::write(pages.join("style.css"), "p { margin: 0 }").unwrap();
    for way in WAYS {
        let web = service.behind(way);
        let got = |path: &str, options: &[&str]| curl(web.http, &format!("{HOST}{path}"), options);
        let index = got("/statistics/mirrors/", &[]);
        assert_eq!((index.status, &index.body), (200, &page), "{way:?}: {index:?}");
        assert!(index.header("content-type").starts_with("text/html"), "{way:?}: {index:?}");
        let packed = got("/statistics/mirrors/", &["--compressed"]);
        assert_eq!((packed.header("content-encoding"), &packed.body), ("gzip", &page), "{way:?}: {packed:?}");
        assert_eq!(got("/statistics/style.css", &[]).header("content-type"), "text/css", "{way:?}");
        assert_eq!(got("/statistics/absent.html", &[]).status, 404, "{way:?}");
        for path in ["/statistics", "/statistics/mirrors"] {
            let led = got(path, &[]);
            let is_led = led.status == 301 && led.header("location").ends_with(&format!("{path}/"));
            assert!(is_led, "{way:?}: {led:?}");
        }
        assert_eq!(got(LIST, &[]).status, 200, "{way:?}");
    }
}

#[test]
fn without_a_daemon_a_client_is_told_when_to_come_again() {
    if !has(&TOOLS) {
        return;
    }
    for way in WAYS {
        let mut service = Service::start();
        let web = service.behind(way);
        service.stack.daemon.stop().unwrap();
        let url = format!("{HOST}{LIST}");
        let (direct, through) = (curl(service.stack.http, &url, &[]), curl(web.http, &url, &[]));
        assert_eq!((through.status, through.header("retry-after")), (503, "1"), "{way:?}: {through:?}");
        assert_eq!(essence(&through), essence(&direct), "{way:?}");
    }
}

#[test]
fn a_front_end_that_is_back_is_asked_at_once() {
    if !has(&TOOLS) {
        return;
    }
    for way in WAYS {
        let mut service = Service::start();
        let web = service.behind(way);
        let ask = || curl(web.http, &format!("{HOST}{LIST}"), &[]).status;
        assert_eq!(ask(), 200, "{way:?}");
        service.stack.frontend.stop().unwrap();
        let without = ask();
        assert!((502..=503).contains(&without), "{way:?}: {without}");
        service.restart_front_end();
        assert_eq!(ask(), 200, "{way:?}");
    }
}

#[test]
fn who_asks_for_compression_gets_it_and_caches_are_told() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    for way in WAYS {
        let web = service.behind(way);
        for target in [LIST, METALINK] {
            let url = format!("{HOST}{target}");
            let plain = curl(web.http, &url, &[]);
            let packed = curl(web.http, &url, &["--compressed"]);
            assert_eq!(plain.header("content-encoding"), "", "{way:?} {target}");
            assert_eq!(packed.header("content-encoding"), "gzip", "{way:?} {target}: {packed:?}");
            for answer in [&plain, &packed] {
                let vary = answer.header("vary").to_ascii_lowercase();
                assert_eq!(vary, "accept-encoding", "{way:?} {target}: {answer:?}");
            }
            assert_eq!(packed.header("content-type"), plain.header("content-type"), "{way:?} {target}");
            let without_length = |answer| {
                let (status, mut headers, lines) = essence(answer);
                headers[1] = "";
                (status, headers, lines.into_iter().map(str::to_owned).collect::<Vec<_>>())
            };
            assert_eq!(without_length(&packed), without_length(&plain), "{way:?} {target}");
        }
        // Behind a proxy of the client's too.
        let url = format!("{HOST}{LIST}");
        let packed = curl(web.http, &url, &["--compressed", "--header", "Via: 1.1 proxy.example.net"]);
        assert_eq!(packed.header("content-encoding"), "gzip", "{way:?}: {packed:?}");
        // A word is not worth it.
        let short = curl(web.http, &format!("{HOST}/mirrorlist"), &["--compressed"]);
        assert_eq!((short.status, short.body.lines().count()), (400, 2), "{way:?}: {short:?}");
    }
}

/// MirrorBrain#66: a metalink told as `text/html`.
#[test]
fn every_form_has_its_own_type_by_get_and_by_head_packed_or_not() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    let targets = [
        (LIST.to_owned(), "text/plain"),
        (METALINK.to_owned(), "application/metalink+xml"),
        (format!("{METALINK}&format=metalink4"), "application/metalink4+xml"),
        (format!("{LIST}&format=json"), "application/json"),
        (format!("{LIST}&format=html"), "text/html; charset=utf-8"),
        (format!("{LIST}&format=apt"), "text/plain"),
    ];
    for way in WAYS {
        let web = service.behind(way);
        for (target, expected) in &targets {
            let url = format!("{HOST}{target}");
            for options in [&[][..], &["--compressed"], &["--head"], &["--head", "--compressed"]] {
                let answer = curl(web.http, &url, options);
                assert_eq!(
                    (answer.status, answer.header("content-type")),
                    (200, *expected),
                    "{way:?} {target} {options:?}"
                );
            }
        }
    }
}

#[test]
fn conditions_and_ranges_change_nothing() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    for way in WAYS {
        let web = service.behind(way);
        for target in [LIST, METALINK] {
            let url = format!("{HOST}{target}");
            let whole = curl(web.http, &url, &[]);
            for header in [
                "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
                "If-None-Match: *",
                "If-Match: \"other\"",
                "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
                "Range: bytes=0-9",
            ] {
                let answer = curl(web.http, &url, &["--header", header]);
                assert_eq!(essence(&answer), essence(&whole), "{way:?} {target} {header}");
            }
        }
    }
}

/// Connections that a front end has accepted, by the numbers that the kernel gives to sockets.
fn accepted(service: &Service) -> BTreeSet<String> {
    let port = format!(":{:04X}", service.stack.http.port());
    let socket = service.socket();
    let table = |file: &str, is_one: &dyn Fn(&[&str]) -> bool, number: usize| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        let rows = text.lines().skip(1).map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        rows.filter(|row| is_one(row)).map(|row| row[number].to_owned()).collect()
    };
    let by_tcp = table("/proc/net/tcp", &|row| row[1].ends_with(&port) && row[3] == "01", 9);
    let by_unix =
        table("/proc/net/unix", &|row| row[5] == "03" && row.get(7).is_some_and(|path| *path == socket), 6);
    by_tcp.into_iter().chain(by_unix).collect()
}

#[test]
fn the_connection_to_the_front_end_is_kept() {
    if !has(&TOOLS) {
        return;
    }
    let service = Service::start();
    for way in WAYS {
        let web = service.behind(way);
        let mut kept: Option<BTreeSet<String>> = None;
        for _ in 0..10 {
            assert_eq!(curl(web.http, &format!("{HOST}{LIST}"), &[]).status, 200);
            let now = accepted(&service);
            kept = Some(kept.map_or(now.clone(), |kept| kept.intersection(&now).cloned().collect()));
        }
        assert!(
            kept.is_some_and(|kept| !kept.is_empty()),
            "{way:?}: every request had a connection of its own"
        );
        drop(web);
        wait_until("the web server's connections are closed", || accepted(&service).is_empty());
    }
}
