//! Which directory a request is about, and what the answer calls it.
//!
//! Source: SPEC.md §3. Everything that cannot be answered about a directory is a [`Refusal`] here.

use super::{
    form::{Endpoint, Format},
    params::{Params, acceptable},
};
use cache::{DirectoryId, FileId, Found, RepoArchId, RepositoryId, View, limits::MOST_ALIAS_STEPS};
use memchr::memmem;
use std::{borrow::Cow, fmt};

/// What the header line names, after redirects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject<'q> {
    /// `repo` and `arch`.
    RepoArch {
        /// The repository.
        repo: Cow<'q, [u8]>,
        /// The architecture.
        arch: Cow<'q, [u8]>,
    },
    /// `path`, with single slashes.
    Path(Cow<'q, [u8]>),
}

/// What mirrors are asked to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'q> {
    /// The directory that they must carry.
    pub directory: DirectoryId,
    /// The directory of its metadata, which they must carry too, unless none of them does.
    pub repodata: Option<DirectoryId>,
    /// The file in it; `None` when it is about the directory itself.
    pub file: Option<Cow<'q, [u8]>>,
    /// The file's known versions.
    pub details: Option<FileId>,
}

impl Target<'_> {
    /// Its whole path.
    pub fn path(&self, view: &View<'_>) -> Vec<u8> {
        let mut path = Vec::with_capacity(128);
        view.directory_path(self.directory, &mut path);
        if let Some(file) = &self.file {
            path.push(b'/');
            path.extend_from_slice(file);
        }
        path
    }
}

/// Why there is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Neither a path nor repository and architecture.
    Incomplete,
    /// No such repository, or not for this architecture. With the repository whose architectures are worth naming.
    UnknownRepoArch(Option<RepositoryId>),
    /// The repository is turned away.
    Disabled,
    /// The repository is known, but no mirror carries its directory (or its metadata, for a metalink).
    NotCarried,
    /// The path is not one that mirrors carry.
    InvalidPath,
    /// There is no such form of answers.
    UnknownFormat,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Incomplete => "neither a path nor repo and arch are given",
            Refusal::UnknownRepoArch(None) => "the repository is unknown",
            Refusal::UnknownRepoArch(Some(_)) => "the repository is not there for this arch",
            Refusal::Disabled => "the repository is disabled",
            Refusal::NotCarried => {
                "no mirror carries the repository's directory (or its repodata, for a metalink)"
            }
            Refusal::InvalidPath => "the path is neither a directory of the cache nor a file in one",
            Refusal::UnknownFormat => "there is no such format",
        })
    }
}

/// What a request names, whether or not there is a target.
#[derive(Debug, Default)]
pub struct Named<'q> {
    /// What the header names; `None` when the request named nothing.
    pub subject: Option<Subject<'q>>,
    /// What was asked for by `repo` and `arch`; the request log has it even where `path` wins.
    pub asked: Option<Asked<'q>>,
    /// The repository that answers.
    pub repository: Option<RepositoryId>,
}

/// Finds what a request is about.
pub fn resolve<'q>(
    view: &View<'q>,
    params: &Params<'q>,
    endpoint: Endpoint,
    format: Format,
) -> (Named<'q>, Result<Target<'q>, Refusal>) {
    let mut named = Named::default();
    if let (Some(repo), Some(arch)) = (&params.repo, &params.arch) {
        named.asked = Some(Asked::new(view, params, repo, arch));
    }
    if let Some(path) = &params.path {
        let path = real(view, normalise(path));
        let target = by_path(view, &path);
        // The lines of apt's list are archives.
        let target = target.and_then(|target| match (&target.file, format) {
            (Some(_), Format::Apt) => Err(Refusal::InvalidPath),
            _ => Ok(target),
        });
        named.subject = Some(Subject::Path(path));
        return (named, target);
    }
    let Some(asked) = &named.asked else { return (named, Err(Refusal::Incomplete)) };
    let repository = asked.answering(view);
    let metadata = match format {
        Format::Apt => false,
        Format::Metalink | Format::Metalink4 | Format::Hash(_) => true,
        Format::Text | Format::Redirect | Format::Json | Format::Page => endpoint == Endpoint::Metalink,
    };
    let target = asked.target(view, repository, metadata);
    let repo = match repository.and_then(|repository| view.repository(repository)) {
        Some(repository) => Cow::Borrowed(repository.name.as_bytes()),
        None => asked.repo.clone(),
    };
    named.subject = Some(Subject::RepoArch { repo, arch: asked.arch.clone() });
    named.repository = repository;
    (named, target)
}

/// Repository and architecture as asked for: after `version`, before redirects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'q> {
    /// The repository.
    pub repo: Cow<'q, [u8]>,
    /// The architecture; `source` for a source repository.
    pub arch: Cow<'q, [u8]>,
}

impl<'q> Asked<'q> {
    fn new(view: &View<'_>, params: &Params<'q>, repo: &Cow<'q, [u8]>, arch: &Cow<'q, [u8]>) -> Asked<'q> {
        let versioned = params.version.as_ref().map(|version| [&**repo, b"-", version].concat());
        let repo = match versioned {
            Some(versioned) if is_known(view, &versioned) => Cow::Owned(versioned),
            _ => repo.clone(),
        };
        let mut asked = Asked { repo, arch: arch.clone() };
        let is_source = asked.repo.windows(6).any(|window| window == b"source");
        // Names such as opensource-tools have the word in them and other architectures all the same.
        if is_source && !asked.is_repo_arch(view) {
            asked.arch = Cow::Borrowed(b"source");
        }
        asked
    }

    /// Whether the pair is known as it is, once a redirect is followed.
    fn is_repo_arch(&self, view: &View<'_>) -> bool {
        let repo_arch = self.answering(view).filter(|_| acceptable(&self.arch));
        repo_arch.is_some_and(|repository| view.repo_arch_id(repository, &self.arch).is_some())
    }

    /// The repository that answers: the one asked for, or the one that it redirects to. One step only.
    fn answering(&self, view: &View<'_>) -> Option<RepositoryId> {
        let asked = lookup(view, &self.repo)?;
        Some(view.repository(asked)?.redirect.unwrap_or(asked))
    }

    fn target(
        &self,
        view: &View<'_>,
        repository: Option<RepositoryId>,
        metadata: bool,
    ) -> Result<Target<'q>, Refusal> {
        let Some(repository) = repository else { return Err(Refusal::UnknownRepoArch(None)) };
        if view.repository(repository).is_some_and(|repository| repository.disabled) {
            return Err(Refusal::Disabled);
        }
        let repo_arch = if acceptable(&self.arch) { view.repo_arch_id(repository, &self.arch) } else { None };
        let Some(repo_arch) = repo_arch else {
            let has_archs = view.repo_archs(repository).len() > 0;
            return Err(Refusal::UnknownRepoArch(has_archs.then_some(repository)));
        };
        repo_arch_target(view, repo_arch, metadata).ok_or(Refusal::NotCarried)
    }
}

/// The target of a repository and architecture: its metadata, or its directory.
fn repo_arch_target<'q>(view: &View<'_>, repo_arch: RepoArchId, metadata: bool) -> Option<Target<'q>> {
    let repo_arch = view.repo_arch(repo_arch)?;
    if metadata {
        let file = Some(Cow::Borrowed(&b"repomd.xml"[..]));
        return Some(Target {
            directory: repo_arch.repodata?,
            repodata: None,
            file,
            details: repo_arch.repomd,
        });
    }
    let directory = repo_arch.directory?;
    // A directory that is its own metadata needs no second condition.
    let repodata = repo_arch.repodata.filter(|repodata| *repodata != directory);
    Some(Target { directory, repodata, file: None, details: None })
}

/// A repository by a name of any bytes.
fn lookup(view: &View<'_>, name: &[u8]) -> Option<RepositoryId> {
    if acceptable(name) { view.repository_id(name) } else { None }
}

/// Whether the cache says anything of a repository of this name; being another one's redirect target is not enough.
fn is_known(view: &View<'_>, name: &[u8]) -> bool {
    let Some(id) = lookup(view, name) else { return false };
    let says =
        view.repository(id).is_some_and(|repository| repository.disabled || repository.redirect.is_some());
    says || view.repo_archs(id).len() > 0
}

/// Whether this can be a path at all: without dot segments, not empty, and a name that a cache may have.
pub fn is_path(path: &[u8]) -> bool {
    let dots = path.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b"..");
    !dots && !path.is_empty() && acceptable(path)
}

/// What a path of any bytes is.
pub fn find(view: &View<'_>, path: &[u8]) -> Option<Found> {
    if acceptable(path) { view.find(path) } else { None }
}

/// The path that this one stands for, if it is another name and not itself a directory or a file that is known.
pub fn real<'q>(view: &View<'_>, mut path: Cow<'q, [u8]>) -> Cow<'q, [u8]> {
    for _ in 0..MOST_ALIAS_STEPS {
        let Some((to, length)) = view.alias_of(&path) else { break };
        if find(view, &path).is_some() {
            break;
        }
        path = Cow::Owned([to.as_bytes(), &path[length..]].concat());
    }
    path
}

/// What is asked for by a path with single slashes between its components.
pub fn by_path<'q>(view: &View<'_>, path: &Cow<'q, [u8]>) -> Result<Target<'q>, Refusal> {
    let whole: &[u8] = path;
    if !is_path(whole) {
        return Err(Refusal::InvalidPath);
    }
    let found = view.find(whole);
    if let Some(Found::Directory(directory)) = found {
        return Ok(Target { directory, repodata: None, file: None, details: None });
    }
    let slash = memchr::memrchr(b'/', whole).ok_or(Refusal::InvalidPath)?;
    let file = Some(match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[slash + 1..]),
        Cow::Owned(path) => Cow::Owned(path[slash + 1..].to_vec()),
    });
    if let Some(Found::File(details)) = found
        && let Some((directory, _)) = view.file(details)
    {
        return Ok(Target { directory, repodata: None, file, details: Some(details) });
    }
    match view.find(&whole[..slash]) {
        Some(Found::Directory(directory)) => Ok(Target { directory, repodata: None, file, details: None }),
        _ => Err(Refusal::InvalidPath),
    }
}

/// A path without slashes at its ends and with single ones inside.
pub fn normalise<'q>(path: &Cow<'q, [u8]>) -> Cow<'q, [u8]> {
    let is_normal = !path.starts_with(b"/") && !path.ends_with(b"/") && memmem::find(path, b"//").is_none();
    if is_normal {
        return path.clone();
    }
    let segments: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty()).collect();
    Cow::Owned(segments.join(&b'/'))
}
