//! What a path of the redirector leads to: to mirrors, to the origin, or nowhere.
//!
//! The table of SPEC.md §13, line by line. Whether the origin fits the client (scheme, `exclude`, `strict`) is settled
//! before: one that does not is none.

use super::{
    form::Format,
    params::Flag,
    target::{self, Refusal, Target},
};
use cache::{FileId, Found, Origin, View};
use std::{borrow::Cow, fmt};
use wire::Accept;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leads<'q> {
    /// To the mirrors of this, or to the origin if there are none.
    Mirrors(Target<'q>),
    /// To the origin, whatever mirrors have.
    Origin(Why),
    /// Nowhere.
    Nowhere(Refusal),
}

/// Why an answer is the origin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The site says that the origin alone has it.
    Only,
    /// It is too new to be on mirrors.
    Young,
    /// No mirror is known to have it.
    Unknown,
    /// Mirrors have it, and none is for this client.
    NoMirror,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::Only => "the site says that the origin alone has it",
            Why::Young => "it is too new to be on mirrors",
            Why::Unknown => "no mirror is known to have it",
            Why::NoMirror => "no mirror that has it fits the client",
        })
    }
}

/// Endings of a path that ask for a form of its answer.
const SUFFIXES: [(&[u8], Flag); 4] = [
    (b".mirrorlist", Flag::Mirrorlist),
    (b".meta4", Flag::Of(Format::Metalink4)),
    (b".metalink", Flag::Of(Format::Metalink)),
    (b".apt", Flag::Of(Format::Apt)),
];

/// The path without such an ending, and the form, where the whole is nothing that is known and the rest is what such a form
/// is about, by any of its names: a file with details, for a list of mirrors any path in a directory, for apt a directory.
pub fn suffix<'p>(view: &View<'_>, path: &'p [u8]) -> Option<(&'p [u8], Flag)> {
    let ends = |(suffix, flag): &(&[u8], Flag)| Some((path.strip_suffix(*suffix)?, *flag));
    let (base, flag) = SUFFIXES.iter().find_map(ends).filter(|(base, _)| !base.ends_with(b"/"))?;
    let real = target::real(view, Cow::Borrowed(base));
    let found = target::find(view, &real);
    let fits = match flag {
        Flag::Mirrorlist => target::by_path(view, &real).is_ok(),
        Flag::Of(Format::Apt) => matches!(found, Some(Found::Directory(_))),
        Flag::Of(_) => matches!(found, Some(Found::File(_))),
    };
    (fits && target::find(view, path).is_none()).then_some((base, flag))
}

/// The form of a list of mirrors by what the client takes: wildcards mean text, which old programs read.
pub fn negotiated(accept: Accept) -> Format {
    if accept.has(Accept::HTML) {
        Format::Page
    } else if accept.has(Accept::JSON) {
        Format::Json
    } else {
        Format::Text
    }
}

/// The metalink that a client gets in place of a redirect: one that names the type and does not take everything, of a file
/// of one version with a strong hash.
pub fn metalink(view: &View<'_>, target: &Target<'_>, accept: Accept) -> Option<Format> {
    let mut versions = view.versions(target.details?);
    let version = versions.next()?;
    let certain = version.hashes[2].or(version.hashes[3]).is_some() && versions.next().is_none();
    let format = match (accept.has(Accept::METALINK4), accept.has(Accept::METALINK3)) {
        (true, _) => Format::Metalink4,
        (false, true) => Format::Metalink,
        (false, false) => return None,
    };
    (certain && !accept.has(Accept::ANY)).then_some(format)
}

/// Where a path leads that has single slashes between its components; `slash` is whether one stood behind it. `now` is in
/// seconds since the epoch.
pub fn leads<'q>(
    view: &View<'_>,
    path: &Cow<'q, [u8]>,
    slash: bool,
    origin: Option<Origin<'_>>,
    now: u64,
) -> Leads<'q> {
    if !target::is_path(path) {
        return Leads::Nowhere(Refusal::InvalidPath);
    }
    if origin.is_some() && view.is_origin_only(path) {
        return Leads::Origin(Why::Only);
    }
    match target::by_path(view, path) {
        Ok(target) => match (target.file.is_some(), target.details) {
            (true, Some(_)) if slash => Leads::Nowhere(Refusal::InvalidPath),
            (true, Some(file)) if origin.is_some() && is_young(view, file, now) => Leads::Origin(Why::Young),
            // A directory that no mirror is known to have.
            (true, None) if slash => unknown(origin),
            _ => Leads::Mirrors(target),
        },
        Err(_) => unknown(origin),
    }
}

fn unknown<'q>(origin: Option<Origin<'_>>) -> Leads<'q> {
    if origin.is_some() { Leads::Origin(Why::Unknown) } else { Leads::Nowhere(Refusal::InvalidPath) }
}

/// Whether mirrors cannot have a file yet. An index with alternates is on them in one of its versions.
fn is_young(view: &View<'_>, file: FileId, now: u64) -> bool {
    let mut versions = view.versions(file);
    let (Some(version), None) = (versions.next(), versions.next()) else { return false };
    version.timestamp > 0 && now.saturating_sub(version.timestamp) < view.young()
}
