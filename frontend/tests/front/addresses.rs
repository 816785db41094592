//! Who asks: the forwarded header, trusted proxies, every kind of socket.

use super::{client::Client, program::Program, worker::Daemon};

/// What the worker is told: scheme and client.
fn told(client: &mut Client, lines: &str) -> String {
    let answer = client.send_get("/", lines).answer();
    answer.text().strip_prefix("Get ").unwrap().strip_suffix(" /?\n").unwrap().to_owned()
}

#[test]
fn the_forwarded_header_of_a_proxy_on_loopback_counts() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    assert_eq!(told(&mut client, ""), "Unknown 127.0.0.1");
    assert_eq!(told(&mut client, "X-Forwarded-For: 192.0.2.7\r\n"), "Unknown 192.0.2.7");
    assert_eq!(
        told(&mut client, "X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 192.0.2.7\r\n"),
        "Unknown 192.0.2.7"
    );
    assert_eq!(
        told(&mut client, "X-Forwarded-For: 192.0.2.7, ::1\r\nX-Forwarded-For: 127.0.0.5:80\r\n"),
        "Unknown 192.0.2.7"
    );
    assert_eq!(told(&mut client, "X-Forwarded-For: [2001:db8::1%eth0]:443\r\n"), "Unknown 2001:db8::1");
    assert_eq!(told(&mut client, "X-Forwarded-For: ::ffff:192.0.2.7\r\n"), "Unknown 192.0.2.7");
    assert_eq!(
        told(&mut client, "Forwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.8\r\n"),
        "Unknown 127.0.0.1"
    );
}

#[test]
fn a_port_after_a_colon_is_of_ipv4_and_ipv6() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start_bare(&daemon, &["--listen", ":0", "--threads", "2"]);
    let port = program.address().port();
    assert_eq!(told(&mut Client::connect(([127, 0, 0, 1], port).into()), ""), "Unknown 127.0.0.1");
    assert_eq!(told(&mut Client::connect((std::net::Ipv6Addr::LOCALHOST, port).into()), ""), "Unknown ::1");
    let program = Program::start_bare(&daemon, &["--listen", "0"]);
    assert!(program.address().ip().is_loopback());
}

#[test]
fn the_nearest_fifty_hops_of_a_forwarded_header_count() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let lines = |hops: usize| {
        format!("X-Forwarded-For: 192.0.2.7\r\n{}", "X-Forwarded-For: 127.0.0.9\r\n".repeat(hops - 1))
    };
    assert_eq!(told(&mut client, &lines(50)), "Unknown 192.0.2.7");
    for hops in [51, 90] {
        assert_eq!(told(&mut client, &lines(hops)), "Unknown 127.0.0.9");
    }
    let line = format!("X-Forwarded-For: 192.0.2.7{}\r\n", ",127.0.0.9".repeat(1_500));
    assert_eq!(told(&mut client, &line), "Unknown 127.0.0.9");
}

#[test]
fn a_forwarded_header_of_any_bytes_does_no_harm() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for value in [&b"\xff\xfe"[..], b"192.0.2.7, \xe9", b",,,", b"", b"[", b"192.0.2.7,caf\xc3\xa9"] {
        let request = [b"GET / HTTP/1.1\r\nX-Forwarded-For: ", value, b"\r\n\r\n"].concat();
        let answer = client.send(request).answer();
        assert_eq!(answer.text(), "Get Unknown 127.0.0.1 /?\n", "{value:?}");
    }
}

#[test]
fn a_peer_that_is_no_trusted_proxy_cannot_forge_address_or_scheme() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program =
        Program::start(&daemon, &["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "2001:db8::/32"]);
    let mut client = Client::connect(program.address());
    assert_eq!(
        told(&mut client, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"),
        "Http 127.0.0.1"
    );
}

#[test]
fn trusted_prefixes_are_skipped_in_the_header() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"]);
    let mut client = Client::connect(program.address());
    assert_eq!(
        told(&mut client, "X-Forwarded-For: 192.0.2.7, 198.51.100.1, 10.1.2.3\r\n"),
        "Unknown 198.51.100.1"
    );
}

#[test]
fn the_scheme_is_the_one_that_the_nearest_proxy_names() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    for (lines, scheme) in [
        ("X-Forwarded-Proto: https\r\n", "Https"),
        ("X-Forwarded-Proto: http, HTTPS \r\n", "Https"),
        ("X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", "Http"),
        ("X-Forwarded-Proto: HTTP\r\n", "Http"),
        ("", "Unknown"),
        ("X-Forwarded-Proto: httpsx\r\n", "Unknown"),
        ("X-Forwarded-Proto: \r\n", "Unknown"),
    ] {
        assert_eq!(told(&mut client, lines), format!("{scheme} 127.0.0.1"), "{lines}");
    }
}

#[test]
fn a_proxy_that_names_no_scheme_is_told_of_once() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &[]);
    let mut client = Client::connect(program.address());
    let message = "sends no X-Forwarded-Proto";
    // Somebody on its machine, and a proxy that does as the examples do.
    told(&mut client, "");
    told(&mut client, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n");
    assert!(!program.logged(message), "{}", program.log());
    for _ in 0..3 {
        told(&mut client, "X-Forwarded-For: 192.0.2.7\r\n");
    }
    super::eventually("it is told of", || program.logged(&format!("warning: proxy 127.0.0.1: {message}")));
    program.signal(nix::sys::signal::Signal::SIGTERM);
    super::eventually("it has ended", || program.logged("stopped"));
    assert_eq!(program.log().matches(message).count(), 1, "{}", program.log());
}

#[test]
fn over_a_socket_file_the_header_counts_and_without_it_the_client_is_unknown() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let socket = daemon.path("http");
    let place = format!("unix:{}", socket.display());
    let program = Program::start_bare(&daemon, &["--listen", &place, "--trusted-proxy", "10.0.0.0/8"]);
    let mut client = Client::connect_unix(&socket);
    assert_eq!(told(&mut client, ""), "Unknown unknown");
    assert_eq!(told(&mut client, "X-Forwarded-For: 192.0.2.7, 10.0.0.1\r\n"), "Unknown 192.0.2.7");
    assert_eq!(
        told(&mut client, "X-Forwarded-For: unknown\r\nX-Forwarded-Proto: https\r\n"),
        "Https unknown"
    );
    assert!(program.logged(&place));
}

#[test]
fn several_addresses_of_both_families_are_listened_on() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let arguments = ["--listen", "[::1]:0", "--listen", "127.0.0.1:0", "--listen", "127.0.0.2:0"];
    let program = Program::start_bare(&daemon, &arguments);
    super::eventually("all three are open", || program.addresses().len() == 3);
    let told: Vec<_> = program.addresses().into_iter().map(|at| told(&mut Client::connect(at), "")).collect();
    assert_eq!(told, ["Unknown ::1", "Unknown 127.0.0.1", "Unknown 127.0.0.1"]);
}
