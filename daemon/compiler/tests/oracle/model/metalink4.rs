//! The metalink 4 document: SPEC.md §12.

use super::{
    Blocks, Body, Line, Ranks,
    facts::Facts,
    metalink::{date, escaped},
    mirrorlist::{best, whole_url},
    subject::Subject,
    tiers::{Candidates, Selection},
};
use crate::VERSION;

/// The document about a file.
pub fn document(
    facts: &Facts,
    subject: &Subject<'_>,
    selection: &Selection,
    (minimum, limit): (usize, Option<usize>),
    candidates: &Candidates<'_>,
    now: u64,
) -> Body {
    let mut top = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    top += "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n";
    top += &format!(" <generator>mirrorlistd/{VERSION}</generator>\n");
    top += &format!(" <published>{}</published>\n", rfc_3339(now));
    top += &format!(" <file name=\"{}\">\n", escaped(subject.file.as_deref().unwrap_or_default()));
    let newest = &subject.versions[0];
    if newest.size != 0 {
        top += &format!("  <size>{}</size>\n", newest.size);
    }
    for (name, hex) in &newest.hashes {
        // "the names are the RFC's".
        let name = name.replace("sha", "sha-");
        top += &format!("  <hash type=\"{name}\">{hex}</hash>\n");
    }
    let block = |_, host: &i64| {
        let country = facts.host_country.get(host);
        let location = country.map(|code| format!(" location=\"{}\"", code.to_lowercase()));
        let line = |url| {
            let url = whole_url(subject, url);
            let before = format!("  <url{} priority=\"", location.clone().unwrap_or_default());
            Line { before, after: Some(format!("\">{}</url>\n", escaped(&url))), url }
        };
        best(&candidates[host]).into_iter().map(line).collect()
    };
    let selection = selection.without_tokens();
    let blocks = Blocks::of(
        &selection,
        (minimum, limit.or(Some(10))),
        (top, String::new()),
        " </file>\n</metalink>\n".to_owned(),
        block,
    );
    Body::Blocks(Blocks { ranks: Ranks::Priority, ..blocks })
}

/// `2026-11-20T10:00:00Z`.
pub fn rfc_3339(now: u64) -> String {
    let (year, month, day) = date(now);
    let (hour, minute, second) = (now / 3600 % 24, now / 60 % 60, now % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
