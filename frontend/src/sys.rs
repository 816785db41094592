//! The only room with unsafe code: what the operating system offers without a safe form.

use nix::errno::Errno;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Gives memory that was freed back to the system, all of it that makes whole pages. Takes a few milliseconds after a
/// wave, and allocations of other threads wait meanwhile. Only glibc keeps so much that it is worth a call.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the allocator's own call has no safe form")]
pub fn give_memory_back() {
    // SAFETY: takes a number, touches nothing but free memory, and locks what other threads allocate from.
    unsafe { libc::malloc_trim(0) };
}

/// As above, where there is nothing to be done.
#[cfg(not(target_env = "gnu"))]
pub fn give_memory_back() {}

/// Bytes written to a socket that the other end's system has not taken yet. Source: tcp(7), unix(7): SIOCOUTQ.
#[expect(unsafe_code, reason = "nix has no such call")]
pub fn untaken(socket: BorrowedFd<'_>) -> nix::Result<usize> {
    let mut bytes = 0;
    // SAFETY: the kernel writes one int, to this function's own variable; the descriptor is borrowed from its owner.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
