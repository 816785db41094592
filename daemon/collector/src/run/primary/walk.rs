//! The tree on this machine, walked through.

use super::{Error, listing::Listing};
use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

/// What everybody needs to read a file, and to go through a directory.
const READ: u32 = 0o004;
const ENTER: u32 = 0o005;

/// Lists the tree at `top`.
pub fn list(top: &Path, listing: &mut Listing<'_>) -> Result<(), Error> {
    let unreadable = |path: &Path, error| Error::Unreadable(path.to_owned(), error);
    if !fs::metadata(top).map_err(|error| unreadable(top, error))?.is_dir() {
        return Err(Error::NoFolder(top.to_owned()));
    }
    let mut open = vec![String::new()];
    while let Some(at) = open.pop() {
        let folder = top.join(&at);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Mirrors cannot read it either, or it has gone meanwhile.
            Err(error) if is_nobodys(&error) && !at.is_empty() => continue,
            Err(error) => return Err(unreadable(&folder, error)),
        };
        // Behind the links, which tell which of them are kept.
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, error))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                listing.odd.0 += 1;
                listing.odd.1.get_or_insert_with(|| entry.path().display().to_string());
                continue;
            };
            let path = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
            let found = match fs::symlink_metadata(entry.path()) {
                Ok(found) => found,
                Err(error) if is_nobodys(&error) => continue,
                Err(error) => return Err(unreadable(&entry.path(), error)),
            };
            let mode = found.mode();
            if found.is_symlink() {
                if let Ok(to) = fs::read_link(entry.path()) {
                    listing.link(&path, &to.to_string_lossy());
                }
            } else if found.is_dir() && mode & ENTER == ENTER {
                listing.directory(&path)?;
                if !name.starts_with('.') {
                    open.push(path);
                }
            } else if found.is_file() && mode & READ != 0 {
                files.push((path, found.len(), u64::try_from(found.mtime()).unwrap_or(0)));
            }
        }
        files.into_iter().for_each(|(path, size, time)| listing.file(&path, size, time));
    }
    Ok(())
}

fn is_nobodys(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), PermissionDenied | NotFound | NotADirectory)
}
