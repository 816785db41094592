//! Socket files: bound for those who may open them from the first moment, and in nobody's place who lives.

use super::{failure::Failure, files::folder, log};
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
    io, mem,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _, lchown},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Connections that may wait to be accepted; the system's own limit (somaxconn) may be lower.
const BACKLOG: i32 = 4096;
/// How long a socket that still answers may belong to workers whose master has just died, or to a program that ends.
const DYING: Duration = Duration::from_secs(1);
/// How long another program may hold the folder while it takes its place there, which takes it no time.
const TAKING: Duration = Duration::from_secs(1);
/// Whether that has been waited for once, which is enough: who holds a folder so long is not about to take a place.
static WAITED: AtomicBool = AtomicBool::new(false);
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

/// A socket that listens without blocking, and the [`identity`] of its file.
pub type Bound = (UnixListener, (u64, u64));

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

/// Binds `path`, in place of a socket that nobody listens on any more. Why not, in words, if not; messages call the
/// socket `name`.
///
/// To be called while there is one thread: the mask of new files is the process's.
pub fn take_place(name: &str, path: &Path, access: Access) -> Result<Bound, String> {
    let address = address(path)?;
    let patience = Instant::now() + DYING;
    let mut warned = false;
    loop {
        // Two programs that start at once would each take the other's new socket for a stale one. The lock is held while
        // this one looks and takes the place, not while it waits, and it leaves no file behind.
        let lock = lock(path)?.inspect_err(|cause| {
            // Whoever can open the folder can hold it for ever; that must not keep this program from starting.
            if !mem::replace(&mut warned, true) {
                log::warning(format_args!(
                    "{name} {}: its folder cannot be locked ({cause}); going on without, \
                     which is safe unless another program starts here at this moment",
                    path.display()
                ));
            }
        });
        if make_way(path, &address)? {
            return bind(path, access);
        }
        drop(lock);
        if Instant::now() >= patience {
            return Err("another program answers on it".into());
        }
        thread::sleep(LOOK);
    }
}

/// As [`take_place`], where nothing is.
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
            // What has gone wrong is reported; a socket file left behind is replaced at the next start.
            fs::remove_file(path).unwrap_or_default();
            Err(ready.err().unwrap_or_default())
        }
        Err(cause) => Err(ready.err().unwrap_or(cause)),
    }
}

fn address(path: &Path) -> Result<UnixAddr, String> {
    UnixAddr::new(path).map_err(|errno| errno.to_string())
}

/// Locks the folder of `path` against other programs that start; in words why that is not to be had. An error if there is
/// no such folder.
fn lock(path: &Path) -> Result<Result<Flock<File>, String>, String> {
    let mut folder = match File::open(folder(path)) {
        Ok(folder) => folder,
        // Files can be made where none can be seen.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Err(error.to_string())),
        Err(error) => return Err(format!("its folder cannot be opened ({error})")),
    };
    let patience = Instant::now() + TAKING;
    loop {
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(Ok(lock)),
            Err((_, Errno::EWOULDBLOCK)) if WAITED.load(Ordering::Relaxed) || Instant::now() >= patience => {
                WAITED.store(true, Ordering::Relaxed);
                return Ok(Err(format!("someone has held it for {} s", TAKING.as_secs())));
            }
            Err((unlocked, Errno::EWOULDBLOCK | Errno::EINTR)) => folder = unlocked,
            Err((_, errno)) => return Ok(Err(errno.to_string())),
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

/// Removes a socket file that nobody listens on any more. Whether there is none now; `false` if somebody answers.
fn make_way(path: &Path, address: &UnixAddr) -> Result<bool, String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error.to_string()),
        Ok(found) if !found.file_type().is_socket() => {
            return Err("a file that is not a socket is there".into());
        }
        Ok(_) => {}
    }
    match probe(address) {
        Err(Errno::ECONNREFUSED) => {}
        Err(Errno::ENOENT) => return Ok(true),
        Err(errno @ Errno::EACCES) => return Err(errno.to_string()),
        _ => return Ok(false),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("a stale one cannot be removed ({error})"))
        }
        _ => Ok(true),
    }
}

/// Connects, without waiting in the queue of a program that does not accept.
fn probe(address: &UnixAddr) -> nix::Result<()> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    connect(socket.as_raw_fd(), address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn of_two_that_start_at_once_on_a_stale_socket_one_has_it_and_the_other_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access { mode: 0o600, owner: None, group: None };
        for round in 0..4 {
            let path = folder.path().join(format!("socket-{round}"));
            drop(UnixListener::bind(&path).unwrap());
            let start = Barrier::new(2);
            let take = || {
                start.wait();
                take_place("socket", &path, access)
            };
            let both = thread::scope(|scope| {
                let other = scope.spawn(take);
                [take(), other.join().unwrap()]
            });
            let (taken, refused): (Vec<_>, Vec<_>) = both.into_iter().partition(Result::is_ok);
            let [Ok((_socket, identified))] = &taken[..] else { panic!("{taken:?}, {refused:?}") };
            assert_eq!(identity(&path), Some(*identified));
            assert_eq!(refused[0].as_ref().unwrap_err(), "another program answers on it");
        }
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
