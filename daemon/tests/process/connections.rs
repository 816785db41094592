//! One connection and many: order, limits, fairness.

use crate::support::{Client, Daemon, Said, status_number, until};
use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use wire::{FrameHeader, HEADER_LEN, MAX_REQUEST, VERSION, encode_ping};

#[test]
fn a_newer_front_end_is_answered() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let header = FrameHeader { length: 5, kind: 77, flags: 1, version: VERSION, id: 1 };
    client.send(&[&header.encode()[..], b"later"].concat()).unwrap();
    // Flags that are not known here, and a field more at the end.
    let mut newer = Client::request(2);
    newer.extend_from_slice(b"new field");
    newer[5] = 0xff;
    newer[HEADER_LEN] |= 0xf8;
    let length = (newer.len() - HEADER_LEN) as u32;
    newer[..4].copy_from_slice(&length.to_le_bytes());
    client.send(&newer).unwrap();
    assert!(matches!(client.hear().unwrap(), Some(Said::Reply(2, 200, _))));
    assert!(client.answer(3).is_ok());
}

#[test]
fn every_one_of_many_requests_in_flight_is_answered_once() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let mut client = daemon.connect();
    let asked = 5000;
    let mut writer = client.stream().try_clone().unwrap();
    let writer = thread::spawn(move || (0..asked).try_for_each(|id| writer.write_all(&Client::request(id))));
    let mut answered = HashSet::new();
    while answered.len() < asked as usize {
        let Some(Said::Reply(id, 200, _)) = client.hear().unwrap() else { panic!("no reply") };
        assert!(id < asked && answered.insert(id), "{id}");
    }
    writer.join().unwrap().unwrap();
    client.hang_up();
    assert_eq!(client.hear().unwrap(), None);
}

#[test]
fn a_request_in_pieces_is_answered_when_it_is_whole() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let mut bytes = Client::request(1);
    bytes.extend(Client::request(2));
    for byte in bytes.chunks(7) {
        client.send(byte).unwrap();
        thread::yield_now();
    }
    for id in 1..=2 {
        assert!(matches!(client.hear().unwrap(), Some(Said::Reply(of, 200, _)) if of == id));
    }
    // Half a request and then nothing holds up nobody, and ends with its connection.
    client.send(&bytes[..20]).unwrap();
    daemon.connect().answer(3).unwrap();
    client.hang_up();
    assert_eq!(client.hear().unwrap(), None);
}

#[test]
fn whoever_hangs_up_still_gets_what_was_asked_for() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    (0..10).for_each(|id| client.ask(id).unwrap());
    client.hang_up();
    for id in 0..10 {
        assert!(matches!(client.hear().unwrap(), Some(Said::Reply(of, 200, _)) if of == id));
    }
    assert_eq!(client.hear().unwrap(), None);
}

#[test]
fn hello_comes_first_whoever_speaks_first() {
    let daemon = Daemon::start(&[]);
    let mut stream = daemon.stream();
    stream.write_all(&Client::request(1)).unwrap();
    let mut client = Client::new(stream);
    assert_eq!((client.hello.slots, client.hello.generation), (2, 1));
    assert!(client.hello.slot < 2 && daemon.workers().contains(&client.hello.pid));
    assert!(matches!(client.hear().unwrap(), Some(Said::Reply(1, 200, _))));
    client.ping(77).unwrap();
    assert_eq!(client.hear().unwrap(), Some(Said::Pong(77)));
}

#[test]
fn what_is_no_frame_is_refused_with_a_reason() {
    let daemon = Daemon::start(&[]);
    let header = FrameHeader { length: 4, kind: 2, flags: 0, version: VERSION, id: 1 };
    let too_long = FrameHeader { length: MAX_REQUEST as u32 + 1, ..header };
    let other_version = FrameHeader { version: VERSION + 1, ..header };
    for (bytes, reason) in [
        (
            too_long.encode().to_vec(),
            format!("frame of {} bytes, the limit is {MAX_REQUEST}", MAX_REQUEST + 1),
        ),
        (
            other_version.encode().to_vec(),
            format!("protocol version {}, this build speaks {VERSION}", VERSION + 1),
        ),
        ([&header.encode()[..], &[0; 4]].concat(), "REQUEST frame is cut short".into()),
    ] {
        let mut client = daemon.connect();
        client.ask(1).unwrap();
        client.send(&bytes).unwrap();
        // More than the worker has read when it refuses: it must not overtake the reason.
        let _peer_may_be_gone = client.send(&[0; 10_000]);
        assert!(matches!(client.hear().unwrap(), Some(Said::Reply(1, 200, _))));
        assert_eq!(client.hear().unwrap(), Some(Said::GoAway(reason)));
        assert!(matches!(client.hear(), Ok(None) | Err(_)));
    }
    assert_eq!(daemon.workers().len(), 2);
}

#[test]
fn a_frame_of_a_later_version_of_the_protocol_is_skipped() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let header = FrameHeader { length: 3, kind: 99, flags: 0, version: VERSION, id: 5 };
    client.send(&[&header.encode()[..], b"abc"].concat()).unwrap();
    client.answer(1).unwrap();
}

#[test]
fn a_peer_that_does_not_read_costs_little_and_holds_up_nobody() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let [worker] = daemon.workers()[..] else { panic!("one worker") };
    let before = status_number(worker, "RssAnon").unwrap();
    let silent: Vec<UnixStream> = (0..10).map(|_| stuffed(&daemon)).collect();
    let mut client = daemon.connect();
    for id in 0..200 {
        client.answer(id).unwrap();
    }
    let after = status_number(worker, "RssAnon").unwrap();
    // Ten times what is sent at once, the answer that went over it, and what was read ahead.
    assert!(after < before + 1000, "{before} kB before, {after} kB with ten peers that do not read");
    // Those who read after all get everything.
    for mut stream in silent {
        stream.set_nonblocking(false).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert!(all.len() > 100_000, "{}", all.len());
    }
}

/// A connection full of requests, none of whose answers has been read.
fn stuffed(daemon: &Daemon) -> UnixStream {
    let mut stream = daemon.stream();
    stream.set_nonblocking(true).unwrap();
    let mut idle = 0;
    let request = Client::request(1);
    let (mut sent, mut stuck) = (0, Instant::now());
    while idle < 3 {
        match stream.write(&request[sent..]) {
            Ok(count) => {
                sent = (sent + count) % request.len();
                (idle, stuck) = (0, Instant::now());
            }
            Err(_) if stuck.elapsed() > Duration::from_millis(100) => {
                idle += 1;
                stuck = Instant::now();
            }
            Err(_) => thread::yield_now(),
        }
    }
    // The last request must be whole, or the others behind it could never be.
    stream.set_nonblocking(false).unwrap();
    stream
}

#[test]
fn a_front_end_meets_all_workers_within_few_connections() {
    let daemon = Daemon::start(&["--workers", "4"]);
    let mut slots = HashSet::new();
    let mut tries = 0;
    while slots.len() < 4 {
        // Surplus connections are closed at once, as a front end does it.
        slots.insert(daemon.connect().hello.slot);
        tries += 1;
        assert!(tries < 50, "only {slots:?} after {tries} connections");
    }
    println!("all met after {tries} connections");
}

#[test]
fn a_worker_without_descriptors_answers_on_and_recovers() {
    let daemon = Daemon::start_after("ulimit -n 16", &["--workers", "1"]);
    let [worker] = daemon.workers()[..] else { panic!("one worker") };
    let mut client = daemon.connect();
    let crowd: Vec<UnixStream> = (0..30).map(|_| daemon.stream()).collect();
    until("the warning", || daemon.log().contains("not accepted (Too many open files"));
    for id in 0..100 {
        client.answer(id).unwrap();
    }
    // Waiting for room, it does not spin.
    let used = cpu_ticks(worker);
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(500) {
        client.answer(1).unwrap();
        thread::sleep(Duration::from_millis(50));
    }
    assert!(cpu_ticks(worker) - used < 25, "half a second of its CPU");
    drop(crowd);
    drop(client);
    daemon.connect().answer(2).unwrap();
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn more_connections_than_a_worker_takes_wait_for_their_turn() {
    let daemon = Daemon::start(&["--workers", "1"]);
    // All of them have said something, so none is closed for others so soon.
    let spoken = || {
        let mut stream = daemon.stream();
        stream.write_all(&Client::request(1)).unwrap();
        stream
    };
    let mut crowd: Vec<UnixStream> = (0..1005).map(|_| spoken()).collect();
    let mut late = daemon.stream();
    late.write_all(&Client::request(1)).unwrap();
    late.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(late.read(&mut [0]).is_err(), "it was accepted beyond the limit");
    late.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    crowd.truncate(10);
    assert!(matches!(Client::new(late).hear().unwrap(), Some(Said::Reply(1, 200, _))));
}

#[test]
fn those_who_say_nothing_make_room_for_those_who_do() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let mut client = daemon.connect();
    client.answer(1).unwrap();
    let half_a_request = &Client::request(1)[..20];
    let crowd: Vec<UnixStream> = (0..1200)
        .map(|number| {
            let mut stream = daemon.stream();
            if number % 2 == 0 {
                stream.write_all(half_a_request).unwrap();
            }
            stream
        })
        .collect();
    let mut late = daemon.stream();
    late.write_all(&Client::request(2)).unwrap();
    assert!(matches!(Client::new(late).hear().unwrap(), Some(Said::Reply(2, 200, _))));
    assert!(daemon.log().contains("connections: 1000 are open and more wait; closed "), "{}", daemon.log());
    // Who has spoken before is not among those who had to go.
    client.answer(3).unwrap();
    drop(crowd);
}

#[test]
fn who_has_sent_half_a_frame_is_asked_to_go_and_answered_with_the_rest() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let frame = Client::request(7);
    let mut client = daemon.connect();
    client.send(&frame[..3]).unwrap();
    assert_eq!(daemon.errand(&["reload"]).code, Some(0));
    assert_eq!(client.hello.generation, 1);
    assert_eq!(client.hear().unwrap(), Some(Said::GoAway(String::new())));
    client.send(&frame[3..]).unwrap();
    assert!(matches!(client.hear().unwrap(), Some(Said::Reply(7, 200, _))));
}

#[test]
fn those_who_only_ping_keep_nobody_out() {
    let daemon = Daemon::start(&["--workers", "1"]);
    let mut quiet = daemon.connect();
    quiet.answer(1).unwrap();
    let mut ping = Vec::new();
    encode_ping(&mut ping, 0);
    let (stop, stopped) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (daemon, ping) = (&daemon, &ping);
        scope.spawn(move || {
            let mut crowd: Vec<UnixStream> = (0..1200).map(|_| daemon.stream()).collect();
            while let Err(mpsc::TryRecvError::Empty) = stopped.try_recv() {
                for stream in &mut crowd {
                    // Who has been closed comes again.
                    if stream.write_all(ping).is_err() {
                        *stream = daemon.stream();
                    }
                }
                thread::sleep(Duration::from_millis(300));
            }
        });
        until("a crowd", || daemon.log().contains("connections: 1000 are open and more wait; closed "));
        let mut late = daemon.stream();
        late.write_all(&Client::request(2)).unwrap();
        assert!(matches!(Client::new(late).hear().unwrap(), Some(Said::Reply(2, 200, _))));
        // Nor is somebody put out who has asked before, and who is quiet for longer than they ever are.
        thread::sleep(Duration::from_secs(11));
        quiet.answer(3).unwrap();
        drop(stop);
    });
}
