//! What a cache knows of repositories: their names, and what each has for an architecture.

use super::{DirectoryId, FileId, RepoArchId, RepositoryId, View, some, span};
use rkyv::rend::u32_le;
use std::{cmp::Ordering, ops::Range};

/// A repository for an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepoArch {
    /// Its directory, unless no mirror carries it.
    pub directory: Option<DirectoryId>,
    /// The directory of its metadata, unless no mirror carries it.
    pub repodata: Option<DirectoryId>,
    /// Its `repomd.xml`, unless the hashes are not known.
    pub repomd: Option<FileId>,
}

/// A repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repository<'a> {
    /// Its name.
    pub name: &'a str,
    /// The repository that answers in its place.
    pub redirect: Option<RepositoryId>,
    /// Whether requests for it are turned away.
    pub disabled: bool,
}

impl<'a> View<'a> {
    /// A repository by its name.
    pub fn repository_id(&self, name: &[u8]) -> Option<RepositoryId> {
        let is = |at: u32| {
            self.schema.repositories.get(at as usize).is_some_and(|row| self.bytes(row.name) == name)
        };
        self.schema.repository_names.find(name, is).map(RepositoryId)
    }

    /// A repository.
    pub fn repository(&self, repository: RepositoryId) -> Option<Repository<'a>> {
        let row = self.schema.repositories.get(repository.0 as usize)?;
        Some(Repository {
            name: self.text(row.name),
            redirect: some(row.redirect).map(RepositoryId),
            disabled: row.flags.to_native() & 1 != 0,
        })
    }

    /// How many repositories there are; they are numbered from 0, ascending by name.
    pub fn repository_count(&self) -> usize {
        self.schema.repositories.len().saturating_sub(1)
    }

    /// What a repository has, ascending by architecture.
    pub fn repo_archs(
        &self,
        repository: RepositoryId,
    ) -> impl ExactSizeIterator<Item = RepoArchId> + Clone + 'a {
        self.repo_arch_range(repository).map(RepoArchId)
    }

    fn repo_arch_range(&self, repository: RepositoryId) -> Range<u32> {
        let range = span(&self.schema.repositories, repository.0, |row| row.repo_archs);
        range.start as u32..range.end.min(self.repo_arch_count()) as u32
    }

    /// How many pairs of repository and architecture there are; they are numbered from 0, ascending by both names.
    pub fn repo_arch_count(&self) -> usize {
        self.schema.repo_archs.len()
    }

    /// The repository of such a pair. Cost: a binary search.
    pub fn repository_of(&self, repo_arch: RepoArchId) -> RepositoryId {
        let rows = &self.schema.repositories;
        RepositoryId(
            rows.partition_point(|row| row.repo_archs.to_native() <= repo_arch.0).saturating_sub(1) as u32
        )
    }

    /// The first pair whose repository's name is not below `name`; may be [`View::repo_arch_count`].
    pub fn first_repo_arch_from(&self, name: &[u8]) -> RepoArchId {
        let count = self.repository_count();
        let rows = self.schema.repositories.get(..count).unwrap_or_default();
        let at = rows.partition_point(|row| self.bytes(row.name) < name);
        RepoArchId(self.schema.repositories.get(at).map_or(0, |row| row.repo_archs.to_native()))
    }

    /// The architecture of such a pair.
    pub fn arch_of(&self, repo_arch: RepoArchId) -> &'a str {
        self.arch_name(repo_arch).map_or("", |name| self.text(name))
    }

    fn arch_name(&self, repo_arch: RepoArchId) -> Option<u32_le> {
        let row = self.schema.repo_archs.get(repo_arch.0 as usize)?;
        self.schema.archs.get(row.arch.to_native() as usize).copied()
    }

    /// What a repository has for an architecture. Cost: a binary search.
    pub fn repo_arch_id(&self, repository: RepositoryId, arch: &[u8]) -> Option<RepoArchId> {
        let Range { mut start, mut end } = self.repo_arch_range(repository);
        while start < end {
            let middle = start + (end - start) / 2;
            match self.arch_name(RepoArchId(middle)).map_or(&b""[..], |name| self.bytes(name)).cmp(arch) {
                Ordering::Less => start = middle + 1,
                Ordering::Equal => return Some(RepoArchId(middle)),
                Ordering::Greater => end = middle,
            }
        }
        None
    }

    /// What is known of a repository for an architecture.
    pub fn repo_arch(&self, repo_arch: RepoArchId) -> Option<RepoArch> {
        let row = self.schema.repo_archs.get(repo_arch.0 as usize)?;
        Some(RepoArch {
            directory: self.directory_of(row.directory.to_native()),
            repodata: self.directory_of(row.repodata.to_native()),
            repomd: some(row.repomd).and_then(|node| self.file_of(node)),
        })
    }
}
