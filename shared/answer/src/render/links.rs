//! From one form of an answer to the others: relative references, with the parameters of the request.
//!
//! Relative, for a web server in front may have put the service anywhere. Source: SPEC.md §12.

use crate::select::params;
use cache::Version;
use std::borrow::Cow;

/// Parameters that say what an answer is about or what form it has, not which mirrors are wanted.
const NOT_FILTERS: [&[u8]; 15] = [
    b"repo",
    b"arch",
    b"path",
    b"version",
    b"redirect",
    b"time",
    b"ip",
    b"format",
    b"explain",
    b"mirrorlist",
    b"json",
    b"meta4",
    b"metalink",
    b"sha256",
    b"sha512",
];

/// How many of them, at the end, say which form.
const FLAGS: usize = 8;

/// Bytes of all that links repeat of a query, above which there are none: a page repeats it several times, and each time with
/// escapes.
const MOST_BYTES: usize = 1024;

/// Where the other forms of an answer are.
#[derive(Clone, Debug)]
pub struct Links<'a> {
    /// The request's path, as sent.
    path: &'a [u8],
    /// The pairs of the request's query whose names mean something; `None` if they are too long.
    pairs: Option<Vec<Pair<'a>>>,
}

/// A name, decoded, and its pair, as sent.
type Pair<'a> = (Cow<'a, [u8]>, &'a [u8]);

impl<'a> Links<'a> {
    /// Those of a request with this path and this query, as sent.
    pub fn of(path: &'a [u8], query: &'a [u8]) -> Links<'a> {
        let pairs = query.split(|byte| *byte == b'&').filter(|pair| params::is_known(name_of(pair)));
        let pairs: Vec<_> = pairs.map(|pair| (params::decode(name_of(pair)), pair)).collect();
        let bytes: usize = pairs.iter().map(|(_, pair)| pair.len() + 1).sum();
        Links { path, pairs: Some(pairs).filter(|_| bytes <= MOST_BYTES) }
    }

    /// The forms with their names, of a file with this version known, or of a directory; none of a query that is too long.
    pub fn forms(&self, version: Option<&Version<'_>>, directory: bool) -> Vec<(&'static str, String)> {
        let Some(query) = self.kept(is_of_any_form) else { return Vec::new() };
        let file = version.is_some();
        let all = [
            ("metalink 4", "format=metalink4", file),
            ("JSON", "format=json", true),
            ("text", "format=text", true),
            ("apt", "format=apt", directory),
        ];
        let all = all.into_iter().filter(|one| one.2);
        all.map(|(name, format, _)| (name, self.to(&query, format))).collect()
    }

    /// What limits the choice of mirrors, and a page without it; `None` where nothing does, or the query is too long.
    pub fn unfiltered(&self) -> Option<(String, String)> {
        let filters = self.kept(|name| !NOT_FILTERS.contains(&name))?;
        let others = self.kept(|name| NOT_FILTERS.contains(&name) && is_of_any_form(name))?;
        (!filters.is_empty()).then(|| (filters, self.to(&others, "format=html")))
    }

    /// The page that says of other mirrors why they are not there; `None` of a query that is too long.
    pub fn explained(&self) -> Option<String> {
        Some(self.to(&self.kept(is_of_any_form)?, "format=html&explain=1"))
    }

    fn to(&self, query: &str, format: &str) -> String {
        let and = if query.is_empty() { "" } else { "&" };
        format!("{}?{query}{and}{format}", self.end())
    }

    /// The last segment of the path, with the ending that may have asked for a page: `format` counts before it, and a name may
    /// end so, too.
    fn end(&self) -> String {
        let end = self.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        format!("./{}", String::from_utf8_lossy(end))
    }

    /// The pairs of the query whose names are these.
    fn kept(&self, keeps: impl Fn(&[u8]) -> bool) -> Option<String> {
        let pairs = self.pairs.as_ref()?.iter().filter(|(name, _)| keeps(name)).map(|(_, pair)| *pair);
        Some(String::from_utf8_lossy(&pairs.collect::<Vec<_>>().join(&b'&')).into_owned())
    }
}

/// The name of a pair of a query, as sent.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

/// Whether a parameter means the same whatever form the answer has.
fn is_of_any_form(name: &[u8]) -> bool {
    name != b"redirect" && !NOT_FILTERS[NOT_FILTERS.len() - FLAGS..].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_keeps_what_was_asked_and_names_another_form() {
        let all = Links::of(b"/x/mirrorlist", b"path=a%26b&country=DE&countme=1&format=html&");
        let forms = all.forms(None, true);
        assert_eq!(forms[0], ("JSON", "./mirrorlist?path=a%26b&country=DE&format=json".to_owned()));
        assert_eq!(forms.len(), 3);
        let unfiltered = ("country=DE".to_owned(), "./mirrorlist?path=a%26b&format=html".to_owned());
        assert_eq!(all.unfiltered(), Some(unfiltered));
        assert_eq!(Links::of(b"/x/mirrorlist", b"path=a&format=html").unfiltered(), None);
        let file = Links::of(b"/dl/x.iso.mirrorlist", b"limit=1&explain=1");
        assert_eq!(
            file.unfiltered(),
            Some(("limit=1".to_owned(), "./x.iso.mirrorlist?format=html".to_owned()))
        );
        assert_eq!(file.explained().unwrap(), "./x.iso.mirrorlist?limit=1&format=html&explain=1");
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        let all = Links::of(b"/mirrorlist", b"%72epo=a&%61rch=b&%66ormat=html&country=DE");
        let unfiltered = ("country=DE".to_owned(), "./mirrorlist?%72epo=a&%61rch=b&format=html".to_owned());
        assert_eq!(all.unfiltered(), Some(unfiltered));
        assert_eq!(Links::of(b"/mirrorlist", b"%72epo=a&%66ormat=html").unfiltered(), None);
    }

    #[test]
    fn of_a_long_query_nothing_is_repeated() {
        let query = [b"country=".as_slice(), &[b'"'; MOST_BYTES - 9]].concat();
        assert!(Links::of(b"/mirrorlist", &query).explained().is_some());
        let long = [query.as_slice(), b"&country=DE"].concat();
        let links = Links::of(b"/mirrorlist", &long);
        assert_eq!((links.explained(), links.unfiltered(), links.forms(None, true).len()), (None, None, 0));
    }
}
