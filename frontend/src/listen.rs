//! The sockets that clients connect to.
//!
//! Over TCP every thread has a socket of its own (SO_REUSEPORT) and the kernel deals connections out; a socket file has
//! one socket that the threads share, as does one that systemd has opened. Everything is opened before the first thread
//! starts, so that what cannot be opened ends the program at once.

use crate::{config::Listen, failure::Failure};
use program::{
    files,
    socket_file::{Access, SocketFile},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io, iter,
    net::{Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
    path::Path,
};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
/// What the kernel may hold of unsent answers for a connection; it doubles the figure.
const SEND_BUFFER: usize = 128 * 1024;

/// All that was opened.
#[derive(Debug)]
pub struct Opened {
    /// For each thread, its listeners.
    pub threads: Vec<Vec<Socket>>,
    /// The socket files; to be kept until the end.
    pub files: Vec<SocketFile>,
    /// Where clients connect, ports settled.
    pub places: Vec<Listen>,
}

/// Opens every place of `listen` for so many threads, each of which has a socket of its own on an address.
///
/// An address that another program listens on is refused, whoever's it is. A stale socket file is replaced; one that
/// somebody serves is refused, as is a file that is no socket. To be called while there is one thread.
pub fn open(listen: &[Listen], socket_mode: u32, threads: usize) -> Result<Opened, Failure> {
    let mut opened = Opened::none(threads);
    for place in listen {
        let sockets = match place {
            Listen::Tcp(address) => tcp_for_all(*address, true, threads),
            Listen::All(port) => tcp_for_all((Ipv6Addr::UNSPECIFIED, *port).into(), false, threads),
            Listen::Unix(path) => {
                let access = Access { mode: socket_mode, owner: None, group: None };
                SocketFile::take(path, access).and_then(|(file, listener)| {
                    opened.files.push(file);
                    for_all(OwnedFd::from(listener).into(), threads)
                })
            }
        };
        let dealt = sockets.and_then(|sockets| opened.deal(sockets));
        dealt.map_err(|error| Failure::system(format!("listen {place}: {error}")))?;
    }
    Ok(opened)
}

/// Gives so many threads the sockets that were passed on. Their files are not ours to remove.
pub fn adopt(passed: Vec<OwnedFd>, threads: usize) -> Result<Opened, Failure> {
    let mut opened = Opened::none(threads);
    for socket in passed.into_iter().map(Socket::from) {
        // They are to serve as our own do.
        let is_file = socket.domain().is_ok_and(|domain| domain == Domain::UNIX);
        let ready = if is_file { Ok(()) } else { inherit_to_connections(&socket) };
        let dealt = ready.and_then(|()| for_all(socket, threads)).and_then(|sockets| opened.deal(sockets));
        dealt.map_err(|error| Failure::system(format!("socket passed by systemd: {error}")))?;
    }
    Ok(opened)
}

impl Opened {
    /// The folders of the socket files.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| files::folder(file.path()))
    }

    fn none(threads: usize) -> Opened {
        let threads = (0..threads).map(|_| Vec::new()).collect();
        Opened { threads, files: Vec::new(), places: Vec::new() }
    }

    /// Gives every thread one of these, which listen at the same place.
    fn deal(&mut self, sockets: Vec<Socket>) -> io::Result<()> {
        // The system may have chosen the port.
        let address = sockets[0].local_addr()?;
        self.places.push(match address.as_socket() {
            Some(address) => Listen::Tcp(address),
            None => Listen::Unix(address.as_pathname().unwrap_or(Path::new("(no file)")).to_owned()),
        });
        self.threads.iter_mut().zip(sockets).for_each(|(thread, socket)| thread.push(socket));
        Ok(())
    }
}

/// The same socket so many times.
fn for_all(socket: Socket, count: usize) -> io::Result<Vec<Socket>> {
    (0..count).map(|_| socket.try_clone()).collect()
}

/// So many listening sockets on one address, among which the kernel deals connections out.
///
/// The first is opened as if it were to be alone, so that it is refused where anyone listens already; only then are the
/// others let in beside it. The system would let every program of this user in, which then takes its share of the
/// connections.
fn tcp_for_all(address: SocketAddr, only_v6: bool, count: usize) -> io::Result<Vec<Socket>> {
    let first = tcp(address, only_v6, false)?;
    // Of port 0 the first finds out which port it is; the others take the same.
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    first.set_reuse_port(count > 1)?;
    let others = (1..count).map(|_| tcp(address, only_v6, true));
    iter::once(Ok(first)).chain(others).collect()
}

/// A listening socket on an address that others of this user may share if it is `shared`. Of IPv6 it takes no IPv4
/// connections if it is `only_v6`.
fn tcp(address: SocketAddr, only_v6: bool, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::]:80 and 0.0.0.0:80 can be listened on together.
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    inherit_to_connections(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// What connections inherit from the socket that they are accepted on.
fn inherit_to_connections(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)
}
