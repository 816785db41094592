//! How a socket file is bound: for those who may open it from the first moment, and in nobody's place who lives.

use super::{Access, identity};
use crate::log;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::{
        socket::{
            AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind as bind_socket, connect, listen,
            socket,
        },
        stat::{Mode, umask},
    },
};
use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{FileTypeExt as _, lchown},
            net::UnixListener,
        },
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Connections that may wait to be accepted; the system's own limit (somaxconn) may be lower.
const BACKLOG: i32 = 4096;
/// How long a socket that still answers may belong to workers whose master has just died.
const DYING: Duration = Duration::from_secs(1);
/// How long another daemon may hold the folder while it takes its place there: more than [`DYING`].
const TAKING: Duration = Duration::from_secs(3);
/// How often to look again at what passes.
const LOOK: Duration = Duration::from_millis(20);

/// A socket, and the device and inode of its file.
pub type Bound = (UnixListener, (u64, u64));

/// Binds `path`, in place of a socket that nobody listens on any more. Messages call it `name`.
pub fn take_place(name: &str, path: &Path, access: Access) -> Result<Bound, String> {
    let address = address(path)?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Two daemons that start at once would each take the other's new socket for a stale one. The lock is let go as
    // soon as this one listens, and it leaves no file behind.
    let folder = File::open(folder).map_err(|error| format!("its folder cannot be opened ({error})"))?;
    let _lock = lock(folder).inspect_err(|cause| {
        // Whoever can open the folder can hold it for ever; that must not keep the daemon from starting.
        log::warning(format_args!(
            "{name} {}: its folder cannot be locked ({cause}); going on without, \
             which is safe unless another daemon starts here at this moment",
            path.display()
        ));
    });
    make_way(path, &address)?;
    bind(path, access)
}

/// Binds `path`, where nothing is.
pub fn bind(path: &Path, access: Access) -> Result<Bound, String> {
    let socket = bind_at(&address(path)?, access.mode).map_err(|errno| match errno {
        Errno::EADDRINUSE => "something else has just been put in its place".into(),
        other => other.to_string(),
    })?;
    let socket = UnixListener::from(socket);
    // Nobody can connect before it listens, so nobody does before the file is whose it is to be.
    let ready = give_away(path, access).and_then(|()| start(&socket));
    match identity(path).ok_or_else(|| "it has just been removed".into()) {
        Ok(found) if ready.is_ok() => Ok((socket, found)),
        Ok(_) => {
            // What has gone wrong is reported; a socket file left behind is replaced by the next daemon.
            fs::remove_file(path).unwrap_or_default();
            Err(ready.err().unwrap_or_default())
        }
        Err(cause) => Err(ready.err().unwrap_or(cause)),
    }
}

fn address(path: &Path) -> Result<UnixAddr, String> {
    UnixAddr::new(path).map_err(|error| match error {
        Errno::ENAMETOOLONG => "the path is longer than a socket's may be (107 bytes)".into(),
        other => other.to_string(),
    })
}

/// Locks a folder against other daemons that start.
fn lock(mut folder: File) -> Result<Flock<File>, String> {
    let patience = Instant::now() + TAKING;
    loop {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, Errno::EWOULDBLOCK)) if Instant::now() >= patience => {
                return Err(format!("someone has held it for {} s", TAKING.as_secs()));
            }
            Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) => folder = unlocked,
            Err((_, errno)) => return Err(errno.to_string()),
        }
        thread::sleep(LOOK);
    }
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
    let bound = bind_socket(socket.as_raw_fd(), address);
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
            _ => thread::sleep(LOOK),
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
