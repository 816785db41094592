//! A file that is written aside and renamed into place, so that whoever reads it finds a whole one at any time.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Permissions},
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::{Builder, NamedTempFile};

/// The end of a temporary file's name.
const SUFFIX: &str = ".new";

/// A temporary file as old as this is what a killed process left: nobody writes for so long.
const FORSAKEN: Duration = Duration::from_secs(60 * 60);

/// A file that is being written beside its place. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Aside {
    file: NamedTempFile,
    path: PathBuf,
}

impl Aside {
    /// Begins the file that is to be at `path`, and removes what killed processes have left of earlier ones.
    ///
    /// An error when there is something else than a regular file or a link there, or the folder cannot be written to.
    pub fn create(path: &Path) -> io::Result<Aside> {
        let name =
            path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::IsADirectory, "not a file name"))?;
        if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
            return Err(io::Error::other("there is something that is no regular file"));
        }
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        remove_forsaken(folder(path), &prefix);
        let file = Builder::new().prefix(&prefix).suffix(SUFFIX).rand_bytes(12).tempfile_in(folder(path))?;
        Ok(Aside { file, path: path.to_owned() })
    }

    /// Gives the file these permissions, has the disk hold it, and puts it in its place.
    pub fn publish(self, mode: u32) -> io::Result<()> {
        self.file.as_file().set_permissions(Permissions::from_mode(mode))?;
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path).map_err(|failed| failed.error)?;
        File::open(folder(&self.path))?.sync_all()
    }
}

impl io::Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Removes what killed processes have left of files of this prefix.
fn remove_forsaken(folder: &Path, prefix: &OsStr) {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let middle = name.as_bytes().strip_prefix(prefix.as_bytes());
        let is_temporary = middle.is_some_and(|middle| middle.ends_with(SUFFIX.as_bytes()));
        // Of a symbolic link this is the link itself.
        let age = entry.metadata().and_then(|found| found.modified()).map(|time| now.duration_since(time));
        if is_temporary && matches!(age, Ok(Ok(age)) if age > FORSAKEN) {
            // One that cannot be removed costs room on the disk, no more.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, "old").unwrap();
        let mut aside = Aside::create(&path).unwrap();
        aside.write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(aside);
        assert_eq!(names(folder.path()), ["list"]);
        let mut aside = Aside::create(&path).unwrap();
        aside.write_all(b"new").unwrap();
        aside.publish(0o640).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(names(folder.path()), ["list"]);
        let occupied = folder.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        assert!(Aside::create(&occupied).is_err());
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed_an_hour_later() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * FORSAKEN;
        for (name, time) in
            [(".list.4711.new", old), (".list.busy.new", SystemTime::now()), (".other.4711.new", old)]
        {
            File::create(folder.path().join(name)).unwrap().set_modified(time).unwrap();
        }
        Aside::create(&folder.path().join("list")).unwrap().publish(0o600).unwrap();
        assert_eq!(names(folder.path()), [".list.busy.new", ".other.4711.new", "list"]);
    }
}
