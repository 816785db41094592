//! Repositories: names, redirects, and the directory for each architecture.

use super::{WriteError, Writer, limit};
use crate::schema::{HashIndex, NONE, RepoArchRow, RepositoryRow};
use indexmap::IndexSet;
use std::collections::{BTreeMap, BTreeSet};

impl Writer<'_> {
    pub(super) fn repositories(&mut self) -> Result<(), WriteError> {
        let inventory = self.inventory;
        let mut names: BTreeSet<&str> = inventory.repositories.keys().map(String::as_str).collect();
        names.extend(inventory.repositories.values().filter_map(|repository| repository.redirect.as_deref()));
        let names: Vec<&str> = names.into_iter().collect();
        let numbers: BTreeMap<&str, u32> =
            names.iter().zip(0..).map(|(name, number)| (*name, number)).collect();
        let mut archs: IndexSet<&str> = IndexSet::new();
        for name in &names {
            let repository = inventory.repositories.get(*name);
            let redirect = repository.and_then(|repository| repository.redirect.as_deref());
            let row = RepositoryRow {
                name: self.string(name),
                repo_archs: self.schema.repo_archs.len() as u32,
                redirect: redirect.and_then(|target| numbers.get(target).copied()).unwrap_or(NONE),
                flags: u32::from(repository.is_some_and(|repository| repository.disabled)),
            };
            self.schema.repositories.push(row);
            for (arch, directory) in repository.iter().flat_map(|repository| &repository.archs) {
                let arch = archs.insert_full(arch).0 as u32;
                let repo_arch = self.repo_arch(arch, directory);
                self.schema.repo_archs.push(repo_arch);
            }
        }
        limit("repositories with an architecture", self.schema.repo_archs.len(), i32::MAX as usize)?;
        let repo_archs = self.schema.repo_archs.len() as u32;
        self.schema.repositories.push(RepositoryRow { name: NONE, repo_archs, redirect: NONE, flags: 0 });
        self.schema.repository_names =
            HashIndex::build(names.len(), |at, buffer| buffer.extend_from_slice(names[at].as_bytes()))
                .ok_or(WriteError::Colliding { what: "names of repositories" })?;
        for arch in archs {
            let name = self.string(arch);
            self.schema.archs.push(name);
        }
        Ok(())
    }

    /// Some sources record a repository at its own metadata: it is in the directory above all the same.
    fn repo_arch(&mut self, arch: u32, directory: &str) -> RepoArchRow {
        let directory = match directory.strip_suffix("repodata") {
            Some(above) if above.is_empty() || above.ends_with('/') => above.trim_end_matches('/'),
            _ => directory,
        };
        let repodata = format!("{directory}/repodata");
        let repodata = repodata.trim_start_matches('/');
        RepoArchRow {
            arch,
            directory: if directory.is_empty() { NONE } else { self.known(directory).unwrap_or(NONE) },
            repodata: self.carried(repodata).unwrap_or(NONE),
            repomd: self.file(&format!("{repodata}/repomd.xml")).unwrap_or(NONE),
        }
    }
}
