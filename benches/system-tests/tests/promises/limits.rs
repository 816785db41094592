//! Every limit, met through the whole stack while well-behaved clients go on.

use crate::support::{
    Figures, Load, Service, alone,
    frames::{self, Said},
    http::Client,
    load::at_work,
    service::Setup,
    signal, until,
};
use nix::sys::signal::Signal;
use std::{
    io::Write as _,
    time::{Duration, Instant},
};
use wire::{FrameHeader, MAX_REQUEST, VERSION};

const LIST: &str = "/mirrorlist?path=pub/fedora/linux";

#[test]
fn promise_08_every_limit_holds_and_costs_the_others_nothing() {
    let _turn = alone();
    let mut figures = Figures::of(8, "every limit holds");
    let service = Service::start(Setup {
        daemon: &["--workers", "2"],
        frontend: &[
            "--deadline",
            "20",
            "--patience",
            "2.5",
            "--max-connections",
            "40",
            "--max-in-flight",
            "4",
            "--header-timeout",
            "2",
            "--idle-timeout",
            "2",
        ],
        ..Setup::default()
    });
    let load = Load::start(&service);
    uri_and_head(&service);
    frame(&service);
    let timed = time_outs(&service);
    let waited = connections(&service);
    at_work(&service);
    // Eight clients with two requests each went through a gate for four.
    figures.load(&load.finish());
    figures.load(&in_flight(&service));
    drop(service);
    let refused = deadline();
    figures.remark(format!(
        "URI, head, frame, in flight; idle and half heads ended after {timed:?}; one over the connection limit waited {} ms; 503 after {} ms, 500 allowed",
        waited.as_millis(),
        refused.as_millis()
    ));
    figures.print();
}

fn uri_and_head(service: &Service) {
    let mut client = Client::connect(service);
    assert_eq!(client.get(&format!("{LIST}&x={}", "a".repeat(8000)), "192.0.2.1").status, 200);
    client.send(format!("GET {LIST}&x={} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(9000)));
    assert_eq!(client.answer().unwrap().status, 414);
    let head =
        |bytes: usize| format!("GET {LIST} HTTP/1.1\r\nHost: h\r\nX-Padding: {}\r\n\r\n", "a".repeat(bytes));
    let mut client = Client::connect(service);
    assert_eq!(client.send(head(15_000)).answer().unwrap().status, 200);
    assert_eq!(client.send(head(17_000)).answer().unwrap().status, 431);
    assert!(client.is_closed());
    // A head without end, too.
    let mut client = Client::connect(service);
    for _ in 0..200 {
        client.send("X-Endless: yes it is\r\n".repeat(10));
    }
    assert!(matches!(client.answer().unwrap().status, 400 | 431));
}

fn frame(service: &Service) {
    let mut client = frames::Client::connect(service).unwrap();
    let length = MAX_REQUEST as u32 + 1;
    let header = FrameHeader { length, kind: 2, flags: 0, version: VERSION, id: 1 };
    client.stream.write_all(&header.encode()).unwrap();
    assert!(matches!(client.hear().unwrap(), Some(Said::Hello(_))));
    let said = client.hear().unwrap();
    assert_eq!(said, Some(Said::GoAway(format!("frame of {length} bytes, the limit is {MAX_REQUEST}"))));
}

/// A kept connection that is silent, half a head, and a connection that never says anything.
fn time_outs(service: &Service) -> Vec<u128> {
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(service)).collect();
    assert_eq!(clients[0].get(LIST, "192.0.2.1").status, 200);
    clients[1].send("GET / HTTP/1.1\r\nHost:");
    let begun = Instant::now();
    let ended = clients.iter_mut().map(|client| {
        assert!(client.is_closed());
        begun.elapsed()
    });
    let ended: Vec<Duration> = ended.collect();
    assert!(ended[0] > Duration::from_millis(1900) && ended[2] < Duration::from_secs(20), "{ended:?}");
    ended.iter().map(Duration::as_millis).collect()
}

/// With every place taken, the next one waits until somebody goes.
fn connections(service: &Service) -> Duration {
    let mut crowd: Vec<Client> = (0..32).map(|_| Client::connect(service)).collect();
    for client in &mut crowd {
        assert_eq!(client.get(LIST, "192.0.2.1").status, 200);
    }
    let mut late = Client::connect(service);
    let begun = Instant::now();
    late.send(format!("GET {LIST} HTTP/1.1\r\nHost: h\r\n\r\n"));
    // Served sooner only if an idle one has been closed meanwhile.
    assert!(late.hears_nothing_for(Duration::from_millis(200)), "served above the limit");
    crowd.truncate(16);
    assert_eq!(late.answer().unwrap().status, 200);
    service.frontend.says("limit of 40 reached", 1);
    begun.elapsed()
}

/// A hundred clients and places for four.
fn in_flight(service: &Service) -> testkit::load::Outcome {
    let load = Load::of(service, 30, true);
    at_work(service);
    at_work(service);
    load.finish()
}

/// No worker answers: clients are told so at the deadline, and served again as soon as one does.
fn deadline() -> Duration {
    let frontend = &["--deadline", "0.5", "--patience", "0.1"];
    let service = Service::start(Setup { daemon: &["--workers", "2"], frontend, ..Setup::default() });
    let mut client = Client::connect(&service);
    assert_eq!(client.get(LIST, "192.0.2.1").status, 200);
    let workers = service.workers();
    workers.iter().for_each(|pid| assert!(signal(*pid, Signal::SIGSTOP)));
    let begun = Instant::now();
    let answer = client.get(LIST, "192.0.2.1");
    let took = begun.elapsed();
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("\r\nretry-after: 1\r\n"), "{}", answer.head);
    assert!(took > Duration::from_millis(450) && took < Duration::from_secs(5), "{took:?}");
    workers.iter().for_each(|pid| assert!(signal(*pid, Signal::SIGCONT)));
    until("an answer", || client.get(LIST, "192.0.2.1").status == 200);
    took
}
