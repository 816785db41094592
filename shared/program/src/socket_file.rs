//! Socket files: bound for those who may open them from the first moment, in nobody's place who lives, and removed at the
//! end.

use super::{failure::Failure, files::folder};
use nix::{
    errno::Errno,
    sys::{
        socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket},
        stat::{Mode, umask},
    },
};
use std::{
    fs, io,
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
/// How long a socket that still answers may belong to workers whose master has just died, or to a program that ends.
const DYING: Duration = Duration::from_secs(1);
/// How often to look again at what passes.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes that the path of a socket has at most. Source: unix(7); the last of 108 ends it.
const LONGEST_PATH: usize = 107;

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

/// A socket file that this process has made. It is removed at the end, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    access: Access,
    identity: (u64, u64),
    /// Whose it is to remove: not that of children who have inherited it.
    maker: u32,
}

/// Which file is at `path`, if any: its device and inode.
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Takes a path that can be a socket's: the system keeps those short.
pub fn check_path(path: PathBuf) -> Result<PathBuf, Failure> {
    match UnixAddr::new(&path) {
        _ if path.as_os_str().is_empty() => Err(Failure::config("names no file")),
        Err(Errno::ENAMETOOLONG) => {
            let length = path.as_os_str().len();
            let cause = format!("the path has {length} bytes, a socket's may have {LONGEST_PATH} at most");
            Err(Failure::config(cause))
        }
        Err(errno) => Err(Failure::config(format!("cannot be a socket's path ({errno})"))),
        Ok(_) => Ok(path),
    }
}

impl SocketFile {
    /// Binds `path`, in place of a socket that nobody listens on any more. The listener does not block.
    ///
    /// To be called while there is one thread: the mask of new files is the process's.
    pub fn take(path: &Path, access: Access) -> io::Result<(SocketFile, UnixListener)> {
        fs::metadata(folder(path)).map_err(|error| {
            let folder = folder(path).display();
            io::Error::other(match error.kind() {
                io::ErrorKind::NotFound => {
                    format!("there is no folder {folder}; make it, or name a socket elsewhere")
                }
                _ => format!("its folder cannot be opened ({error})"),
            })
        })?;
        let patience = Instant::now() + DYING;
        while !make_way(path)? {
            if Instant::now() >= patience {
                return Err(io::Error::other("another program answers on it"));
            }
            thread::sleep(LOOK);
        }
        let (listener, identity) = bind_at(path, access)?;
        Ok((SocketFile { path: path.to_owned(), access, identity, maker: process::id() }, listener))
    }

    /// Binds it once more, where nothing is.
    pub fn bind_anew(&mut self) -> io::Result<UnixListener> {
        let (listener, identity) = bind_at(&self.path, self.access)?;
        self.identity = identity;
        Ok(listener)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.maker == process::id() && identity(&self.path) == Some(self.identity) {
            // A file that stays behind is stale, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds and listens; nobody can connect before the file is whose it is to be.
fn bind_at(path: &Path, access: Access) -> io::Result<(UnixListener, (u64, u64))> {
    let socket = new_socket()?;
    // By the mask and not by chmod, so that the file never has wider permissions than asked for.
    let before = umask(Mode::from_bits_truncate(!access.mode & 0o777));
    let bound = bind(socket.as_raw_fd(), &UnixAddr::new(path)?);
    umask(before);
    bound?;
    let found = identity(path).ok_or_else(|| io::Error::other("it has just been removed"))?;
    let mut ready = Ok(());
    if access.owner.is_some() || access.group.is_some() {
        ready = lchown(path, access.owner, access.group)
            .map_err(|error| io::Error::other(format!("its owner and group cannot be set ({error})")));
    }
    ready.and_then(|()| Ok(listen(&socket, Backlog::new(BACKLOG)?)?)).inspect_err(|_| {
        // What has gone wrong is reported; a socket file left behind is replaced at the next start.
        fs::remove_file(path).unwrap_or_default();
    })?;
    Ok((socket.into(), found))
}

fn new_socket() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

/// Removes a socket file that nobody listens on any more. Whether there is none now; `false` if somebody answers.
fn make_way(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return Err(io::Error::other("a file that is not a socket is there")),
    }
    // Without waiting in the queue of a program that does not accept.
    match connect(new_socket()?.as_raw_fd(), &UnixAddr::new(path)?) {
        Err(Errno::ECONNREFUSED) => {}
        Err(Errno::ENOENT) => return Ok(true),
        Err(errno @ Errno::EACCES) => return Err(errno.into()),
        _ => return Ok(false),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::other(format!("a stale one cannot be removed ({error})")))
        }
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: Access = Access { mode: 0o640, owner: None, group: None };

    #[test]
    fn a_stale_socket_is_replaced_and_the_new_one_removed_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let (file, _listener) = SocketFile::take(&path, ACCESS).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_of_another_program_is_neither_taken_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (first, _listener) = SocketFile::take(&path, ACCESS).unwrap();
        let refusal = SocketFile::take(&path, ACCESS).unwrap_err();
        assert_eq!(refusal.to_string(), "another program answers on it");
        fs::remove_file(&path).unwrap();
        let _second = SocketFile::take(&path, ACCESS).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn a_file_in_the_way_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        fs::write(&path, "precious").unwrap();
        assert!(SocketFile::take(&path, ACCESS).unwrap_err().to_string().contains("not a socket"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_socket_has_a_short_path() {
        let check = |length: usize| check_path(format!("/{}", "x".repeat(length - 1)).into());
        assert!(check(LONGEST_PATH).is_ok());
        let refusal = check(LONGEST_PATH + 1).unwrap_err().to_string();
        assert_eq!(refusal, "the path has 108 bytes, a socket's may have 107 at most");
        assert!(check_path("".into()).is_err() && check_path("/a\0".into()).is_err());
    }
}
