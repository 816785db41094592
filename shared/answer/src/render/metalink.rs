//! The metalink 3.0 document, as MirrorManager's clients read it.
//!
//! Source: SPEC.md §7, §11. Element order, indentation and attribute order are those of the server in production.

use super::{
    MOST_BYTES, cut, escape,
    fragments::Fragments,
    url::{self, suffix},
};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::{UrlId, Version, View};

/// What follows the last URL.
const END: &[u8] = b"   </resources>\n  </file>\n </files>\n</metalink>\n";

/// Alternates are added as long as they leave so much for mirrors.
const MOST_OF_VERSIONS: usize = MOST_BYTES / 2;

/// Names of the hashes, in the order of [`Version::hashes`].
const HASHES: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];

/// Appends the declaration and the opening of the document. `pubdate` is the time now, as RFC 1123 spells it.
pub fn open(pubdate: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
          <metalink version=\"3.0\" xmlns=\"http://www.metalinker.org/\" type=\"dynamic\" pubdate=\"",
    );
    out.extend_from_slice(pubdate.as_bytes());
    out.extend_from_slice(
        b"\" generator=\"mirrormanager\" xmlns:mm0=\"http://fedorahosted.org/mirrormanager\">\n",
    );
}

/// Appends a document without files whose comment is `text`, which ends in LF.
pub fn comment(pubdate: &str, text: &[u8], out: &mut Vec<u8>) {
    open(pubdate, out);
    out.extend_from_slice(b"<!-- ");
    escape::xml_comment(text, out);
    out.extend_from_slice(b"-->\n</metalink>\n");
}

/// Appends the document.
pub fn render(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    pubdate: &str,
    out: &mut Vec<u8>,
) {
    let from = out.len();
    open(pubdate, out);
    out.extend_from_slice(b" <files>\n  <file name=\"");
    escape::xml(target.file.as_deref().unwrap_or_default(), out);
    out.extend_from_slice(b"\">\n");
    if let Some(details) = target.details {
        let mut versions = view.versions(details);
        if let Some(current) = versions.next() {
            version(&current, "   ", out);
        }
        if versions.len() > 0 {
            out.extend_from_slice(b"   <mm0:alternates>\n");
            for alternate in versions {
                if out.len() - from > MOST_OF_VERSIONS {
                    break;
                }
                out.extend_from_slice(b"    <mm0:alternate>\n");
                version(&alternate, "      ", out);
                out.extend_from_slice(b"    </mm0:alternate>\n");
            }
            out.extend_from_slice(b"   </mm0:alternates>\n");
        }
    }
    out.extend_from_slice(b"   <resources maxconnections=\"1\">\n");
    urls(view, fragments, query, target, candidates, from + MOST_BYTES - END.len(), out);
    out.extend_from_slice(END);
}

fn urls(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    target: &Target<'_>,
    candidates: &Candidates,
    most: usize,
    out: &mut Vec<u8>,
) {
    let mut path = Vec::with_capacity(128);
    suffix(view, target, &mut path);
    let mut end = Vec::with_capacity(128);
    escape::xml(&path, &mut end);
    end.extend_from_slice(b"</url>\n");
    let mut preferences = itoa::Buffer::new();
    let mut hidden = &candidates.hidden[..];
    for (place, pick) in candidates.picks.iter().enumerate() {
        let preference = preferences.format(100usize.saturating_sub(place).max(1)).as_bytes();
        let close: &[u8] = if pick.public { b"\">" } else { b"\" mm0:private=\"True\">" };
        let before = out.len();
        let mut of_host: &[UrlId] = &[];
        if pick.hidden > 0 {
            (of_host, hidden) = hidden.split_at_checked(pick.hidden.into()).unwrap_or_default();
        }
        for (at, line) in fragments.metalink_lines(pick.placement).enumerate() {
            // Lines and hidden URLs of a host are in the order of the cache.
            if let [next, rest @ ..] = of_host
                && view.placement_urls(pick.placement).nth(at) == Some(*next)
            {
                of_host = rest;
                continue;
            }
            // Suspended.
            if line.url.is_empty() {
                continue;
            }
            // Without `protocol` a host is listed with everything it has, rsync too.
            if query.protocols.is_some_and(|asked| !asked.contains(line.scheme)) {
                continue;
            }
            out.reserve(line.opening.len() + line.url.len() + close.len() + end.len() + 3);
            out.extend_from_slice(line.opening);
            out.extend_from_slice(preference);
            out.extend_from_slice(close);
            out.extend_from_slice(line.url);
            out.extend_from_slice(&end);
        }
        if out.len() > most {
            return cut(out, most, if place == 0 { None } else { Some(before) });
        }
    }
    let Some(origin) = url::last(view, fragments, query, target, candidates) else { return };
    let before = out.len();
    let scheme = query.origin.map_or("", |origin| origin.scheme().name());
    let preference = preferences.format(100usize.saturating_sub(candidates.picks.len()).max(1));
    let opening = [
        "    <url protocol=\"",
        scheme,
        "\" type=\"",
        scheme,
        "\" location=\"\" preference=\"",
        preference,
        "\">",
    ];
    opening.into_iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    escape::xml(&origin, out);
    out.extend_from_slice(b"</url>\n");
    if out.len() > most {
        out.truncate(before);
    }
}

fn version(version: &Version<'_>, indent: &str, out: &mut Vec<u8>) {
    let mut number = itoa::Buffer::new();
    for (element, value) in [("mm0:timestamp", version.timestamp), ("size", version.size)] {
        if value != 0 {
            for part in [indent, "<", element, ">", number.format(value), "</", element, ">\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    for part in [indent, "<verification>\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, hash) in HASHES.iter().zip(version.hashes) {
        let Some(hash) = hash else { continue };
        for part in [indent, " <hash type=\"", name, "\">"] {
            out.extend_from_slice(part.as_bytes());
        }
        hex(hash, out);
        out.extend_from_slice(b"</hash>\n");
    }
    for part in [indent, "</verification>\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let from = out.len();
    out.resize(from + 2 * bytes.len(), 0);
    for (two, byte) in out[from..].chunks_exact_mut(2).zip(bytes) {
        two.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
