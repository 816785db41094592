//! Which repositories are below a directory: for apt, whose archive is a whole tree.
//!
//! A mirror may carry the top of an archive and lack one of its repositories. Who carries each is looked up once, when
//! a cache is prepared: for every directory above a repository the sets of hosts that a mirror must be in. Many
//! repositories share a set. Source: SPEC.md §12.

use cache::{DirectoryId, HostId, RepoArch, RepoArchId, Set, SetId, View};
use std::iter;

/// For each directory above a repository, or the repository's own, the sets of those who carry it and its metadata.
#[derive(Debug, Default)]
pub struct Below {
    /// Ascending, each once.
    rows: Vec<(DirectoryId, SetId)>,
}

impl Below {
    /// Bytes that finding them takes at most. Cost: a step for each component of a repository's path.
    pub fn most_bytes(view: &View<'_>) -> u64 {
        Below::most_rows(view).saturating_mul(size_of::<(DirectoryId, SetId)>() as u64)
    }

    fn most_rows(view: &View<'_>) -> u64 {
        let rows = repositories(view).map(|(directory, _)| 2 * (1 + view.above(directory).count() as u64));
        rows.fold(0, u64::saturating_add)
    }

    /// Bytes that are held.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.rows.capacity() * size_of::<(DirectoryId, SetId)>()
    }

    /// Those of a cache that takes no more than is had.
    pub fn of(view: &View<'_>) -> Below {
        let mut rows = Vec::with_capacity(Below::most_rows(view) as usize);
        for (directory, repodata) in repositories(view) {
            let sets = [Some(directory), repodata].map(|one| one.map(|one| view.carriers(one)));
            for above in iter::once(directory).chain(view.above(directory)) {
                let own = view.carriers(above);
                rows.extend(sets.iter().flatten().filter(|set| **set != own).map(|set| (above, *set)));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        rows.shrink_to_fit();
        Below { rows }
    }

    /// The sets that a mirror of a directory must be in to be good for every repository in it.
    pub fn sets(&self, directory: DirectoryId) -> impl Iterator<Item = SetId> {
        let from = self.rows.partition_point(|row| row.0 < directory);
        self.rows[from..].iter().take_while(move |row| row.0 == directory).map(|row| row.1)
    }
}

/// Directory and metadata of every repository that is not turned away.
fn repositories(view: &View<'_>) -> impl Iterator<Item = (DirectoryId, Option<DirectoryId>)> {
    (0..view.repo_arch_count() as u32).map(RepoArchId).filter_map(|id| {
        let repository = view.repository(view.repository_of(id))?;
        let RepoArch { directory, repodata, .. } = view.repo_arch(id)?;
        Some((directory.filter(|_| !repository.disabled)?, repodata))
    })
}

/// Which hosts of a set are in all of these: bits by position in it.
///
/// Cost: a step for each word of each set, and for a set that some host is not in at its own position one for each member.
pub fn in_all<'a>(view: &View<'_>, own: Set<'_>, sets: impl Iterator<Item = Set<'a>>) -> Vec<u32> {
    let mut bits: Vec<u32> = own.words().collect();
    let host_at = |position| own.get(position).map(|member| view.placement_host(member.placement));
    for set in sets {
        let known = set.words().take(if set.is_of_roster(&own) { bits.len() } else { 0 });
        let mut hosts: Option<Vec<HostId>> = None;
        for ((at, word), known) in bits.iter_mut().enumerate().zip(known.chain(iter::repeat(0))) {
            // A host that offers one of the directories in another way has another position there.
            let mut left = *word & !known;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let hosts = hosts.get_or_insert_with(|| {
                    let members = set.iter().map(|(_, member)| view.placement_host(member.placement));
                    let mut hosts: Vec<HostId> = members.collect();
                    hosts.sort_unstable();
                    hosts
                });
                let host = host_at(at * 32 + bit as usize);
                if host.is_none_or(|host| hosts.binary_search(&host).is_err()) {
                    *word &= !(1 << bit);
                }
            }
        }
    }
    bits
}
