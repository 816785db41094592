//! Paths that cannot be right, told before the daemon starts with them and fails again and again.

use program::{files, socket_file};
use std::path::Path;

/// A file's path: `key` must name something.
pub fn file(key: &str, path: &Path) -> Result<(), String> {
    if path.as_os_str().is_empty() { Err(format!("{key}: names no file")) } else { Ok(()) }
}

/// The path of a socket file, which the system keeps short.
pub fn socket(key: &str, path: &Path) -> Result<(), String> {
    socket_file::check_path(path).map_err(|cause| format!("{key}: {cause}"))
}

/// The path of a file that is made when it is not there, in a folder that must be.
pub fn made_file(key: &str, path: &Path) -> Result<(), String> {
    file(key, path)?;
    if path.is_dir() {
        return Err(format!("{key}: {} is a folder", path.display()));
    }
    let folder = files::folder(path);
    if folder.is_dir() { Ok(()) } else { Err(format!("{key}: there is no folder {}", folder.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_be_made_in_a_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let check = |path: &Path| made_file("access-log", path);
        assert_eq!(check(&folder.path().join("log")), Ok(()));
        assert_eq!(check(Path::new("log")), Ok(()));
        assert!(check(folder.path()).unwrap_err().ends_with(" is a folder"));
        assert!(check(&folder.path().join("none/log")).unwrap_err().contains("there is no folder /"));
        assert_eq!(check(Path::new("")), Err("access-log: names no file".into()));
    }
}
