//! What a redirect tells of the file and of its other mirrors to who asks: `Digest` and `Link`.
//!
//! Only of a file whose current bytes are known for sure: with a strong hash, and of one version. The head stays so short
//! that every proxy takes it. Source: SPEC.md §13; RFC 6249, RFC 3230.

use super::{escape, fragments::Fragments, redirect, url};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::{Version, View};

/// Bytes of all header lines; with what a front end adds the head has at most 3 KiB.
const MOST_BYTES: usize = 3072 - 256;
/// Hosts that are named, `Location` among them.
const MOST_HOSTS: usize = 5;

/// Appends header lines behind those that begin at `from` in `out`: what the answer depends on, and what was asked for.
#[expect(clippy::too_many_arguments, reason = "those of every form, and where the head begins")]
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    path: &[u8],
    from: usize,
    out: &mut Vec<u8>,
) {
    let Some(version) = certain(view, target) else { return };
    out.extend_from_slice(b"Vary: Accept, Want-Digest\r\n");
    if !query.links {
        return;
    }
    let mut lines = Vec::with_capacity(512);
    digest(&version, &mut lines);
    append(&lines, from, out);
    if let Some(public) = view.public_url().filter(|_| version.size > 0) {
        let mut document = url::at_origin(public, "", path, false);
        document.extend_from_slice(b".meta4");
        lines.clear();
        lines.extend_from_slice(b"Link: <");
        lines.extend_from_slice(&redirect::in_header(document));
        lines.extend_from_slice(b">; rel=describedby; type=\"application/metalink4+xml\"\r\n");
        append(&lines, from, out);
    }
    for (pick, number) in candidates.picks.iter().zip(1..=MOST_HOSTS) {
        lines.clear();
        lines.extend_from_slice(b"Link: <");
        lines.extend_from_slice(&redirect::location(view, fragments, query, target, pick));
        lines.extend_from_slice(b">; rel=duplicate; pri=");
        lines.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        let country = view.host_country(view.placement_host(pick.placement));
        if let Some(code) = country.and_then(|country| view.country_code(country)) {
            lines.extend_from_slice(b"; geo=");
            lines.extend(code.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        lines.extend_from_slice(b"\r\n");
        if !append(&lines, from, out) {
            break;
        }
    }
}

/// The version of a file of which there is one alone, if a hash proves it.
fn certain<'a>(view: &View<'a>, target: &Target<'_>) -> Option<Version<'a>> {
    let mut versions = view.versions(target.details?);
    let version = versions.next().filter(|version| version.hashes[2].or(version.hashes[3]).is_some());
    version.filter(|_| versions.next().is_none())
}

/// Appends lines as long as the head stays short enough; tells whether it has.
fn append(lines: &[u8], from: usize, out: &mut Vec<u8>) -> bool {
    let fits = out.len() - from + lines.len() <= MOST_BYTES;
    if fits {
        out.extend_from_slice(lines);
    }
    fits
}

fn digest(version: &Version<'_>, out: &mut Vec<u8>) {
    let hashes = [("SHA-256=", version.hashes[2]), ("SHA-512=", version.hashes[3])];
    let mut before: &[u8] = b"Digest: ";
    for (name, hash) in hashes {
        let Some(hash) = hash else { continue };
        out.extend_from_slice(before);
        out.extend_from_slice(name.as_bytes());
        escape::base64(hash, out);
        before = b",";
    }
    out.extend_from_slice(b"\r\n");
}
