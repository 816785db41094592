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
            fs::{FileTypeExt as _, MetadataExt as _, lchown},
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

/// Who may open a socket file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its permissions.
    pub mode: u32,
    /// Its owner; whoever runs this program if there is none.
    pub owner: Option<u32>,
    /// Its group; that of this program if there is none.
    pub group: Option<u32>,
}

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
    /// Takes systemd's socket if it has passed one, else binds `path` for those who have `access`.
    pub fn open(path: &Path, access: Access) -> Result<Listener, Failure> {
        let opened = match passed_by_systemd() {
            Some(count) => adopt(count).map_err(|cause| format!("socket passed by systemd: {cause}")),
            None => bind_file(path, access).map_err(|cause| format!("socket {}: {cause}", path.display())),
        };
        opened.map_err(Failure::system)
    }

    /// Binds `path` with the permissions `mode`, whatever systemd has passed. Messages call it `name`.
    pub fn bind(name: &str, path: &Path, mode: u32) -> Result<Listener, Failure> {
        let access = Access { mode, owner: None, group: None };
        bind_file(path, access)
            .map_err(|cause| Failure::system(format!("{name} {}: {cause}", path.display())))
    }

    /// The socket.
    pub fn socket(&self) -> &UnixListener {
        &self.socket
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

fn bind_file(path: &Path, access: Access) -> Result<Listener, String> {
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
    let socket = bind_at(&address, access.mode).map_err(|errno| match errno {
        Errno::EADDRINUSE => "something else has just been put in its place".into(),
        other => other.to_string(),
    })?;
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    let device_and_inode = (metadata.dev(), metadata.ino());
    let bound = Bound { path: path.to_owned(), device_and_inode };
    let mut listener = Listener { socket: UnixListener::from(socket), bound: Some(bound) };
    // Nobody can connect before it listens, so nobody does before the file is whose it is to be.
    if let Err(cause) = give_away(path, access).and_then(|()| start(&listener.socket)) {
        listener.remove_file();
        return Err(cause);
    }
    Ok(listener)
}

/// Hands the socket file to its owner and group.
fn give_away(path: &Path, access: Access) -> Result<(), String> {
    if access.owner.is_none() && access.group.is_none() {
        return Ok(());
    }
    lchown(path, access.owner, access.group)
        .map_err(|error| format!("its owner and group cannot be set ({error})"))
}

fn start(socket: &UnixListener) -> Result<(), String> {
    Backlog::new(BACKLOG).and_then(|backlog| listen(socket, backlog)).map_err(|errno| errno.to_string())
}

fn bind_at(address: &UnixAddr, mode: u32) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // By the mask and not by chmod, so that the file never has wider permissions than asked for.
    let before = umask(Mode::from_bits_truncate(!mode & 0o777));
    let bound = bind(socket.as_raw_fd(), address);
    umask(before);
    bound.map(|()| socket)
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

    const ACCESS: Access = Access { mode: 0o600, owner: None, group: None };

    #[test]
    fn a_stale_socket_is_replaced_and_the_new_one_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let mut listener = Listener::open(&path, Access { mode: 0o640, ..ACCESS }).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        listener.remove_file();
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_of_another_daemon_is_neither_taken_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut first = Listener::open(&path, ACCESS).unwrap();
        let refusal = Listener::open(&path, ACCESS).unwrap_err();
        assert!(refusal.to_string().ends_with("another daemon answers on it"), "{refusal}");
        fs::remove_file(&path).unwrap();
        let _second = Listener::open(&path, ACCESS).unwrap();
        first.remove_file();
        assert!(path.exists());
    }

    #[test]
    fn a_file_in_the_way_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        fs::write(&path, "precious").unwrap();
        let refusal = Listener::open(&path, ACCESS).unwrap_err();
        assert!(refusal.to_string().contains("not a socket"), "{refusal}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
