//! The redirector's prefixes: below which paths everything names a file or a directory.
//!
//! Prefixes are compared with the path as sent; what follows is decoded once, here, and then is a `path` like any other.
//! Source: SPEC.md §13.

use crate::select::params::{acceptable, decode};
use memchr::memmem;
use std::{borrow::Cow, error::Error, str::FromStr};

/// How the redirector answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirector {
    /// The longest first.
    prefixes: Vec<Prefix>,
    /// For how many seconds a client is led to the same mirror; 0: each answer is a fresh draw.
    pub sticky: u64,
}

/// A path, and the tree that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// As it stands in URLs; it begins and ends with a slash.
    path: String,
    /// What is put in front of what follows, without slashes at its ends; may be empty.
    tree: String,
}

/// A path below a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below<'r, 'q> {
    tree: &'r str,
    rest: &'q [u8],
}

impl Redirector {
    /// A redirector with these prefixes.
    pub fn new(mut prefixes: Vec<Prefix>, sticky: u64) -> Redirector {
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.path.len()));
        Redirector { prefixes, sticky }
    }

    /// What a path as sent is below the longest prefix that it begins with. Beside the whole host the two paths of lists stay
    /// what they are.
    pub fn below<'q>(&self, path: &'q [u8]) -> Option<Below<'_, 'q>> {
        let prefix = self.prefixes.iter().find(|prefix| path.starts_with(prefix.path.as_bytes()))?;
        if prefix.path == "/" && matches!(path, b"/mirrorlist" | b"/metalink") {
            return None;
        }
        Some(Below { tree: &prefix.tree, rest: &path[prefix.path.len()..] })
    }
}

impl<'q> Below<'_, 'q> {
    /// Whether nothing follows the prefix.
    pub fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The path in the tree, decoded.
    pub fn path(self) -> Cow<'q, [u8]> {
        let rest = without_dots(decode(self.rest));
        if self.tree.is_empty() { rest } else { Cow::Owned([self.tree.as_bytes(), b"/", &rest].concat()) }
    }
}

/// A path without its components `.`: apt has them in flat archives. One at the end stands for the directory.
fn without_dots(path: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let is_dotted = path.starts_with(b"./") || path.ends_with(b"/.") || &*path == b".";
    if !is_dotted && memmem::find(&path, b"/./").is_none() {
        return path;
    }
    let components = || path.split(|byte| *byte == b'/');
    let mut plain = components().filter(|component| *component != b".").collect::<Vec<_>>();
    if path.ends_with(b".") {
        plain.push(b"");
    }
    Cow::Owned(plain.join(&b'/'))
}

impl FromStr for Prefix {
    type Err = Box<dyn Error + Send + Sync>;

    /// Reads `/dl/`, or with a tree in front of what follows `/pub/=pub/`.
    fn from_str(text: &str) -> Result<Prefix, Self::Err> {
        let (path, tree) = text.split_once('=').unwrap_or((text, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.starts_with('/') || !path.ends_with('/') || path.contains("//") || !path.bytes().all(plain) {
            return Err(
                "a prefix begins and ends with a slash and has letters, digits and -._~ between".into()
            );
        }
        let tree = tree.trim_matches('/');
        let good = |segment: &str| !matches!(segment, "" | "." | "..");
        let is_tree = tree.is_empty() || tree.split('/').all(good) && acceptable(tree.as_bytes());
        if !is_tree {
            return Err("what stands behind = is no path of a tree".into());
        }
        Ok(Prefix { path: path.to_owned(), tree: tree.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirector(prefixes: &[&str]) -> Redirector {
        Redirector::new(prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(), 0)
    }

    #[test]
    fn the_longest_prefix_counts_and_what_follows_is_decoded_once() {
        let redirector = redirector(&["/dl/", "/dl/old/=archive/", "/pub/=pub/"]);
        for (path, expected) in [
            ("/dl/a/b", Some("a/b")),
            ("/dl/a%2Fb%2525+%zz", Some("a/b%25+%zz")),
            ("/dl/old/x", Some("archive/x")),
            ("/pub/x/", Some("pub/x/")),
            ("/dl//x", Some("/x")),
            ("/dl/./a/%2E/./b", Some("a/b")),
            ("/dl/a/.", Some("a/")),
            ("/dl/old/.", Some("archive/")),
            ("/dl/a/../.b/c.", Some("a/../.b/c.")),
            ("/dl", None),
            ("/d%6C/x", None),
            ("/mirrorlist", None),
        ] {
            let found = redirector.below(path.as_bytes()).map(|below| below.path().into_owned());
            assert_eq!(found, expected.map(|path| path.as_bytes().to_vec()), "{path}");
        }
        assert!(redirector.below(b"/dl/").unwrap().is_empty());
    }

    #[test]
    fn beside_the_whole_host_lists_have_their_two_paths() {
        let redirector = redirector(&["/"]);
        assert!(redirector.below(b"/mirrorlist").is_none() && redirector.below(b"/metalink").is_none());
        assert_eq!(redirector.below(b"/x/mirrorlist").unwrap().path(), &b"x/mirrorlist"[..]);
        assert!(redirector.below(b"/").unwrap().is_empty());
        assert!(Redirector::default().below(b"/dl/x").is_none());
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for bad in ["", "dl/", "/dl", "/d l/", "/d%6C/", "//", "/dl/=a//b", "/dl/=../x", "/dl/=a\n"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad:?}");
        }
        assert_eq!("/dl/=/a/b/".parse::<Prefix>().unwrap().tree, "a/b");
    }
}
