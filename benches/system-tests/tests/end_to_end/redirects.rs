//! Files by their path: by which scheme clients are led on, whose word for it counts, and what caches are told.

use crate::support::{Answer, Client, programs, sample_cache};
use testkit::stack::Stack;

const FILE: &str = "/dl/pub/fedora/linux/releases/42/Everything/x86_64/os/x.rpm";

fn start(frontend_options: &[&str]) -> Stack {
    let redirector = ["--workers", "2", "--redirector", "/dl/"];
    Stack::start(&programs(), sample_cache(), &redirector, frontend_options).unwrap()
}

/// Where an answer leads; it is 302, and no shared cache keeps it.
fn location(answer: &Answer) -> &str {
    assert_eq!(
        (answer.status, answer.header("cache-control"), answer.header("content-type")),
        (302, "private, no-cache", "text/plain"),
        "{answer:?}"
    );
    answer.header("location")
}

/// mirrorbits#97, #157, #186: the scheme was taken from the wrong place.
#[test]
fn the_scheme_is_that_of_a_trusted_proxy_and_nobody_else_can_forge_it() {
    let https = "X-Forwarded-Proto: https\r\n";
    for (options, lines, scheme) in [
        (&[][..], https, "https://"),
        (&[], "X-Forwarded-Proto: http\r\n", "http://"),
        (&[], "", "http://"),
        (&["--trusted-proxy", "192.0.2.1"], https, "http://"),
    ] {
        let stack = start(options);
        let mut client = Client::connect(stack.http);
        for _ in 0..20 {
            let answer = client.ask("GET", FILE, lines).answer();
            assert!(location(&answer).starts_with(scheme), "{options:?} {lines:?}: {answer:?}");
        }
    }
}

/// bitcoin.org#880, fnando/browser#66: a redirect that was cached for ever.
#[test]
fn no_answer_below_a_prefix_is_kept_by_a_shared_cache() {
    let stack = start(&[]);
    let mut client = Client::connect(stack.http);
    let got = client.get(FILE);
    let head = client.ask("HEAD", FILE, "").head();
    assert_eq!(location(&head), location(&got));
    for (target, status) in [
        ("/dl/elsewhere/x", 404),
        ("/dl/pub/../x", 404),
        ("/dl/", 200),
        (&format!("{FILE}?json")[..], 200),
        (&format!("{FILE}?format=none"), 400),
    ] {
        let answer = client.get(target);
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (status, "private, no-cache"),
            "{target}: {answer:?}"
        );
    }
    // What a client has already, or wants a part of, is for the mirror to say.
    let lines =
        "If-None-Match: *\r\nIf-Modified-Since: Sat, 28 Nov 2026 00:00:00 GMT\r\nRange: bytes=0-9\r\n";
    assert_eq!(location(&client.ask("GET", FILE, lines).answer()), location(&got));
    let posted = client.ask("POST", FILE, "Content-Length: 0\r\n").answer();
    assert_eq!(posted.status, 405, "{posted:?}");
}
