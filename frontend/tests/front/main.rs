//! The built front end over real sockets, with workers played by the tests.
//!
//! - `program`, `worker`, `client`: the three sides of a test: the program, who answers it, who asks it;
//! - the other modules: one kind of promise each. Every test fails when the mechanism that it is named for is taken out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod admin;
mod client;
mod faults;
mod hostile;
mod limits;
mod memory;
mod process;
mod process_one;
mod program;
mod relay;
mod room;
mod sandbox;
mod sockets;
mod systemd;
mod unread;
mod worker;

use std::time::{Duration, Instant};

/// Waits until `condition` holds; fails after twenty seconds with `what`.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "still not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
