//! The operator's side of the control socket: `mirrorlistd status` and `mirrorlistd reload`.
//!
//! What was asked for goes to standard output. Whoever does not answer in time is as good as not there.

use super::{Order, Outcome, Status, report};
use crate::{failure::Failure, log};
use nix::sys::{
    socket::{
        AddressFamily, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt::SendTimeout,
    },
    time::{TimeVal, TimeValLike as _},
};
use program::print::printed;
use serde::de::DeserializeOwned;
use std::{
    fmt, fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::{fs::FileTypeExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// How long an answer may take that nothing has to happen for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Something to ask a daemon for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What.
    pub order: Order,
    /// The daemon's control socket.
    pub control: PathBuf,
    /// Print JSON instead of text.
    pub json: bool,
    /// A daemon that does not run has nothing to reload, and that is no failure.
    pub if_running: bool,
    /// How long a reload that is waited for may take.
    pub reload_limit: Duration,
}

impl Errand {
    /// Asks, and prints what there is to print.
    pub fn run(&self) -> Result<(), Failure> {
        let mut stream = match reach(&self.control) {
            Err(error) if self.if_running && tells_of_nobody(&error) => {
                let control = self.control.display();
                log::warning(format_args!(
                    "control socket {control}: no daemon there ({error}); nothing is reloaded"
                ));
                return Ok(());
            }
            connected => connected.map_err(|error| self.unreached(&error))?,
        };
        let answer = self.ask(&mut stream).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if self.order == Order::ReloadAndWait => {
                let limit = self.reload_limit.as_secs();
                self.unavailable(format_args!(
                    "no answer in {limit} s; a reload that `status` tells of goes on"
                ))
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.unavailable("no answer in time"),
            _ => self.unavailable(&error),
        })?;
        match self.order {
            Order::Status => {
                let mut status: Status = self.read(&answer)?;
                for worker in &mut status.workers {
                    worker.private_kb = private_kb(worker.pid);
                }
                printed(self.json, &status, || report::text(&status))
            }
            Order::Reload | Order::ReloadAndWait => judge(self.read(&answer)?),
        }
    }

    /// Why there is no connection.
    fn unreached(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.unavailable("no answer in time"),
            _ if tells_of_nobody(error) => self.unavailable(error),
            io::ErrorKind::PermissionDenied => {
                let control = self.control.display();
                Failure::system(format!(
                    "control socket {control}: {error}; ask as root or as the daemon's user"
                ))
            }
            _ => Failure::system(format!("control socket {}: {error}", self.control.display())),
        }
    }

    fn unavailable(&self, cause: impl fmt::Display) -> Failure {
        let control = self.control.display();
        Failure::unavailable(format!("control socket {control}: no daemon answers ({cause})"))
    }

    fn ask(&self, stream: &mut UnixStream) -> io::Result<Vec<u8>> {
        let limit = if self.order == Order::ReloadAndWait { self.reload_limit } else { PATIENCE };
        stream.set_read_timeout(Some(limit))?;
        // Who is refused may find the connection closed for writing, and the reason still to be read.
        let said = stream.write_all(format!("{}\n", self.order.word()).as_bytes());
        let mut answer = Vec::new();
        BufReader::new(stream).read_until(b'\n', &mut answer)?;
        match said {
            _ if answer.ends_with(b"\n") => Ok(answer),
            Err(error) => Err(error),
            Ok(()) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// An answer, or the error that stands in its place.
    fn read<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(answer).map_err(|error| {
            let said: Option<Outcome> = serde_json::from_slice(answer).ok();
            let said = said.and_then(|outcome| outcome.error);
            let cause = said.unwrap_or_else(|| format!("an answer that cannot be read: {error}"));
            Failure::system(format!("control socket {}: {cause}", self.control.display()))
        })
    }
}

/// Connects to a daemon's socket, but does not wait for ever in the queue of one that does not accept.
pub fn reach(path: &Path) -> io::Result<UnixStream> {
    let address = UnixAddr::new(path)?;
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // It bounds connecting too.
    setsockopt(&socket, SendTimeout, &TimeVal::milliseconds(PATIENCE.as_millis() as i64))?;
    match connect(socket.as_raw_fd(), &address) {
        Ok(()) => Ok(socket.into()),
        Err(_) if fs::metadata(path).is_ok_and(|there| !there.file_type().is_socket()) => {
            Err(io::Error::other("not a socket"))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Whether nobody listens: there is no socket, or one that its daemon has left behind.
pub fn tells_of_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// The end of a reload, as the exit code and a line tell it.
fn judge(outcome: Outcome) -> Result<(), Failure> {
    if outcome.ok {
        return Ok(());
    }
    let error = outcome.error.unwrap_or_else(|| "not told why".into());
    Err(match outcome.generation {
        Some(generation) => Failure::cache(format!("{error}; generation {generation} goes on")),
        None => Failure::unavailable(format!("not reloaded: {error}")),
    })
}

/// Memory of a process that it shares with nobody; `None` if nobody may know, or the process has ended.
fn private_kb(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let lines = rollup.lines().filter(|line| line.starts_with("Private_"));
    lines.map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}
