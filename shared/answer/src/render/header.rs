//! The header line of a list, whose tokens scripts read.
//!
//! Source: SPEC.md §6: what applies, in a fixed order, every token followed by one blank.

use super::escape::echo;
use crate::select::{exclude::Exclude, query::Query, target::Subject, tiers::Candidates};
use cache::{View, scheme::Schemes};

/// Appends `# repo = R arch = A ` or `# path = P `.
pub fn subject(subject: &Subject<'_>, out: &mut Vec<u8>) {
    match subject {
        Subject::RepoArch { repo, arch } => {
            out.extend_from_slice(b"# repo = ");
            echo(repo, out);
            out.extend_from_slice(b" arch = ");
            echo(arch, out);
        }
        Subject::Path(path) => {
            out.extend_from_slice(b"# path = ");
            echo(path, out);
        }
    }
    out.push(b' ');
}

/// Appends `protocol = LIST `, unless no known one was asked for.
pub fn protocols(asked: Option<Schemes>, out: &mut Vec<u8>) {
    if let Some(schemes) = asked.filter(|schemes| !schemes.is_empty()) {
        out.extend_from_slice(b"protocol = ");
        list(schemes, out);
        out.push(b' ');
    }
}

/// Appends `exclude = LIST `, unless nothing that counts was excluded.
pub fn exclude(exclude: Option<&Exclude>, out: &mut Vec<u8>) {
    if let Some(exclude) = exclude {
        out.extend_from_slice(format!("exclude = {exclude} ").as_bytes());
    }
}

/// Appends schemes by name, with commas.
pub fn list(schemes: Schemes, out: &mut Vec<u8>) {
    for (at, scheme) in schemes.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(scheme.name().as_bytes());
    }
}

/// Appends a list's whole header line, without its end.
pub fn line(view: &View<'_>, query: &Query<'_>, candidates: &Candidates, out: &mut Vec<u8>) {
    if let Some(named) = &query.named.subject {
        subject(named, out);
    }
    if let (true, Some((_, name))) = (candidates.location, &query.location) {
        out.extend_from_slice(b"Using location ");
        echo(name, out);
        out.push(b' ');
    }
    if candidates.netblock {
        out.extend_from_slice(b"Using preferred netblock ");
    }
    if let Some(asn) = candidates.asn {
        out.extend_from_slice(b"Using ASN ");
        out.extend_from_slice(itoa::Buffer::new().format(view.asn_number(asn)).as_bytes());
        out.push(b' ');
    }
    for country in &candidates.countries {
        if let Some(code) = view.country_code(*country) {
            out.extend_from_slice(b"country = ");
            out.extend_from_slice(&code.bytes());
            out.push(b' ');
        }
    }
    if candidates.global {
        out.extend_from_slice(b"country = global ");
    }
    protocols(query.protocols, out);
    exclude(query.exclude.as_ref(), out);
}
