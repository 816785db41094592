//! Where files lie.

use std::path::Path;

/// The folder that the file at `path` lies in.
pub fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
