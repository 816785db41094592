//! The primary: what mirrors should have.
//!
//! A listing ([`walk`], [`rsync`] or [`file_list`], put together by [`listing`]), from which [`mod@plan`] makes directories,
//! repositories and units; indexes and [`lists`] of hashes are read by [`contents`] and hashed by [`hashes`]. Half a tree is
//! worse than an old one: whatever cannot be read as a whole is an error. What mirrors have newer is read [`again`].

pub mod again;
mod contents;
mod error;
mod file_list;
mod hashes;
pub mod listing;
mod lists;
mod plan;
mod rsync;
mod walk;

pub use error::Error;

use super::{
    tree::{Category, File, Image, Repository, Tree, Unit, Version},
    versions::{Keeping, Known, kept},
};
use crate::{
    check::repomd,
    config::site::{self, Contents, Primary, Site},
    http::Client,
    progress::Progress,
    store::tree::{HashLists, Index, Indexes},
};
use contents::Reader;
use futures_util::{StreamExt as _, stream};
use listing::Listing;
use plan::{Found, Plan, plan};
use std::{path::Path, time::Duration};

/// Bytes of an index that is no repomd.xml, of a marker, and of a list of files.
const LONGEST_INDEX: usize = 64 << 20;
const LONGEST_MARKER: usize = 64 << 10;
const LONGEST_LIST: usize = 512 << 20;

/// How long a listing by rsync may take.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Files that are asked for at a time.
const AT_ONCE: usize = 8;

/// Seconds after which an index over a network is believed not to have changed, though its listed time has.
const SETTLED: u64 = 86_400;

/// Runs for which a repository without its index stays one: it may be between two versions.
pub const MOST_MISSED: u32 = 2;

/// The name of a repository's index whose time stands inside.
const REPOMD: &str = "repomd.xml";

/// What is known from earlier readings.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Indexes.
    pub indexes: Indexes,
    /// Lists of hashes.
    pub lists: HashLists,
}

/// What a reading of the primary came to.
#[derive(Debug)]
pub struct Read {
    /// The tree.
    pub tree: Tree,
    /// Its indexes from now on, those that are gone for a while too.
    pub indexes: Indexes,
    /// Its lists of hashes from now on.
    pub lists: HashLists,
    /// By category, directories that are there; the tree has some that are gone for a while, too.
    pub there: Vec<u64>,
    /// Repositories whose index is there.
    pub repositories: u64,
    /// What is odd, and an example or a cause: a line each.
    pub odd: Vec<String>,
}

/// Reads it; `before` is what is known, `now` is in seconds since the epoch. An error says why it is not believed.
pub async fn read(
    site: &Site,
    primary: &Primary,
    client: &Client,
    before: &Before,
    now: u64,
    progress: &Progress,
) -> Result<Read, Error> {
    let reader = Reader::new(&primary.contents, client);
    let wanted = plan::wanted(&site.categories, &site.repositories);
    let mut listing = Listing::new(&wanted);
    progress.step("listing the primary");
    match &primary.listing {
        site::Listing::Walk(top) => walk::list(top, &mut listing)?,
        site::Listing::Rsync(url) => rsync::list(url, PATIENCE, &mut listing)?,
        site::Listing::List(path) => {
            let list = reader.read(path, LONGEST_LIST).await?;
            file_list::list(&String::from_utf8_lossy(&list), top(&primary.contents), &mut listing)
                .map_err(|cause| Error::FileList(path.clone(), cause.into()))?;
        }
    }
    let prefix = &*primary.prefix;
    let full = |path: &str| [prefix, path].join("/").trim_matches('/').to_owned();
    let mut odd = Vec::new();
    if let (count @ 1.., Some(example)) = &listing.odd {
        let names = program::print::counted(count, "name", "names");
        odd.push(format!("{names} that cannot stand in a list, such as {example}"));
    }
    let shown = listing.shown()?;
    let known = before.indexes.iter().filter(|(_, index)| index.missed < MOST_MISSED);
    let known = known.map(|(path, _)| &**path).collect();
    let plan = plan(&shown, full, &site.categories, &site.repositories, &known)?;
    let found = plan.units.iter().filter_map(|unit| unit.repository.as_ref());
    let repositories = found.filter(|found| !found.is_gone).count() as u64;
    for (number, category) in site.categories.iter().enumerate() {
        if plan.there[number] == 0 {
            let site::Category { name, top, .. } = category.clone();
            return Err(Error::NoCategory(name, top));
        }
    }
    let there = plan.there.clone();
    let Before { indexes: before, lists } = before;
    let mut reading = Reading { reader, prefix, before, lists, now, odd, progress };
    let indexes = reading.indexes(&plan, primary.keeping()).await?;
    let (images, lists) = reading.images(&plan, &shown, lists::PATIENCE).await;
    let markers = reading.markers(site).await;
    let odd = reading.odd;
    let tree = tree(plan, &indexes, images, markers, site, now);
    Ok(Read { tree, indexes, lists, there, repositories, odd })
}

impl Primary {
    fn keeping(&self) -> Keeping {
        Keeping { previous: self.keep_previous, older: self.keep_older }
    }
}

/// The path from the top of the tree, of a full one.
fn inside<'p>(prefix: &str, path: &'p str) -> &'p str {
    path.strip_prefix(prefix).unwrap_or(path).trim_start_matches('/')
}

fn top(contents: &Contents) -> Option<&Path> {
    match contents {
        Contents::Path(top) => Some(top),
        Contents::Web(_) => None,
    }
}

/// Size and time of an index that is read again in any case; an empty one is none.
pub const AGAIN: (u64, u64) = (0, 0);

/// The version of an index that the tree has now.
struct Current {
    version: Version,
    /// Whether it is the file that was listed, as far as can be told; else it is read again.
    is_as_listed: bool,
    /// What to say about it.
    odd: Option<String>,
}

struct Reading<'a> {
    reader: Reader<'a>,
    prefix: &'a str,
    before: &'a Indexes,
    lists: &'a HashLists,
    now: u64,
    odd: Vec<String>,
    progress: &'a Progress,
}

impl Reading<'_> {
    fn inside<'p>(&self, path: &'p str) -> &'p str {
        inside(self.prefix, path)
    }

    /// All indexes with their versions, also those that the tree no longer has, for a while.
    async fn indexes(&mut self, plan: &Plan, keeping: Keeping) -> Result<Indexes, Error> {
        let found: Vec<&Found> = plan.units.iter().filter_map(|unit| unit.repository.as_ref()).collect();
        self.progress.step("reading indexes");
        let asked = stream::iter(&found).map(|found| async { (*found, self.current(found).await) });
        let answers: Vec<(&Found, Result<Current, Error>)> = asked.buffered(AT_ONCE).collect().await;
        let (mut indexes, mut failed, mut gone) = (Indexes::new(), Vec::new(), Vec::new());
        for (found, answer) in answers {
            let known = self.before.get(&found.index);
            let index = match answer {
                Err(cause @ Error::Gone) => {
                    let Some(known) = known else { continue };
                    let index = &found.index;
                    gone.push(format!("index {index}: {cause}; its repository stays for {MOST_MISSED} runs"));
                    Index { missed: known.missed + 1, ..known.clone() }
                }
                Ok(Current { version, is_as_listed, odd }) => {
                    self.odd.extend(odd);
                    let known = known.map_or(&[][..], |known| &known.versions);
                    let versions = kept(known, version, self.now, keeping);
                    let (size, time) =
                        if is_as_listed { (found.listed.size, found.listed.time) } else { AGAIN };
                    Index { size, time, missed: 0, versions }
                }
                Err(cause) => {
                    failed.push((&*found.index, cause));
                    match known {
                        Some(known) => known.clone(),
                        None => continue,
                    }
                }
            };
            indexes.insert(found.index.clone(), index);
        }
        if failed.len() * 10 > found.len() {
            let (count, (index, cause)) = (failed.len(), failed.swap_remove(0));
            let (index, cause) = (index.to_owned(), cause.into());
            return Err(Error::Indexes { failed: count, all: found.len(), index, cause });
        }
        self.odd.extend(failed.iter().map(|(index, cause)| format!("index {index}: {cause}")));
        self.odd.append(&mut gone);
        let is_young =
            |known: &Known| self.now.saturating_sub(known.since.max(known.version.time)) < keeping.older;
        for (path, index) in self.before {
            if !indexes.contains_key(path) && index.versions.iter().any(is_young) {
                indexes.insert(path.clone(), index.clone());
            }
        }
        Ok(indexes)
    }

    /// The version of an index that the tree has now.
    async fn current(&self, found: &Found) -> Result<Current, Error> {
        if found.is_gone {
            return Err(Error::Gone);
        }
        let listed = (found.listed.size, found.listed.time);
        let before = self.before.get(&found.index).filter(|_| self.reader.is_remote());
        let first = before.and_then(|before| before.versions.first());
        // Over a network only what has changed is asked for.
        if let (Some(before), Some(first)) = (before, first)
            && (before.size, before.time) == listed
        {
            return Ok(Current { version: first.version.clone(), is_as_listed: true, odd: None });
        }
        let is_repomd = found.index.ends_with(REPOMD);
        let longest = if is_repomd { repomd::LONGEST } else { LONGEST_INDEX };
        let content = self.reader.read(self.inside(&found.index), longest).await?;
        let time = if is_repomd { repomd::time(&content)? } else { found.listed.time };
        if content.is_empty() {
            return Err(Error::Empty);
        }
        let version = hashes::version(&content, time);
        if !self.reader.is_remote() {
            return Ok(Current { version, is_as_listed: true, odd: None });
        }
        if version.size != found.listed.size {
            let (index, size, listed) = (&found.index, version.size, found.listed.size);
            let odd =
                format!("index {index}: has {size} bytes, {listed} are listed; the next run reads it again");
            let is_known = |known: &Known| known.version.sha256 == version.sha256;
            let is_earlier = before.is_some_and(|before| before.versions.iter().any(is_known));
            // What was current before is answered by a copy that is behind.
            let version = first.filter(|_| is_earlier).map(|first| first.version.clone()).unwrap_or(version);
            return Ok(Current { version, is_as_listed: false, odd: Some(odd) });
        }
        // Another file of the same size, or the same file touched: that is told by what it is a while later. So is what is read
        // for the first time, which may be a copy of the one before it, of the same size.
        let is_another = first.is_some_and(|first| first.version.sha256 != version.sha256);
        let is_settled = self.now.saturating_sub(found.listed.time) >= SETTLED;
        Ok(Current { version, is_as_listed: is_another || is_settled, odd: None })
    }

    /// By category, the file that says how old a copy is.
    async fn markers(&mut self, site: &Site) -> Vec<Option<File>> {
        let mut markers = Vec::new();
        for category in &site.categories {
            let Some(marker) = &category.marker else {
                markers.push(None);
                continue;
            };
            let path = format!("{}/{marker}", category.top);
            match self.reader.read(self.inside(&path), LONGEST_MARKER).await {
                Ok(content) => markers.push(Some(File {
                    path,
                    size: Some(content.len() as u64),
                    time: 0,
                    sha256: Some(hashes::sha256(&content)),
                })),
                Err(cause) => {
                    self.odd.push(format!("marker {path}: {cause}"));
                    markers.push(None);
                }
            }
        }
        markers
    }
}

fn tree(
    plan: Plan,
    indexes: &Indexes,
    images: Vec<Image>,
    markers: Vec<Option<File>>,
    site: &Site,
    now: u64,
) -> Tree {
    let repository = |Found { name, arch, index, .. }: Found| {
        let versions = indexes.get(&index)?.versions.iter().map(|known| known.version.clone()).collect();
        Some(Repository { name, arch, index, versions })
    };
    let units = plan.units.into_iter().map(|unit| {
        let plan::Unit { path, category, repository: found, newest } = unit;
        Unit { path, category, repository: found.and_then(repository), newest }
    });
    let categories = site.categories.iter().zip(markers).map(|(category, marker)| Category {
        name: category.name.clone(),
        top: category.top.clone(),
        origin: category.origin.clone(),
        marker,
    });
    Tree {
        time: now,
        categories: categories.collect(),
        units: units.collect(),
        directories: plan.directories,
        images,
    }
}
