//! What a client reads when there is no mirror to name.
//!
//! Source: SPEC.md §9. The texts are for people and for scripts that look for them; each ends in LF.

use super::{escape::echo, fragments::Fragments, header};
use crate::select::{
    query::Query,
    target::{Refusal, Subject},
};
use cache::{RepositoryId, View};

/// Lines of the list of available repositories.
const MOST_LINES: usize = 100;

/// The status of a refusal.
pub fn status(refusal: Refusal) -> u16 {
    match refusal {
        Refusal::Incomplete => 400,
        Refusal::Disabled => 200,
        Refusal::UnknownRepoArch(_) | Refusal::NotCarried | Refusal::InvalidPath => 404,
    }
}

/// Appends the text of a refusal.
pub fn text(view: &View<'_>, fragments: &Fragments, query: &Query<'_>, refusal: Refusal, out: &mut Vec<u8>) {
    if let Some(subject) = &query.named.subject {
        header::subject(subject, out);
    }
    match refusal {
        Refusal::Incomplete => {
            out.extend_from_slice(b"# either path=, or repo= and arch= must be specified\n");
        }
        Refusal::Disabled => out.extend_from_slice(b"repo disabled\n"),
        Refusal::NotCarried => out.extend_from_slice(b"error: no mirror\n"),
        Refusal::InvalidPath => out.extend_from_slice(b"error: invalid path\n"),
        Refusal::UnknownRepoArch(repository) => {
            out.extend_from_slice(b"error: invalid repo or arch\n");
            available(view, fragments, query, repository, out);
        }
    }
}

/// Appends what may be asked for instead: the repository's architectures, or the names nearest to the one asked for.
fn available(
    view: &View<'_>,
    fragments: &Fragments,
    query: &Query<'_>,
    repository: Option<RepositoryId>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"# following repositories are available:\n");
    let count = view.repo_arch_count();
    let repo_archs = match repository {
        Some(repository) => {
            let mut theirs = view.repo_archs(repository);
            let all = theirs.len();
            let first = theirs.next().map_or(0, |repo_arch| repo_arch.0 as usize);
            first..first + all.min(MOST_LINES)
        }
        None => {
            let asked = match &query.named.subject {
                Some(Subject::RepoArch { repo, .. }) => &repo[..],
                _ => b"",
            };
            let from = (view.first_repo_arch_from(asked).0 as usize).min(count.saturating_sub(MOST_LINES));
            from..(from + MOST_LINES).min(count)
        }
    };
    out.extend_from_slice(fragments.repo_arch_lines(repo_archs));
    out.extend_from_slice(b"# ");
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
    out.extend_from_slice(b" in all\n");
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
    out.push(b'\n');
}
