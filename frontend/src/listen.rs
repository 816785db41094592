//! The sockets that clients connect to.
//!
//! Over TCP every thread has a socket of its own (SO_REUSEPORT) and the kernel deals connections out; a socket file has
//! one socket that the threads share, as does one that systemd has opened. Everything is opened before the first thread
//! starts, so that what cannot be opened ends the program at once.

use crate::{config::Listen, failure::Failure, inherited::Inherited};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::{
    fs, io,
    net::SocketAddr,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
            net::UnixStream,
        },
    },
    path::{Path, PathBuf},
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
/// What the kernel may hold of unsent answers for a connection; it doubles the figure.
const SEND_BUFFER: usize = 128 * 1024;

/// One thread's end of one listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Tcp(tokio::net::TcpListener),
    /// Over a socket file.
    Unix(tokio::net::UnixListener),
}

/// A listening socket not yet in the hands of a runtime.
#[derive(Debug)]
pub enum Prepared {
    /// Over TCP.
    Tcp(std::net::TcpListener),
    /// Over a socket file.
    Unix(std::os::unix::net::UnixListener),
}

/// A socket file that this program has made. It is removed at the end, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// All that was opened.
#[derive(Debug)]
pub struct Opened {
    /// For each thread, its listeners.
    pub threads: Vec<Vec<Prepared>>,
    /// The socket files; to be kept until the end.
    pub files: Vec<SocketFile>,
    /// Where clients connect, ports settled.
    pub places: Vec<Listen>,
}

/// Opens every place of `listen` for so many threads, each of which has a socket of its own on an address.
///
/// A stale socket file is replaced. One that somebody serves is refused, as is a file that is no socket.
pub fn open(listen: &[Listen], socket_mode: u32, threads: usize) -> Result<Opened, Failure> {
    open_as(listen, socket_mode, threads, true)
}

/// Opens every place of `listen` for one thread, and for no other program.
pub fn open_alone(listen: &[Listen], socket_mode: u32) -> Result<Opened, Failure> {
    open_as(listen, socket_mode, 1, false)
}

fn open_as(listen: &[Listen], socket_mode: u32, threads: usize, shared: bool) -> Result<Opened, Failure> {
    let mut opened = Opened::none(threads);
    for place in listen {
        let refused = |error: io::Error| Failure::system(format!("listen {place}: {error}"));
        match place {
            Listen::Tcp(address) => {
                let mut address = *address;
                for thread in &mut opened.threads {
                    let listener = tcp(address, shared).map_err(refused)?;
                    // Of port 0 the first socket finds out which port it is; the others take the same.
                    address = listener.local_addr().map_err(refused)?;
                    thread.push(Prepared::Tcp(listener));
                }
                opened.places.push(Listen::Tcp(address));
            }
            Listen::Unix(path) => {
                make_way(path)?;
                let listener = unix(path).map_err(refused)?;
                opened.files.push(SocketFile::made(path).map_err(refused)?);
                fs::set_permissions(path, fs::Permissions::from_mode(socket_mode)).map_err(refused)?;
                opened.share(&Inherited::Unix(listener), place.clone()).map_err(refused)?;
            }
        }
    }
    Ok(opened)
}

/// Gives so many threads the sockets that were passed on. Their files are not ours to remove.
pub fn adopt(passed: &[Inherited], threads: usize) -> Result<Opened, Failure> {
    let mut opened = Opened::none(threads);
    for socket in passed {
        let adopted = place_of(socket).and_then(|place| opened.share(socket, place));
        adopted.map_err(|error| Failure::system(format!("socket passed by systemd: {error}")))?;
    }
    Ok(opened)
}

/// Where clients connect to a socket that was passed on, which is made to serve as our own do.
fn place_of(socket: &Inherited) -> io::Result<Listen> {
    match socket {
        Inherited::Tcp(listener) => {
            inherit_to_connections(&SockRef::from(listener))?;
            listener.local_addr().map(Listen::Tcp)
        }
        Inherited::Unix(listener) => {
            let address = listener.local_addr()?;
            Ok(Listen::Unix(address.as_pathname().unwrap_or(Path::new("(no file)")).to_owned()))
        }
    }
}

impl Opened {
    /// The folders of the socket files.
    pub fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let folder = |file: &'_ SocketFile| match file.path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        self.files.iter().map(folder)
    }

    fn none(threads: usize) -> Opened {
        let mut opened = Opened { threads: Vec::new(), files: Vec::new(), places: Vec::new() };
        opened.threads.resize_with(threads, Vec::new);
        opened
    }

    /// Gives every thread the same socket.
    fn share(&mut self, socket: &Inherited, place: Listen) -> io::Result<()> {
        for thread in &mut self.threads {
            thread.push(match socket {
                Inherited::Tcp(listener) => Prepared::Tcp(listener.try_clone()?),
                Inherited::Unix(listener) => Prepared::Unix(listener.try_clone()?),
            });
        }
        self.places.push(place);
        Ok(())
    }
}

impl Prepared {
    /// Hands the socket to the runtime of the calling thread.
    pub fn start(self) -> io::Result<Listener> {
        match self {
            Prepared::Tcp(listener) => tokio::net::TcpListener::from_std(listener).map(Listener::Tcp),
            Prepared::Unix(listener) => tokio::net::UnixListener::from_std(listener).map(Listener::Unix),
        }
    }
}

impl SocketFile {
    fn made(path: &Path) -> io::Result<SocketFile> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_owned(), device: metadata.dev(), inode: metadata.ino() })
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

/// A listening socket of its own on an address that others of this user may share if it is `shared`.
fn tcp(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::]:80 and 0.0.0.0:80 can be listened on together.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    inherit_to_connections(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What connections inherit from the socket that they are accepted on.
fn inherit_to_connections(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)
}

fn unix(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(OwnedFd::from(socket).into())
}

/// Removes a socket file that nobody serves any more; refuses any other file in the way.
fn make_way(path: &Path) -> Result<(), Failure> {
    let refused =
        |why: &dyn std::fmt::Display| Failure::system(format!("listen unix:{}: {why}", path.display()));
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(&error)),
    };
    if !metadata.file_type().is_socket() {
        return Err(refused(&"a file that is no socket is in the way"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(refused(&"another program serves this socket")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| refused(&error))
        }
        Err(error) => Err(refused(&error)),
    }
}
