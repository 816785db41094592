//! apt's mirror list: an archive a line, with its place.
//!
//! apt reads it by its method `mirror`: a URI, a tab and `priority:N`, of which the lowest is tried first. Comments begin in
//! the first column. Source: SPEC.md §12; sources.list(5), apt-transport-mirror(1).

use super::{MOST_BYTES, fragments::Fragments, header, url};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::View;

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
    end.extend_from_slice(b"\tpriority:");
    let mut number = itoa::Buffer::new();
    let urls = candidates.picks.iter().filter_map(|pick| url::best(fragments, query, pick.placement));
    for (place, url) in urls.enumerate() {
        let number = number.format(place + 1).as_bytes();
        if out.len() + url.len() + end.len() + number.len() + 1 > most {
            break;
        }
        out.extend_from_slice(url);
        out.extend_from_slice(&end);
        out.extend_from_slice(number);
        out.push(b'\n');
    }
}
