//! What answers have in common, rendered once for each cache.
//!
//! For every placement the URL that a list shows for each scheme, for every URL the two pieces of its metalink line that
//! no request changes, and for every repository and architecture the line that says it is available. Made by the master
//! before it forks, so all workers share it. Each piece is there once, however many placements share it.

use super::{escape, examples::Examples, near::Names};
use crate::{
    select::{
        below::Below,
        reach::{Reach, Reaches},
        repeats::SharedUrls,
    },
    suspended::Usable,
};
use cache::{
    CountryId, PlacementId, RepoArchId, UrlId, View,
    scheme::{Scheme, Schemes},
};
use std::{fmt, ops::Range};

/// Bytes that the fragments of a cache may take: a hundred times those of the largest known deployment (600 hosts), and
/// more than those of 65,535 hosts, each with 12 URLs of 60 bytes. Rows of the file are numbers, and so a small one may
/// ask for much: what would take more is refused before any of it is taken. Positions fit into 32 bits.
pub const MOST_BYTES: u64 = 128 << 20;

/// Rendered pieces, by placement.
#[derive(Debug, Default)]
pub struct Fragments {
    bytes: Vec<u8>,
    /// For each placement and scheme: the first URL of that scheme, empty when there is none.
    first: Vec<[Piece; 4]>,
    /// Metalink lines of all placements, those of one together.
    lines: Vec<Line>,
    /// Where each placement's lines begin; one more than placements.
    line_start: Vec<u32>,
    /// The lines of all pairs of repository and architecture, in their order.
    repo_archs: Vec<u8>,
    /// Where the line of each pair begins; one more than pairs.
    repo_arch_start: Vec<u32>,
    shared: SharedUrls,
    usable: Usable,
    reaches: Reaches,
    names: Names,
    examples: Examples,
    below: Below,
    /// How many repositories there are for some architecture.
    repositories: usize,
}

/// A part of the bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    start: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    scheme: Scheme,
    opening: Piece,
    url: Piece,
}

/// One URL of a placement, as a metalink shows it.
#[derive(Clone, Copy, Debug)]
pub struct MetalinkLine<'a> {
    /// The URL's scheme.
    pub scheme: Scheme,
    /// The element up to the value of `preference`.
    pub opening: &'a [u8],
    /// The host's URL, escaped; empty if it is suspended.
    pub url: &'a [u8],
}

/// The fragments of a cache would take too much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Bytes that they would take.
    pub found: u64,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found;
        write!(
            f,
            "answers from it would take {found} bytes of memory beside it, at most {MOST_BYTES} are used"
        )
    }
}

impl std::error::Error for TooLarge {}

/// Bytes that the fragments of a cache take at most, by their parts.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    bytes: u64,
    lines: u64,
    repo_archs: u64,
    /// Rows of all kinds, also those that are there only while fragments are made.
    rows: u64,
}

impl Sizes {
    /// Cost: a step for each URL, placement, and pair of repository and architecture.
    fn of(view: &View<'_>) -> Sizes {
        let urls = (0..view.url_count() as u32).filter_map(|url| view.url(UrlId(url)));
        let urls = urls.map(|(_, url)| url.len() + escape::xml_len(url.as_bytes()));
        let placements = (0..view.placement_count() as u32).map(PlacementId);
        let lines = placements.map(|placement| view.placement_urls(placement).len());
        let repo_archs = repo_archs(view).map(|(name, arch)| repo_arch_line_len(name, arch));
        let openings = Openings::most(view);
        let rows = [
            (view.url_count(), size_of::<Url>() + SharedUrls::BYTES_OF_A_URL + size_of::<bool>()),
            (
                view.placement_count(),
                size_of::<[Piece; 4]>() + size_of::<Reach>() + size_of::<u32>() + 2 * size_of::<bool>(),
            ),
            (openings, size_of::<Option<Piece>>()),
            (view.repo_arch_count(), size_of::<u32>()),
            (2, size_of::<u32>()),
            (view.repo_arch_count(), Examples::BYTES_OF_A_REPO_ARCH),
            (view.directory_count(), Examples::BYTES_OF_A_DIRECTORY),
        ];
        Sizes {
            bytes: sum(urls).saturating_add(product(openings, LONGEST_OPENING)),
            lines: sum(lines),
            repo_archs: sum(repo_archs),
            rows: rows.into_iter().fold(
                Names::most_bytes(view).saturating_add(Below::most_bytes(view)),
                |all, (count, row)| all.saturating_add(product(count, row)),
            ),
        }
    }

    /// Itself, unless it is too much.
    fn bounded(self) -> Result<Sizes, TooLarge> {
        let lines = self.lines.saturating_mul(size_of::<Line>() as u64);
        let found = [self.bytes, self.repo_archs, self.rows].into_iter().fold(lines, u64::saturating_add);
        if found <= MOST_BYTES { Ok(self) } else { Err(TooLarge { found }) }
    }
}

fn sum(lengths: impl Iterator<Item = usize>) -> u64 {
    lengths.fold(0, |all, length| all.saturating_add(length as u64))
}

fn product(count: usize, size: usize) -> u64 {
    (count as u64).saturating_mul(size as u64)
}

/// The pieces of a URL, while fragments are made: its scheme, as it is, escaped.
type Url = Option<(Scheme, Piece, Piece)>;

/// The openings of metalink lines that were rendered so far, by country (none first) and scheme.
struct Openings(Vec<Option<Piece>>);

/// Bytes of an opening: what never changes, twice the scheme and a country.
const LONGEST_OPENING: usize = 80;

impl Openings {
    fn most(view: &View<'_>) -> usize {
        (view.country_count() + 1) * Scheme::ALL.len()
    }

    fn number(scheme: Scheme, country: Option<CountryId>) -> usize {
        country.map_or(0, |country| usize::from(country.0) + 1) * Scheme::ALL.len() + scheme as usize
    }
}

/// All pairs of repository and architecture, by name.
fn repo_archs<'a>(view: &View<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    (0..view.repo_arch_count() as u32).map(RepoArchId).map(|repo_arch| {
        let repository = view.repository(view.repository_of(repo_arch));
        (repository.map_or("", |repository| repository.name), view.arch_of(repo_arch))
    })
}

fn repo_arch_line(repository: &str, arch: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"# repo=");
    escape::echo(repository.as_bytes(), out);
    out.extend_from_slice(b"&arch=");
    escape::echo(arch.as_bytes(), out);
    out.push(b'\n');
}

/// Bytes of such a line at most.
fn repo_arch_line_len(repository: &str, arch: &str) -> usize {
    "# repo=&arch=\n".len() + repository.len() + arch.len()
}

impl Fragments {
    /// Whether the fragments of a cache take no more than [`MOST_BYTES`]; known without any of them.
    pub fn fit(view: &View<'_>) -> Result<(), TooLarge> {
        Sizes::of(view).bounded().map(drop)
    }

    /// Renders the pieces of a cache, if they [`fit`](Fragments::fit).
    pub fn prepare(view: &View<'_>) -> Result<Fragments, TooLarge> {
        Fragments::of_usable(view, Usable::default())
    }

    /// Renders the pieces of a cache as far as its URLs may be shown, likewise.
    pub fn of_usable(view: &View<'_>, usable: Usable) -> Result<Fragments, TooLarge> {
        let sizes = Sizes::of(view).bounded()?;
        let mut fragments = Fragments {
            bytes: Vec::with_capacity(sizes.bytes as usize),
            first: Vec::with_capacity(view.placement_count()),
            lines: Vec::with_capacity(sizes.lines as usize),
            line_start: Vec::with_capacity(view.placement_count() + 1),
            repo_archs: Vec::with_capacity(sizes.repo_archs as usize),
            repo_arch_start: Vec::with_capacity(view.repo_arch_count() + 1),
            shared: SharedUrls::find(view),
            names: Names::of(view),
            examples: Examples::of(view, &usable),
            below: Below::of(view),
            repositories: Names::count(view),
            reaches: Reaches::of(view, &usable),
            usable,
        };
        let urls: Vec<Url> =
            (0..view.url_count() as u32).map(|url| fragments.add_url(view.url(UrlId(url))?)).collect();
        let mut openings = Openings(vec![None; Openings::most(view)]);
        for placement in (0..view.placement_count() as u32).map(PlacementId) {
            fragments.line_start.push(fragments.lines.len() as u32);
            fragments.add(view, placement, &urls, &mut openings);
        }
        fragments.line_start.push(fragments.lines.len() as u32);
        for (repository, arch) in repo_archs(view) {
            fragments.repo_arch_start.push(fragments.repo_archs.len() as u32);
            repo_arch_line(repository, arch, &mut fragments.repo_archs);
        }
        fragments.repo_arch_start.push(fragments.repo_archs.len() as u32);
        fragments.bytes.shrink_to_fit();
        fragments.repo_archs.shrink_to_fit();
        Ok(fragments)
    }

    fn add_url(&mut self, (scheme, url): (Scheme, &str)) -> Url {
        let plain = self.piece(|out| out.extend_from_slice(url.as_bytes()));
        let escaped = self.piece(|out| escape::xml(url.as_bytes(), out));
        Some((scheme, plain, escaped))
    }

    fn add(&mut self, view: &View<'_>, placement: PlacementId, urls: &[Url], openings: &mut Openings) {
        let country = view.host_country(view.placement_host(placement));
        let mut first = [Piece::default(); 4];
        for url in view.placement_urls(placement) {
            let Some((scheme, plain, text)) = urls.get(url.0 as usize).copied().flatten() else { continue };
            let is_suspended = self.usable.is_suspended(url);
            let slot = &mut first[scheme as usize];
            if slot.len == 0 && !is_suspended {
                *slot = plain;
            }
            let Some(opening) = openings.0.get_mut(Openings::number(scheme, country)) else { continue };
            let opening = *opening.get_or_insert_with(|| self.add_opening(view, scheme, country));
            let url = if is_suspended { Piece::default() } else { text };
            self.lines.push(Line { scheme, opening, url });
        }
        self.first.push(first);
    }

    fn add_opening(&mut self, view: &View<'_>, scheme: Scheme, country: Option<CountryId>) -> Piece {
        let country = country.and_then(|country| view.country_code(country));
        let (scheme, country) = (scheme.name(), country.as_ref().map_or("", |country| country.as_str()));
        let parts = [
            "    <url protocol=\"",
            scheme,
            "\" type=\"",
            scheme,
            "\" location=\"",
            country,
            "\" preference=\"",
        ];
        self.piece(|out| parts.into_iter().for_each(|part| out.extend_from_slice(part.as_bytes())))
    }

    fn piece(&mut self, render: impl FnOnce(&mut Vec<u8>)) -> Piece {
        let start = self.bytes.len();
        render(&mut self.bytes);
        let len = self.bytes.len() - start;
        // The same text again right behind: a URL that needs no escaping is kept once.
        if len <= start && self.bytes[start - len..start] == self.bytes[start..] {
            self.bytes.truncate(start);
            return Piece { start: (start - len) as u32, len: len as u32 };
        }
        Piece { start: start as u32, len: len as u32 }
    }

    fn get(&self, piece: Piece) -> &[u8] {
        self.bytes.get(piece.start as usize..piece.start as usize + piece.len as usize).unwrap_or_default()
    }

    /// The URL that lists show for a placement and a scheme: the first in the cache.
    pub fn url(&self, placement: PlacementId, scheme: Scheme) -> Option<&[u8]> {
        let piece = self.first.get(placement.0 as usize)?[scheme as usize];
        (piece.len > 0).then(|| self.get(piece))
    }

    /// The URLs that several hosts have.
    pub fn shared(&self) -> &SharedUrls {
        &self.shared
    }

    /// What of the cache's URLs may be shown.
    pub fn usable(&self) -> &Usable {
        &self.usable
    }

    /// How hosts are reached.
    pub fn reaches(&self) -> &Reaches {
        &self.reaches
    }

    /// The schemes by which a placement is reached.
    pub fn schemes(&self, placement: PlacementId) -> Schemes {
        self.reaches.get(placement).map_or(Schemes::NONE, |reach| reach.schemes)
    }

    /// The names of repositories, to find near ones.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Requests that work on the cache.
    pub fn examples(&self) -> &Examples {
        &self.examples
    }

    /// The repositories below directories.
    pub fn below(&self) -> &Below {
        &self.below
    }

    /// How many repositories there are for some architecture.
    pub fn repositories(&self) -> usize {
        self.repositories
    }

    /// The lines that say which repositories there are for which architectures, of the pairs so numbered.
    pub fn repo_arch_lines(&self, repo_archs: Range<usize>) -> &[u8] {
        match (self.repo_arch_start.get(repo_archs.start), self.repo_arch_start.get(repo_archs.end)) {
            (Some(from), Some(to)) => self.repo_archs.get(*from as usize..*to as usize).unwrap_or_default(),
            _ => b"",
        }
    }

    /// The lines of a placement's URLs, in the order of the cache.
    pub fn metalink_lines(&self, placement: PlacementId) -> impl Iterator<Item = MetalinkLine<'_>> {
        let at = placement.0 as usize;
        let range: Range<usize> = match (self.line_start.get(at), self.line_start.get(at + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            _ => 0..0,
        };
        self.lines.get(range).unwrap_or_default().iter().map(|line| MetalinkLine {
            scheme: line.scheme,
            opening: self.get(line.opening),
            url: self.get(line.url),
        })
    }
}

#[cfg(test)]
mod tests;
