//! The redirect to the best mirror.
//!
//! Source: SPEC.md §8.

use super::{escape, fragments::Fragments, url};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::View;

/// Appends the `Location` line and then the body, one line with the same URL. Returns the header line's length;
/// `None`, with nothing appended, when no host has a URL to go to.
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    out: &mut Vec<u8>,
) -> Option<usize> {
    let best = candidates.picks.first()?.placement;
    let mut url = url::best(view, fragments, query, best)?.to_vec();
    url::suffix(view, target, &mut url);
    let mut location = Vec::with_capacity(url.len());
    escape::url_in_header(&url, &mut location);
    let from = out.len();
    out.extend_from_slice(b"Location: ");
    out.extend_from_slice(&location);
    out.extend_from_slice(b"\r\n");
    let headers_len = out.len() - from;
    out.extend_from_slice(&location);
    out.push(b'\n');
    Some(headers_len)
}
