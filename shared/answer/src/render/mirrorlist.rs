//! The text list: a header line, then one URL a line.
//!
//! Source: spec.md §6, §11.

use super::{MOST_BYTES, fragments::Fragments, header, url::suffix};
use crate::select::{pick::Pick, query::Query, target::Target, tiers::Candidates};
use cache::{View, scheme::Scheme};

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
    for pick in &candidates.picks {
        let before = out.len();
        for scheme in query.shown(view.placement_schemes(pick.placement)).iter() {
            if pick.partial && candidates.hides(view, pick, scheme) {
                continue;
            }
            if let Some(url) = fragments.url(pick.placement, scheme) {
                out.extend_from_slice(url);
                out.extend_from_slice(&end);
            }
        }
        if out.len() > most {
            return out.truncate(before);
        }
    }
}

impl Candidates {
    /// Whether the URL that a list shows of a host for a scheme stands in it already.
    fn hides(&self, view: &View<'_>, pick: &Pick, scheme: Scheme) -> bool {
        let mut hidden = self.hidden.iter().filter(|(placement, _)| *placement == pick.placement);
        hidden.any(|(_, url)| view.url(*url).is_some_and(|(of, _)| of == scheme))
    }
}
