//! Listening sockets that systemd has opened and passes on. Source: sd_listen_fds(3).
//!
//! Which of them this process may take is told by its environment; whether they are what clients can connect to is
//! looked at here.

use super::failure::Failure;
use listenfd::ListenFd;
use nix::sys::socket::{getsockopt, sockopt};
use std::{
    env,
    ffi::OsString,
    io,
    os::fd::{AsFd as _, OwnedFd},
    process,
};

/// Sockets that one process can be passed, more than anybody passes.
const MOST: u32 = 1024;

/// How many sockets the environment says were passed to this very process. What to listen on instead is not to be
/// guessed where that cannot be read.
pub fn count() -> Result<u32, Failure> {
    read(env::var_os("LISTEN_PID"), env::var_os("LISTEN_FDS"))
}

/// The sockets that were passed to this process, over TCP or socket files, none of which blocks; none when nobody has
/// passed any.
///
/// To be called once, before there are threads: it takes what it has read out of the environment, so that no child takes
/// it for its own.
pub fn take() -> Result<Vec<OwnedFd>, Failure> {
    if count()? == 0 {
        // The library takes sockets that name no process for ours, too.
        return Ok(Vec::new());
    }
    let mut passed = ListenFd::from_env();
    let refused = |at, cause: &str| Failure::system(format!("socket {} passed by systemd: {cause}", at + 1));
    (0..passed.len())
        .map(|at| {
            let socket = socket(&mut passed, at).map_err(|error| refused(at, &error.to_string()))?;
            let socket = socket.ok_or_else(|| refused(at, "it is no stream socket"))?;
            let listens = getsockopt(&socket.as_fd(), sockopt::AcceptConn) == Ok(true);
            if listens { Ok(socket) } else { Err(refused(at, "it does not listen")) }
        })
        .collect()
}

/// The socket at this place, if it is one over TCP or a socket file.
fn socket(passed: &mut ListenFd, at: usize) -> io::Result<Option<OwnedFd>> {
    // Each asks whether the socket is of its kind, and leaves it there if not.
    if let Ok(Some(listener)) = passed.take_tcp_listener(at) {
        listener.set_nonblocking(true)?;
        return Ok(Some(listener.into()));
    }
    if let Ok(Some(listener)) = passed.take_unix_listener(at) {
        listener.set_nonblocking(true)?;
        return Ok(Some(listener.into()));
    }
    Ok(None)
}

fn read(pid: Option<OsString>, number: Option<OsString>) -> Result<u32, Failure> {
    let is_ours = pid.and_then(|pid| pid.to_str()?.parse().ok()) == Some(process::id());
    let Some(number) = number.filter(|_| is_ours) else { return Ok(0) };
    let digits = number.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).filter(|count| *count <= MOST).ok_or_else(|| {
        let cause = format!("LISTEN_FDS is {number:?}, expected a number up to {MOST}");
        Failure::system(format!("sockets passed by systemd: {cause}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_sockets_that_cannot_be_read_is_refused_if_they_are_ours() {
        let ours = process::id().to_string();
        let counted = |pid: &str, number: &str| read(Some(pid.into()), Some(number.into()));
        assert_eq!(counted(&ours, "2"), Ok(2));
        assert_eq!(counted(&ours, "0"), Ok(0));
        assert_eq!(read(Some((&ours).into()), None), Ok(0));
        for number in ["garbage", "", "-1", "+1", "1x", "1 ", "1025", "4294967295", "99999999999999999999"] {
            let said = counted(&ours, number).unwrap_err().to_string();
            assert!(said.contains(&format!("LISTEN_FDS is {number:?}")), "{said}");
            for other in ["1", "x", ""] {
                assert_eq!(counted(other, number), Ok(0), "{other:?}");
            }
            assert_eq!(read(None, Some(number.into())), Ok(0));
        }
    }
}
