//! The URLs of mirrors: what follows a host's own.

use super::{escape, fragments::Fragments};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::{Origin, PlacementId, View, scheme::Scheme};

/// The URL of a path at an origin whose own URL stands for the tree `top`; with a slash behind it for a directory.
pub fn at_origin(origin: &str, top: &str, path: &[u8], is_folder: bool) -> Vec<u8> {
    let mut url = origin.as_bytes().to_vec();
    let below = path.get(top.len()..).unwrap_or_default();
    if !below.is_empty() && !below.starts_with(b"/") {
        url.push(b'/');
    }
    escape::url_path(below, &mut url);
    if is_folder {
        url.push(b'/');
    }
    url
}

/// The URL at the origin, if the client may know of one.
pub fn origin(view: &View<'_>, query: &Query<'_>, target: &Target<'_>) -> Option<Vec<u8>> {
    let Origin { top, url } = query.origin?;
    Some(at_origin(url, top, &target.path(view), target.file.is_none()))
}

/// The URL at the origin, if it is listed behind the hosts; not where a host is the origin itself.
pub fn last(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
) -> Option<Vec<u8>> {
    let origin = query.origin.filter(|_| candidates.origin).and_then(|_| origin(view, query, target))?;
    let mut end = Vec::with_capacity(128);
    suffix(view, target, &mut end);
    let own = origin.strip_suffix(&end[..]);
    let is = |placement, scheme| own.is_some_and(|own| fragments.url(placement, scheme) == Some(own));
    let has = |placement| Scheme::ALL.into_iter().any(|scheme| is(placement, scheme));
    (!candidates.picks.iter().any(|pick| has(pick.placement))).then_some(origin)
}

/// Appends what follows a host's URL: the directory, and the file or a slash.
pub fn suffix(view: &View<'_>, target: &Target<'_>, out: &mut Vec<u8>) {
    let mut path = Vec::with_capacity(128);
    path.push(b'/');
    view.subpath(target.directory, &mut path);
    if path.len() > 1 {
        path.push(b'/');
    }
    path.extend_from_slice(target.file.as_deref().unwrap_or_default());
    escape::url_path(&path, out);
}

/// A host's URL in the forms that show one of each host.
pub fn best<'f>(fragments: &'f Fragments, query: &Query<'_>, placement: PlacementId) -> Option<&'f [u8]> {
    let scheme = query.shown(fragments.schemes(placement)).iter().next()?;
    fragments.url(placement, scheme)
}
