//! Where clients connect, and who is taken for asking.

use crate::support::{
    Answer, Client, Load,
    load::{about, wait_until_at_work},
    sample_cache, sample_stack,
};
use std::{sync::atomic::AtomicBool, time::Duration};
use testkit::load::{Plan, Target, run};

const LIST: &str = "/mirrorlist?repo=fedora-42&arch=x86_64";
/// Of a client whose country is unknown.
const UNKNOWN: &str = "# repo = fedora-42 arch = x86_64 country = global ";

/// The sample's clients, and what the first mirror for each is.
const JAPAN: (&str, &str) = ("203.0.113.7", "https://shinano.example.net/");
const UNITED_STATES: (&str, &str) = ("198.51.100.7", "https://hudson.example.com/");
const FRANCE: (&str, &str) = ("2001:db8:33::1", "https://loire.example.org/");

fn leads_to(answer: &Answer, first: &str) {
    assert!(answer.status == 200 && answer.first().starts_with(first), "{first}: {answer:?}");
}

#[test]
fn the_proxys_word_decides_who_asks_and_the_clients_own_does_not() {
    let stack = sample_stack(&[]);
    let mut proxy = Client::connect(stack.http);
    for (client, first) in [JAPAN, UNITED_STATES, FRANCE] {
        leads_to(&proxy.get_for(client, LIST), first);
    }
    // The proxy appends the address that it sees to whatever the client has sent.
    let (forged, _) = JAPAN;
    let (client, first) = UNITED_STATES;
    leads_to(&proxy.get_for(&format!("{forged}, {client}"), LIST), first);
    leads_to(&proxy.get_for(&format!("{forged}\r\nX-Forwarded-For: {client}, 127.0.0.1"), LIST), first);
    let answer =
        proxy.ask("GET", LIST, &format!("X-Real-IP: {forged}\r\nForwarded: for={forged}\r\n")).answer();
    assert_eq!(answer.comment(), UNKNOWN);
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_not_believed() {
    let stack = sample_stack(&["--trusted-proxy", "192.0.2.0/24"]);
    let answer = Client::connect(stack.http).get_for(JAPAN.0, LIST);
    assert_eq!((answer.status, answer.comment()), (200, UNKNOWN));
}

#[test]
fn the_parameter_ip_beats_the_forwarded_address() {
    let stack = sample_stack(&[]);
    let target = format!("{LIST}&ip={}", UNITED_STATES.0);
    leads_to(&Client::connect(stack.http).get_for(JAPAN.0, &target), UNITED_STATES.1);
}

#[test]
fn an_ipv6_address_is_listened_on_too() {
    let stack = sample_stack(&["--listen", "[::1]:0"]);
    assert!(stack.http.is_ipv6());
    let mut client = Client::connect(stack.http);
    assert_eq!(client.get(LIST).comment(), UNKNOWN);
    leads_to(&client.get_for(FRANCE.0, LIST), FRANCE.1);
}

#[test]
fn several_places_are_listened_on_and_a_socket_file_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("http");
    let unix = format!("unix:{}", socket.display());
    let mut stack =
        sample_stack(&["--listen", "127.0.0.1:0", "--listen", &unix, "--trusted-proxy", "192.0.2.0/24"]);
    // Whoever may open the file is believed, whatever proxies there are besides.
    let mut client = Client::connect_unix(&socket);
    leads_to(&client.get_for(JAPAN.0, LIST), JAPAN.1);
    assert_eq!(client.get(LIST).comment(), UNKNOWN);
    assert_eq!(Client::connect(stack.http).get(LIST).comment(), UNKNOWN);

    let plan = Plan {
        target: Target::Unix(socket.clone()),
        connections: 20,
        pipeline: 4,
        keep_alive: true,
        requests: 2000,
        limit: Duration::from_secs(30),
    };
    let outcome = run(&plan, &about(sample_cache()), &AtomicBool::new(false)).unwrap();
    assert_eq!((outcome.answered, outcome.failures), (2000, Default::default()));
    stack.frontend.stop().unwrap();
    assert!(!socket.exists());
}

#[test]
fn a_connection_for_every_request_works_as_well() {
    let stack = sample_stack(&[]);
    let load = Load::start(Target::Tcp(stack.http), sample_cache(), false);
    wait_until_at_work(stack.frontend.pid());
    assert!(load.finish().answered > 0);
}
