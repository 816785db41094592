//! Signals as the programs need them, however they were started.

use nix::sys::signal::{SigSet, Signal};

/// Makes a write beyond the limit of file sizes (`RLIMIT_FSIZE`) an error like others.
///
/// Unasked the system ends the process with SIGXFSZ: the line of a log that was one too many would end the service. To
/// be called before threads and processes are begun, which inherit it.
pub fn survive_file_size_limit() {
    // Fails for numbers that are no signal.
    let _ = SigSet::from(Signal::SIGXFSZ).thread_block();
}

/// Hears signals even if whoever has started this process had blocked them. To be called before threads are begun.
pub fn unblock_all() {
    // Fails for numbers that are no signal.
    let _ = SigSet::all().thread_unblock();
}
