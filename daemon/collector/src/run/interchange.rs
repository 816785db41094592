//! The interchange file of a run: the tree, the mirrors and who has what of it, as records. Pure but for the writing.
//!
//! A mirror is listed for a directory if it is good for the directory's unit, or is taken to have everything. Private ones are
//! listed only so, for nobody can look at them. The same facts make the same bytes, but for the time.

use super::{
    mirrors::file::Described,
    tree::{Directory, Tree, Version},
    verdicts::{OfMirror, Verdicts},
};
use crate::store::tree::Numbers;
use interchange::{
    message::{
        FileDetails, FileDetailsDirectory, FileDetailsFile, Host, IntInt, IntInts, IntString, IntStrings,
        MirrorListDirectory, StringInts, StringString,
    },
    write::{self, Table, Writer},
};
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};
use url::Url;

/// Everything that goes into the file.
pub struct Facts<'a> {
    /// What mirrors should have.
    pub tree: &'a Tree,
    /// The mirrors, by name.
    pub mirrors: &'a [Described],
    /// Who has what.
    pub verdicts: &'a Verdicts,
    /// Numbers of hosts and URLs.
    pub numbers: &'a Numbers,
    /// By host, the versions of IP by which it answers.
    pub families: &'a BTreeMap<i64, Vec<u32>>,
    /// Other names of paths.
    pub aliases: &'a BTreeMap<String, String>,
}

/// How much there is of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Directories.
    pub directories: u64,
    /// Directories that no mirror has.
    pub bare: u64,
    /// Repositories.
    pub repositories: u64,
    /// Files with hashes.
    pub files: u64,
    /// Mirrors that are listed for something.
    pub listed: u64,
    /// Those that are for something of a category, by its place in the tree.
    pub by_category: Vec<u64>,
}

/// A mirror in a category.
struct Member<'a> {
    host: i64,
    urls: Vec<i64>,
    is_private: bool,
    country: Option<&'a str>,
    /// What it is good for, unit by unit; nothing if it has everything.
    has: Option<&'a [bool]>,
}

/// A URL as it stands in the file.
pub fn text_of(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

impl<'a> Facts<'a> {
    /// Writes the file.
    pub fn write<W: Write>(&self, out: W) -> io::Result<(Writer<W>, Counts)> {
        let mut writer = Writer::new(out, self.tree.time)?;
        let to = &mut writer;
        let mut counts = Counts::default();
        let details = self.details();
        counts.files = details.iter().map(|directory| directory.files.len() as u64).sum();
        add(to, write::FILE_DETAILS, details)?;
        let members = self.members();
        counts.by_category = members.iter().map(|members| members.len() as u64).collect();
        add(to, write::URL, self.urls(&members))?;
        let repositories = self.repositories();
        counts.repositories = repositories.len() as u64;
        add(to, write::REPO_ARCH, repositories)?;
        let listed = self.listed(&members);
        counts.listed = listed.len() as u64;
        self.write_hosts(to, &listed)?;
        // Directories of a unit have the same mirrors.
        let mut of_unit: Option<(u32, MirrorListDirectory)> = None;
        let mut by_unit: Vec<&Directory> = self.tree.directories.iter().collect();
        by_unit.sort_by_key(|directory| directory.unit);
        for directory in by_unit {
            let Directory { path, category, unit } = directory;
            if of_unit.as_ref().is_none_or(|(number, _)| number != unit) {
                of_unit = Some((*unit, carriers(&members[*category as usize], *unit)));
            }
            let Some((_, record)) = &mut of_unit else { continue };
            let top = &*self.tree.categories[*category as usize].top;
            record.directory = Some(path.clone().into());
            record.subpath = Some(path[top.len()..].trim_start_matches('/').into());
            counts.directories += 1;
            counts.bare += u64::from(record.by_host_id.is_empty());
            to.add(&write::MIRROR_LIST, record)?;
        }
        add(to, write::HOST, self.hosts(&listed))?;
        let pair = |key: &str, value: &str| StringString { key: Some(key.into()), value: Some(value.into()) };
        let origins = self.tree.categories.iter();
        let origins = origins.filter_map(|category| Some(pair(&category.top, category.origin.as_ref()?)));
        add(to, write::ORIGIN, origins)?;
        add(to, write::ALIAS, self.aliases.iter().map(|(name, path)| pair(name, path)))?;
        Ok((writer, counts))
    }

    /// By category, the mirrors that are listed for something of it.
    fn members(&self) -> Vec<Vec<Member<'a>>> {
        let mut members: Vec<Vec<Member<'a>>> = self.tree.categories.iter().map(|_| Vec::new()).collect();
        let unknown = OfMirror::default();
        for Described { mirror, told, .. } in self.mirrors {
            let is_listed = !mirror.disabled && (mirror.up_to_date || !mirror.private);
            let Some(host) = self.numbers.hosts.get(&mirror.name).filter(|_| is_listed) else { continue };
            let verdict = self.verdicts.mirrors.get(&mirror.name);
            let bad: BTreeSet<&str> =
                verdict.unwrap_or(&unknown).bad_urls.iter().map(|url| url.trim_end_matches('/')).collect();
            for (category, urls) in &mirror.urls {
                let good = urls.iter().map(text_of).filter(|url| !bad.contains(url));
                let urls: Vec<i64> = good.filter_map(|url| self.numbers.urls.get(url).copied()).collect();
                let has = if mirror.up_to_date {
                    None
                } else {
                    Some(verdict.map_or(&[][..], |verdict| &verdict.has))
                };
                let is_any = has.is_none_or(|has| {
                    let units = self.tree.units.iter().zip(has);
                    units.into_iter().any(|(unit, has)| *has && unit.category == *category)
                });
                if urls.is_empty() || !is_any {
                    continue;
                }
                if let Some(members) = members.get_mut(*category as usize) {
                    let (is_private, country) = (mirror.private, told.country.as_deref());
                    members.push(Member { host: *host, urls, is_private, country, has });
                }
            }
        }
        members
    }

    /// Mirrors that are listed for something, with their numbers.
    fn listed(&self, members: &[Vec<Member<'_>>]) -> Vec<(i64, &'a Described)> {
        let hosts: BTreeSet<i64> = members.iter().flatten().map(|member| member.host).collect();
        let numbered = self.mirrors.iter().filter_map(|described| {
            let host = self.numbers.hosts.get(&described.mirror.name)?;
            hosts.contains(host).then_some((*host, described))
        });
        let mut listed: Vec<_> = numbered.collect();
        listed.sort_by_key(|(host, _)| *host);
        listed
    }

    fn urls(&self, members: &[Vec<Member<'_>>]) -> Vec<IntString> {
        let used: BTreeSet<i64> = members.iter().flatten().flat_map(|member| &member.urls).copied().collect();
        let by_number: BTreeMap<i64, &str> =
            self.numbers.urls.iter().map(|(url, number)| (*number, url.as_str())).collect();
        let record = |number: i64| {
            IntString { key: Some(number), value: Some((*by_number.get(&number)?).into()) }.into()
        };
        used.into_iter().filter_map(record).collect()
    }

    fn repositories(&self) -> Vec<StringString> {
        let record = |unit: &super::tree::Unit| {
            let repository = unit.repository.as_ref()?;
            let key = format!("{}+{}", repository.name, repository.arch);
            Some(StringString { key: Some(key.into()), value: Some(unit.path.clone().into()) })
        };
        self.tree.units.iter().filter_map(record).collect()
    }

    /// Indexes with their versions, and files of which lists say the hashes.
    fn details(&self) -> Vec<FileDetailsDirectory> {
        let mut directories: BTreeMap<&str, BTreeMap<&str, Vec<FileDetails>>> = BTreeMap::new();
        let mut put = |path: &'a str, versions: Vec<FileDetails>| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            directories.entry(folder).or_default().insert(name, versions);
        };
        for image in &self.tree.images {
            put(&image.path, vec![details(&image.version)]);
        }
        for repository in self.tree.units.iter().filter_map(|unit| unit.repository.as_ref()) {
            put(&repository.index, repository.versions.iter().map(details).collect());
        }
        let record = |(directory, files): (&str, BTreeMap<&str, Vec<FileDetails>>)| FileDetailsDirectory {
            directory: Some(directory.into()),
            files: files
                .into_iter()
                .map(|(name, details)| FileDetailsFile { filename: Some(name.into()), details })
                .collect(),
        };
        directories.into_iter().map(record).collect()
    }

    /// The tables of MirrorManager that are about hosts.
    fn write_hosts<W: Write>(&self, to: &mut Writer<W>, listed: &[(i64, &Described)]) -> io::Result<()> {
        let told = || listed.iter().map(|(host, described)| (*host, &described.told));
        let mut asns: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        let mut netblocks: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (host, told) in told() {
            told.asns.iter().for_each(|asn| asns.entry((*asn).into()).or_default().push(host));
            told.netblocks
                .iter()
                .for_each(|prefix| netblocks.entry(prefix.to_string()).or_default().push(host));
        }
        add(to, write::HOST_ASN, asns.into_iter().map(|(asn, value)| IntInts { key: Some(asn), value }))?;
        let countries = told().filter_map(|(host, told)| {
            Some(IntString { key: Some(host), value: Some(told.country.clone()?.into()) })
        });
        add(to, write::HOST_COUNTRY, countries)?;
        let bandwidths = told()
            .filter_map(|(host, told)| Some(IntInt { key: Some(host), value: Some(told.bandwidth?.into()) }));
        add(to, write::HOST_BANDWIDTH, bandwidths)?;
        let allowed = told().filter_map(|(host, told)| {
            let value = told.countries_allowed.as_ref()?.iter().map(|code| code.clone().into()).collect();
            Some(IntStrings { key: Some(host), value })
        });
        add(to, write::HOST_COUNTRY_ALLOWED, allowed)?;
        let netblocks = netblocks.into_iter();
        let netblocks = netblocks.map(|(prefix, value)| StringInts { key: Some(prefix.into()), value });
        add(to, write::HOST_NETBLOCK, netblocks)
    }

    /// What MirrorManager's tables have no field for.
    fn hosts(&self, listed: &[(i64, &Described)]) -> Vec<Host> {
        let record = |(host, Described { mirror, told, .. }): &(i64, &Described)| Host {
            id: Some(*host),
            name: Some(mirror.name.clone().into()),
            latitude: told.place.map(|place| place.0),
            longitude: told.place.map(|place| place.1),
            families: self.families.get(host).cloned().unwrap_or_default(),
            exclusive: told.exclusive.iter().map(|network| network.clone().into()).collect(),
            only: told.only.clone().map(Into::into),
            weight: told.weight,
            up_to_date: mirror.up_to_date.then_some(true),
        };
        listed.iter().map(record).collect()
    }
}

/// Who carries a unit.
fn carriers(members: &[Member<'_>], unit: u32) -> MirrorListDirectory {
    let mut record = MirrorListDirectory::default();
    let mut by_country: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for member in members {
        if member.has.is_some_and(|has| has.get(unit as usize) != Some(&true)) {
            continue;
        }
        record.by_host_id.push(IntInts { key: Some(member.host), value: member.urls.clone() });
        if member.is_private {
            continue;
        }
        record.global.push(member.host);
        if let Some(country) = member.country {
            by_country.entry(country).or_default().push(member.host);
        }
    }
    let countries = by_country.into_iter();
    record.by_country = countries.map(|(key, value)| StringInts { key: Some(key.into()), value }).collect();
    record
}

fn details(version: &Version) -> FileDetails {
    let hash = |text: &str| (!text.is_empty()).then(|| text.into());
    FileDetails {
        timestamp: Some(version.time),
        size: Some(version.size),
        sha1: hash(&version.sha1),
        md5: hash(&version.md5),
        sha256: hash(&version.sha256),
        sha512: hash(&version.sha512),
    }
}

fn add<M: Message, W: Write>(
    writer: &mut Writer<W>,
    table: Table<M>,
    records: impl IntoIterator<Item = M>,
) -> io::Result<()> {
    records.into_iter().try_for_each(|record| writer.add(&table, &record))
}
