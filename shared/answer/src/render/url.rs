//! The URLs of mirrors: which one is the best, and what follows a host's own.

use super::{escape, fragments::Fragments};
use crate::select::{target::Target, tiers::Pick};
use cache::{
    View,
    scheme::{Scheme, Schemes},
};

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

/// The URL that a redirect goes to: the first listed host's by https, else by http.
pub fn best<'a>(fragments: &'a Fragments, wanted: Schemes, picks: &[Pick]) -> Option<&'a [u8]> {
    let pick = picks.first()?;
    wanted.and(Schemes::WEB).iter().find_map(|scheme: Scheme| fragments.url(pick.placement, scheme))
}
