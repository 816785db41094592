//! The only room with unsafe code: what the operating system offers without a safe form.

use nix::errno::Errno;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Bytes written to a socket that the other end's system has not taken yet. Source: tcp(7), unix(7): SIOCOUTQ.
#[expect(unsafe_code, reason = "nix has no such call")]
pub fn untaken(socket: BorrowedFd<'_>) -> nix::Result<usize> {
    let mut bytes = 0;
    // SAFETY: the kernel writes one int, to this function's own variable; the descriptor is borrowed from its owner.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}
