//! Memory that a crowd takes is given back when it has gone.

use super::{client::Client, eventually, program::Program, worker::Daemon};

/// Connections at once, as many as an ordinary limit of descriptors allows this test.
const CROWD: usize = 800;

#[test]
fn the_memory_of_a_wave_of_connections_is_given_back() {
    let daemon = Daemon::new();
    let _worker = daemon.echo();
    let program = Program::start(&daemon, &["--threads", "2"]);
    let sockets = program.sockets();
    // What a program needs that has served once.
    assert_eq!(Client::connect(program.address()).get("/").status, 200);
    let before = program.private_kb();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| Client::connect(program.address())).collect();
    // Some stay among those that go, so that what is freed does not lie together.
    let mut most = 0;
    for _ in 0..3 {
        crowd.iter_mut().for_each(|client| _ = client.send_get("/", ""));
        most = most.max(program.private_kb());
        assert!(crowd.iter_mut().all(|client| client.answer().status == 200));
    }
    assert!(most > before + 8_000, "{most} kB is no wave, {before} kB before");
    let stay: Vec<_> = crowd.into_iter().step_by(100).collect();
    eventually("its memory is given back", || program.private_kb() < before + 1_500);
    drop(stay);
    eventually("all are gone", || program.sockets() <= sockets + 4);
    println!("{before} kB before, {most} kB at most, {} kB after", program.private_kb());
}
