//! Repositories of which mirrors have a later version than the primary had when it was read: their indexes are read once more,
//! so that clients are told the hashes of what they get there.

use super::{AGAIN, LONGEST_INDEX, REPOMD, Read, contents::Reader, hashes, inside};
use crate::{check::repomd, config::site::Primary, http::Client, run::versions::kept, store::tree::Index};
use std::collections::BTreeSet;

impl Read {
    /// Reads the indexes of these units again. Those that are as they were, or cannot be read now, the next run reads first of
    /// all, whatever is listed of them.
    pub async fn again(&mut self, primary: &Primary, client: &Client, units: &BTreeSet<u32>, now: u64) {
        let reader = Reader::new(&primary.contents, client);
        for at in units {
            let unit = self.tree.units.get_mut(*at as usize);
            let Some(repository) = unit.and_then(|unit| unit.repository.as_mut()) else { continue };
            let Some(known) = self.indexes.get_mut(&repository.index) else { continue };
            (known.size, known.time) = AGAIN;
            let is_repomd = repository.index.ends_with(REPOMD);
            let longest = if is_repomd { repomd::LONGEST } else { LONGEST_INDEX };
            let path = inside(&primary.prefix, &repository.index);
            let Ok(content) = reader.read(path, longest).await else { continue };
            // Of another one than a repomd.xml nobody says that it is newer.
            let Some(time) = repomd::time(&content).ok().filter(|_| is_repomd) else { continue };
            let version = hashes::version(&content, time);
            if known.versions.iter().any(|known| known.version.sha256 == version.sha256) {
                continue;
            }
            let versions = kept(&known.versions, version, now, primary.keeping());
            repository.versions = versions.iter().map(|known| known.version.clone()).collect();
            *known = Index { versions, ..known.clone() };
        }
    }
}
