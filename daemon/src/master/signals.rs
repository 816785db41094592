//! The signals that the master obeys, in the order of its choice.

use crate::{failure::Failure, sys, worker::MASTERS_SIGNALS};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use std::os::fd::{AsFd, BorrowedFd};

/// Signals as a file. As long as the process lives they do nothing by themselves.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes the signals over.
    pub fn open() -> Result<Signals, Failure> {
        let signals: SigSet = MASTERS_SIGNALS.into_iter().chain([Signal::SIGCHLD]).collect();
        let opened = sys::keep_ended_children()
            .and_then(|()| signals.thread_block())
            .and_then(|()| SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK));
        opened.map(Signals).map_err(|errno| Failure::system(format!("signals: not taken over ({errno})")))
    }

    /// The next signal that has come, if any.
    pub fn take(&mut self) -> Option<Signal> {
        let signal = self.0.read_signal().ok()??;
        Signal::try_from(signal.ssi_signo as i32).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
