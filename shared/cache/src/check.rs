//! Whether a payload means something: every number points into its table, every table ends where it says.
//!
//! The checksum finds damage; this finds a writer's mistake, or a file made to deceive: one whose numbers are good and
//! lead nowhere, or to more than [`limits`](super::limits) allow. It runs once, in the master, in a few steps for each
//! row and byte of text, beside which it takes three bytes for each path component. Views are memory-safe without it.

use super::{
    CacheError, glob,
    limits::{
        MOST_COMPONENTS, MOST_EXTRAS, MOST_GLOBS, MOST_HOSTS, MOST_NODES, MOST_PATH, MOST_TEXT, MOST_URLS,
        MOST_VERSIONS,
    },
    schema::{
        ArchivedClassNumbers, ArchivedHashIndex, ArchivedNetblockRow, ArchivedRepoArchRow, ArchivedRosterRow,
        ArchivedSchema, FAMILIES, NO_CATEGORY, NO_CONTINENT, NO_COUNTRY, NONE, ONLY_CONTINENT, ONLY_COUNTRY,
        PUBLIC, RINGS, stride,
    },
    site::is_below,
    table,
};
use crate::scheme::Scheme;
use rkyv::rend::{u16_le, u32_le};
use wire::code::Country;

type Checked = Result<(), CacheError>;

fn must(good: bool, what: &'static str) -> Checked {
    if good { Ok(()) } else { Err(CacheError::Meaning(what)) }
}

/// The whole semantic pass over a payload that is a valid archive.
pub(super) fn meaning(schema: &ArchivedSchema) -> Checked {
    text(schema)?;
    sources(schema)?;
    countries(schema)?;
    hosts(schema)?;
    rosters(schema)?;
    paths(schema)?;
    files(schema)?;
    repositories(schema)?;
    clients(schema)?;
    ranges(schema)?;
    site(schema)?;
    choice(schema)
}

/// What hosts are chosen by beside their tiers.
fn choice(schema: &ArchivedSchema) -> Checked {
    let (hosts, countries) = (schema.hosts.len(), schema.countries.len());
    must(schema.near_hosts.len() <= 1, "more than one number of near hosts")?;
    let words = if schema.near_hosts.is_empty() { 0 } else { countries * RINGS * hosts.div_ceil(32) };
    must(schema.rings.len() == words, "words of rings")?;
    if hosts % 32 != 0 {
        let known = |ring: &[u32_le]| ring.last().is_none_or(|word| word.to_native() >> (hosts % 32) == 0);
        must(schema.rings.chunks_exact(hosts.div_ceil(32)).all(known), "an unknown host in a ring")?;
    }
    let for_each_host = |length: usize| length == 0 || length == hosts;
    must(for_each_host(schema.host_place.len()), "a place for each host")?;
    must(for_each_host(schema.host_families.len()), "families for each host")?;
    must(schema.host_families.iter().all(|bits| bits & !FAMILIES == 0), "unknown family")?;
    must(for_each_host(schema.host_flags.len()), "flags for each host")?;
    let flags = ONLY_COUNTRY | ONLY_CONTINENT;
    must(schema.host_flags.iter().all(|bits| bits & !flags == 0), "unknown flag of a host")?;
    let order = schema.avoid.is_sorted_by(|a, b| (a.client, a.host) < (b.client, b.host));
    must(order, "avoided countries out of order")?;
    let known = |number: u16_le| usize::from(number.to_native()) < countries;
    must(schema.avoid.iter().all(|row| known(row.client) && known(row.host)), "unknown avoided country")?;
    for (bits, of) in [
        (&schema.netblock_exclusive, schema.netblock_hosts.len()),
        (&schema.asn_exclusive, schema.asn_hosts.len()),
    ] {
        must(bits.is_empty() || bits.len() == of.div_ceil(32), "words of exclusive hosts")?;
    }
    Ok(())
}

fn text(schema: &ArchivedSchema) -> Checked {
    let whole = std::str::from_utf8(&schema.text).map_err(|_| CacheError::Meaning("text is not UTF-8"))?;
    offsets(&schema.text_start, whole.len(), "text offsets")?;
    must(
        schema.text_start.iter().all(|start| whole.is_char_boundary(start.to_native() as usize)),
        "a text begins inside a character",
    )?;
    let short = |pair: &[u32_le]| (pair[1].to_native() - pair[0].to_native()) as usize <= MOST_TEXT;
    must(schema.text_start.windows(2).all(short), "a text that is too long")
}

fn sources(schema: &ArchivedSchema) -> Checked {
    schema.sources.iter().try_for_each(|row| string(schema, row.name))
}

fn countries(schema: &ArchivedSchema) -> Checked {
    must(schema.countries.is_sorted_by(|a, b| a < b), "countries out of order")?;
    must(schema.countries.len() < usize::from(NO_COUNTRY), "too many countries")?;
    let code = |code: &[u8; 2]| Country::parse(code).is_some_and(|country| country.bytes() == *code);
    must(schema.countries.iter().all(code), "a country without a code")?;
    must(schema.country_continent.len() == schema.countries.len(), "a continent for each country")?;
    let continents = schema.continents.len();
    let good = |number: &u8| *number == NO_CONTINENT || usize::from(*number) < continents;
    must(schema.country_continent.iter().all(good), "unknown continent")
}

fn hosts(schema: &ArchivedSchema) -> Checked {
    must(schema.hosts.len() <= MOST_HOSTS, "too many hosts")?;
    for host in schema.hosts.iter() {
        must(host.bandwidth.to_native() >= 1, "a host without weight")?;
        country(schema, host.country)?;
        let start = host.allowed_start.to_native();
        if start != NONE {
            let end = start as usize + usize::from(host.allowed_len.to_native());
            must(end <= schema.allowed.len(), "allowed countries of a host")?;
            // Hosts may share them: more than all countries for each of many hosts would take long here already.
            must(end - start as usize <= schema.countries.len(), "a host for too many countries")?;
            let allowed = &schema.allowed[start as usize..end];
            must(allowed.is_sorted_by(|a, b| a < b), "allowed countries out of order")?;
        }
    }
    schema.allowed.iter().try_for_each(|number| country(schema, *number))?;
    for url in schema.urls.iter() {
        string(schema, url.text)?;
        must(Scheme::from_number(url.scheme).is_some(), "unknown scheme")?;
    }
    below(&schema.placement_urls, schema.urls.len(), "unknown URL")?;
    let starts = schema.placements.iter().map(|row| row.urls_start);
    rising(starts.clone(), schema.placement_urls.len(), "URLs of placements")?;
    let ends = starts.clone().skip(1).map(|start| start.to_native() as usize);
    let ends = ends.chain([schema.placement_urls.len()]);
    let few = |(start, end): (u32_le, usize)| end - start.to_native() as usize <= MOST_URLS;
    must(starts.zip(ends).all(few), "too many URLs of a placement")?;
    offsets(&schema.host_placements, schema.placements.len(), "placements of hosts")?;
    must(schema.host_placements.len() == schema.hosts.len() + 1, "placements for each host")?;
    for (host, window) in schema.host_placements.windows(2).enumerate() {
        let rows = &schema.placements[window[0].to_native() as usize..window[1].to_native() as usize];
        must(rows.iter().all(|row| row.host.to_native() as usize == host), "a placement at another host")?;
    }
    Ok(())
}

fn rosters(schema: &ArchivedSchema) -> Checked {
    let rows = &schema.rosters;
    ends(rows.iter().map(|row| row.members), schema.members.len(), "members of rosters")?;
    ends(rows.iter().map(|row| row.groups), schema.groups.len(), "groups of rosters")?;
    ends(rows.iter().map(|row| row.extras), schema.extras.len(), "extras of rosters")?;
    ends(rows.iter().map(|row| row.bits), schema.bits.len(), "sets of rosters")?;
    rising(rows.iter().map(|row| row.sets), u32::MAX as usize, "sets of rosters")?;
    let placements = schema.placements.len();
    let known = |member: &u32_le| ((member.to_native() & !PUBLIC) as usize) < placements;
    must(schema.members.iter().all(known), "unknown placement")?;
    for window in rows.windows(2) {
        let members = (window[1].members.to_native() - window[0].members.to_native()) as usize;
        must(members <= MOST_HOSTS, "a roster with too many hosts")?;
        let groups =
            &schema.groups[window[0].groups.to_native() as usize..window[1].groups.to_native() as usize];
        must(groups.is_sorted_by(|a, b| a.country < b.country), "groups out of order")?;
        let grouped: usize = groups.iter().map(|group| usize::from(group.len.to_native())).sum();
        must(grouped <= members, "groups larger than their roster")?;
        let extras =
            &schema.extras[window[0].extras.to_native() as usize..window[1].extras.to_native() as usize];
        must(extras.iter().all(|extra| usize::from(extra.member.to_native()) < members), "unknown member")?;
        must(extras.len() <= MOST_EXTRAS, "too many extras of a roster")?;
        let order = extras.is_sorted_by(|a, b| (a.country, a.member) < (b.country, b.member));
        must(order, "extras out of order")?;
        sets(schema, &window[0], &window[1])?;
    }
    let countries = schema.countries.len();
    let known = |number: u16_le| usize::from(number.to_native()) < countries;
    must(schema.groups.iter().all(|group| known(group.country)), "unknown country of a group")?;
    must(schema.extras.iter().all(|extra| known(extra.country)), "unknown country of an extra")
}

/// The sets of one roster; `next` is the row behind it.
fn sets(schema: &ArchivedSchema, roster: &ArchivedRosterRow, next: &ArchivedRosterRow) -> Checked {
    let members = (next.members.to_native() - roster.members.to_native()) as usize;
    let count = (next.sets.to_native() - roster.sets.to_native()) as usize;
    let bits = &schema.bits[roster.bits.to_native() as usize..next.bits.to_native() as usize];
    let stride = stride(members);
    must(count.checked_mul(stride) == Some(bits.len()), "words of sets")?;
    // The last word of each set may have bits to spare.
    let spare = u32::MAX.checked_shl((members - (stride - 1) * 32) as u32).unwrap_or(0);
    let known = |set: &[u32_le]| set[stride - 1].to_native() & spare == 0;
    must(bits.chunks_exact(stride).all(known), "a set with an unknown member")
}

fn paths(schema: &ArchivedSchema) -> Checked {
    must(!schema.directories.is_empty(), "no directory")?;
    must(schema.directories.len() <= schema.nodes.len(), "more directories than paths")?;
    let nodes = schema.nodes.len();
    let strings = schema.text_start.len() - 1;
    let good = |row: &super::schema::ArchivedNodeRow| {
        let parent = row.parent.to_native();
        (parent == NONE || (parent as usize) < nodes) && (row.name.to_native() as usize) < strings
    };
    must(schema.nodes.iter().all(good), "a path component that hangs nowhere")?;
    let lengths = path_lengths(schema)?;
    let sets = schema.rosters.last().map_or(0, |end| end.sets.to_native() as usize);
    let categories = schema.categories.len();
    below(&schema.directories, sets, "a directory without carriers")?;
    must(schema.directory_category.len() == schema.directories.len(), "a category for each directory")?;
    let known = |category: &u8| *category == NO_CATEGORY || usize::from(*category) < categories;
    must(schema.directory_category.iter().all(known), "unknown category")?;
    schema.categories.iter().try_for_each(|row| string(schema, row.top))?;
    for (category, length) in schema.directory_category.iter().zip(&lengths) {
        let top = schema.categories.get(usize::from(*category)).map_or(0, |row| bytes(schema, row.top).len());
        must(top <= usize::from(*length), "a directory above its top directory")?;
    }
    for row in schema.subpath_exceptions.iter() {
        must((row.directory.to_native() as usize) < schema.directories.len(), "a subpath of no directory")?;
        string(schema, row.text)?;
    }
    let order = schema.subpath_exceptions.is_sorted_by(|a, b| a.directory < b.directory);
    must(order, "subpaths out of order")?;
    index(&schema.paths, nodes, "path table")
}

/// Bytes of each node's path: names are no paths themselves, and no path is in itself. Cost: a step a node.
fn path_lengths(schema: &ArchivedSchema) -> Result<Vec<u16>, CacheError> {
    let nodes = &schema.nodes;
    must(nodes.len() <= MOST_NODES, "too many path components")?;
    let is_name = |pair: &[u32_le]| {
        let name = &schema.text[pair[0].to_native() as usize..pair[1].to_native() as usize];
        !name.is_empty() && !name.contains(&b'/')
    };
    let names: Vec<bool> = schema.text_start.windows(2).map(is_name).collect();
    must(nodes.iter().all(|row| names[row.name.to_native() as usize]), "a path component without a name")?;
    // 0 where it is not known yet: every name has a byte.
    let mut lengths = vec![0_u16; nodes.len()];
    let mut way = Vec::new();
    for node in 0..nodes.len() as u32 {
        let (mut at, mut length) = (node, 0);
        while at != NONE && length == 0 {
            length = usize::from(lengths[at as usize]);
            if length == 0 {
                must(way.len() < MOST_COMPONENTS, "a path inside itself, or too deep")?;
                way.push(at);
                at = nodes[at as usize].parent.to_native();
            }
        }
        while let Some(at) = way.pop() {
            let slash = usize::from(length > 0);
            length += slash + bytes(schema, nodes[at as usize].name).len();
            must(length <= MOST_PATH, "a path that is too long")?;
            lengths[at as usize] = length as u16;
        }
    }
    Ok(lengths)
}

fn files(schema: &ArchivedSchema) -> Checked {
    offsets(&schema.file_versions, schema.versions.len(), "versions of files")?;
    let files = schema.file_versions.len() - 1;
    must(files + schema.directories.len() <= schema.nodes.len(), "more files than paths")?;
    let parents = &schema.nodes[schema.nodes.len() - files..];
    let directories = schema.directories.len();
    let good = |row: &super::schema::ArchivedNodeRow| (row.parent.to_native() as usize) < directories;
    must(parents.iter().all(good), "a file in no directory")?;
    must(schema.file_versions.is_sorted_by(|a, b| a < b), "a file without versions")?;
    let few = |pair: &[u32_le]| (pair[1].to_native() - pair[0].to_native()) as usize <= MOST_VERSIONS;
    must(schema.file_versions.windows(2).all(few), "too many versions of a file")?;
    for row in schema.versions.iter() {
        let lengths = [16, 20, 32, 64];
        let length: usize = lengths
            .iter()
            .enumerate()
            .filter(|(bit, _)| row.kinds >> bit & 1 != 0)
            .map(|(_, length)| length)
            .sum();
        must(row.kinds < 16, "unknown kind of hash")?;
        must(row.hashes.to_native() as usize + length <= schema.hashes.len(), "hashes beyond the end")?;
    }
    Ok(())
}

fn repositories(schema: &ArchivedSchema) -> Checked {
    let rows = &schema.repositories;
    ends(rows.iter().map(|row| row.repo_archs), schema.repo_archs.len(), "architectures of repositories")?;
    let count = rows.len() - 1;
    for row in &rows[..count] {
        string(schema, row.name)?;
        let redirect = row.redirect.to_native();
        must(redirect == NONE || (redirect as usize) < count, "redirect to an unknown repository")?;
    }
    schema.archs.iter().try_for_each(|name| string(schema, *name))?;
    let (nodes, directories) = (schema.nodes.len(), schema.directories.len());
    let files = schema.file_versions.len() - 1;
    for row in schema.repo_archs.iter() {
        must((row.arch.to_native() as usize) < schema.archs.len(), "unknown architecture")?;
        optional(row.directory, nodes, "unknown directory of a repository")?;
        optional(row.repodata, directories, "unknown repodata of a repository")?;
        optional(row.repomd, nodes, "unknown repomd.xml of a repository")?;
        let repomd = row.repomd.to_native();
        must(repomd == NONE || repomd as usize >= nodes - files, "a repomd.xml that is no file")?;
    }
    for window in rows.windows(2) {
        let repo_archs = &schema.repo_archs
            [window[0].repo_archs.to_native() as usize..window[1].repo_archs.to_native() as usize];
        let arch = |row: &ArchivedRepoArchRow| bytes(schema, schema.archs[row.arch.to_native() as usize]);
        must(repo_archs.is_sorted_by(|a, b| arch(a) < arch(b)), "architectures out of order")?;
    }
    index(&schema.repository_names, count, "repository table")
}

fn clients(schema: &ArchivedSchema) -> Checked {
    let hosts = schema.hosts.len();
    ends(schema.locations.iter().map(|row| row.hosts), schema.location_hosts.len(), "hosts of locations")?;
    below(&schema.location_hosts, hosts, "unknown host of a location")?;
    each_once(schema.locations.iter().map(|row| row.hosts), &schema.location_hosts)?;
    schema.locations[..schema.locations.len() - 1].iter().try_for_each(|row| string(schema, row.name))?;
    ends(schema.asns.iter().map(|row| row.hosts), schema.asn_hosts.len(), "hosts of ASNs")?;
    below(&schema.asn_hosts, hosts, "unknown host of an ASN")?;
    each_once(schema.asns.iter().map(|row| row.hosts), &schema.asn_hosts)?;
    ends(schema.netblocks.iter().map(|row| row.hosts), schema.netblock_hosts.len(), "hosts of netblocks")?;
    below(&schema.netblock_hosts, hosts, "unknown host of a netblock")?;
    each_once(schema.netblocks.iter().map(|row| row.hosts), &schema.netblock_hosts)?;
    let netblocks = schema.netblocks.len() - 1;
    for (at, row) in schema.netblocks[..netblocks].iter().enumerate() {
        let parent = row.parent.to_native();
        must(parent == NONE || (parent as usize) < at, "a netblock inside a later one")?;
        must(matches!((row.family, row.length), (4, 0..=32) | (6, 0..=128)), "a netblock of no family")?;
        let outer = if parent == NONE { None } else { Some(&schema.netblocks[parent as usize]) };
        must(outer.is_none_or(|outer| contains(outer, row)), "a netblock that is not in its parent")?;
    }
    must(!schema.classes.is_empty(), "no client class")?;
    for row in schema.classes.iter() {
        country(schema, row.country)?;
        optional(row.asn, schema.asns.len() - 1, "unknown ASN of a class")?;
        optional(row.netblock, netblocks, "unknown netblock of a class")?;
    }
    Ok(())
}

/// Whether a netblock is longer than another one, and in it.
fn contains(outer: &ArchivedNetblockRow, inner: &ArchivedNetblockRow) -> bool {
    let bits = |row: &ArchivedNetblockRow| {
        let address = u128::from_be_bytes(row.address);
        if row.family == 4 { address << 96 } else { address }
    };
    let differ = bits(outer) ^ bits(inner);
    outer.family == inner.family
        && outer.length < inner.length
        && differ.leading_zeros() >= u32::from(outer.length)
}

/// Each row's hosts ascend, so that none has more than there are. `starts` are offsets that were checked.
fn each_once(starts: impl Iterator<Item = u32_le> + Clone, hosts: &[u32_le]) -> Checked {
    for (start, end) in starts.clone().zip(starts.skip(1)) {
        let hosts = &hosts[start.to_native() as usize..end.to_native() as usize];
        must(hosts.is_sorted_by(|a, b| a < b), "hosts out of order")?;
    }
    Ok(())
}

fn ranges(schema: &ArchivedSchema) -> Checked {
    let classes = schema.classes.len();
    let v4 = &schema.v4;
    must(v4.block.len() == 65_537, "IPv4 blocks")?;
    offsets(&v4.block, v4.start.len(), "IPv4 blocks")?;
    must(v4.block.is_sorted_by(|a, b| a < b), "an empty IPv4 block")?;
    numbers(&v4.class, v4.start.len(), classes)?;
    for window in v4.block.windows(2) {
        ascending(&v4.start[window[0].to_native() as usize..window[1].to_native() as usize])?;
    }
    let v6 = &schema.v6;
    ascending(&v6.start)?;
    numbers(&v6.class, v6.start.len(), classes + 1)?;
    must(v6.sample.iter().eq(v6.start.iter().step_by(super::schema::SAMPLE)), "IPv6 sample")?;
    must(v6.deep_block.is_sorted_by(|a, b| a < b), "IPv6 blocks out of order")?;
    must(v6.deep_index.len() == v6.deep_block.len() + 1, "IPv6 blocks")?;
    offsets(&v6.deep_index, v6.deep_start.len(), "IPv6 blocks")?;
    numbers(&v6.deep_class, v6.deep_start.len(), classes)?;
    for window in v6.deep_index.windows(2) {
        ascending(&v6.deep_start[window[0].to_native() as usize..window[1].to_native() as usize])?;
    }
    Ok(())
}

/// Range starts: the first is 0, then ascending.
fn ascending<T: Ord + Default>(starts: &[T]) -> Checked {
    must(starts.first() == Some(&T::default()), "ranges that do not begin at the beginning")?;
    must(starts.is_sorted_by(|a, b| a < b), "ranges out of order")
}

fn numbers(class: &ArchivedClassNumbers, ranges: usize, limit: usize) -> Checked {
    must(class.low.len() == ranges, "a class for each range")?;
    must(class.high.is_empty() || class.high.len() == ranges, "the high byte of each class")?;
    must((0..ranges).all(|at| (class.get(at) as usize) < limit), "unknown class")
}

fn index(index: &ArchivedHashIndex, limit: usize, what: &'static str) -> Checked {
    must(index.tags.len() == index.slots.len() && !index.tags.is_empty(), what)?;
    let entries = index.tags.iter().filter(|tag| **tag != 0).count();
    must(entries == limit && entries < index.tags.len(), what)?;
    let good = |(tag, slot): (&u8, &u32_le)| *tag == 0 || (slot.to_native() as usize) < limit;
    must(index.tags.iter().zip(index.slots.iter()).all(good), what)?;
    must(table::is_spread(&index.tags), "a table that takes long to look up")
}

fn site(schema: &ArchivedSchema) -> Checked {
    must(schema.policy.len() == 1, "one policy")?;
    let public_url = schema.policy[0].public_url;
    optional(public_url, schema.text_start.len() - 1, "unknown text")?;
    let public_url = (public_url.to_native() != NONE).then(|| words(schema, public_url));
    must(public_url.is_none_or(is_web_url), "a public URL that is none")?;
    for row in schema.origins.iter() {
        string(schema, row.top)?;
        string(schema, row.url)?;
        let url = words(schema, row.url);
        must(is_web_url(url), "an origin that is no URL")?;
        must(is_path(bytes(schema, row.top)), "an origin of no path")?;
        must(!public_url.is_some_and(|above| is_below(url, above)), "an origin below the public URL")?;
    }
    must(
        schema.origins.is_sorted_by(|a, b| bytes(schema, a.top) < bytes(schema, b.top)),
        "origins out of order",
    )?;
    must(schema.origin_only.len() <= MOST_GLOBS, "too many patterns")?;
    for pattern in schema.origin_only.iter() {
        string(schema, *pattern)?;
        must(glob::is_good(words(schema, *pattern)), "a pattern that is none")?;
    }
    for row in schema.aliases.iter() {
        string(schema, row.name)?;
        string(schema, row.path)?;
        let good = |text: &[u8]| is_path(text) && !text.is_empty();
        must(good(bytes(schema, row.name)) && good(bytes(schema, row.path)), "an alias of no path")?;
    }
    must(
        schema.aliases.is_sorted_by(|a, b| bytes(schema, a.name) < bytes(schema, b.name)),
        "aliases out of order",
    )
}

/// A path as requests name it, once it is normalised; the empty one, too.
fn is_path(path: &[u8]) -> bool {
    let good = |segment: &[u8]| !matches!(segment, b"" | b"." | b"..");
    path.is_empty() || path.split(|byte| *byte == b'/').all(good)
}

fn is_web_url(url: &str) -> bool {
    matches!(Scheme::of_url(url), Some(Scheme::Https | Scheme::Http)) && !url.ends_with('/')
}

/// The text of a number that is known to be one, of texts that are known to be UTF-8.
fn words(schema: &ArchivedSchema, number: u32_le) -> &str {
    std::str::from_utf8(bytes(schema, number)).unwrap_or_default()
}

fn bytes(schema: &ArchivedSchema, number: u32_le) -> &[u8] {
    let at = number.to_native() as usize;
    &schema.text[schema.text_start[at].to_native() as usize..schema.text_start[at + 1].to_native() as usize]
}

fn string(schema: &ArchivedSchema, number: u32_le) -> Checked {
    must((number.to_native() as usize) + 1 < schema.text_start.len(), "unknown text")
}

fn country(schema: &ArchivedSchema, number: u16_le) -> Checked {
    let number = number.to_native();
    must(number == NO_COUNTRY || usize::from(number) < schema.countries.len(), "unknown country")
}

fn optional(number: u32_le, limit: usize, what: &'static str) -> Checked {
    must(number.to_native() == NONE || (number.to_native() as usize) < limit, what)
}

fn below(numbers: &[u32_le], limit: usize, what: &'static str) -> Checked {
    must(numbers.iter().all(|number| (number.to_native() as usize) < limit), what)
}

/// Offsets of an array that ends the last one: begins at 0, never falls, ends at `end`.
fn offsets(starts: &[u32_le], end: usize, what: &'static str) -> Checked {
    ends(starts.iter().copied(), end, what)
}

/// As [`offsets`], for a column of rows. None at all is no good either.
fn ends(starts: impl Iterator<Item = u32_le> + Clone, end: usize, what: &'static str) -> Checked {
    must(starts.clone().last().is_some_and(|last| last.to_native() as usize == end), what)?;
    rising(starts, end, what)
}

/// Begins at 0, never falls, never passes `end`.
fn rising(starts: impl Iterator<Item = u32_le>, end: usize, what: &'static str) -> Checked {
    let mut last = 0;
    for (at, start) in starts.enumerate() {
        let start = start.to_native() as usize;
        must(start >= last && start <= end && (at > 0 || start == 0), what)?;
        last = start;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
