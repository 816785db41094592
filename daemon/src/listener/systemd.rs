//! The socket that systemd passes. Source: sd_listen_fds(3).

use super::{Listener, Place, identity};
use crate::sys;
use nix::sys::socket::{SockType, UnixAddr, getsockname, getsockopt, sockopt};
use std::{
    env,
    os::{fd::AsRawFd as _, unix::net::UnixListener},
    process,
};

/// The first descriptor that systemd passes.
pub const FIRST_PASSED: u32 = 3;

/// How many sockets have been passed to this very process, if any. An error if that cannot be told: guessing would
/// mean to bind a second socket that nobody connects to.
pub fn passed() -> Result<Option<u32>, String> {
    let for_us = env::var("LISTEN_PID").is_ok_and(|pid| pid.parse() == Ok(process::id()));
    let Some(count) = env::var_os("LISTEN_FDS").filter(|_| for_us) else { return Ok(None) };
    match count.to_str().and_then(|count| count.parse().ok()) {
        Some(0) => Ok(None),
        Some(count) => Ok(Some(count)),
        None => Err(format!("LISTEN_FDS is {count:?}, expected a number")),
    }
}

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
    let place = address.path().and_then(|path| {
        let device_and_inode = identity(path)?;
        let name = "socket passed by systemd";
        Some(Place { name, path: path.to_owned(), device_and_inode, access: None, lost: false })
    });
    Ok(Listener { socket, place })
}
