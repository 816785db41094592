//! The text list: a header line, then one URL a line.
//!
//! Source: spec.md §6, §11.

use super::{fragments::Fragments, header, url::suffix};
use crate::select::{
    query::Query,
    target::Target,
    tiers::{Candidates, Pick},
};
use cache::{View, scheme::Schemes};

/// Appends the list.
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    out: &mut Vec<u8>,
) {
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
        for scheme in shown(view, query, pick).iter() {
            if let Some(url) = fragments.url(pick.placement, scheme) {
                out.extend_from_slice(url);
                out.extend_from_slice(&end);
            }
        }
    }
}

/// The schemes of a host that a list shows: each one asked for, else the best of its own.
fn shown(view: &View<'_>, query: &Query<'_>, pick: &Pick) -> Schemes {
    let usable = view.placement_schemes(pick.placement).and(query.wanted());
    match query.protocols {
        Some(_) => usable,
        None => usable.iter().take(1).collect(),
    }
}
