//! The metalink 4 document (RFC 5854), of one file.
//!
//! One URL a host, nearest first, and few of them: programs use the first ones, and a list that is longer than the file
//! helps nobody. Only the file's newest version is described, for the form knows no other. Source: SPEC.md §12.

use super::{escape, fragments::Fragments, metalink, url};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::View;

/// How many hosts it names, unless the client says.
pub const HOSTS: usize = 10;

/// Names of the hashes there, in the order of [`cache::Version::hashes`].
const HASHES: [&str; 4] = ["md5", "sha-1", "sha-256", "sha-512"];

/// What a document says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The program's version.
    pub version: &'a str,
    /// The time of the answer, as RFC 3339 spells it, in UTC.
    pub published: &'a str,
}

impl Document<'_> {
    /// Appends the document.
    pub fn render(
        &self,
        view: &View<'_>,
        fragments: &Fragments,
        query: &Query<'_>,
        target: &Target<'_>,
        candidates: &Candidates,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
              <metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n <generator>mirrorlistd/",
        );
        out.extend_from_slice(self.version.as_bytes());
        out.extend_from_slice(b"</generator>\n <published>");
        out.extend_from_slice(self.published.as_bytes());
        out.extend_from_slice(b"</published>\n <file name=\"");
        escape::xml(target.file.as_deref().unwrap_or_default(), out);
        out.extend_from_slice(b"\">\n");
        let mut number = itoa::Buffer::new();
        if let Some(version) = target.details.and_then(|details| view.versions(details).next()) {
            if version.size != 0 {
                out.extend_from_slice(b"  <size>");
                out.extend_from_slice(number.format(version.size).as_bytes());
                out.extend_from_slice(b"</size>\n");
            }
            for (name, hash) in HASHES.iter().zip(version.hashes) {
                let Some(hash) = hash else { continue };
                for part in ["  <hash type=\"", name, "\">"] {
                    out.extend_from_slice(part.as_bytes());
                }
                metalink::hex(hash, out);
                out.extend_from_slice(b"</hash>\n");
            }
        }
        let mut path = Vec::with_capacity(128);
        url::suffix(view, target, &mut path);
        let mut end = Vec::with_capacity(128);
        escape::xml(&path, &mut end);
        end.extend_from_slice(b"</url>\n");
        let most = query.limit.map_or(HOSTS, |limit| limit.get().into());
        for (place, pick) in candidates.picks.iter().take(most).enumerate() {
            let Some(url) = url::best(fragments, query, pick.placement) else { continue };
            out.extend_from_slice(b"  <url");
            let country = view.host_country(view.placement_host(pick.placement));
            if let Some(country) = country.and_then(|country| view.country_code(country)) {
                out.extend_from_slice(b" location=\"");
                out.extend_from_slice(country.as_str().to_ascii_lowercase().as_bytes());
                out.push(b'"');
            }
            out.extend_from_slice(b" priority=\"");
            out.extend_from_slice(number.format(place + 1).as_bytes());
            out.extend_from_slice(b"\">");
            escape::xml(url, out);
            out.extend_from_slice(&end);
        }
        let origin = url::last(view, fragments, query, target, candidates);
        if let Some(origin) = origin.filter(|_| candidates.picks.len() < most) {
            out.extend_from_slice(b"  <url priority=\"");
            out.extend_from_slice(number.format(candidates.picks.len() + 1).as_bytes());
            out.extend_from_slice(b"\">");
            escape::xml(&origin, out);
            out.extend_from_slice(b"</url>\n");
        }
        out.extend_from_slice(b" </file>\n</metalink>\n");
    }
}
