//! `RepoArchToDirectoryName`, `RepositoryRedirectCache` and `DisabledRepositoryCache`: what clients name with `repo=`.

use super::{names, tables::Tables};
use crate::compile::{
    error::Cause,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::Inventory;
use interchange::message::{StringBool, StringString};

/// Reads [`Inventory::repositories`]; of equal keys the last counts.
pub fn import(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::RepoArch) {
        let StringString { key, value } = record?;
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let parsed = repo_arch(&key).and_then(|(repo, arch)| Ok((repo, arch, names::directory(&value)?)));
        match parsed {
            Ok((repo, arch, directory)) => {
                let repository = inventory.repositories.entry(repo.to_owned()).or_default();
                if repository.archs.insert(arch.to_owned(), directory).is_some() {
                    skipped.add(InputTable::RepoArch, Reason::Repeated, || format!("{repo}+{arch}"));
                }
            }
            Err(reason) => skipped.add(InputTable::RepoArch, reason, || pair(&key, &value)),
        }
    }
    for record in tables.decoded(InputTable::RepositoryRedirect) {
        let StringString { key, value } = record?;
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        match names::name(&key).and_then(|from| Ok((from, names::name(&value)?))) {
            Ok((from, to)) => {
                let repository = inventory.repositories.entry(from.to_owned()).or_default();
                if repository.redirect.replace(to.to_owned()).is_some() {
                    skipped.add(InputTable::RepositoryRedirect, Reason::Repeated, || from);
                }
            }
            Err(reason) => skipped.add(InputTable::RepositoryRedirect, reason, || pair(&key, &value)),
        }
    }
    for record in tables.decoded(InputTable::DisabledRepository) {
        let StringBool { key, value } = record?;
        let (key, disabled) = (key.unwrap_or_default(), value.unwrap_or_default());
        match names::name(&key) {
            Ok(repo) if disabled => {
                inventory.repositories.entry(repo.to_owned()).or_default().disabled = true;
            }
            // Nothing to say about it; a repository of that name need not exist.
            Ok(repo) => {
                if let Some(repository) = inventory.repositories.get_mut(repo) {
                    repository.disabled = false;
                }
            }
            Err(reason) => {
                skipped.add(InputTable::DisabledRepository, reason, || {
                    String::from_utf8_lossy(&key).into_owned()
                });
            }
        }
    }
    // What a later `false` took back without leaving anything else behind.
    inventory.repositories.retain(|_, repository| {
        repository.disabled || repository.redirect.is_some() || !repository.archs.is_empty()
    });
    Ok(())
}

/// A repository may itself hold a `+`: the last one separates.
fn repo_arch(key: &[u8]) -> Result<(&str, &str), Reason> {
    let (repo, arch) = names::name(key)?.rsplit_once('+').ok_or(Reason::NoArch)?;
    let (repo, arch) = (text::trim_str(repo), text::trim_str(arch));
    if repo.is_empty() || arch.is_empty() { Err(Reason::Empty) } else { Ok((repo, arch)) }
}

fn pair(key: &[u8], value: &[u8]) -> String {
    format!("{} = {}", String::from_utf8_lossy(key), String::from_utf8_lossy(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_plus_separates_repo_and_arch() {
        assert_eq!(repo_arch(b"gtk+-devel+x86_64"), Ok(("gtk+-devel", "x86_64")));
        assert_eq!(repo_arch(b"fedora-42"), Err(Reason::NoArch));
        assert_eq!(repo_arch(b"+x86_64"), Err(Reason::Empty));
        assert_eq!(repo_arch(b"fedora-42+"), Err(Reason::Empty));
        assert_eq!(repo_arch(b" fedora-42 + x86_64\n"), Ok(("fedora-42", "x86_64")));
        assert_eq!(repo_arch(b"fedora-42+ "), Err(Reason::Empty));
    }
}
