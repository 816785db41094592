//! Repositories whose names are near to one that is not known.
//!
//! Names are compared folded: lower case, without `-`, `_`, `.` and blanks. Near is who is the same then; or after at most
//! one character is taken from each (one that is wrong, missing, too much, or in another place); or without digits, as
//! versions are. Every name stands in a table under each text that it becomes so, by a hash of it, so that a search
//! looks at names that are probably near, however many there are. Source: SPEC.md §9.

use cache::{RepositoryId, View};
use std::iter;

/// Longest name that is compared, in bytes after folding.
const LONGEST: usize = 64;

/// Rows that a search looks at: far more than are listed.
const MOST_ROWS: usize = 512;

/// Every repository that has architectures, under the texts that its name becomes.
#[derive(Debug, Default)]
pub struct Names {
    /// Whole, and without each one of its characters; ascending.
    whole: Vec<Row>,
    /// Without digits; ascending.
    versionless: Vec<Row>,
}

/// The hash of a text, and whose it is.
type Row = (u32, u32);

impl Names {
    /// Bytes that the table takes at most. Cost: a step for each repository.
    pub fn most_bytes(view: &View<'_>) -> u64 {
        let rows = repositories(view).map(|(_, name)| name.len().min(LONGEST) as u64 + 2);
        rows.sum::<u64>().saturating_mul(size_of::<Row>() as u64)
    }

    /// How many repositories have architectures.
    pub fn count(view: &View<'_>) -> usize {
        repositories(view).count()
    }

    /// The table of a cache.
    pub fn of(view: &View<'_>) -> Names {
        let mut names = Names::default();
        for (repository, name) in repositories(view) {
            let Some(name) = Folded::of(name.as_bytes()) else { continue };
            let row = |hash| (hash, repository.0);
            names.whole.extend(name.hashes().map(row));
            names.versionless.extend(name.versionless_hash().map(row));
        }
        for rows in [&mut names.whole, &mut names.versionless] {
            rows.sort_unstable();
            rows.dedup();
            rows.shrink_to_fit();
        }
        names
    }

    /// Bytes that are held.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        (self.whole.capacity() + self.versionless.capacity()) * size_of::<Row>()
    }

    /// The repositories near to a name, nearest first, those that are equally near by name; each once.
    pub fn near(&self, view: &View<'_>, asked: &[u8]) -> Vec<RepositoryId> {
        let Some(asked) = Folded::of(asked) else { return Vec::new() };
        let mut found: Vec<RepositoryId> =
            asked.hashes().flat_map(|hash| rows(&self.whole, hash)).take(MOST_ROWS).collect();
        found.sort_unstable();
        found.dedup();
        let name = |repository| Folded::of(view.repository(repository)?.name.as_bytes());
        let difference =
            |repository: &RepositoryId| name(*repository).and_then(|name| name.difference(&asked));
        let mut near: Vec<(u8, RepositoryId)> =
            found.iter().filter_map(|one| Some((difference(one)?, *one))).collect();
        let versions = asked
            .versionless_hash()
            .into_iter()
            .flat_map(|hash| rows(&self.versionless, hash))
            .take(MOST_ROWS);
        let versions: Vec<RepositoryId> = versions
            .filter(|one| near.binary_search_by_key(one, |(_, one)| *one).is_err())
            .filter(|one| name(*one).is_some_and(|name| name.versionless().eq(asked.versionless())))
            .collect();
        near.extend(versions.into_iter().map(|one| (2, one)));
        near.sort_unstable();
        near.into_iter().map(|(_, one)| one).collect()
    }
}

/// All repositories that have architectures, with their names.
fn repositories<'a>(view: &View<'a>) -> impl Iterator<Item = (RepositoryId, &'a str)> {
    let view = *view;
    let all = (0..view.repository_count() as u32).map(RepositoryId);
    all.filter(move |one| view.repo_archs(*one).len() > 0)
        .filter_map(move |one| Some((one, view.repository(one)?.name)))
}

fn rows(rows: &[Row], hash: u32) -> impl Iterator<Item = RepositoryId> {
    let from = rows.partition_point(|row| row.0 < hash);
    rows[from..].iter().take_while(move |row| row.0 == hash).map(|row| RepositoryId(row.1))
}

/// A name, folded.
struct Folded {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Folded {
    /// `None` for one that is too long, or nothing.
    fn of(name: &[u8]) -> Option<Folded> {
        let mut folded = Folded { bytes: [0; LONGEST], length: 0 };
        for byte in name.iter().filter(|byte| !matches!(byte, b'-' | b'_' | b'.' | b' ')) {
            *folded.bytes.get_mut(folded.length)? = byte.to_ascii_lowercase();
            folded.length += 1;
        }
        (folded.length > 0).then_some(folded)
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The hash of the whole, then of the rest without each one of its bytes.
    fn hashes(&self) -> impl Iterator<Item = u32> {
        let text = self.text();
        let without = |at: usize| hash(text[..at].iter().chain(&text[at + 1..]));
        iter::once(hash(text)).chain((0..text.len()).map(without))
    }

    fn versionless(&self) -> impl Iterator<Item = &u8> {
        self.text().iter().filter(|byte| !byte.is_ascii_digit())
    }

    fn versionless_hash(&self) -> Option<u32> {
        self.versionless().next()?;
        Some(hash(self.versionless()))
    }

    /// 0 if it is the same, 1 if it is after at most one byte is taken from each, else `None`.
    fn difference(&self, other: &Folded) -> Option<u8> {
        let (mut one, mut other) = (self.text(), other.text());
        while let ([a, one_rest @ ..], [b, other_rest @ ..]) = (one, other)
            && a == b
        {
            (one, other) = (one_rest, other_rest);
        }
        while let ([one_rest @ .., a], [other_rest @ .., b]) = (one, other)
            && a == b
        {
            (one, other) = (one_rest, other_rest);
        }
        match (one, other) {
            ([], []) => Some(0),
            ([] | [_], [] | [_]) => Some(1),
            ([_, one_end @ ..], [_, other_end @ ..]) if one.len() == other.len() => {
                let (one_begin, other_begin) = (&one[..one.len() - 1], &other[..other.len() - 1]);
                (one_end == other_begin || one_begin == other_end).then_some(1)
            }
            _ => None,
        }
    }
}

/// FNV-1a.
fn hash<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    bytes.into_iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(one: &str, other: &str) -> Option<u8> {
        Folded::of(one.as_bytes()).unwrap().difference(&Folded::of(other.as_bytes()).unwrap())
    }

    #[test]
    fn case_and_separators_make_no_difference() {
        assert_eq!(difference("BaseOS-9", "baseos9"), Some(0));
        assert_eq!(difference("epel_10.1", "EPEL-101"), Some(0));
    }

    #[test]
    fn one_character_may_be_wrong_missing_too_much_or_elsewhere() {
        for other in ["fedroa-42", "fedra-42", "fedorra-42", "fedora-43", "edoraf-42", "2fedora-4", "fedora"]
        {
            let expected = (other != "fedora").then_some(1);
            assert_eq!(difference("fedora-42", other), expected, "{other}");
            assert_eq!(difference(other, "fedora-42"), expected, "{other}");
        }
        assert_eq!(difference("abcd", "badc"), None);
    }

    #[test]
    fn a_name_without_letters_or_of_too_many_is_near_to_none() {
        assert!(Folded::of(b"--").is_none() && Folded::of(&[b'a'; LONGEST + 1]).is_none());
        assert!(Folded::of(b"42").unwrap().versionless_hash().is_none());
    }
}
