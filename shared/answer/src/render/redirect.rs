//! The redirect to the best mirror.
//!
//! Source: SPEC.md §8.

use super::{
    escape,
    fragments::Fragments,
    url::{self, suffix},
};
use crate::select::{pick::Pick, query::Query, target::Target, tiers::Candidates};
use cache::View;

/// Appends the `Location` line and then the body, one line with the same URL. Returns the header line's length;
/// `None`, with nothing appended, when no host has a URL to go to, nor is the origin listed.
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let location = match candidates.picks.first() {
        Some(best) => location(view, fragments, query, target, best),
        None => in_header(url::last(view, fragments, query, target, candidates)?),
    };
    if location.is_empty() {
        return None;
    }
    let from = out.len();
    header(&location, out);
    let headers_len = out.len() - from;
    out.extend_from_slice(&location);
    out.push(b'\n');
    Some(headers_len)
}

/// The URL of a host, as a header's value; empty when it has none to go to.
pub fn location(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    pick: &Pick,
) -> Vec<u8> {
    let schemes = query.shown(fragments.schemes(pick.placement));
    let Some(url) = schemes.iter().next().and_then(|scheme| fragments.url(pick.placement, scheme)) else {
        return Vec::new();
    };
    let mut whole = Vec::with_capacity(url.len() + 128);
    whole.extend_from_slice(url);
    suffix(view, target, &mut whole);
    in_header(whole)
}

/// A URL as a header's value.
pub fn in_header(url: Vec<u8>) -> Vec<u8> {
    if escape::is_header_safe(&url) {
        return url;
    }
    let mut value = Vec::with_capacity(url.len() + 64);
    escape::url_in_header(&url, &mut value);
    value
}

/// Appends the header line.
pub fn header(location: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Location: ");
    out.extend_from_slice(location);
    out.extend_from_slice(b"\r\n");
}
