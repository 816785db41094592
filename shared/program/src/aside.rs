//! A file that is written aside and renamed into place, so that whoever reads it finds a whole one at any time.
//!
//! Others may be able to write into the folder. What they put there is neither written into nor followed.

use crate::files::folder;
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::{Builder, NamedTempFile};

/// The end of a temporary file's name.
const SUFFIX: &str = ".new";

/// A temporary file as old as this is what a killed process left: nobody writes for so long.
const FORSAKEN: Duration = Duration::from_secs(60 * 60);

/// Puts a file in place of whatever is at `path`, or fails and leaves that as it was.
///
/// The bytes go to a new file in the same folder, of a name that nobody knows before, which is synced, given its
/// permissions and renamed. Readers see the whole old file or the whole new one, also after a power failure. When it fails
/// the temporary file is removed; one that a killed process has left is removed an hour later, by the next call. What is no
/// regular file (a device, a pipe, a folder) is not replaced.
pub fn put(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut aside = Aside::create(path)?;
    aside.write_all(bytes)?;
    aside.publish(mode)
}

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
        // The temporary file's own errors would name its path, which is of no use to anybody.
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
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
    use nix::{sys::stat::Mode, unistd::mkfifo};
    use std::os::unix::fs::symlink;

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
    fn publishing_replaces_a_file_or_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.mlc");
        for round in 0..2 {
            put(&file, format!("round {round}").as_bytes(), 0o444).unwrap();
            assert_eq!(fs::read(&file).unwrap(), format!("round {round}").as_bytes());
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o444);
        }
        let occupied = folder.path().join("occupied");
        fs::create_dir_all(occupied.join("inside")).unwrap();
        assert!(put(&occupied, b"x", 0o444).is_err());
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        assert!(put(&pipe, b"x", 0o444).is_err());
        assert!(!fs::metadata(&pipe).unwrap().is_file());
        assert_eq!(names(folder.path()), ["cache.mlc", "occupied", "pipe"], "no temporary file is left");
    }

    #[test]
    fn publishing_never_writes_where_a_link_of_others_leads() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        // Whatever can be known before of the process that will write.
        let name = format!(".cache.mlc.{}.new", std::process::id());
        symlink(&precious, folder.path().join(&name)).unwrap();
        let file = folder.path().join("cache.mlc");
        symlink(&precious, &file).unwrap();
        put(&file, b"new", 0o444).unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(folder.path()), [&*name, "cache.mlc", "precious"]);
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed_an_hour_later() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
        for (name, time) in [
            (".cache.mlc.4711.new", old),
            (".cache.mlc.abcdef.new", old),
            (".cache.mlc.busy.new", SystemTime::now()),
            (".cache.mlc.new", old),
            (".other.mlc.4711.new", old),
            ("cache.mlc.4711.new", old),
        ] {
            fs::File::create(folder.path().join(name)).unwrap().set_modified(time).unwrap();
        }
        put(&folder.path().join("cache.mlc"), b"new", 0o444).unwrap();
        let left = names(folder.path());
        let expected = [
            ".cache.mlc.busy.new",
            ".cache.mlc.new",
            ".other.mlc.4711.new",
            "cache.mlc",
            "cache.mlc.4711.new",
        ];
        assert_eq!(left, expected);
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
