//! The socket that front ends connect to: taken over from systemd, or bound here.
//!
//! The master holds it and never accepts; workers do. A socket file that a dead daemon left behind is replaced, one
//! that a living daemon answers on is not.

use crate::{failure::Failure, sys};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::{
        socket::{
            AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, getsockopt, listen, socket,
            sockopt,
        },
        stat::{Mode, umask},
    },
};
use std::{
    env, fs, io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

/// Connections that may wait to be accepted; the system's own limit (somaxconn) may be lower.
const BACKLOG: i32 = 4096;
/// The first descriptor that systemd passes.
const FIRST_PASSED: u32 = 3;
/// How long a socket that still answers may belong to workers whose master has just died.
const DYING: Duration = Duration::from_secs(1);

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    bound: Option<Bound>,
}

/// A socket file that is this process's to remove.
#[derive(Debug)]
struct Bound {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

impl Listener {
    /// Takes systemd's socket if it has passed one, else binds `path` with the permissions `mode`.
    pub fn open(path: &Path, mode: u32) -> Result<Listener, Failure> {
        let opened = match passed_by_systemd() {
            Some(count) => adopt(count).map_err(|cause| format!("socket passed by systemd: {cause}")),
            None => bind_file(path, mode).map_err(|cause| format!("socket {}: {cause}", path.display())),
        };
        opened.map_err(Failure::system)
    }

    /// The socket alone, for a worker: its file is not the worker's to remove.
    pub fn into_socket(self) -> UnixListener {
        self.socket
    }

    /// Removes the socket file, unless it is systemd's or another daemon has put its own in the place.
    pub fn remove_file(&mut self) {
        let Some(bound) = self.bound.take() else { return };
        let ours = fs::symlink_metadata(&bound.path)
            .is_ok_and(|now| (now.dev(), now.ino()) == bound.device_and_inode);
        if ours && let Err(error) = fs::remove_file(&bound.path) {
            crate::log::warning(format_args!("socket {}: not removed ({error})", bound.path.display()));
        }
    }
}

/// Closes what whoever started this program has left open by mistake, so that no worker keeps it open. The very first
/// thing that the program does.
pub fn close_strangers() {
    sys::close_inherited(FIRST_PASSED + passed_by_systemd().unwrap_or(0));
}

/// How many sockets systemd has passed to this very process, if any. Source: sd_listen_fds(3).
fn passed_by_systemd() -> Option<u32> {
    let number = |name| env::var(name).ok()?.parse::<u32>().ok();
    (number("LISTEN_PID")? == process::id()).then(|| number("LISTEN_FDS"))?.filter(|count| *count > 0)
}

fn adopt(count: u32) -> Result<Listener, String> {
    if count > 1 {
        return Err(format!("{count} sockets, expected one"));
    }
    let file = sys::inherited_file(FIRST_PASSED as i32).ok_or("it is not open")?;
    let family = getsockopt(&file, sockopt::SockType)
        .ok()
        .filter(|kind| *kind == SockType::Stream)
        .and_then(|_| nix::sys::socket::getsockname::<UnixAddr>(file.as_raw_fd()).ok());
    if family.is_none() || getsockopt(&file, sockopt::AcceptConn) != Ok(true) {
        return Err("it is not a listening UNIX stream socket".into());
    }
    let socket = UnixListener::from(file);
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(Listener { socket, bound: None })
}

fn bind_file(path: &Path, mode: u32) -> Result<Listener, String> {
    let address = UnixAddr::new(path).map_err(|error| match error {
        Errno::ENAMETOOLONG => "the path is longer than a socket's may be (107 bytes)".into(),
        other => other.to_string(),
    })?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Two daemons that start at once would each take the other's new socket for a stale one. The lock is let go as
    // soon as this one listens, and it leaves no file behind.
    let folder = fs::File::open(folder).map_err(|error| format!("its folder cannot be opened ({error})"))?;
    let _lock = Flock::lock(folder, FlockArg::LockExclusive).map_err(|(_, errno)| errno.to_string())?;
    make_way(path, &address)?;
    let socket = listen_at(&address, mode).map_err(|errno| match errno {
        Errno::EADDRINUSE => "something else has just been put in its place".into(),
        other => other.to_string(),
    })?;
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    let device_and_inode = (metadata.dev(), metadata.ino());
    Ok(Listener {
        socket: UnixListener::from(socket),
        bound: Some(Bound { path: path.to_owned(), device_and_inode }),
    })
}

fn listen_at(address: &UnixAddr, mode: u32) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // By the mask and not by chmod, so that the file never has wider permissions than asked for.
    let before = umask(Mode::from_bits_truncate(!mode & 0o777));
    let bound = bind(socket.as_raw_fd(), address);
    umask(before);
    bound?;
    listen(&socket, Backlog::new(BACKLOG)?)?;
    Ok(socket)
}

/// Removes a socket file that nobody listens on any more.
fn make_way(path: &Path, address: &UnixAddr) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(found) if !found.file_type().is_socket() => {
            return Err("a file that is not a socket is there".into());
        }
        Ok(_) => {}
    }
    let patience = Instant::now() + DYING;
    loop {
        match knock(address) {
            Err(Errno::ECONNREFUSED) => break,
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno @ Errno::EACCES) => return Err(errno.to_string()),
            _ if Instant::now() >= patience => return Err("another daemon answers on it".into()),
            _ => thread::sleep(DYING / 50),
        }
    }
    fs::remove_file(path).map_err(|error| format!("a stale one cannot be removed ({error})"))
}

/// Connects, without waiting in the queue of a daemon that does not accept.
fn knock(address: &UnixAddr) -> nix::Result<()> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(socket.as_raw_fd(), address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_stale_socket_is_replaced_and_the_new_one_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let mut listener = Listener::open(&path, 0o640).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        listener.remove_file();
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_of_another_daemon_is_neither_taken_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut first = Listener::open(&path, 0o600).unwrap();
        let refusal = Listener::open(&path, 0o600).unwrap_err();
        assert!(refusal.to_string().ends_with("another daemon answers on it"), "{refusal}");
        fs::remove_file(&path).unwrap();
        let _second = Listener::open(&path, 0o600).unwrap();
        first.remove_file();
        assert!(path.exists());
    }

    #[test]
    fn a_file_in_the_way_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        fs::write(&path, "precious").unwrap();
        let refusal = Listener::open(&path, 0o600).unwrap_err();
        assert!(refusal.to_string().contains("not a socket"), "{refusal}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
