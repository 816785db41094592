//! The sockets that clients connect to.
//!
//! Over TCP every thread has a socket of its own (SO_REUSEPORT) and the kernel deals connections out; a socket file has
//! one socket that the threads share, as does one that systemd has opened. Everything is opened before the first thread
//! starts, so that what cannot be opened ends the program at once.

use crate::{config::Listen, failure::Failure, inherited::Inherited, socket_file::SocketFile};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::{io, net::SocketAddr, os::fd::OwnedFd, path::Path};

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
        let refused = |cause: String| Failure::system(format!("listen {place}: {cause}"));
        let failed = |error: io::Error| refused(error.to_string());
        match place {
            Listen::Tcp(address) => {
                let listeners = tcp_for_all(*address, threads).map_err(failed)?;
                // The system may have chosen the port.
                let address = local_address(&listeners[0]).map_err(failed)?;
                for (thread, listener) in opened.threads.iter_mut().zip(listeners) {
                    thread.push(listener);
                }
                opened.places.push(Listen::Tcp(address));
            }
            Listen::Unix(path) => {
                let (file, listener) = SocketFile::listen(path, socket_mode).map_err(refused)?;
                opened.files.push(file);
                opened.share(&Inherited::Unix(listener), place.clone()).map_err(failed)?;
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
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(SocketFile::folder)
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
                Inherited::Tcp(listener) => listener.try_clone()?.into(),
                Inherited::Unix(listener) => OwnedFd::from(listener.try_clone()?).into(),
            });
        }
        self.places.push(place);
        Ok(())
    }
}

/// So many listening sockets on one address, among which the kernel deals connections out.
///
/// The first is opened as if it were to be alone, so that it is refused where anyone listens already; only then are the
/// others let in beside it. The system would let every program of this user in, which then takes its share of the
/// connections.
fn tcp_for_all(address: SocketAddr, count: usize) -> io::Result<Vec<Socket>> {
    let first = tcp(address, false)?;
    // Of port 0 the first finds out which port it is; the others take the same.
    let address = local_address(&first)?;
    let mut all = vec![first];
    if count > 1 {
        all[0].set_reuse_port(true)?;
    }
    for _ in 1..count {
        all.push(tcp(address, true)?);
    }
    Ok(all)
}

/// A listening socket on an address that others of this user may share if it is `shared`.
fn tcp(address: SocketAddr, shared: bool) -> io::Result<Socket> {
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
    Ok(socket)
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// What connections inherit from the socket that they are accepted on.
fn inherit_to_connections(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)
}
