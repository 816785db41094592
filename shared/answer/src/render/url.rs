//! The URLs of mirrors: what follows a host's own.

use super::escape;
use crate::select::target::Target;
use cache::View;

/// Appends what follows a host's URL: the directory, and the file or a slash.
pub fn suffix(view: &View<'_>, target: &Target<'_>, out: &mut Vec<u8>) {
    let mut path = Vec::with_capacity(128);
    view.subpath(target.directory, &mut path);
    if !path.is_empty() {
        path.insert(0, b'/');
    }
    path.push(b'/');
    path.extend_from_slice(target.file.as_deref().unwrap_or_default());
    escape::url_path(&path, out);
}
