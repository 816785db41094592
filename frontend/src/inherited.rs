//! Listening sockets that systemd has opened and passes on. Source: sd_listen_fds(3).
//!
//! Which of them this process may take is told by its environment; whether they are what clients can connect to is
//! looked at here.

use crate::failure::Failure;
use listenfd::ListenFd;
use nix::sys::socket::{getsockopt, sockopt};
use std::{
    env,
    ffi::OsString,
    io,
    net::TcpListener,
    os::{fd::AsFd, unix::net::UnixListener},
    process,
};

/// Sockets that one process can be passed, more than anybody passes.
const MOST: u32 = 1024;

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
    count(env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS")).map_err(Failure::system)?;
    let mut passed = ListenFd::from_env();
    (0..passed.len())
        .map(|at| {
            let refused =
                |cause: &str| Failure::system(format!("socket {} passed by systemd: {cause}", at + 1));
            let socket = socket(&mut passed, at).map_err(|error| refused(&error.to_string()))?;
            let socket = socket.ok_or_else(|| refused("it is no stream socket"))?;
            if !socket.listens() {
                return Err(refused("it does not listen"));
            }
            Ok(socket)
        })
        .collect()
}

/// How many sockets the environment says were passed to this process; in words why that cannot be told.
fn count(pid: Option<OsString>, number: Option<OsString>) -> Result<u32, String> {
    let is_ours = pid.and_then(|pid| pid.to_str()?.parse().ok()) == Some(process::id());
    let Some(number) = number.filter(|_| is_ours) else { return Ok(0) };
    let digits = number.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).filter(|count| *count <= MOST).ok_or_else(|| {
        format!("sockets passed by systemd: LISTEN_FDS is {number:?}, expected a number up to {MOST}")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_sockets_that_cannot_be_read_is_refused_if_they_are_ours() {
        let ours = process::id().to_string();
        let counted = |pid: &str, number: &str| count(Some(pid.into()), Some(number.into()));
        assert_eq!(counted(&ours, "2"), Ok(2));
        assert_eq!(counted(&ours, "0"), Ok(0));
        assert_eq!(count(Some((&ours).into()), None), Ok(0));
        for number in ["garbage", "", "-1", "+1", "1x", "1 ", "1025", "4294967295", "99999999999999999999"] {
            let said = counted(&ours, number).unwrap_err();
            assert!(said.contains(&format!("LISTEN_FDS is {number:?}")), "{said}");
            for other in ["1", "x", ""] {
                assert_eq!(counted(other, number), Ok(0), "{other:?}");
            }
            assert_eq!(count(None, Some(number.into())), Ok(0));
        }
    }
}
