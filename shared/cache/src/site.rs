//! What the site says of its answers: origins, what only they have, other names of paths.
//!
//! A look-up here tries each whole component of a path from its end, a binary search for each: at most
//! [`MOST_COMPONENTS`](super::limits::MOST_COMPONENTS) times seventeen steps or so, and none where the site says nothing.

use super::{
    View, glob,
    limits::MOST_GLOBS,
    schema::{ArchivedPolicyRow, NONE},
    scheme::Scheme,
};
use rkyv::rend::u32_le;

/// Where the original of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The tree's path; empty for everything.
    pub top: &'a str,
    /// The URL that stands for it, without slashes at its end.
    pub url: &'a str,
}

impl Origin<'_> {
    /// The URL's scheme: https or http.
    pub fn scheme(&self) -> Scheme {
        Scheme::of_url(self.url).unwrap_or(Scheme::Http)
    }
}

impl<'a> View<'a> {
    fn policy(&self) -> Option<&'a ArchivedPolicyRow> {
        self.schema().policy.first()
    }

    /// The age in seconds from which a file of one version may be on mirrors.
    pub fn young(&self) -> u64 {
        self.policy().map_or(0, |row| row.young.to_native().into())
    }

    /// The URL under which the world reaches the service, without slashes at its end.
    pub fn public_url(&self) -> Option<&'a str> {
        let number = self.policy()?.public_url;
        (number.to_native() != NONE).then(|| self.text(number))
    }

    /// Where the originals of trees are, ascending by path.
    pub fn origins(&self) -> impl ExactSizeIterator<Item = Origin<'a>> + 'a {
        let view = *self;
        let rows = view.schema().origins.iter();
        rows.map(move |row| Origin { top: view.text(row.top), url: view.text(row.url) })
    }

    /// The origin of the longest tree that this path is in.
    pub fn origin_of(&self, path: &[u8]) -> Option<Origin<'a>> {
        let rows = &self.schema().origins;
        let (at, _) = self.longest(path, rows.len(), |at| rows[at].top)?;
        Some(Origin { top: self.text(rows[at].top), url: self.text(rows[at].url) })
    }

    /// The patterns of paths for which their origin alone answers.
    pub fn origin_only(&self) -> impl ExactSizeIterator<Item = &'a str> + 'a {
        let view = *self;
        view.schema().origin_only.iter().take(MOST_GLOBS).map(move |text| view.text(*text))
    }

    /// Whether the origin alone answers for this path.
    pub fn is_origin_only(&self, path: &[u8]) -> bool {
        self.origin_only().any(|pattern| glob::matches(pattern.as_bytes(), path))
    }

    /// Other names of paths, ascending, and the paths that are meant.
    pub fn aliases(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + 'a {
        let view = *self;
        view.schema().aliases.iter().map(move |row| (view.text(row.name), view.text(row.path)))
    }

    /// What the longest other name at the beginning of this path stands for, and the length of that name.
    pub fn alias_of(&self, path: &[u8]) -> Option<(&'a str, usize)> {
        let rows = &self.schema().aliases;
        let (at, length) = self.longest(path, rows.len(), |at| rows[at].name)?;
        Some((self.text(rows[at].path), length))
    }

    /// Of rows that ascend by a path, the one with the longest path that is this one or above it, and how long it is.
    fn longest(&self, path: &[u8], rows: usize, text_of: impl Fn(usize) -> u32_le) -> Option<(usize, usize)> {
        if rows == 0 {
            return None;
        }
        let mut end = path.len();
        loop {
            let (mut from, mut to) = (0, rows);
            while from < to {
                let middle = from + (to - from) / 2;
                match self.bytes(text_of(middle)).cmp(&path[..end]) {
                    std::cmp::Ordering::Less => from = middle + 1,
                    std::cmp::Ordering::Equal => return Some((middle, end)),
                    std::cmp::Ordering::Greater => to = middle,
                }
            }
            if end == 0 {
                return None;
            }
            end = path[..end].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        }
    }
}

/// Whether a URL is another one or below it, or would be if their schemes were the same.
pub fn is_below(url: &str, above: &str) -> bool {
    let place = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let usual = if scheme == "https" { ":443" } else { ":80" };
        format!("{}{path}/", authority.strip_suffix(usual).unwrap_or(authority).to_ascii_lowercase())
    };
    place(url).starts_with(&place(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_below_another_is_told_whatever_scheme_case_and_usual_port() {
        let above = "https://dl.example.org/pub";
        for below in [
            above,
            "http://dl.example.org/pub/x",
            "https://DL.example.org:443/pub",
            "http://dl.example.org:80/pub",
        ] {
            assert!(is_below(below, above), "{below}");
        }
        for beside in [
            "https://dl.example.org",
            "https://dl.example.org/public",
            "https://dl.example.org:8443/pub",
            "https://dl.example.com/pub",
        ] {
            assert!(!is_below(beside, above), "{beside}");
        }
    }
}
