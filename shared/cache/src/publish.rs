//! How a new cache file takes the old one's place: written aside, synced and renamed.
//!
//! Others may be able to write into the folder. What they put there is neither written into nor followed.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::Path,
    time::{Duration, SystemTime},
};
use tempfile::Builder;

/// What temporary files end with; they begin with a dot, the file's name and another dot.
const SUFFIX: &str = ".new";
/// A temporary file that has not been written to for so long belongs to nobody any more.
const FORSAKEN: Duration = Duration::from_secs(60 * 60);

/// Puts a file in place of whatever is at `path`, or fails and leaves that as it was.
///
/// The bytes go to a new file in the same folder, of a name that nobody knows before, which is synced, made read-only
/// and renamed. Readers see the whole old file or the whole new one, also after a power failure. When it fails the
/// temporary file is removed; one that a killed process has left is removed an hour later, by the next call. What is no
/// regular file (a device, a pipe, a folder) is not replaced.
pub fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let name =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::IsADirectory, "not a file name"))?;
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
        return Err(io::Error::other("there is something that is no regular file"));
    }
    let mut prefix = OsStr::new(".").to_owned();
    prefix.push(name);
    prefix.push(".");
    remove_forsaken(folder, &prefix);
    let mut file = Builder::new().prefix(&prefix).suffix(SUFFIX).rand_bytes(12).tempfile_in(folder)?;
    file.as_file_mut().write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(0o444))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
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
    use std::os::unix::fs::symlink;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no mkfifo")]
    fn publishing_replaces_a_file_or_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.mlc");
        for round in 0..2 {
            publish(&file, format!("round {round}").as_bytes()).unwrap();
            assert_eq!(fs::read(&file).unwrap(), format!("round {round}").as_bytes());
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o444);
        }
        let occupied = folder.path().join("occupied");
        fs::create_dir_all(occupied.join("inside")).unwrap();
        assert!(publish(&occupied, b"x").is_err());
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(publish(&pipe, b"x").is_err());
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
        publish(&file, b"new").unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(names(folder.path()), [&*name, "cache.mlc", "precious"]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no futimens")]
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
        publish(&folder.path().join("cache.mlc"), b"new").unwrap();
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
