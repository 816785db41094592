//! What takes how much of a cache file.

use super::schema::{ArchivedClassNumbers, ArchivedHashIndex};
use super::view::View;

/// A part of the file that belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub name: &'static str,
    /// How many of that.
    pub rows: usize,
    /// Bytes that they take.
    pub bytes: usize,
}

impl View<'_> {
    /// The parts of the file, without the bytes between them.
    pub fn sections(&self) -> Vec<Section> {
        let s = self.schema();
        let section = |name, rows, bytes: &[usize]| Section { name, rows, bytes: bytes.iter().sum() };
        let index = |index: &ArchivedHashIndex| size_of_val(&*index.tags) + size_of_val(&*index.slots);
        let class = |class: &ArchivedClassNumbers| size_of_val(&*class.low) + size_of_val(&*class.high);
        vec![
            section("sources", s.sources.len(), &[size_of_val(&*s.sources)]),
            section(
                "text",
                s.text_start.len().saturating_sub(1),
                &[size_of_val(&*s.text), size_of_val(&*s.text_start)],
            ),
            section(
                "countries",
                s.countries.len(),
                &[
                    size_of_val(&*s.countries),
                    size_of_val(&*s.country_continent),
                    size_of_val(&*s.continents),
                ],
            ),
            section("hosts", s.hosts.len(), &[size_of_val(&*s.hosts), size_of_val(&*s.allowed)]),
            section("URLs", s.urls.len(), &[size_of_val(&*s.urls)]),
            section(
                "placements",
                s.placements.len(),
                &[
                    size_of_val(&*s.placements),
                    size_of_val(&*s.placement_urls),
                    size_of_val(&*s.host_placements),
                ],
            ),
            section(
                "carrier sets",
                self.set_count(),
                &[
                    size_of_val(&*s.rosters),
                    size_of_val(&*s.members),
                    size_of_val(&*s.groups),
                    size_of_val(&*s.extras),
                    size_of_val(&*s.bits),
                ],
            ),
            section(
                "directories",
                s.directories.len(),
                &[
                    size_of_val(&*s.directories),
                    size_of_val(&*s.directory_category),
                    size_of_val(&*s.categories),
                    size_of_val(&*s.subpath_exceptions),
                ],
            ),
            section("paths", s.nodes.len(), &[size_of_val(&*s.nodes), index(&s.paths)]),
            section(
                "file versions",
                s.versions.len(),
                &[size_of_val(&*s.versions), size_of_val(&*s.hashes), size_of_val(&*s.file_versions)],
            ),
            section(
                "repositories",
                s.repositories.len().saturating_sub(1),
                &[size_of_val(&*s.repositories), index(&s.repository_names)],
            ),
            section(
                "repositories by architecture",
                s.repo_archs.len(),
                &[size_of_val(&*s.repo_archs), size_of_val(&*s.archs)],
            ),
            section(
                "locations",
                s.locations.len().saturating_sub(1),
                &[size_of_val(&*s.locations), size_of_val(&*s.location_hosts)],
            ),
            section(
                "netblocks",
                s.netblocks.len().saturating_sub(1),
                &[size_of_val(&*s.netblocks), size_of_val(&*s.netblock_hosts)],
            ),
            section(
                "autonomous systems",
                s.asns.len().saturating_sub(1),
                &[size_of_val(&*s.asns), size_of_val(&*s.asn_hosts)],
            ),
            section("client classes", s.classes.len(), &[size_of_val(&*s.classes)]),
            section(
                "IPv4 ranges",
                s.v4.start.len(),
                &[size_of_val(&*s.v4.block), size_of_val(&*s.v4.start), class(&s.v4.class)],
            ),
            section(
                "IPv6 ranges",
                s.v6.start.len() + s.v6.deep_start.len(),
                &[
                    size_of_val(&*s.v6.start),
                    class(&s.v6.class),
                    size_of_val(&*s.v6.sample),
                    size_of_val(&*s.v6.deep_block),
                    size_of_val(&*s.v6.deep_index),
                    size_of_val(&*s.v6.deep_start),
                    class(&s.v6.deep_class),
                ],
            ),
            section(
                "site",
                s.origins.len() + s.origin_only.len() + s.aliases.len(),
                &[
                    size_of_val(&*s.policy),
                    size_of_val(&*s.origins),
                    size_of_val(&*s.origin_only),
                    size_of_val(&*s.aliases),
                ],
            ),
            section(
                "neighbourhood",
                s.host_place.len(),
                &[
                    size_of_val(&*s.near_hosts),
                    size_of_val(&*s.rings),
                    size_of_val(&*s.host_place),
                    size_of_val(&*s.host_families),
                    size_of_val(&*s.host_flags),
                    size_of_val(&*s.avoid),
                    size_of_val(&*s.netblock_exclusive),
                    size_of_val(&*s.asn_exclusive),
                ],
            ),
        ]
    }
}
