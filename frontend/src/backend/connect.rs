//! Keeps a link to every worker of the newest generation.
//!
//! All workers accept on one socket, so which of them a connection reaches is chance; HELLO tells. Connections to a
//! worker that is known already are closed, until every slot has been seen; they become rarer and rarer, so that a
//! worker that accepts nothing costs next to nothing (daemon/README.md, "Accepting"). Failures back off, with jitter, so
//! that many threads and front ends do not come back as one.

use super::{Backend, end::End, link::Link, switchboard::LinkId};
use crate::log::{self, Seldom};
use program::notify;
use std::{
    hash::{BuildHasher as _, RandomState},
    mem,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    net::UnixStream,
    task::spawn_local,
    time::{sleep, timeout},
};
use wire::Hello;

/// A worker that has accepted speaks within this time, or is taken for hung.
const HELLO: Duration = Duration::from_millis(300);
/// The wait after the first failure, and between surplus connections once each worker could have been met. It doubles
/// with each further failure, and with as many further surplus connections as there are slots.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
/// What these waits grow to.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A link that has lasted for so long was of use, though nothing was answered over it.
const INFANCY: Duration = Duration::from_secs(1);
/// Links in a row over which nothing was answered before each further one is waited for.
const FREE_WASTED: u32 = 16;

/// The daemon, as all threads see it.
#[derive(Debug)]
pub struct Daemon {
    socket: PathBuf,
    said: Mutex<Said>,
}

/// What was said to the operator of the daemon and its workers: each at most once a minute, since requests may cause it
/// again and again.
#[derive(Debug, Default)]
struct Said {
    /// It has been said that no worker answers, and not yet that they answer again.
    is_unreachable: bool,
    unreachable: Seldom,
    left: Seldom,
}

impl Daemon {
    /// The daemon that listens on this socket.
    pub fn new(socket: PathBuf) -> Daemon {
        Daemon { socket, said: Mutex::default() }
    }

    fn failed(&self, cause: &End) {
        let Ok(mut said) = self.said.lock() else { return };
        if !said.is_unreachable && said.unreachable.passes(Instant::now()) {
            said.is_unreachable = true;
            notify::status(&format!("no worker answers ({cause}); requests wait"));
            let socket = self.socket.display();
            log::warning(format_args!(
                "daemon {socket}: no worker answers ({cause}); requests wait while we try again"
            ));
        }
    }

    fn reached(&self) {
        if self.said.lock().is_ok_and(|mut said| mem::take(&mut said.is_unreachable)) {
            notify::status("workers answer");
            log::info(format_args!("daemon {}: workers answer again", self.socket.display()));
        }
    }

    /// A worker is left for what it has done.
    fn left(&self, worker: &Hello, what: &End) {
        if self.said.lock().is_ok_and(|mut said| said.left.passes(Instant::now())) {
            let socket = self.socket.display();
            log::warning(format_args!("worker {} of {socket}: {what}; connecting anew", worker.pid));
        }
    }
}

/// Connects for as long as the thread runs.
pub(super) async fn keep_connected(daemon: Arc<Daemon>, backend: Rc<Backend>) {
    let mut failures = 0;
    let mut surplus = 0;
    loop {
        if !backend.board.borrow().lacks_links() {
            (failures, surplus) = (0, 0);
            backend.lacking.notified().await;
            continue;
        }
        if let Some(doublings) = backend.wasted.get().checked_sub(FREE_WASTED) {
            sleep(with_jitter(SHORTEST_WAIT * 2_u32.saturating_pow(doublings))).await;
        }
        match connect(&daemon.socket).await {
            Ok((link, hello)) => {
                daemon.reached();
                failures = 0;
                if backend.board.borrow().wants(&hello) {
                    surplus = 0;
                    let id = backend.board.borrow_mut().link_up(hello, Instant::now());
                    spawn_local(run(link, id, hello, Arc::clone(&daemon), Rc::clone(&backend)));
                } else {
                    surplus += 1;
                    drop(link);
                    // Threads that connect in step may meet the same workers for ever.
                    if let Some(doublings) = (surplus / u32::from(hello.slots)).checked_sub(1) {
                        wait(&backend, SHORTEST_WAIT * 2_u32.saturating_pow(doublings)).await;
                    }
                }
            }
            Err(cause) => {
                if backend.board.borrow().is_cut_off() {
                    daemon.failed(&cause);
                }
                failures += 1;
                wait(&backend, SHORTEST_WAIT * 2_u32.saturating_pow(failures - 1)).await;
            }
        }
    }
}

/// Connects once and hears who answers.
pub(super) async fn connect(socket: &Path) -> Result<(Link, Hello), End> {
    let stream = UnixStream::connect(socket).await?;
    match timeout(HELLO, Link::greeted(stream)).await {
        // A daemon takes no words with users that it does not let in.
        Ok(Err(End::Closed)) => Err(End::TurnedAway),
        Ok(met) => met,
        Err(_) => Err(End::Silent),
    }
}

/// Runs a link to its end, and has it replaced.
async fn run(link: Link, id: LinkId, worker: Hello, daemon: Arc<Daemon>, backend: Rc<Backend>) {
    let begin = Instant::now();
    let end = link.run(id, &backend).await;
    if end.is_its_fault() {
        daemon.left(&worker, &end);
    }
    let useful = backend.board.borrow_mut().link_down(id, Instant::now());
    let in_order = useful || matches!(end, End::Retired) || begin.elapsed() >= INFANCY;
    backend.wasted.set(if in_order { 0 } else { backend.wasted.get().saturating_add(1) });
    backend.lacking.notify_one();
}

/// Waits between half and all of `most`, less if a link is lost meanwhile.
async fn wait(backend: &Backend, most: Duration) {
    // Either way it is time to try again.
    let _ = timeout(with_jitter(most), backend.lacking.notified()).await;
}

/// Between half and all of `most`.
fn with_jitter(most: Duration) -> Duration {
    let half = most.min(LONGEST_WAIT) / 2;
    let jitter = RandomState::new().hash_one(0) as u32;
    half + half.mul_f64(f64::from(jitter) / f64::from(u32::MAX))
}
