//! A temporary folder for servers, which belongs to the user that they run as: nobody, where the test is root.

use nix::unistd::{User, geteuid};
use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
};

/// The folder; removed when dropped.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = tempfile::Builder::new().prefix("mirrorlist-").tempdir().unwrap();
        give(folder.path());
        Folder(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of a name in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// Makes a folder in it.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.join(name);
        fs::create_dir(&folder).unwrap();
        give(&folder);
        folder
    }
}

/// Who servers run as, where the test is root.
fn nobody() -> Option<User> {
    geteuid().is_root().then(|| User::from_name("nobody").unwrap().unwrap())
}

fn give(folder: &Path) {
    if let Some(user) = nobody() {
        chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
}

/// Has a command run without the rights of root.
pub fn unprivileged(command: &mut Command) -> &mut Command {
    match nobody() {
        Some(user) => command.uid(user.uid.as_raw()).gid(user.gid.as_raw()),
        None => command,
    }
}
