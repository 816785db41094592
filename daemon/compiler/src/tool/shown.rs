//! An answer, read as a client reads it: which URLs are in it.
//!
//! Explanations take URLs from here and not from the rules that made the answer, so that they are those that clients get,
//! repeats and those beyond the longest answer left out.

use answer::{
    Scratch, Service,
    render::{escape, url::suffix},
    select::target::Target,
};
use cache::View;
use rand::Rng;
use std::collections::HashSet;
use wire::{Kind, Request};

/// The URLs of an answer, as they are written there.
pub struct Shown {
    kind: Kind,
    urls: HashSet<Vec<u8>>,
}

impl Shown {
    /// Has a request answered.
    pub fn of(service: &Service<'_>, request: &Request<'_>, now: u64, dice: &mut impl Rng) -> Shown {
        let mut page = Vec::new();
        let answer = service.answer(request, now, dice, &mut Scratch::default(), &mut page);
        let (kind, status) = (answer.head.kind, answer.head.status);
        let lines = page[answer.headers_len..].split(|byte| *byte == b'\n');
        let urls = match (status, kind) {
            (200 | 302, Kind::Metalink | Kind::Metalink4) => {
                lines.filter_map(metalink_url).map(<[u8]>::to_vec).collect()
            }
            (200, Kind::Page) => links(&page[answer.headers_len..]),
            (200, Kind::Json) => json_urls(&page[answer.headers_len..]),
            (200, Kind::Apt) => lines.filter_map(apt_url).map(<[u8]>::to_vec).collect(),
            (200 | 302, _) => lines.filter(|line| !line.starts_with(b"#")).map(<[u8]>::to_vec).collect(),
            _ => HashSet::new(),
        };
        Shown { kind, urls }
    }

    /// Whether this URL is in it.
    pub fn has(&self, url: &[u8]) -> bool {
        let mut written = Vec::with_capacity(url.len());
        match self.kind {
            Kind::Metalink | Kind::Metalink4 | Kind::Page => escape::xml(url, &mut written),
            Kind::Redirect | Kind::File => escape::url_in_header(url, &mut written),
            _ => written.extend_from_slice(url),
        }
        self.urls.contains(&written)
    }
}

/// The URL on a line of a metalink.
fn metalink_url(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"</url>")?;
    // Within a URL it is written as an entity.
    line.rsplit(|byte| *byte == b'>').next()
}

/// What the links of a page lead to.
fn links(page: &[u8]) -> HashSet<Vec<u8>> {
    let parts = String::from_utf8_lossy(page);
    let links = parts.split("<li><a href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    links.map(|(link, _)| link.as_bytes().to_vec()).collect()
}

/// The URLs of an object.
fn json_urls(object: &[u8]) -> HashSet<Vec<u8>> {
    let object: serde_json::Value = serde_json::from_slice(object).unwrap_or_default();
    let mirrors = object["mirrors"].as_array().map_or(&[][..], Vec::as_slice);
    let urls = mirrors.iter().filter_map(|mirror| mirror["urls"].as_object());
    urls.flat_map(|urls| urls.values()).filter_map(|url| Some(url.as_str()?.as_bytes().to_vec())).collect()
}

/// The URL on a line of apt's list.
fn apt_url(line: &[u8]) -> Option<&[u8]> {
    let end = line.iter().position(|byte| *byte == b'\t')?;
    line.get(..end)
}

/// What a client is given to reach a target at a host's URL.
pub fn whole(view: &View<'_>, target: &Target<'_>, url: &str) -> Vec<u8> {
    let mut whole = url.as_bytes().to_vec();
    suffix(view, target, &mut whole);
    whole
}
