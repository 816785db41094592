//! Connections: kept, piled up, left half-way, and very many.

use crate::support::{Client, sample_stack, workers};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{io::Write, net::TcpStream};

const METALINK: &str = "/metalink?repo=fedora-42&arch=x86_64";

/// Targets whose answers cannot be taken for each other, and how each answer begins.
const TARGETS: [(&str, &str); 5] = [
    ("/mirrorlist?repo=fedora-42&arch=x86_64", "# repo = fedora-42 arch = x86_64 "),
    ("/mirrorlist?repo=fedora-42&arch=aarch64", "# repo = fedora-42 arch = aarch64 "),
    ("/mirrorlist?repo=epel-10&arch=x86_64", "# repo = epel-10 arch = x86_64 "),
    ("/mirrorlist?path=pub/fedora/linux/releases", "# path = pub/fedora/linux/releases "),
    (METALINK, "<?xml "),
];

#[test]
fn a_connection_is_kept_until_the_client_ends_it() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    for (target, begin) in TARGETS.iter().cycle().take(50) {
        let answer = client.get(target);
        assert!(answer.status == 200 && answer.body.starts_with(begin), "{target}: {answer:?}");
    }
    let last = client.ask("GET", TARGETS[0].0, "Connection: close\r\n").answer();
    assert!(last.status == 200 && client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let stack = sample_stack(&[]);
    let mut client = Client::connect(stack.http);
    let asked: Vec<(&str, &str)> = TARGETS.iter().cycle().take(200).copied().collect();
    let request = |(target, _): &(&str, &str)| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send(asked.iter().map(request).collect::<String>());
    for (target, begin) in asked {
        let answer = client.answer();
        assert!(answer.status == 200 && answer.body.starts_with(begin), "{target}: {answer:?}");
    }
}

#[test]
fn a_client_that_leaves_half_way_is_nobody_elses_trouble() {
    let mut stack = sample_stack(&[]);
    let before = workers(&stack);
    let mut other = Client::connect(stack.http);
    let many = format!("GET {METALINK} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(100);
    for round in 0..20 {
        // In its head.
        let mut leaver = TcpStream::connect(stack.http).unwrap();
        leaver.write_all(&many.as_bytes()[..10 + round]).unwrap();
        drop(leaver);
        // In the answers' bodies: far more than fits into the sockets, and hardly anything of it read.
        let mut leaver = Client::connect(stack.http);
        leaver.send(&many);
        leaver.head();
        drop(leaver);
        let (target, begin) = TARGETS[round % TARGETS.len()];
        let answer = other.get(target);
        assert!(answer.status == 200 && answer.body.starts_with(begin), "{target}: {answer:?}");
    }
    assert_eq!(workers(&stack), before);
    for program in [&mut stack.frontend, &mut stack.daemon] {
        let complaints: Vec<_> = program.messages().iter().filter(|line| !line.contains("info: ")).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
    stack.stop().unwrap();
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    const CONNECTIONS: usize = 1000;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    assert!(most > CONNECTIONS as u64 + 200, "this test needs more than {most} descriptors");
    let stack = sample_stack(&[]);
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| Client::connect(stack.http)).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.ask("GET", TARGETS[(number + round) % TARGETS.len()].0, "");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let (target, begin) = TARGETS[(number + round) % TARGETS.len()];
            let answer = client.answer();
            assert!(answer.status == 200 && answer.body.starts_with(begin), "{target}: {answer:?}");
        }
    }
}
