//! The JSON object: the mirrors of a directory or file with all that is known of them, for programs.
//!
//! Its shape is a public interface; `answer.schema.json` beside SPEC.md has it. What is not known has no key. An object is
//! one line. Source: SPEC.md §12.

use super::{MOST_BYTES, fragments::Fragments, mirror::Mirrors, unlisted::Excluded, url};
use crate::select::{client::Client, query::Query, target::Target, tiers::Candidates};
use cache::View;
use serde::Serialize;
use std::collections::BTreeMap;

/// What follows the last mirror, at most.
const LONGEST_END: usize = 4096;

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtime: Option<u64>,
    #[serde(flatten)]
    hashes: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Asks {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asn: Option<u32>,
}

/// What is told.
#[derive(Debug)]
pub struct Object<'a> {
    /// The cache.
    pub view: &'a View<'a>,
    /// What was prepared for it.
    pub fragments: &'a Fragments,
    /// What was asked.
    pub query: &'a Query<'a>,
    /// What it is about.
    pub target: &'a Target<'a>,
    /// The mirrors.
    pub candidates: &'a Candidates,
    /// Why others are not listed, if that was asked.
    pub excluded: Option<Vec<Excluded<'a>>>,
}

impl Object<'_> {
    /// Appends the object.
    pub fn render(&self, out: &mut Vec<u8>) {
        let Object { view, fragments, query, target, .. } = self;
        let most = out.len() + MOST_BYTES - LONGEST_END;
        out.push(b'{');
        member("path", &String::from_utf8_lossy(&target.path(view)), out);
        if let Some(file) = file(view, target) {
            out.push(b',');
            member("file", &file, out);
        }
        out.push(b',');
        member("client", &asks(view, &query.client), out);
        if let Some(origin) = url::origin(view, query, target) {
            out.push(b',');
            member("origin", &String::from_utf8_lossy(&origin), out);
        }
        let mirrors = Mirrors::of(view, fragments, query, target);
        let picks = self.candidates.picks.iter().enumerate();
        out.extend_from_slice(b",\"mirrors\":[");
        let listed = picks.filter_map(|(place, pick)| mirrors.mirror(place, pick));
        list(listed, |mirror, out| mirror.json(out), 1, most, out);
        out.push(b']');
        if let Some(excluded) = &self.excluded {
            out.extend_from_slice(b",\"excluded\":[");
            list(excluded.iter(), value, 0, most, out);
            out.push(b']');
        }
        out.push(b',');
        member("cache_time", &view.source_time(), out);
        out.extend_from_slice(b"}\n");
    }
}

/// Appends values with commas between as long as there is room, `least` of them in any case.
fn list<T>(
    values: impl Iterator<Item = T>,
    append: impl Fn(T, &mut Vec<u8>),
    least: usize,
    most: usize,
    out: &mut Vec<u8>,
) {
    for (place, of) in values.enumerate() {
        let before = out.len();
        if place > 0 {
            out.push(b',');
        }
        append(of, out);
        if out.len() > most && place >= least {
            return out.truncate(before);
        }
    }
}

/// Appends the object that says why there are no mirrors: `text`, without its last LF.
pub fn refusal(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'{');
    member("error", &String::from_utf8_lossy(text.trim_ascii_end()), out);
    out.extend_from_slice(b"}\n");
}

fn member(name: &str, of: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    value(of, out);
}

fn value(of: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    // Writing to memory does not fail, nor do these types.
    let _ = serde_json::to_writer(out, of);
}

fn file<'a>(view: &View<'_>, target: &'a Target<'_>) -> Option<File<'a>> {
    let name = std::str::from_utf8(target.file.as_deref()?).ok()?;
    let version = target.details.and_then(|details| view.versions(details).next());
    let known = |number: u64| (number != 0).then_some(number);
    let hashes = version
        .iter()
        .flat_map(|version| ["md5", "sha1", "sha256", "sha512"].into_iter().zip(version.hashes));
    let hashes = hashes.filter_map(|(kind, hash)| {
        let mut digits = Vec::with_capacity(128);
        super::metalink::hex(hash?, &mut digits);
        Some((kind, String::from_utf8_lossy(&digits).into_owned()))
    });
    Some(File {
        name,
        size: version.as_ref().and_then(|version| known(version.size)),
        mtime: version.as_ref().and_then(|version| known(version.timestamp)),
        hashes: hashes.collect(),
    })
}

fn asks(view: &View<'_>, client: &Client) -> Asks {
    let code = client.country.and_then(|country| view.country_code(country));
    let continent = client.country.and_then(|country| view.continent(country));
    Asks {
        ip: client.address.map(|address| address.to_string()),
        country: code.map(|code| code.as_str().to_owned()),
        continent: continent
            .and_then(|continent| view.continent_code(continent))
            .map(|code| code.as_str().to_owned()),
        asn: client.class.asn.map(|asn| view.asn_number(asn)),
    }
}
