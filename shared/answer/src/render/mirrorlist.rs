//! The text list: a header line, then one URL a line.
//!
//! Source: spec.md §6, §11.

use super::{MOST_BYTES, fragments::Fragments, header, url::suffix};
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
    if query.time {
        out.extend_from_slice(b"# database creation time: ");
        out.extend_from_slice(itoa::Buffer::new().format(view.source_time()).as_bytes());
        out.push(b'\n');
    }
    let mut end = Vec::with_capacity(128);
    suffix(view, target, &mut end);
    end.push(b'\n');
    let mut hidden = &candidates.hidden[..];
    for (place, pick) in candidates.picks.iter().enumerate() {
        let before = out.len();
        let of_pick;
        (of_pick, hidden) = hidden.split_at_checked(pick.hidden.into()).unwrap_or_default();
        for scheme in query.shown(view.placement_schemes(pick.placement)).iter() {
            if of_pick.iter().any(|url| view.url(*url).is_some_and(|(of, _)| of == scheme)) {
                continue;
            }
            let whole = out.len();
            if let Some(url) = fragments.url(pick.placement, scheme) {
                out.extend_from_slice(url);
                out.extend_from_slice(&end);
            }
            if out.len() > most {
                // What the nearest host has is shown as far as it goes; of the others all or nothing.
                return out.truncate(if place == 0 { whole } else { before });
            }
        }
    }
}
