//! The socket files that this program makes, and removes at the end.

use program::{
    files,
    socket_file::{self, Access},
};
use std::{
    fs,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};

/// A socket file that this program has made. It is removed at the end, unless another has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Listens at `path`, for those whom `mode` lets in. Why not, in words, if not.
    ///
    /// To be called while there is one thread: the mask of new files is the process's.
    pub fn listen(path: &Path, mode: u32) -> Result<(SocketFile, UnixListener), String> {
        let access = Access { mode, owner: None, group: None };
        let (listener, identity) = socket_file::take_place("listen", path, access)?;
        Ok((SocketFile { path: path.to_owned(), identity }, listener))
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        files::folder(&self.path)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if socket_file::identity(&self.path) == Some(self.identity) {
            // A file that stays behind is stale, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
