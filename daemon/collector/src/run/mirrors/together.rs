//! What files of mirrors may not say together: one URL in two of them, or more networks than a cache takes.
//!
//! Whoever was there before keeps what it had, also while it is disabled, or its file is wrong: a file that is refused for what it
//! says anew stays as it was.

use super::{
    file::{Described, Told},
    folder::Folder,
};
use program::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};

/// ASNs, and prefixes, that all of them may name: a cache is compiled from some more, and then from none.
const MOST_NETWORKS: usize = 200_000;

/// By name: what files said when they were good, and when that was read last, in seconds since the epoch.
pub type Earlier = BTreeMap<String, (Described, u64)>;

/// How many networks mirrors name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Networks {
    asns: usize,
    prefixes: usize,
}

impl Networks {
    fn of(told: &Told) -> Networks {
        let Told { asns, netblocks, exclusive, .. } = told;
        Networks { asns: asns.len(), prefixes: netblocks.len() + exclusive.len() }
    }

    /// Counts those of one more file, unless that makes too many.
    pub fn add(&mut self, described: &Described) -> Result<(), Failure> {
        self.replace(Networks::default(), described)
    }

    /// Counts those of a file in place of what it had.
    fn replace(&mut self, before: Networks, described: &Described) -> Result<(), Failure> {
        let now = Networks::of(&described.told);
        let sums = [
            ("ASNs", self.asns - before.asns + now.asns),
            ("prefixes", self.prefixes - before.prefixes + now.prefixes),
        ];
        if let Some((what, _)) = sums.into_iter().find(|(_, sum)| *sum > MOST_NETWORKS) {
            let file = &described.file;
            let cause =
                format!("with it, mirrors name more than {MOST_NETWORKS} {what}; have some name fewer");
            return Err(Failure::config(format!("config {file}: {cause}")));
        }
        (self.asns, self.prefixes) = (sums[0].1, sums[1].1);
        Ok(())
    }
}

/// Its URLs that clients are led to, and where they stand.
fn urls(described: &Described) -> impl Iterator<Item = (&str, &str)> {
    described.mirror.urls.iter().flat_map(|(category, urls)| {
        let place = described.places.get(category).map_or("", String::as_str);
        let urls = urls.iter().filter(|url| url.scheme() != "rsync");
        urls.map(move |url| (url.as_str(), place))
    })
}

impl Folder {
    /// Refuses files of which two cannot both count. Of those that are wrong counts what they said earlier; what cannot be kept of
    /// that either is taken out of it.
    pub fn refuse_together(&mut self, earlier: &mut Earlier) {
        earlier.retain(|name, _| self.good.contains_key(name) || self.wrong.contains_key(name));
        // What is refused is replaced by what was earlier, which may not go with others, either.
        while self.refuse_claims(earlier) || self.refuse_networks(earlier) {}
    }

    /// A URL that two files have is a slip, or somebody takes another one's mirror for his. It stays with the one that had it;
    /// if none had, neither file counts. Whether any was refused.
    fn refuse_claims(&mut self, earlier: &mut Earlier) -> bool {
        let mut claims: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        for (name, (described, _)) in &self.good {
            for (url, place) in urls(described) {
                claims.entry(url).or_default().entry(name).or_insert_with(|| place.to_owned());
            }
        }
        for (name, (described, _)) in earlier.iter().filter(|(name, _)| self.wrong.contains_key(*name)) {
            let place = format!("{} as it was before", described.file);
            for (url, _) in urls(described) {
                claims.entry(url).or_default().entry(name).or_insert_with(|| place.clone());
            }
        }
        let mut refused = BTreeMap::new();
        for (url, names) in claims.iter().filter(|(_, names)| names.len() > 1) {
            let had = |name: &&&str| {
                earlier.get(**name).is_some_and(|(described, _)| urls(described).any(|(of, _)| of == *url))
            };
            let owners: Vec<&str> = names.keys().filter(had).copied().collect();
            for (name, place) in names.iter().filter(|(name, _)| owners != [**name]) {
                let of_owner = names.iter().find(|(other, _)| *other != name && owners.contains(*other));
                let other = of_owner.or_else(|| names.iter().find(|(other, _)| *other != name));
                let other = other.map_or("", |(_, place)| place);
                let failure = Failure::config(format!(
                    "config {place}: {url} stands in {other}, too; leave it out of one of them"
                ));
                refused.entry((*name).to_owned()).or_insert(failure);
            }
        }
        self.refuse(refused, earlier)
    }

    /// Counts networks of what was there earlier first, and then what is new. Whether any was refused.
    fn refuse_networks(&mut self, earlier: &mut Earlier) -> bool {
        let (mut sum, mut refused, mut many) = (Networks::default(), BTreeMap::new(), BTreeSet::new());
        for (name, (described, _)) in earlier.iter() {
            if let Err(failure) = sum.add(described) {
                many.insert(name.clone());
                if !self.good.contains_key(name) {
                    refused.insert(name.clone(), failure);
                }
            }
        }
        earlier.retain(|name, _| !many.contains(name) || refused.contains_key(name));
        let before = |name: &str| earlier.get(name).map(|(described, _)| Networks::of(&described.told));
        let mut new: Vec<(&String, &Described, Networks)> = self
            .good
            .iter()
            .map(|(name, (described, _))| (name, described, before(name).unwrap_or_default()))
            .collect();
        // Whoever names fewer makes room.
        new.sort_by_key(|(_, described, before)| {
            let now = Networks::of(&described.told);
            now.asns > before.asns || now.prefixes > before.prefixes
        });
        for (name, described, before) in new {
            if let Err(failure) = sum.replace(before, described) {
                refused.insert(name.clone(), failure);
            }
        }
        self.refuse(refused, earlier)
    }

    /// Has files not count; of one that does not as it is, what it said earlier does not, either.
    fn refuse(&mut self, refused: BTreeMap<String, Failure>, earlier: &mut Earlier) -> bool {
        let is_any = !refused.is_empty();
        for (name, failure) in refused {
            if self.good.remove(&name).is_none() {
                earlier.remove(&name);
            }
            self.wrong.insert(name, failure);
        }
        is_any
    }
}

#[cfg(test)]
mod tests;
