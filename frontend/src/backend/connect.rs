//! Keeps a link to every worker of the newest generation.
//!
//! All workers accept on one socket, so which of them a connection reaches is chance; HELLO tells. Connections to a
//! worker that is known already are closed, until every slot has been seen; they become rarer and rarer, so that a
//! worker that accepts nothing costs next to nothing (daemon/README.md, "Accepting"). Failures back off, with jitter, so
//! that many threads and front ends do not come back as one.

use super::{
    Backend,
    link::{self, End, Link, Violation},
    switchboard::{Leave, LinkId},
};
use crate::log::{self, Seldom};
use program::notify;
use std::{
    hash::{BuildHasher as _, RandomState},
    io, mem,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::{
    net::UnixStream,
    task::spawn_local,
    time::{sleep, timeout},
};
use wire::Hello as Introduction;

/// A worker that has accepted speaks within this time, or is taken for hung.
const HELLO: Duration = Duration::from_millis(300);
/// The wait after the first failure, and between surplus connections once each worker could have been met. It doubles
/// with each further failure, and with as many further surplus connections as there are slots.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
/// What these waits grow to.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A link that ends within this time and over which nothing was answered was wasted.
const INFANCY: Duration = Duration::from_secs(1);
/// Wasted links in a row before each further one is waited for.
const FREE_WASTED: u32 = 16;

/// Why no worker answers.
#[derive(Debug, Error)]
pub enum Unanswered {
    /// The system reported this.
    #[error(transparent)]
    Failed(#[from] io::Error),
    /// The worker that has accepted sent this against the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// It closed the connection before it said a word.
    #[error("it closes the connection; its option peer may not let our user in")]
    TurnedAway,
    /// It closed the connection later.
    #[error("it closes the connection")]
    Closed,
    /// It did not speak in time.
    #[error("it accepts and says nothing")]
    Silent,
}

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
    /// The last attempt of any thread failed.
    is_unreachable: bool,
    unreachable: Seldom,
    /// It has been said that no worker answers, and not yet that they answer again.
    is_told: bool,
    left: Seldom,
    /// Workers left since that was said last.
    left_since: u64,
}

impl Daemon {
    /// The daemon that listens on this socket.
    pub fn new(socket: PathBuf) -> Daemon {
        Daemon { socket, said: Mutex::default() }
    }

    fn failed(&self, cause: &Unanswered) {
        let Ok(mut said) = self.said.lock() else { return };
        if mem::replace(&mut said.is_unreachable, true) {
            return;
        }
        notify::status(&format!("no worker answers ({cause}); requests wait"));
        if said.unreachable.passes(Instant::now()) {
            said.is_told = true;
            let socket = self.socket.display();
            log::warning(format_args!(
                "daemon {socket}: no worker answers ({cause}); requests wait while we try again"
            ));
        }
    }

    fn reached(&self) {
        let Ok(mut said) = self.said.lock() else { return };
        if mem::take(&mut said.is_unreachable) {
            notify::status("workers answer");
            if mem::take(&mut said.is_told) {
                log::info(format_args!("daemon {}: workers answer again", self.socket.display()));
            }
        }
    }

    /// A worker is left for what it has done.
    fn left(&self, worker: &Introduction, what: &End) {
        let Ok(mut said) = self.said.lock() else { return };
        said.left_since += 1;
        if said.left.passes(Instant::now()) {
            let more = match mem::take(&mut said.left_since) - 1 {
                0 => String::new(),
                more => format!(" ({more} more since this was said last)"),
            };
            let socket = self.socket.display();
            log::warning(format_args!("worker {} of {socket} {what}{more}; connecting anew", worker.pid));
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
pub(super) async fn connect(socket: &Path) -> Result<(Link, Introduction), Unanswered> {
    let stream = UnixStream::connect(socket).await?;
    match timeout(HELLO, link::greet(stream)).await {
        Ok(Ok(met)) => Ok(met),
        Ok(Err(End::Failed(error))) if !is_close(&error) => Err(error.into()),
        Ok(Err(End::Violation(violation))) => Err(violation.into()),
        // A daemon takes no words with users that it does not let in.
        Ok(Err(_)) => Err(Unanswered::TurnedAway),
        Err(_) => Err(Unanswered::Silent),
    }
}

/// Whether an error tells that the other end has closed the connection.
fn is_close(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Runs a link to its end, and has it replaced.
async fn run(link: Link, id: LinkId, worker: Introduction, daemon: Arc<Daemon>, backend: Rc<Backend>) {
    let begin = Instant::now();
    let end = link.run(id, &backend).await;
    let is_retired = matches!(end, End::Left(Leave::Done));
    // A worker's end is the master's to report.
    if matches!(end, End::Violation(_) | End::Left(Leave::Silent | Leave::Unread)) {
        daemon.left(&worker, &end);
    }
    let useful = backend.board.borrow_mut().link_down(id, Instant::now());
    let in_order = useful || begin.elapsed() >= INFANCY || is_retired;
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
