//! Requests that work on a cache, for people who try it.
//!
//! Looked for once, when the fragments are made: a list and a metalink of a repository, and a redirect to a file or a
//! directory, of what the most hosts carry. Each has a public mirror for clients of all countries, so that whoever
//! follows it gets an answer.

use super::escape;
use crate::suspended::Usable;
use cache::{DirectoryId, RepoArch, RepoArchId, View, scheme::Schemes};
use std::cmp::Reverse;

/// How many repositories and directories are tried, those with the most hosts first.
const MOST_TRIED: usize = 64;

/// Targets of requests, without the first slash; empty where the cache has nothing to show.
#[derive(Debug, Default)]
pub struct Examples {
    /// For a list.
    pub list: Vec<u8>,
    /// For a metalink.
    pub metalink: Vec<u8>,
    /// For a redirect.
    pub redirect: Vec<u8>,
}

impl Examples {
    /// Bytes that finding them takes for each pair of repository and architecture.
    pub const BYTES_OF_A_REPO_ARCH: usize = size_of::<((bool, usize, bool), RepoArchId, RepoArch)>();
    /// Bytes that it takes for each directory.
    pub const BYTES_OF_A_DIRECTORY: usize = size_of::<DirectoryId>() + size_of::<(usize, usize)>();

    /// Those of a cache. Cost: a step for each pair of repository and architecture, or else for each directory; and for
    /// each host that carries one of those that are tried.
    pub fn of(view: &View<'_>, usable: &Usable) -> Examples {
        let Some((repo_arch, of)) = repo_arch(view, usable) else {
            let directory = directory(view, usable).map(|directory| (directory, &b""[..]));
            return Examples {
                redirect: directory.map_or_else(Vec::new, |of| redirect(view, of)),
                ..Examples::default()
            };
        };
        let query = query(view, repo_arch);
        let (metalink, path) = match (of.directory, of.repodata, of.repomd) {
            (_, Some(repodata), Some(_)) => {
                ([b"metalink", &query[..]].concat(), Some((repodata, &b"/repomd.xml"[..])))
            }
            (directory, ..) => (Vec::new(), directory.map(|directory| (directory, &b""[..]))),
        };
        Examples {
            list: [b"mirrorlist", &query[..]].concat(),
            metalink,
            redirect: path.map_or_else(Vec::new, |of| redirect(view, of)),
        }
    }
}

fn query(view: &View<'_>, repo_arch: RepoArchId) -> Vec<u8> {
    let mut query = b"?repo=".to_vec();
    if let Some(repository) = view.repository(view.repository_of(repo_arch)) {
        escape::query_value(repository.name.as_bytes(), &mut query);
    }
    query.extend_from_slice(b"&arch=");
    escape::query_value(view.arch_of(repo_arch).as_bytes(), &mut query);
    query
}

fn redirect(view: &View<'_>, (directory, file): (DirectoryId, &[u8])) -> Vec<u8> {
    let mut path = Vec::new();
    view.directory_path(directory, &mut path);
    path.extend_from_slice(file);
    let mut target = b"mirrorlist?path=".to_vec();
    escape::query_value(&path, &mut target);
    target.extend_from_slice(b"&redirect=1");
    target
}

/// The repository and architecture that shows most: with a metalink if there is one, and with the most hosts.
fn repo_arch(view: &View<'_>, usable: &Usable) -> Option<(RepoArchId, RepoArch)> {
    let all = (0..view.repo_arch_count() as u32).map(RepoArchId);
    let mut all: Vec<_> = all
        .filter_map(|id| {
            let repository = view.repository(view.repository_of(id))?;
            let repo_arch = view.repo_arch(id)?;
            let hosts = view.set(view.carriers(repo_arch.directory?)).len();
            let speaks = !repository.disabled && repository.redirect.is_none();
            let rank = (repo_arch.repomd.is_some(), hosts, view.arch_of(id) == "x86_64");
            speaks.then_some((rank, id, repo_arch))
        })
        .collect();
    // Stable: of equals the last by name, which is the newest as often as not.
    all.reverse();
    all.sort_by_key(|one| Reverse(one.0));
    let works = |repo_arch: &RepoArch| {
        [repo_arch.directory, repo_arch.repodata]
            .into_iter()
            .flatten()
            .all(|of| is_for_everyone(view, usable, of))
    };
    all.into_iter().take(MOST_TRIED).find(|(_, _, one)| works(one)).map(|(_, id, one)| (id, one))
}

/// The directory that the most hosts carry.
fn directory(view: &View<'_>, usable: &Usable) -> Option<DirectoryId> {
    let mut all: Vec<DirectoryId> = (0..view.directory_count() as u32).map(DirectoryId).collect();
    all.sort_by_cached_key(|one| Reverse(view.set(view.carriers(*one)).len()));
    let has_a_name = |directory: &DirectoryId| {
        let mut path = Vec::new();
        view.directory_path(*directory, &mut path);
        !path.is_empty()
    };
    all.into_iter().filter(has_a_name).take(MOST_TRIED).find(|one| is_for_everyone(view, usable, *one))
}

/// Whether a public host carries it that clients of every country reach by HTTP.
fn is_for_everyone(view: &View<'_>, usable: &Usable, directory: DirectoryId) -> bool {
    view.set(view.carriers(directory)).iter().any(|(_, member)| {
        let reached = usable.schemes(view, member.placement).and(Schemes::WEB);
        member.public
            && !reached.is_empty()
            && view.countries_allowed(view.placement_host(member.placement)).is_none()
    })
}
