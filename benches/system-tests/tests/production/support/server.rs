//! A server of the machine with a configuration of the test's: started, waited for, and ended when dropped.

use super::{PATIENCE, folder::unprivileged};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    process::{self, Command},
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use testkit::stack::{Running, children};

/// Last byte of the next address.
static NEXT: AtomicU8 = AtomicU8::new(1);

/// A loopback address, with a port that nobody listens on. The address is the test's own, so that none comes to.
pub fn free_address() -> SocketAddr {
    let pid = process::id();
    let address =
        Ipv4Addr::new(127, 64 + (pid >> 8 & 63) as u8, pid as u8, NEXT.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap()
}

/// The same of IPv6, which has one loopback address only: a port is given once, for the system would give one again that
/// nobody listens on yet.
pub fn free_v6_address() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let address = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        if GIVEN.lock().unwrap().insert(address.port()) {
            return address;
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server(Running);

impl Server {
    /// Starts a server that stays in the foreground, without the rights of root, and waits until it listens.
    pub fn start(command: &mut Command, listens: &[SocketAddr]) -> Server {
        let mut running = Running::start(unprivileged(command)).unwrap();
        let end = Instant::now() + PATIENCE;
        for address in listens {
            while TcpStream::connect(address).is_err() {
                assert!(Instant::now() < end, "{command:?}: does not listen; said {:?}", running.messages());
                thread::sleep(Duration::from_millis(5));
            }
        }
        Server(running)
    }

    pub fn pid(&self) -> u32 {
        self.0.pid()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let workers = children(self.pid()).unwrap_or_default();
        // What a server says at its end is of no interest.
        let _ = self.0.stop();
        // Workers leave with their master, unless it had to be killed; then they are gone already.
        for worker in workers.into_iter().filter(|worker| is_orphan(*worker)) {
            let _ = kill(Pid::from_raw(worker as i32), Signal::SIGKILL);
        }
    }
}

/// Whether a process that was a child of one that has ended is still there.
fn is_orphan(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|parent| parent.trim() == "1"))
}
