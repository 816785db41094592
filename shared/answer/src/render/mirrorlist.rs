//! The text list: a header line, then one URL a line.
//!
//! Source: SPEC.md §6, §11.

use super::{
    MOST_BYTES, cut,
    fragments::Fragments,
    header,
    url::{self, suffix},
};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::{UrlId, View};

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
        let mut of_host: &[UrlId] = &[];
        if pick.hidden > 0 {
            (of_host, hidden) = hidden.split_at_checked(pick.hidden.into()).unwrap_or_default();
        }
        for scheme in query.shown(fragments.schemes(pick.placement)).iter() {
            if pick.hidden > 0 && of_host.iter().any(|url| view.url(*url).is_some_and(|(of, _)| of == scheme))
            {
                continue;
            }
            if let Some(url) = fragments.url(pick.placement, scheme) {
                out.extend_from_slice(url);
                out.extend_from_slice(&end);
            }
        }
        if out.len() > most {
            return cut(out, most, if place == 0 { None } else { Some(before) });
        }
    }
    if let Some(origin) = url::last(view, fragments, query, target, candidates)
        && out.len() + origin.len() < most
    {
        out.extend_from_slice(&origin);
        out.push(b'\n');
    }
}
