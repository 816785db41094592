//! Repositories: which directory each is, which are turned away, and which answer for others.
//!
//! A repository that has no directory, version or architecture is none for clients, nor is one without a prefix.

use super::filled;
use crate::database::{
    directories::Directories,
    rows::{Pair, Rows},
    skipped::{Reason, Skipped},
};
use interchange::message::{StringBool, StringString};
use std::collections::{BTreeSet, HashMap};

/// `RepoArchToDirectoryName`; repositories that are turned away too.
pub fn repo_arches(rows: &Rows, directories: &Directories, skipped: &mut Skipped) -> Vec<StringString> {
    let arches: HashMap<i32, &String> =
        rows.arches.iter().filter_map(|arch| Some((arch.id, arch.name.as_ref()?))).collect();
    let (mut records, mut seen) = (Vec::new(), BTreeSet::new());
    for row in &rows.repositories {
        let Some(prefix) = prefix(row.prefix.as_ref()) else { continue };
        let (Some(arch), Some(directory)) = (arches.get(&row.arch), directories.name(row.directory)) else {
            skipped.add("repository", Reason::Dangling, || format!("row {}", row.id));
            continue;
        };
        let key = format!("{prefix}+{arch}");
        if !seen.insert(key.clone()) {
            skipped.add("repository", Reason::Repeated, || key);
            continue;
        }
        records.push(StringString { key: Some(key.into()), value: Some(directory.into()) });
    }
    records
}

/// `DisabledRepositoryCache`: a prefix of which one architecture is turned away is turned away for all, as MirrorManager
/// has it.
pub fn disabled(rows: &Rows) -> Vec<StringBool> {
    let mut seen = BTreeSet::new();
    let disabled = rows.repositories.iter().filter(|row| row.disabled);
    let prefixes = disabled.filter_map(|row| prefix(row.prefix.as_ref()));
    let first = prefixes.filter(|prefix| seen.insert(*prefix));
    first.map(|prefix| StringBool { key: Some(prefix.clone().into()), value: Some(true) }).collect()
}

/// `RepositoryRedirectCache`. A row that leads nowhere is no mistake: MirrorManager keeps such.
pub fn redirects(rows: &[Pair], skipped: &mut Skipped) -> Vec<StringString> {
    let table = "repository_redirect";
    let mut records = Vec::new();
    for Pair { id, from, to } in rows.iter().filter(|row| row.to.is_some()) {
        let (from, to) =
            (filled(table, from.as_ref(), *id, skipped), filled(table, to.as_ref(), *id, skipped));
        if let (Some(from), Some(to)) = (from, to) {
            records.push(StringString { key: Some(from.clone().into()), value: Some(to.clone().into()) });
        }
    }
    records
}

fn prefix(given: Option<&String>) -> Option<&String> {
    given.filter(|prefix| !prefix.is_empty())
}
