//! What a client reads when there is no mirror to name.
//!
//! Source: SPEC.md §9. The texts are for people and for scripts that look for them; each ends in LF.

use super::{escape::echo, fragments::Fragments, header};
use crate::select::{
    form::Format,
    query::Query,
    target::{Refusal, Subject},
};
use cache::{Families, RepositoryId, View};
use std::{iter, ops::Range};

/// Lines of the list of available repositories.
const MOST_LINES: usize = 100;

/// The status of a refusal.
pub fn status(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Incomplete | Refusal::UnknownFormat => 400,
        Refusal::Disabled => 200,
        Refusal::UnknownRepoArch(_) | Refusal::NotCarried | Refusal::InvalidPath => 404,
    }
}

/// Appends the text of a refusal.
pub fn text(view: &View<'_>, fragments: &Fragments, query: &Query<'_>, refusal: Refusal, out: &mut Vec<u8>) {
    if let Some(subject) = query.named.subject.as_ref().filter(|_| refusal != Refusal::UnknownFormat) {
        header::subject(subject, out);
    }
    match refusal {
        Refusal::Incomplete => {
            out.extend_from_slice(
                b"# either path=, or repo= and arch= must be specified\n# see / for help\n",
            );
        }
        Refusal::Disabled => out.extend_from_slice(b"repo disabled\n"),
        Refusal::NotCarried => out.extend_from_slice(b"error: no mirror\n"),
        Refusal::InvalidPath => out.extend_from_slice(b"error: invalid path\n"),
        Refusal::UnknownFormat => {
            out.extend_from_slice(b"error: unknown format; known are ");
            let names = Format::NAMES.map(|known| known.0);
            out.extend_from_slice(names.join(", ").as_bytes());
            out.push(b'\n');
        }
        Refusal::UnknownRepoArch(repository) => {
            out.extend_from_slice(b"error: invalid repo or arch\n");
            available(view, fragments, query, repository, out);
        }
    }
}

/// Appends what may be asked for instead: the repository's architectures, or pairs of repositories with names like the one
/// asked for, and then of those that follow it by name.
fn available(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    repository: Option<RepositoryId>,
    out: &mut Vec<u8>,
) {
    let unknown: &[u8] = match repository {
        Some(_) => b"# unknown arch of this repo\n",
        None => b"# unknown repo; the nearest names come first\n",
    };
    out.extend_from_slice(unknown);
    out.extend_from_slice(b"# following repositories are available:\n");
    let (listed, all, of): (usize, usize, &[u8]) = match repository {
        Some(repository) => {
            let pairs = pairs(view, repository);
            let listed = pairs.len().min(MOST_LINES);
            out.extend_from_slice(fragments.repo_arch_lines(pairs.start..pairs.start + listed));
            (listed, pairs.len(), b" archs of this repo are listed")
        }
        None => {
            let asked = match &query.named.subject {
                Some(Subject::RepoArch { repo, .. }) => &repo[..],
                _ => b"",
            };
            (near(view, fragments, asked, out), view.repo_arch_count(), b" pairs of repo and arch are listed")
        }
    };
    let mut number = itoa::Buffer::new();
    out.extend_from_slice(b"# ");
    out.extend_from_slice(number.format(listed).as_bytes());
    out.extend_from_slice(b" of ");
    out.extend_from_slice(number.format(all).as_bytes());
    out.extend_from_slice(of);
    out.extend_from_slice(b"; see / for help\n");
}

/// Appends the pairs near to a name, nearest first; returns how many.
fn near(view: &View<'_>, fragments: &Fragments, asked: &[u8], out: &mut Vec<u8>) -> usize {
    let mut left = MOST_LINES;
    let mut near = fragments.names().near(view, asked);
    for repository in &near {
        let pairs = pairs(view, *repository);
        let listed = pairs.len().min(left);
        out.extend_from_slice(fragments.repo_arch_lines(pairs.start..pairs.start + listed));
        left -= listed;
        if left == 0 {
            return MOST_LINES;
        }
    }
    near.sort_unstable();
    let count = view.repo_arch_count();
    let mut at = (view.first_repo_arch_from(asked).0 as usize).min(count.saturating_sub(MOST_LINES));
    // What stands between the pairs that are listed already.
    for listed in near.iter().map(|repository| pairs(view, *repository)).chain(iter::once(count..count)) {
        let others = at..listed.start.clamp(at, at + left);
        out.extend_from_slice(fragments.repo_arch_lines(others.clone()));
        left -= others.len();
        at = at.max(listed.end);
    }
    MOST_LINES - left
}

/// A repository's pairs, by number.
fn pairs(view: &View<'_>, repository: RepositoryId) -> Range<usize> {
    let mut pairs = view.repo_archs(repository);
    let count = pairs.len();
    let first = pairs.next().map_or(0, |pair| pair.0 as usize);
    first..first + count
}

/// Appends the text for a metalink whose file has no known hashes.
pub fn no_details(view: &View<'_>, query: &Query<'_>, out: &mut Vec<u8>) {
    let Ok(target) = &query.target else { return };
    let mut path = Vec::with_capacity(128);
    view.directory_path(target.directory, &mut path);
    path.push(b'/');
    path.extend_from_slice(target.file.as_deref().unwrap_or_default());
    echo(&path, out);
    out.extend_from_slice(b" not found or has no metalink\n");
}

/// Appends the text for a directory that no candidate carries.
pub fn no_candidate(query: &Query<'_>, out: &mut Vec<u8>) {
    if let Some(subject) = &query.named.subject {
        header::subject(subject, out);
    }
    header::protocols(query.protocols, out);
    header::exclude(query.exclude.as_ref(), out);
    out.extend_from_slice(b"error: no mirror");
    if let Some(asked) = query.protocols {
        out.extend_from_slice(b" for protocol = ");
        if asked.is_empty() {
            out.extend_from_slice(b"none");
        }
        header::list(asked, out);
    }
    if let Some(countries) = &query.countries {
        out.extend_from_slice(b" for country = ");
        let codes = countries.codes.iter().map(|code| code.0.to_string());
        let mut names: Vec<String> = codes.collect();
        if countries.global {
            names.push("global".into());
        }
        if names.is_empty() {
            names.push("none".into());
        }
        out.extend_from_slice(names.join(",").as_bytes());
    }
    if let Some(family) = query.family {
        let family: &[u8] = if family == Families::V4 { b"4" } else { b"6" };
        out.extend_from_slice(b" for family = ");
        out.extend_from_slice(family);
    }
    if let Some(exclude) = &query.exclude {
        out.extend_from_slice(format!(" with exclude = {exclude}").as_bytes());
    }
    out.push(b'\n');
}
