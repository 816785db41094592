//! Requests of all forms in turn on one connection, through front end and daemon: nothing of one is in the next.

use crate::support::{
    Answer, Client,
    forms::{DIRECTORY, FILE, stack},
};
use std::collections::BTreeMap;

/// Who asks: of Germany, in a private host's network, of Japan, unknown.
const CLIENTS: [&str; 4] = ["127.0.0.9", "192.0.2.37", "198.51.100.8", "unknown"];

/// What they ask for below the prefix, where a known client's answer is the same each time.
fn targets() -> Vec<(String, &'static str)> {
    let mut targets = Vec::new();
    let filters = [
        "",
        "exclude=DE,FR",
        "country=SE&limit=2",
        "protocol=https&family=6",
        "country=JP&strict=1",
        "exclude=origin&netblock=0",
    ];
    for filter in filters {
        for form in
            ["", "json", "meta4", "metalink", "sha256", "format=html", "format=text", "json&explain=1"]
        {
            targets.push((format!("/dl/{FILE}?{form}&{filter}"), "*/*"));
        }
        for form in ["", "format=apt", "mirrorlist", "format=html&explain=1"] {
            targets.push((format!("/dl/{DIRECTORY}/?{form}&{filter}"), "text/html"));
        }
    }
    targets.push((format!("/dl/{FILE}"), "application/metalink4+xml"));
    targets.push((format!("/dl/{FILE}.mirrorlist"), "application/json"));
    targets.push(("/dl/pub/new/none.iso?json".into(), "*/*"));
    targets.push(("/mirrorlist?repo=none&arch=none".into(), "*/*"));
    targets.push(("/mirrorlist?path=pub&format=pdf".into(), "*/*"));
    targets
}

/// An answer without what chance and clock decide.
fn settled(answer: Answer, is_known: bool) -> Answer {
    let is_of_the_clock = |line: &str| line.contains("<published>") || line.contains("pubdate=");
    let body = match is_known {
        true => answer.body.lines().filter(|line| !is_of_the_clock(line)).collect::<Vec<_>>().join("\n"),
        false => String::new(),
    };
    let headers = answer.headers.into_iter();
    let headers =
        headers.filter(|(name, _)| is_known || !["content-length", "location"].contains(&&name[..]));
    let headers = headers.filter(|(name, _)| name != "date").collect();
    Answer { body, headers, ..answer }
}

#[test]
fn ten_thousand_requests_of_all_forms_leave_nothing_to_each_other() {
    let stack = stack();
    let targets = targets();
    let ask = |connection: &mut Client, client: &str, (target, accept): &(String, &str)| {
        // The daemon draws metalink 3.0 anew each time.
        let is_known = client != "unknown" && !target.contains("metalink&");
        let lines = format!("X-Forwarded-For: {client}\r\nAccept: {accept}\r\n");
        let answer = connection.ask("GET", target, &lines).answer();
        for (at, network) in ["192.0.2.", "198.51.100."].iter().enumerate() {
            let of_others = at != usize::from(client == CLIENTS[2]) && answer.body.contains(network);
            assert!(
                !of_others || client == CLIENTS[1] || client == CLIENTS[2],
                "{client} {target}: {}",
                answer.body
            );
        }
        settled(answer, is_known)
    };
    // Alone: each on a connection of its own.
    let mut alone = BTreeMap::new();
    for client in CLIENTS {
        for (number, target) in targets.iter().enumerate() {
            alone.insert((client, number), ask(&mut Client::connect(stack.http), client, target));
        }
    }
    assert!(
        alone.values().any(|answer| answer.status == 302)
            && alone.values().any(|answer| answer.status == 404)
    );
    let mut connection = Client::connect(stack.http);
    let mut seed = 1_u64;
    for _ in 0..10_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let client = CLIENTS[(seed >> 33) as usize % CLIENTS.len()];
        let number = (seed >> 40) as usize % targets.len();
        let answer = ask(&mut connection, client, &targets[number]);
        assert_eq!(answer, alone[&(client, number)], "{client} {:?}", targets[number]);
    }
}
