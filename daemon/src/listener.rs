//! The socket that front ends connect to: taken over from systemd, or bound here.
//!
//! The master holds it and never accepts; workers do. A socket file that a dead daemon left behind is replaced, one
//! that a living daemon answers on is not, and one that is taken away is bound anew. How a file is bound is in
//! `program::socket_file`, what systemd passes in `program::passed`.

use crate::{failure::Failure, log, sys};
use program::{
    passed,
    socket_file::{Access, SocketFile, identity},
};
use std::{
    mem,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

/// The first descriptor that systemd passes.
const FIRST_PASSED: u32 = 3;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    /// What messages call it.
    name: &'static str,
    socket: UnixListener,
    file: File,
    /// The file is not there any more, and that has been said.
    lost: bool,
}

/// The file of a socket.
#[derive(Debug)]
enum File {
    Own(SocketFile),
    /// Of systemd, with its device and inode.
    Passed(PathBuf, (u64, u64)),
    /// There is none, or none that can be seen from here, or it has been removed.
    None,
}

impl Listener {
    /// Takes systemd's socket if it has passed one, else binds `path` for those who have `access`.
    pub fn open(path: &Path, access: Access) -> Result<Listener, Failure> {
        let mut passed = passed::take()?;
        let Some(socket) = passed.pop().map(UnixListener::from) else {
            return Listener::bind("socket", path, access);
        };
        let name = "socket passed by systemd";
        if !passed.is_empty() {
            return Err(Failure::system(format!("{name}: {} sockets, expected one", passed.len() + 1)));
        }
        let address = socket.local_addr();
        let address = address.map_err(|_| Failure::system(format!("{name}: it is not a UNIX socket")))?;
        let file =
            address.as_pathname().and_then(|path| Some(File::Passed(path.to_owned(), identity(path)?)));
        Ok(Listener { name, socket, file: file.unwrap_or(File::None), lost: false })
    }

    /// Binds `path`, whatever systemd has passed. Messages call it `name`.
    pub fn bind(name: &'static str, path: &Path, access: Access) -> Result<Listener, Failure> {
        let taken = SocketFile::take(path, access);
        let (file, socket) =
            taken.map_err(|error| Failure::system(format!("{name} {}: {error}", path.display())))?;
        Ok(Listener { name, socket, file: File::Own(file), lost: false })
    }

    /// The socket.
    pub fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// The socket alone, for a worker.
    pub fn into_socket(self) -> UnixListener {
        self.socket
    }

    /// Looks whether whoever connects to the file still reaches this socket, and says once if not. A file of our own
    /// that is gone is bound anew: `true` if it now leads to another socket than before.
    pub fn look_after_file(&mut self) -> bool {
        let (path, ours) = match &self.file {
            File::Own(file) => (file.path().to_owned(), file.identity()),
            File::Passed(path, ours) => (path.clone(), *ours),
            File::None => return false,
        };
        let (name, path, found) = (self.name, path.display(), identity(&path));
        if found == Some(ours) {
            if mem::replace(&mut self.lost, false) {
                log::info(format_args!("{name} {path}: its file is there again"));
            }
            return false;
        }
        let loss =
            if found.is_some() { "something else has been put in its place" } else { "its file is gone" };
        let bound = match &mut self.file {
            File::Own(_) if found.is_some() => Err("nobody can connect until that is removed".into()),
            File::Own(file) => file
                .bind_anew()
                .map_err(|cause| format!("cannot be bound anew ({cause}), trying again every second")),
            _ => Err("nobody can connect until its socket unit is restarted".into()),
        };
        let is_new = bound.is_ok();
        match bound {
            Ok(socket) => {
                log::warning(format_args!("{name} {path}: {loss}; bound anew"));
                (self.socket, self.lost) = (socket, false);
            }
            Err(cause) => {
                if !mem::replace(&mut self.lost, true) {
                    log::error(format_args!("{name} {path}: {loss}; {cause}"));
                }
            }
        }
        is_new
    }

    /// Removes the socket file, unless it is systemd's or another daemon has put its own there.
    pub fn remove_file(&mut self) {
        self.file = File::None;
    }
}

/// Closes what whoever started this program has left open by mistake, so that no worker keeps it open. The very first
/// thing that the program does.
pub fn close_inherited_fds() {
    sys::close_fds_from(FIRST_PASSED + passed::count().unwrap_or(0));
}
