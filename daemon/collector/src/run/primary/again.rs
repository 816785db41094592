//! Repositories of which mirrors have a later version than the primary had when it was read: their indexes are read once more,
//! so that clients are told the hashes of what they get there.

use super::{AGAIN, AT_ONCE, REPOMD, Read, contents::Reader, hashes, inside};
use crate::{check::repomd, config::site::Primary, http::Client, run::versions::kept, store::tree::Index};
use futures_util::{StreamExt as _, stream};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

/// How long all of them may take: the run's time is over.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl Read {
    /// Reads the indexes of these units again, for so long at most. Those that are not newer than they were, or cannot be read
    /// now, the next run reads first of all, whatever is listed of them.
    pub async fn again(
        &mut self,
        primary: &Primary,
        client: &Client,
        units: &BTreeSet<u32>,
        patience: Duration,
        now: u64,
    ) {
        let mut asked = Vec::new();
        for at in units {
            let unit = self.tree.units.get(*at as usize);
            let Some(repository) = unit.and_then(|unit| unit.repository.as_ref()) else { continue };
            let Some(known) = self.indexes.get_mut(&repository.index) else { continue };
            (known.size, known.time) = AGAIN;
            // Of another one than a repomd.xml nobody says that it is newer.
            if repository.index.ends_with(REPOMD) {
                asked.push((*at, repository.index.clone()));
            }
        }
        let reader = &Reader::new(&primary.contents, client);
        let answers = stream::iter(asked).map(|(at, index)| async move {
            let content = reader.read(inside(&primary.prefix, &index), repomd::LONGEST).await;
            (at, index, content)
        });
        let mut answers = answers.buffer_unordered(AT_ONCE);
        let read = async {
            while let Some((at, index, content)) = answers.next().await {
                if let Ok(content) = content {
                    self.take(at, &index, &content, primary, now);
                }
            }
        };
        // What is left is read by the next run.
        let _ = timeout(patience, read).await;
    }

    /// Has an index that was read again as the current one, if it is newer: a copy that is behind may have answered.
    fn take(&mut self, at: u32, index: &str, content: &[u8], primary: &Primary, now: u64) {
        let unit = self.tree.units.get_mut(at as usize);
        let Some(repository) = unit.and_then(|unit| unit.repository.as_mut()) else { return };
        let Some(known) = self.indexes.get_mut(index) else { return };
        let Ok(time) = repomd::time(content) else { return };
        let version = hashes::version(content, time);
        let is_older = known.versions.first().is_some_and(|first| time <= first.version.time);
        if is_older || known.versions.iter().any(|known| known.version.sha256 == version.sha256) {
            return;
        }
        let versions = kept(&known.versions, version, now, primary.keeping());
        repository.versions = versions.iter().map(|known| known.version.clone()).collect();
        *known = Index { versions, ..known.clone() };
    }
}

#[cfg(test)]
mod tests;
