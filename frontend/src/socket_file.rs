//! Socket files: a stale one is replaced, one that somebody serves is not, and our own is removed at the end.
//!
//! A new file has the permissions asked for from the moment on at which it is there.

use crate::log;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::stat::{Mode, umask},
};
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    fmt::Display,
    fs::{self, File},
    io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long another program may hold a lock of the folder before we go on without it.
const LOCKED: Duration = Duration::from_secs(1);

/// A socket file that this program has made. It is removed at the end, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Listens at `path`, for those whom `mode` lets in; so many may wait to be accepted. Why not, in words, if not.
    ///
    /// To be called while there is one thread: the mask of new files is the process's.
    pub fn listen(path: &Path, mode: u32, backlog: i32) -> Result<(SocketFile, UnixListener), String> {
        let said = |error: io::Error| error.to_string();
        let address = SockAddr::unix(path).map_err(said)?;
        let _lock = lock(path);
        make_way(path, &address)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None).map_err(said)?;
        let before = umask(Mode::from_bits_truncate(!mode & 0o777));
        let bound = socket.bind(&address);
        umask(before);
        bound.map_err(said)?;
        let metadata = fs::symlink_metadata(path).map_err(said)?;
        let file = SocketFile { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() };
        socket.listen(backlog).map_err(said)?;
        Ok((file, OwnedFd::from(socket).into()))
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        folder(&self.path)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode));
        if is_ours {
            // A file that stays behind is stale, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Keeps programs apart that start at once and would each take the other's new socket for a stale one.
///
/// Whoever may open the folder may hold the lock, so that nobody is waited for for long.
fn lock(path: &Path) -> Option<Flock<File>> {
    let without = |cause: &dyn Display| {
        let path = path.display();
        log::warning(format_args!(
            "listen unix:{path}: its folder cannot be locked ({cause}); going on without"
        ));
    };
    let end = Instant::now() + LOCKED;
    let mut folder = match File::open(folder(path)) {
        Ok(folder) => folder,
        Err(error) => {
            // Without a folder there will be no socket, which is told then.
            if error.kind() == io::ErrorKind::PermissionDenied {
                without(&error);
            }
            return None;
        }
    };
    loop {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((same, Errno::EWOULDBLOCK)) if Instant::now() < end => folder = same,
            Err((_, Errno::EWOULDBLOCK)) => {
                without(&"another program holds it");
                return None;
            }
            Err((_, errno)) => {
                without(&errno);
                return None;
            }
        }
        thread::sleep(LOCKED / 100);
    }
}

/// Removes a socket file that nobody serves any more; refuses any other file in the way.
fn make_way(path: &Path, address: &SockAddr) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(found) if !found.file_type().is_socket() => {
            return Err("a file that is no socket is in the way".into());
        }
        Ok(_) => {}
    }
    match knock(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| error.to_string())
        }
        // A full queue is somebody's too.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error.to_string()),
        Ok(()) | Err(_) => Err("another program serves this socket".into()),
    }
}

/// Connects, without waiting in the queue of a program that does not accept.
fn knock(address: &SockAddr) -> io::Result<()> {
    Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?.connect(address)
}
