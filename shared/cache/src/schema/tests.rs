//! Whether shared/README.md, from which readers in other languages are written, says where everything is.

use super::*;
use rkyv::rend::{u16_le, u32_le, u64_le};
use std::{fs, mem::offset_of};

/// Where an array's pointer and length are in the root, what it is called, and the bytes of an element.
macro_rules! arrays {
    ($($($name:ident).+: $element:ty,)*) => {[$(
        (offset_of!(ArchivedSchema, $($name).+), stringify!($($name).+).replace(' ', ""), size_of::<$element>())
    ),*]};
}

/// A row's columns and where they are in it.
macro_rules! rows {
    ($($row:ident: $($column:ident)+,)*) => {[$({
        let columns = [$(format!("`{}` {}", stringify!($column), offset_of!($row, $column))),*];
        let name = stringify!($row).trim_start_matches("Archived");
        format!("| `{name}` | {} | {} |", size_of::<$row>(), columns.join(", "))
    }),*]};
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn the_readme_says_where_everything_is() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let arrays = arrays! {
        sources: ArchivedSourceRow,
        text: u8,
        text_start: u32_le,
        countries: [u8; 2],
        country_continent: u8,
        continents: [u8; 2],
        hosts: ArchivedHostRow,
        allowed: u16_le,
        urls: ArchivedUrlRow,
        placements: ArchivedPlacementRow,
        placement_urls: u32_le,
        host_placements: u32_le,
        rosters: ArchivedRosterRow,
        members: u32_le,
        groups: ArchivedGroupRow,
        extras: ArchivedExtraRow,
        bits: u32_le,
        nodes: ArchivedNodeRow,
        directories: u32_le,
        directory_category: u8,
        categories: ArchivedCategoryRow,
        subpath_exceptions: ArchivedSubpathRow,
        paths.tags: u8,
        paths.slots: u32_le,
        file_versions: u32_le,
        versions: ArchivedVersionRow,
        hashes: u8,
        repositories: ArchivedRepositoryRow,
        repository_names.tags: u8,
        repository_names.slots: u32_le,
        archs: u32_le,
        repo_archs: ArchivedRepoArchRow,
        locations: ArchivedLocationRow,
        location_hosts: u32_le,
        netblocks: ArchivedNetblockRow,
        netblock_hosts: u32_le,
        asns: ArchivedAsnRow,
        asn_hosts: u32_le,
        classes: ArchivedClassRow,
        v4.block: u32_le,
        v4.start: u16_le,
        v4.class.low: u16_le,
        v4.class.high: u8,
        v6.start: u64_le,
        v6.class.low: u16_le,
        v6.class.high: u8,
        v6.sample: u64_le,
        v6.deep_block: u64_le,
        v6.deep_index: u32_le,
        v6.deep_start: u64_le,
        v6.deep_class.low: u16_le,
        v6.deep_class.high: u8,
        policy: ArchivedPolicyRow,
        origins: ArchivedOriginRow,
        origin_only: u32_le,
        aliases: ArchivedAliasRow,
        near_hosts: u32_le,
        rings: u32_le,
        host_place: ArchivedPlaceRow,
        host_families: u8,
        host_flags: u8,
        avoid: ArchivedAvoidRow,
        netblock_exclusive: u32_le,
        asn_exclusive: u32_le,
    };
    let rows = rows! {
        ArchivedSourceRow: time bytes max_age name flags,
        ArchivedHostRow: id bandwidth allowed_start allowed_len country padding,
        ArchivedUrlRow: text scheme padding,
        ArchivedPlacementRow: host urls_start schemes padding,
        ArchivedRosterRow: members groups extras sets bits,
        ArchivedGroupRow: country len,
        ArchivedExtraRow: country member,
        ArchivedNodeRow: parent name,
        ArchivedCategoryRow: top,
        ArchivedSubpathRow: directory text,
        ArchivedVersionRow: timestamp size hashes kinds padding,
        ArchivedRepositoryRow: name repo_archs redirect flags,
        ArchivedRepoArchRow: arch directory repodata repomd,
        ArchivedLocationRow: name hosts,
        ArchivedNetblockRow: address hosts parent length family padding,
        ArchivedAsnRow: number hosts,
        ArchivedClassRow: asn netblock country flags,
        ArchivedPolicyRow: young public_url,
        ArchivedOriginRow: top url,
        ArchivedAliasRow: name path,
        ArchivedPlaceRow: latitude longitude,
        ArchivedAvoidRow: client host,
    };
    // An array has eight bytes in the root, so that none is forgotten here.
    assert_eq!(size_of::<ArchivedSchema>(), 8 + 8 * arrays.len());
    let arrays = arrays.map(|(offset, name, bytes)| format!("| {offset} | `{name}` | {bytes} |"));
    let root = format!("the last {} bytes of the file", size_of::<ArchivedSchema>());
    let format = format!("Format {FORMAT}");
    for line in arrays.iter().chain(&rows).chain([&root, &format]) {
        assert!(readme.contains(line.as_str()), "shared/README.md does not have: {line}");
    }
}
