//! Every rule on a payload's meaning, broken alone, is the one that refuses it.

use crate::scheme::Scheme;
use crate::{
    CacheError, View,
    schema::{HashIndex, PUBLIC, Schema},
    tests::inventory,
    write::{lay_out, serialise},
};

/// What a rule says, and a change of the sample that breaks this rule.
type Broken = (&'static str, fn(&mut Schema));

/// Everything that is numbered is broken by the first number that stands for nothing.
const BROKEN: &[Broken] = &[
    // Text.
    ("text is not UTF-8", |s| s.text[0] = 0xff),
    ("text offsets", |s| s.text_start.clear()),
    ("text offsets", |s| s.text.push(b'x')),
    ("text offsets", |s| s.text_start[0] = 1),
    ("text offsets", |s| s.text_start.swap(1, 2)),
    ("a text begins inside a character", |s| {
        s.text[..2].copy_from_slice("é".as_bytes());
        s.text_start[1] = 1;
    }),
    // Countries.
    ("countries out of order", |s| s.countries[1] = s.countries[0]),
    ("too many countries", |s| {
        s.countries = (0..u16::MAX).map(u16::to_be_bytes).collect();
        s.country_continent = vec![0; s.countries.len()];
    }),
    ("a continent for each country", |s| s.country_continent.push(0)),
    ("unknown continent", |s| s.country_continent[0] = s.continents.len() as u8),
    // Hosts.
    ("a host without weight", |s| s.hosts[0].bandwidth = 0),
    ("unknown country", |s| s.hosts[0].country = s.countries.len() as u16),
    ("allowed countries of a host", |s| s.hosts[1].allowed_len += 1),
    ("unknown country", |s| s.allowed[0] = s.countries.len() as u16),
    ("unknown text", |s| s.urls[0].text = no_text(s)),
    ("unknown scheme", |s| s.urls[0].scheme = Scheme::ALL.len() as u8),
    ("unknown URL", |s| s.placement_urls[0] = s.urls.len() as u32),
    ("URLs of placements", |s| s.placements[0].urls_start = 1),
    ("URLs of placements", |s| s.placements[1].urls_start = 3),
    ("URLs of placements", |s| s.placements[2].urls_start = 4),
    ("placements of hosts", |s| s.host_placements[3] = 2),
    ("placements for each host", |s| s.host_placements.push(3)),
    ("a placement at another host", |s| s.placements[0].host = 1),
    // Sets of hosts.
    ("members of sets", |s| s.members.push(0)),
    ("groups of sets", |s| s.groups.push(s.groups[0])),
    ("extras of sets", |s| s.extras.push(s.extras[0])),
    ("unknown placement", |s| s.members[0] = s.placements.len() as u32 | PUBLIC),
    ("a set with too many hosts", |s| {
        s.members.resize(s.members.len() + 65_535, 0);
        s.sets[2].members += 65_535;
    }),
    ("groups out of order", |s| s.groups[1].country = s.groups[0].country),
    ("groups larger than their set", |s| s.groups[3].len += 1),
    ("unknown member", |s| s.extras[0].member = 3),
    ("unknown country of a group", |s| s.groups[3].country = s.countries.len() as u16),
    ("unknown country of an extra", |s| s.extras[0].country = s.countries.len() as u16),
    // Paths.
    ("no directory", |s| s.directories.clear()),
    ("more directories than paths", |s| s.directories.resize(s.nodes.len() + 1, 0)),
    ("a path component that hangs nowhere", |s| s.nodes[0].parent = s.nodes.len() as u32),
    ("a path component that hangs nowhere", |s| s.nodes[0].name = no_text(s)),
    ("a directory without carriers", |s| s.directories[0] = s.sets.len() as u32 - 1),
    ("a category for each directory", |s| s.directory_category.push(0)),
    ("unknown category", |s| s.directory_category[0] = s.categories.len() as u8),
    ("unknown text", |s| s.categories[0].top = no_text(s)),
    ("a subpath of no directory", |s| s.subpath_exceptions[0].directory = s.directories.len() as u32),
    ("unknown text", |s| s.subpath_exceptions[0].text = no_text(s)),
    ("subpaths out of order", |s| s.subpath_exceptions.push(s.subpath_exceptions[0])),
    ("path table", |s| s.paths = HashIndex::default()),
    ("path table", |s| s.paths.slots.push(0)),
    ("path table", |s| s.paths.tags.fill(0)),
    ("path table", |s| s.paths = HashIndex { tags: vec![1; s.nodes.len()], slots: vec![0; s.nodes.len()] }),
    ("path table", |s| s.paths.slots.fill(s.nodes.len() as u32)),
    // Files.
    ("versions of files", |s| s.versions.push(s.versions[0])),
    ("more files than paths", |s| s.file_versions.extend([2; 5])),
    ("a file in no directory", |s| s.nodes.last_mut().unwrap().parent = s.directories.len() as u32),
    ("a file without versions", |s| {
        s.versions.clear();
        s.file_versions = vec![0, 0];
    }),
    ("unknown kind of hash", |s| s.versions[0].kinds = 16),
    ("hashes beyond the end", |s| s.versions[1].hashes += 1),
    // Repositories.
    ("trees of repositories", |s| s.trees.push(s.trees[0])),
    ("unknown text", |s| s.repositories[0].name = no_text(s)),
    ("redirect to an unknown repository", |s| s.repositories[0].redirect = s.repositories.len() as u32 - 1),
    ("unknown text", |s| s.archs[0] = no_text(s)),
    ("unknown architecture", |s| s.trees[0].arch = s.archs.len() as u32),
    ("unknown directory of a repository", |s| s.trees[0].directory = s.nodes.len() as u32),
    ("unknown repodata of a repository", |s| s.trees[0].repodata = s.directories.len() as u32),
    ("unknown repomd.xml of a repository", |s| s.trees[0].repomd = s.nodes.len() as u32),
    ("a repomd.xml that is no file", |s| s.trees[0].repomd = s.nodes.len() as u32 - 2),
    ("repository table", |s| s.repository_names.tags.fill(0)),
    // Clients.
    ("hosts of locations", |s| s.location_hosts.push(0)),
    ("unknown host of a location", |s| s.location_hosts[0] = s.hosts.len() as u32),
    ("unknown text", |s| s.locations[0].name = no_text(s)),
    ("hosts of systems", |s| s.system_hosts.push(0)),
    ("unknown host of a system", |s| s.system_hosts[0] = s.hosts.len() as u32),
    ("hosts of netblocks", |s| s.netblock_hosts.push(0)),
    ("unknown host of a netblock", |s| s.netblock_hosts[0] = s.hosts.len() as u32),
    ("a netblock inside a later one", |s| s.netblocks[0].parent = 0),
    ("a netblock of no family", |s| s.netblocks[0].family = 5),
    ("a netblock of no family", |s| s.netblocks[0].length = 33),
    ("a netblock of no family", |s| s.netblocks[2].length = 129),
    ("no client class", |s| s.classes.clear()),
    ("unknown country", |s| s.classes[0].country = s.countries.len() as u16),
    ("unknown system of a class", |s| s.classes[0].system = s.systems.len() as u32 - 1),
    ("unknown netblock of a class", |s| s.classes[0].netblock = s.netblocks.len() as u32 - 1),
    // Ranges of IPv4 addresses.
    ("IPv4 blocks", |s| {
        s.v4.block.truncate(65_536);
        s.v4.start.truncate(s.v4.block[65_535] as usize);
        s.v4.class.low.truncate(s.v4.start.len());
    }),
    ("IPv4 blocks", |s| {
        s.v4.start.push(1);
        s.v4.class.low.push(0);
    }),
    ("an empty IPv4 block", |s| s.v4.block[1] = 0),
    ("a class for each range", |s| s.v4.class.low.push(0)),
    ("the high byte of each class", |s| s.v4.class.high.push(0)),
    ("unknown class", |s| s.v4.class.low[0] = s.classes.len() as u16),
    ("ranges that do not begin at the beginning", |s| s.v4.start[0] = 1),
    ("ranges out of order", |s| *s.v4.start.iter_mut().find(|start| **start > 0).unwrap() = 0),
    // Ranges of IPv6 addresses.
    ("ranges that do not begin at the beginning", |s| (s.v6.start[0], s.v6.sample[0]) = (1, 1)),
    ("ranges out of order", |s| s.v6.start[1] = 0),
    ("unknown class", |s| s.v6.class.low[0] = s.classes.len() as u16 + 1),
    ("IPv6 sample", |s| s.v6.sample.push(0)),
    ("IPv6 blocks out of order", |s| {
        s.v6.deep_block.push(s.v6.deep_block[0]);
        s.v6.deep_start.push(0);
        s.v6.deep_index.push(s.v6.deep_start.len() as u32);
        s.v6.deep_class.low.push(0);
    }),
    ("IPv6 blocks", |s| s.v6.deep_block.clear()),
    ("IPv6 blocks", |s| {
        s.v6.deep_start.push(u64::MAX);
        s.v6.deep_class.low.push(0);
    }),
    ("unknown class", |s| s.v6.deep_class.low[0] = s.classes.len() as u16),
    ("ranges out of order", |s| s.v6.deep_start[1] = 0),
];

/// The first number that no text has.
fn no_text(schema: &Schema) -> u32 {
    schema.text_start.len() as u32 - 1
}

#[test]
#[cfg_attr(miri, ignore = "checks 98 caches")]
fn each_rule_refuses_what_breaks_it() {
    let refusal = |change: fn(&mut Schema)| {
        let mut schema = lay_out(&inventory()).unwrap();
        change(&mut schema);
        View::check(&serialise(&schema, 0).unwrap()).err()
    };
    assert_eq!(refusal(|_| ()), None);
    for (at, (what, change)) in BROKEN.iter().enumerate() {
        assert_eq!(refusal(*change), Some(CacheError::Meaning(what)), "entry {at}");
    }
}
