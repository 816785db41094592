//! Listening sockets that systemd has opened and passes on. Source: sd_listen_fds(3).
//!
//! Which of them this process may take is told by its environment; whether they are what clients can connect to is
//! looked at here.

use crate::failure::Failure;
use listenfd::ListenFd;
use nix::sys::socket::{getsockopt, sockopt};
use program::passed;
use std::{
    io,
    net::TcpListener,
    os::{fd::AsFd, unix::net::UnixListener},
};

/// A socket that was passed.
#[derive(Debug)]
pub enum Inherited {
    /// Over TCP.
    Tcp(TcpListener),
    /// Over a socket file.
    Unix(UnixListener),
}

/// The sockets that were passed to this process; none when nobody has passed any. Where some were meant to be and their
/// number cannot be read, that is an error: what to listen on instead is not guessed.
///
/// Must be called once, before there are threads: it takes what it has read out of the environment, so that no child
/// takes it for its own.
pub fn take() -> Result<Vec<Inherited>, Failure> {
    let count = passed::count();
    if count.map_err(|cause| Failure::system(format!("sockets passed by systemd: {cause}")))? == 0 {
        // The library takes sockets that name no process for ours, too.
        return Ok(Vec::new());
    }
    let mut sockets = ListenFd::from_env();
    (0..sockets.len())
        .map(|at| {
            let refused =
                |cause: &str| Failure::system(format!("socket {} passed by systemd: {cause}", at + 1));
            let socket = socket(&mut sockets, at).map_err(|error| refused(&error.to_string()))?;
            let socket = socket.ok_or_else(|| refused("it is no stream socket"))?;
            if !socket.listens() {
                return Err(refused("it does not listen"));
            }
            Ok(socket)
        })
        .collect()
}

/// The socket at this place, if it is one over TCP or a socket file.
fn socket(passed: &mut ListenFd, at: usize) -> io::Result<Option<Inherited>> {
    // Each asks whether the socket is of its kind, and leaves it there if not.
    if let Ok(Some(listener)) = passed.take_tcp_listener(at) {
        listener.set_nonblocking(true)?;
        return Ok(Some(Inherited::Tcp(listener)));
    }
    if let Ok(Some(listener)) = passed.take_unix_listener(at) {
        listener.set_nonblocking(true)?;
        return Ok(Some(Inherited::Unix(listener)));
    }
    Ok(None)
}

impl Inherited {
    fn listens(&self) -> bool {
        let listens = |socket: &dyn AsFd| getsockopt(&socket.as_fd(), sockopt::AcceptConn) == Ok(true);
        match self {
            Inherited::Tcp(listener) => listens(listener),
            Inherited::Unix(listener) => listens(listener),
        }
    }
}
