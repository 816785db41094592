//! The socket that systemd passes. Source: sd_listen_fds(3).

use super::{Listener, SocketFile};
use crate::sys;
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};
use program::socket_file::identity;
use std::os::{fd::AsRawFd as _, unix::net::UnixListener};

/// The first descriptor that systemd passes.
pub const FIRST_PASSED: u32 = 3;

/// Takes over the one socket that has been passed.
pub fn adopt(count: u32) -> Result<Listener, String> {
    if count > 1 {
        return Err(format!("{count} sockets, expected one"));
    }
    let file = sys::inherited_file(FIRST_PASSED as i32).ok_or("it is not open")?;
    let address = getsockopt(&file, sockopt::SockType)
        .ok()
        .filter(|kind| *kind == SockType::Stream)
        .and_then(|_| getsockname::<UnixAddr>(file.as_raw_fd()).ok());
    let Some(address) = address.filter(|_| getsockopt(&file, sockopt::AcceptConn) == Ok(true)) else {
        return Err("it is not a listening UNIX stream socket".into());
    };
    let socket = UnixListener::from(file);
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    // There may be no file, or none that can be seen from here.
    let file = address.path().and_then(|path| {
        let device_and_inode = identity(path)?;
        let name = "socket passed by systemd";
        Some(SocketFile { name, path: path.to_owned(), device_and_inode, access: None, lost: false })
    });
    Ok(Listener { socket, file })
}
