//! What answers have in common, rendered once for each cache.
//!
//! For every placement the URL that a list shows for each scheme, for every URL the two pieces of its metalink line that
//! no request changes, and for every tree the line that says it is available. Made by the master before it forks, so
//! all workers share it.

use super::escape;
use crate::select::repeats::SharedUrls;
use cache::scheme::Scheme;
use cache::{PlacementId, RepositoryId, View};
use std::ops::Range;

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
    /// The lines of all trees, in their order.
    trees: Vec<u8>,
    /// Where each tree's line begins; one more than trees.
    tree_start: Vec<u32>,
    shared: SharedUrls,
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
    /// The host's URL, escaped.
    pub url: &'a [u8],
}

impl Fragments {
    /// Renders the pieces of a cache.
    pub fn prepare(view: &View<'_>) -> Fragments {
        let mut fragments = Fragments { shared: SharedUrls::find(view), ..Fragments::default() };
        for placement in (0..view.placement_count() as u32).map(PlacementId) {
            fragments.line_start.push(fragments.lines.len() as u32);
            fragments.add(view, placement);
        }
        fragments.line_start.push(fragments.lines.len() as u32);
        fragments.add_trees(view);
        fragments.bytes.shrink_to_fit();
        fragments.first.shrink_to_fit();
        fragments.lines.shrink_to_fit();
        fragments
    }

    fn add(&mut self, view: &View<'_>, placement: PlacementId) {
        let host = view.placement_host(placement);
        let country = view.host_country(host).and_then(|country| view.country_code(country));
        let mut first = [Piece::default(); 4];
        for (scheme, url) in view.placement_urls(placement).filter_map(|url| view.url(url)) {
            let plain = self.piece(|out| out.extend_from_slice(url.as_bytes()));
            let slot = &mut first[scheme as usize];
            if slot.len == 0 {
                *slot = plain;
            }
            let opening = self.piece(|out| {
                let name = scheme.name().as_bytes();
                out.extend_from_slice(b"    <url protocol=\"");
                out.extend_from_slice(name);
                out.extend_from_slice(b"\" type=\"");
                out.extend_from_slice(name);
                out.extend_from_slice(b"\" location=\"");
                out.extend_from_slice(country.map_or("".into(), |code| code.to_string()).as_bytes());
                out.extend_from_slice(b"\" preference=\"");
            });
            let url = self.piece(|out| escape::xml(url.as_bytes(), out));
            self.lines.push(Line { scheme, opening, url });
        }
        self.first.push(first);
    }

    fn add_trees(&mut self, view: &View<'_>) {
        let (lines, start) = (&mut self.trees, &mut self.tree_start);
        for id in (0..view.repository_count() as u32).map(RepositoryId) {
            let name = view.repository(id).map_or("", |repository| repository.name);
            for tree in view.trees(id) {
                start.push(lines.len() as u32);
                lines.extend_from_slice(b"# repo=");
                escape::echo(name.as_bytes(), lines);
                lines.extend_from_slice(b"&arch=");
                escape::echo(view.tree_arch(tree).as_bytes(), lines);
                lines.push(b'\n');
            }
        }
        start.push(lines.len() as u32);
        lines.shrink_to_fit();
        start.shrink_to_fit();
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

    /// The lines that say which trees there are, of the trees so numbered.
    pub fn tree_lines(&self, trees: Range<usize>) -> &[u8] {
        match (self.tree_start.get(trees.start), self.tree_start.get(trees.end)) {
            (Some(from), Some(to)) => self.trees.get(*from as usize..*to as usize).unwrap_or_default(),
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
