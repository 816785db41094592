//! The socket that front ends connect to: taken over from systemd, or bound here.
//!
//! The master holds it and never accepts; workers do. A socket file that a dead daemon left behind is replaced, one
//! that a living daemon answers on is not, and one that is taken away is bound anew. How a file is bound is in
//! `program::socket_file`, what systemd passes in `systemd`.

mod systemd;

use crate::{failure::Failure, log, sys};
use program::{
    passed,
    socket_file::{self, Access, identity},
};
use std::{
    fs, mem,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    /// Its file, as long as there is one to look after.
    file: Option<SocketFile>,
}

/// A socket file.
#[derive(Debug)]
struct SocketFile {
    /// What messages call it.
    name: &'static str,
    path: PathBuf,
    device_and_inode: (u64, u64),
    /// Who may open it, if it is this process's to bind and to remove.
    access: Option<Access>,
    /// It is not there any more, and that has been said.
    lost: bool,
}

impl Listener {
    /// Takes systemd's socket if it has passed one, else binds `path` for those who have `access`.
    pub fn open(path: &Path, access: Access) -> Result<Listener, Failure> {
        let refused = |cause| Failure::system(format!("socket passed by systemd: {cause}"));
        match passed::count().map_err(refused)? {
            0 => bind("socket", path, access),
            count => systemd::adopt(count).map_err(refused),
        }
    }

    /// Binds `path` with the permissions `mode`, whatever systemd has passed. Messages call it `name`.
    pub fn bind(name: &'static str, path: &Path, mode: u32) -> Result<Listener, Failure> {
        bind(name, path, Access { mode, owner: None, group: None })
    }

    /// The socket.
    pub fn socket(&self) -> &UnixListener {
        &self.socket
    }

    /// The socket alone, for a worker: its file is not the worker's to remove.
    pub fn into_socket(self) -> UnixListener {
        self.socket
    }

    /// Looks whether whoever connects to the file still reaches this socket, and says once if not. A file of our own
    /// that is gone is bound anew: `true` if it now leads to another socket than before.
    pub fn look_after_file(&mut self) -> bool {
        let Some(file) = &mut self.file else { return false };
        let (loss, access) = match identity(&file.path) {
            Some(found) if found == file.device_and_inode => {
                if mem::replace(&mut file.lost, false) {
                    log::info(format_args!("{} {}: its file is there again", file.name, file.path.display()));
                }
                return false;
            }
            Some(_) => ("something else has been put in its place", None),
            None => ("its file is gone", file.access),
        };
        let (name, path) = (file.name, file.path.display());
        let bound = match access {
            Some(access) => socket_file::bind(&file.path, access)
                .map_err(|cause| format!("cannot be bound anew ({cause}), trying again every second")),
            None if file.access.is_some() => Err("nobody can connect until that is removed".into()),
            None => Err("nobody can connect until its socket unit is restarted".into()),
        };
        match bound {
            Ok((socket, device_and_inode)) => {
                log::warning(format_args!("{name} {path}: {loss}; bound anew"));
                (file.device_and_inode, file.lost) = (device_and_inode, false);
                self.socket = socket;
                true
            }
            Err(cause) => {
                if !mem::replace(&mut file.lost, true) {
                    log::error(format_args!("{name} {path}: {loss}; {cause}"));
                }
                false
            }
        }
    }

    /// Removes the socket file, unless it is systemd's or another daemon has put its own there.
    pub fn remove_file(&mut self) {
        let Some(file) = self.file.take().filter(|file| file.access.is_some()) else { return };
        let ours = identity(&file.path) == Some(file.device_and_inode);
        if ours && let Err(error) = fs::remove_file(&file.path) {
            log::warning(format_args!("{} {}: not removed ({error})", file.name, file.path.display()));
        }
    }
}

/// Closes what whoever started this program has left open by mistake, so that no worker keeps it open. The very first
/// thing that the program does.
pub fn close_inherited_fds() {
    sys::close_fds_from(systemd::FIRST_PASSED + passed::count().unwrap_or(0));
}

fn bind(name: &'static str, path: &Path, access: Access) -> Result<Listener, Failure> {
    let bound = socket_file::take_place(name, path, access);
    let (socket, device_and_inode) =
        bound.map_err(|cause| Failure::system(format!("{name} {}: {cause}", path.display())))?;
    let file =
        SocketFile { name, path: path.to_owned(), device_and_inode, access: Some(access), lost: false };
    Ok(Listener { socket, file: Some(file) })
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
        assert!(refusal.to_string().ends_with("another program answers on it"), "{refusal}");
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
