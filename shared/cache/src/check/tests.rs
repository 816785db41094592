//! Every rule on a payload's meaning, broken alone, is the one that refuses it.

use crate::{
    CacheError, DirectoryId, Found, View,
    limits::{
        MOST_COMPARISONS, MOST_COMPONENTS, MOST_EXTRAS, MOST_GLOBS, MOST_HOSTS, MOST_NODES, MOST_PATH,
        MOST_TEXT, MOST_URLS, MOST_VERSIONS,
    },
    schema::{HashIndex, NONE, NodeRow, PUBLIC, RepositoryRow, RosterRow, Schema},
    scheme::Scheme,
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
    ("a text that is too long", |s| {
        text(s, &[b'x'; MOST_TEXT + 1]);
    }),
    // Sources.
    ("unknown text", |s| s.sources[0].name = no_text(s)),
    // Countries.
    ("countries out of order", |s| s.countries[1] = s.countries[0]),
    ("too many countries", |s| {
        s.countries = (0..u16::MAX).map(u16::to_be_bytes).collect();
        s.country_continent = vec![0; s.countries.len()];
    }),
    ("a country without a code", |s| s.countries[0] = *b"--"),
    ("a country without a code", |s| *s.countries.last_mut().unwrap() = *b"zw"),
    ("a continent for each country", |s| s.country_continent.push(0)),
    ("unknown continent", |s| s.country_continent[0] = s.continents.len() as u8),
    // Hosts.
    ("too many hosts", |s| s.hosts = vec![s.hosts[0]; MOST_HOSTS + 1]),
    ("a host without weight", |s| s.hosts[0].bandwidth = 0),
    ("unknown country", |s| s.hosts[0].country = s.countries.len() as u16),
    ("allowed countries of a host", |s| s.hosts[1].allowed_len += 1),
    ("a host for too many countries", |s| {
        s.allowed = vec![0; s.countries.len() + 1];
        s.hosts[1].allowed_len = s.allowed.len() as u16;
    }),
    ("allowed countries out of order", |s| s.allowed[1] = s.allowed[0]),
    ("unknown country", |s| s.allowed[1] = s.countries.len() as u16),
    ("unknown text", |s| s.urls[0].text = no_text(s)),
    ("unknown scheme", |s| s.urls[0].scheme = Scheme::ALL.len() as u8),
    ("unknown URL", |s| s.placement_urls[0] = s.urls.len() as u32),
    ("URLs of placements", |s| s.placements[0].urls_start = 1),
    ("URLs of placements", |s| s.placements[1].urls_start = 3),
    ("URLs of placements", |s| s.placements[2].urls_start = 4),
    ("too many URLs of a placement", |s| s.placement_urls.extend([0; MOST_URLS])),
    ("too many URLs of a placement", |s| {
        s.placement_urls.extend([0; MOST_URLS]);
        s.placements[1..].iter_mut().for_each(|row| row.urls_start += MOST_URLS as u32);
    }),
    ("placements of hosts", |s| s.host_placements[3] = 2),
    ("placements for each host", |s| s.host_placements.push(3)),
    ("a placement at another host", |s| s.placements[0].host = 1),
    // The choice among hosts.
    ("more than one number of near hosts", |s| s.near_hosts.push(1)),
    ("words of rings", |s| s.rings.push(0)),
    ("words of rings", |s| s.near_hosts.clear()),
    ("an unknown host in a ring", |s| s.rings[0] |= 1 << s.hosts.len()),
    ("a place for each host", |s| s.host_place.push(s.host_place[0])),
    ("families for each host", |s| s.host_families.push(0)),
    ("unknown family", |s| s.host_families[0] = 4),
    ("flags for each host", |s| s.host_flags.push(0)),
    ("unknown flag of a host", |s| s.host_flags[0] = 4),
    ("avoided countries out of order", |s| s.avoid.swap(0, 1)),
    ("unknown avoided country", |s| s.avoid[1].host = s.countries.len() as u16),
    ("words of exclusive hosts", |s| s.netblock_exclusive.push(0)),
    ("words of exclusive hosts", |s| s.asn_exclusive.push(0)),
    // Sets of hosts.
    ("members of rosters", |s| s.members.push(0)),
    ("groups of rosters", |s| s.groups.push(s.groups[0])),
    ("extras of rosters", |s| s.extras.push(s.extras[0])),
    ("members of rosters", |s| s.rosters.clear()),
    ("sets of rosters", |s| s.bits.push(0)),
    ("sets of rosters", |s| s.rosters[0].sets = 1),
    ("sets of rosters", |s| s.rosters[1].sets = 4),
    ("unknown placement", |s| s.members[0] = s.placements.len() as u32 | PUBLIC),
    ("a roster with too many hosts", |s| {
        s.members.resize(s.members.len() + 65_535, 0);
        s.rosters[1..].iter_mut().for_each(|row| row.members += 65_535);
    }),
    ("groups out of order", |s| s.groups[1].country = s.groups[0].country),
    ("groups larger than their roster", |s| s.groups[3].len += 1),
    ("unknown member", |s| s.extras[0].member = 4),
    ("too many extras of a roster", |s| extras(s, MOST_EXTRAS + 1)),
    ("extras out of order", |s| extras(s, 2)),
    ("words of sets", |s| s.rosters[1].sets = 1),
    ("words of sets", |s| s.rosters[2].sets = u32::MAX),
    ("a set with an unknown member", |s| s.bits[1] |= 1 << 4),
    ("a set with an unknown member", |s| s.bits[2] |= 1 << 31),
    ("a set with an unknown member", |s| {
        s.rosters.insert(0, RosterRow { members: 0, groups: 0, extras: 0, sets: 0, bits: 0 });
        s.rosters[1..].iter_mut().for_each(|row| (row.sets, row.bits) = (row.sets + 1, row.bits + 1));
        s.bits.insert(0, 1);
    }),
    ("unknown country of a group", |s| s.groups[3].country = s.countries.len() as u16),
    ("unknown country of an extra", |s| s.extras[0].country = s.countries.len() as u16),
    // Paths.
    ("no directory", |s| s.directories.clear()),
    ("more directories than paths", |s| s.directories.resize(s.nodes.len() + 1, 0)),
    ("a path component that hangs nowhere", |s| s.nodes[0].parent = s.nodes.len() as u32),
    ("a path component that hangs nowhere", |s| s.nodes[0].name = no_text(s)),
    ("a path component without a name", |s| s.nodes[0].name = text(s, b"")),
    ("a path component without a name", |s| s.nodes[0].name = text(s, b"/")),
    ("a path component without a name", |s| s.nodes[0].name = text(s, b"pub/fedora")),
    ("a path inside itself, or too deep", |s| s.nodes[0].parent = 0),
    ("a path inside itself, or too deep", |s| (s.nodes[0].parent, s.nodes[1].parent) = (1, 0)),
    ("a path that is too long", |s| chain(s, MOST_COMPONENTS + 1, b"x")),
    ("a path that is too long", |s| chain(s, 3, &[b'x'; MOST_TEXT - 1])),
    ("too many path components", |s| s.nodes = vec![s.nodes[4]; MOST_NODES + 1]),
    ("a directory without carriers", |s| s.directories[0] = s.rosters[2].sets),
    ("a category for each directory", |s| s.directory_category.push(0)),
    ("unknown category", |s| s.directory_category[0] = s.categories.len() as u8),
    ("unknown text", |s| s.categories[0].top = no_text(s)),
    ("a directory above its top directory", |s| s.categories[0].top = text(s, b"pub/fedora/42/os/x")),
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
    ("too many versions of a file", |s| {
        s.versions = vec![s.versions[0]; MOST_VERSIONS + 1];
        s.file_versions[1] = s.versions.len() as u32;
    }),
    ("unknown kind of hash", |s| s.versions[0].kinds = 16),
    ("hashes beyond the end", |s| s.versions[1].hashes += 1),
    // Repositories.
    ("architectures of repositories", |s| s.repo_archs.push(s.repo_archs[0])),
    ("unknown text", |s| s.repositories[0].name = no_text(s)),
    ("redirect to an unknown repository", |s| s.repositories[0].redirect = s.repositories.len() as u32 - 1),
    ("unknown text", |s| s.archs[0] = no_text(s)),
    ("unknown architecture", |s| s.repo_archs[0].arch = s.archs.len() as u32),
    ("unknown directory of a repository", |s| s.repo_archs[0].directory = s.nodes.len() as u32),
    ("unknown repodata of a repository", |s| s.repo_archs[0].repodata = s.directories.len() as u32),
    ("unknown repomd.xml of a repository", |s| s.repo_archs[0].repomd = s.nodes.len() as u32),
    ("a repomd.xml that is no file", |s| s.repo_archs[0].repomd = s.nodes.len() as u32 - 2),
    ("repository table", |s| s.repository_names.tags.fill(0)),
    ("architectures out of order", |s| s.repo_archs.swap(0, 1)),
    ("architectures out of order", |s| s.repo_archs[1].arch = s.repo_archs[0].arch),
    ("a table that takes long to look up", |s| one_tag(s, MOST_COMPARISONS + 1)),
    // Clients.
    ("hosts of locations", |s| s.location_hosts.push(0)),
    ("unknown host of a location", |s| s.location_hosts[0] = s.hosts.len() as u32),
    ("hosts out of order", |s| {
        s.location_hosts.push(s.location_hosts[0]);
        s.locations[1].hosts += 1;
    }),
    ("unknown text", |s| s.locations[0].name = no_text(s)),
    ("hosts of ASNs", |s| s.asn_hosts.push(0)),
    ("unknown host of an ASN", |s| s.asn_hosts[0] = s.hosts.len() as u32),
    ("hosts out of order", |s| {
        s.asn_hosts.push(s.asn_hosts[0]);
        s.asns[1].hosts += 1;
    }),
    ("hosts of netblocks", |s| s.netblock_hosts.push(0)),
    ("unknown host of a netblock", |s| s.netblock_hosts[0] = s.hosts.len() as u32),
    ("hosts out of order", |s| s.netblock_hosts[1] = s.netblock_hosts[0]),
    ("a netblock inside a later one", |s| s.netblocks[0].parent = 0),
    ("a netblock of no family", |s| s.netblocks[0].family = 5),
    ("a netblock of no family", |s| s.netblocks[0].length = 33),
    ("a netblock of no family", |s| s.netblocks[2].length = 129),
    ("a netblock that is not in its parent", |s| s.netblocks[1].length = 8),
    ("a netblock that is not in its parent", |s| s.netblocks[1].address[12] = 11),
    ("a netblock that is not in its parent", |s| s.netblocks[2].parent = 0),
    ("no client class", |s| s.classes.clear()),
    ("unknown country", |s| s.classes[0].country = s.countries.len() as u16),
    ("unknown ASN of a class", |s| s.classes[0].asn = s.asns.len() as u32 - 1),
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
    // What the site says.
    ("one policy", |s| s.policy.clear()),
    ("unknown text", |s| s.policy[0].public_url = no_text(s)),
    ("a public URL that is none", |s| s.policy[0].public_url = text(s, b"ftp://dl.example.org")),
    ("unknown text", |s| s.origins[0].top = no_text(s)),
    ("unknown text", |s| s.origins[0].url = no_text(s)),
    ("an origin that is no URL", |s| s.origins[0].url = text(s, b"https://origin.example.org/")),
    ("an origin of no path", |s| s.origins[0].top = text(s, b"pub//fedora")),
    ("an origin below the public URL", |s| s.origins[0].url = text(s, b"http://dl.example.org/x")),
    ("origins out of order", |s| s.origins.push(s.origins[0])),
    ("too many patterns", |s| s.origin_only = vec![s.origin_only[0]; MOST_GLOBS + 1]),
    ("unknown text", |s| s.origin_only[0] = no_text(s)),
    ("a pattern that is none", |s| s.origin_only[0] = text(s, b"")),
    ("unknown text", |s| s.aliases[0].name = no_text(s)),
    ("unknown text", |s| s.aliases[0].path = no_text(s)),
    ("an alias of no path", |s| s.aliases[0].path = text(s, b"")),
    ("an alias of no path", |s| s.aliases[0].name = text(s, b"pub/../x")),
    ("aliases out of order", |s| s.aliases.push(s.aliases[0])),
];

/// The first number that no text has.
fn no_text(schema: &Schema) -> u32 {
    schema.text_start.len() as u32 - 1
}

/// The number of a new text.
fn text(schema: &mut Schema, text: &[u8]) -> u32 {
    schema.text.extend_from_slice(text);
    schema.text_start.push(schema.text.len() as u32);
    no_text(schema) - 1
}

/// Gives the first roster, which has the only extra, so many of the same.
fn extras(schema: &mut Schema, count: usize) {
    schema.extras = vec![schema.extras[0]; count];
    schema.rosters[1..].iter_mut().for_each(|row| row.extras = count as u32);
}

/// Adds a path of so many components of this name.
fn chain(schema: &mut Schema, count: usize, name: &[u8]) {
    let name = text(schema, name);
    let mut parent = NONE;
    for _ in 0..count {
        schema.nodes.push(NodeRow { parent, name });
        parent = schema.nodes.len() as u32 - 1;
    }
}

/// Adds so many repositories, and gives all of them one tag, in a run of the table that goes on at its start.
fn one_tag(schema: &mut Schema, count: usize) {
    let row = RepositoryRow { repo_archs: 0, ..schema.repositories[0] };
    schema.repositories.splice(..0, vec![row; count]);
    let entries = schema.repositories.len() - 1;
    let tags = [vec![0xff; entries - count / 2], vec![0], vec![0xff; count / 2]].concat();
    schema.repository_names = HashIndex { slots: vec![0; tags.len()], tags };
}

#[test]
#[cfg_attr(miri, ignore = "checks more than a hundred caches")]
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

/// What is at the bounds passes, and is found.
#[test]
#[cfg_attr(miri, ignore = "checks two large caches")]
fn what_is_as_much_as_may_be_is_accepted() {
    let mut schema = lay_out(&inventory()).unwrap();
    schema.placement_urls.extend([0; MOST_URLS - 1]);
    schema.versions = vec![schema.versions[0]; MOST_VERSIONS];
    schema.file_versions[1] = MOST_VERSIONS as u32;
    assert_eq!(View::check(&serialise(&schema, 0).unwrap()).err(), None);

    let mut inventory = inventory();
    let path = ["x"; MOST_TEXT / 2].join("/") + "y";
    let directory = inventory.directories[0].clone();
    let (at, _) = inventory.directories.insert_full(path.clone(), directory);
    let version = inventory.files.values().next().unwrap().clone();
    let name = "z".repeat(MOST_TEXT);
    inventory.files.insert((at as u32, name.clone()), version);
    let bytes = serialise(&lay_out(&inventory).unwrap(), 0).unwrap();
    let view = View::check(&bytes).unwrap();
    assert_eq!(view.find(path.as_bytes()), Some(Found::Directory(DirectoryId(at as u32))));
    let whole = format!("{path}/{name}");
    assert_eq!(whole.len(), MOST_PATH);
    assert!(matches!(view.find(whole.as_bytes()), Some(Found::File(_))));
    let mut out = Vec::new();
    view.directory_path(DirectoryId(at as u32), &mut out);
    assert_eq!(out, path.as_bytes());
}
