//! `MirrorListCache`: who carries a directory, up to date.
//!
//! The rows that say so are the bulk of a database, some 10^7. Each becomes a bit: a host's category has one for every
//! directory of the category, so that 600 hosts of 120,000 directories take 9 MB.

use super::{hosts::Hosts, tree::Tree};
use crate::{
    connection::Error,
    database::{
        rows::{HostCategory, Rows},
        skipped::{Reason, Skipped},
    },
};
use interchange::message::{IntInts, MirrorListDirectory, StringInts};
use std::collections::{BTreeSet, HashMap};

/// Bytes that all bits together may take; known deployments take a twentieth.
const MOST_BYTES: u64 = 256 << 20;

/// A host in a category: active, and with a public URL there.
#[derive(Debug)]
struct Member {
    /// The host and its URLs, as every directory has it.
    urls: IntInts,
    private: bool,
    /// Position among the countries of the category's members.
    country: Option<usize>,
    /// Whether those of its country on Internet2 get it.
    internet2: bool,
    /// A bit for each directory; nothing if it has always all of them.
    has: Option<Vec<u64>>,
}

#[derive(Debug, Default)]
struct Category {
    members: Vec<Member>,
    /// In order.
    countries: Vec<String>,
}

/// Who has what.
#[derive(Debug)]
pub struct Carriers<'a> {
    tree: &'a Tree<'a>,
    categories: Vec<Category>,
    /// By number of `host_category`: the positions of category and member, nothing where no bit is needed.
    members: HashMap<i32, Option<(u32, u32)>>,
    /// The one before: rows of one come together.
    last: Option<(i32, Option<(u32, u32)>)>,
}

impl<'a> Carriers<'a> {
    /// Begins with hosts that have nothing, but for those that always have all. `counts` are directories by category.
    pub fn new(
        rows: &Rows,
        hosts: &Hosts<'_>,
        tree: &'a Tree<'a>,
        counts: &[u32],
        skipped: &mut Skipped,
    ) -> Result<Carriers<'a>, Error> {
        let urls = urls(rows, skipped);
        let mut carriers = Carriers {
            tree,
            categories: counts.iter().map(|_| Category::default()).collect(),
            members: HashMap::new(),
            last: None,
        };
        let (mut pairs, mut bytes) = (BTreeSet::new(), 0);
        for row in &rows.host_categories {
            carriers.members.insert(row.id, None);
            let Some((host, category)) = known(row, hosts, tree, skipped) else { continue };
            if !pairs.insert((host, category)) {
                skipped.add("host_category", Reason::Repeated, || format!("host {host}, row {}", row.id));
                continue;
            }
            let (Some(standing), Some(position)) = (hosts.standing(host), tree.category(category)) else {
                continue;
            };
            if !standing.active {
                continue;
            }
            let Some(urls) = urls.get(&row.id) else {
                skipped.add("host_category", Reason::NoUrl, || format!("host {host}, row {}", row.id));
                continue;
            };
            let words = counts[position as usize].div_ceil(64) as usize;
            let into = &mut carriers.categories[position as usize];
            if !row.always_up_to_date {
                bytes += 8 * words as u64;
                carriers.members.insert(row.id, Some((position, into.members.len() as u32)));
            }
            if bytes > MOST_BYTES {
                return Err(Error::Refused(format!(
                    "has so many directories and hosts that who has what would take more than {MOST_BYTES} bytes"
                )));
            }
            into.members.push(Member {
                urls: IntInts { key: Some(host.into()), value: urls.clone() },
                private: standing.private,
                country: None,
                internet2: standing.internet2 && (!standing.private || standing.internet2_clients),
                has: (!row.always_up_to_date).then(|| vec![0; words]),
            });
        }
        for category in &mut carriers.categories {
            category.settle_countries(hosts);
        }
        Ok(carriers)
    }

    /// Takes a row of `host_category_dir` that is up to date.
    pub fn add(&mut self, host_category: i32, directory: i32, skipped: &mut Skipped) {
        let table = "host_category_dir";
        let member = match self.last {
            Some((last, member)) if last == host_category => Some(member),
            _ => self.members.get(&host_category).copied(),
        };
        let (Some(member), Some(place)) = (member, self.tree.place(directory)) else {
            skipped.add(table, Reason::Dangling, || format!("{host_category}, {directory}"));
            return;
        };
        self.last = Some((host_category, member));
        let (Some((category, member)), Some(place)) = (member, place) else { return };
        // A directory counts for the one category that it belongs to.
        if category == place.category {
            let member = &mut self.categories[category as usize].members[member as usize];
            if let Some(has) = &mut member.has {
                has[place.position as usize / 64] |= 1 << (place.position % 64);
            }
        }
    }

    /// A record for every directory that is in a category, in order.
    pub fn records(&self) -> impl Iterator<Item = MirrorListDirectory> {
        self.tree.placed().map(|(path, rest, place)| {
            let mut record = MirrorListDirectory {
                directory: Some(path.into()),
                subpath: Some(rest.into()),
                ..MirrorListDirectory::default()
            };
            self.categories[place.category as usize].list(place.position, &mut record);
            record
        })
    }
}

impl Category {
    fn settle_countries(&mut self, hosts: &Hosts<'_>) {
        let country = |member: &Member| {
            let host = i32::try_from(member.urls.key?).ok()?;
            hosts.standing(host)?.country.as_deref()
        };
        let all: BTreeSet<&str> = self.members.iter().filter_map(country).collect();
        let all: Vec<String> = all.into_iter().map(str::to_owned).collect();
        for member in &mut self.members {
            member.country = country(member).and_then(|code| all.iter().position(|known| known == code));
        }
        self.countries = all;
    }

    /// Lists the members that have a directory.
    fn list(&self, directory: u32, record: &mut MirrorListDirectory) {
        let mut public = vec![Vec::new(); self.countries.len()];
        let mut internet2 = vec![Vec::new(); self.countries.len()];
        for member in self.members.iter().filter(|member| member.has(directory)) {
            let host = member.urls.key.unwrap_or_default();
            record.by_host_id.push(member.urls.clone());
            if let Some(country) = member.country.filter(|_| member.internet2) {
                internet2[country].push(host);
            }
            if !member.private {
                record.global.push(host);
                if let Some(country) = member.country {
                    public[country].push(host);
                }
            }
        }
        record.by_country = self.by_country(public);
        record.by_country_internet2 = self.by_country(internet2);
    }

    fn by_country(&self, hosts: Vec<Vec<i64>>) -> Vec<StringInts> {
        let listed = self.countries.iter().zip(hosts).filter(|(_, hosts)| !hosts.is_empty());
        listed.map(|(code, value)| StringInts { key: Some(code.clone().into()), value }).collect()
    }
}

impl Member {
    fn has(&self, directory: u32) -> bool {
        self.has.as_ref().is_none_or(|bits| bits[directory as usize / 64] >> (directory % 64) & 1 == 1)
    }
}

/// The host and the category of a row, both of which exist.
fn known(
    row: &HostCategory,
    hosts: &Hosts<'_>,
    tree: &Tree<'_>,
    skipped: &mut Skipped,
) -> Option<(i32, i32)> {
    let (Some(host), Some(category)) = (row.host, row.category) else {
        skipped.add("host_category", Reason::Null, || format!("row {}", row.id));
        return None;
    };
    if hosts.standing(host).is_none() || !tree.knows(category) {
        skipped.add("host_category", Reason::Dangling, || format!("row {}", row.id));
        return None;
    }
    Some((host, category))
}

/// The public URLs of each row of `host_category`, in order of their numbers.
fn urls(rows: &Rows, skipped: &mut Skipped) -> HashMap<i32, Vec<i64>> {
    let known: BTreeSet<i32> = rows.host_categories.iter().map(|row| row.id).collect();
    let mut urls: HashMap<i32, Vec<i64>> = HashMap::new();
    for row in rows.urls.iter().filter(|row| row.url.is_some()) {
        match row.host_category.filter(|id| known.contains(id)) {
            Some(id) => urls.entry(id).or_default().push(row.id.into()),
            None => skipped.add("host_category_url", Reason::Dangling, || format!("row {}", row.id)),
        }
    }
    urls
}
