//! apt's mirror list: an archive a line, with its place.
//!
//! apt reads it by its method `mirror`: a URI, a tab and `priority:N`, of which the lowest is tried first. Comments begin in
//! the first column. Source: SPEC.md §12; sources.list(5), apt-transport-mirror(1).

use super::{MOST_BYTES, fragments::Fragments, header, url};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::View;

/// What stands before a place.
const PRIORITY: &[u8] = b"\tpriority:";

/// Appends the list.
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    out: &mut Vec<u8>,
) {
    let most = out.len() + MOST_BYTES;
    header::line(view, query, candidates, out);
    out.push(b'\n');
    let mut end = Vec::with_capacity(128);
    url::suffix(view, target, &mut end);
    let mut number = itoa::Buffer::new();
    let urls = candidates.picks.iter().filter_map(|pick| url::best(fragments, query, pick.placement));
    let urls = urls.map(|url| (url, &end[..]));
    let origin = url::last(view, fragments, query, target, candidates);
    let urls = urls.chain(origin.as_deref().map(|url| (url, &b""[..])));
    for (place, (url, end)) in urls.enumerate() {
        let number = number.format(place + 1).as_bytes();
        if out.len() + url.len() + end.len() + PRIORITY.len() + number.len() + 1 > most {
            break;
        }
        for part in [url, end, PRIORITY, number, b"\n"] {
            out.extend_from_slice(part);
        }
    }
}
