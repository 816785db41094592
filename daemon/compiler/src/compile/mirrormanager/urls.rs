//! `HCUrlCache`: the URLs of hosts, by the ids under which directories name them.

use super::tables::Tables;
use crate::compile::{
    error::Cause,
    policy::Policy,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::{HostUrl, Inventory};
use cache::scheme::Scheme;
use indexmap::IndexMap;
use interchange::message::IntString;
use std::collections::HashMap;
use url::Host;

/// Lists must keep their lines below 4,096 bytes; this leaves room for the path.
const MAX_URL: usize = 1024;

/// Usable URLs: the source's id to the position in [`Inventory::urls`], `None` where the site's policy excludes it.
pub type Urls = HashMap<i64, Option<u32>>;

/// Reads the usable URLs into [`Inventory::urls`]; of one id given twice the last counts. Two ids of one URL have one
/// position. An excluded URL is counted here, and not once more for each directory that names it.
pub fn import(
    tables: &Tables,
    policy: &Policy,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<Urls, Cause> {
    let mut by_id: IndexMap<i64, HostUrl> = IndexMap::with_capacity(tables.records(InputTable::Url).len());
    for record in tables.decoded(InputTable::Url) {
        let IntString { key, value } = record?;
        let value = value.unwrap_or_default();
        let Some(id) = key else {
            skipped.add(InputTable::Url, Reason::NoKey, || text::lossy(&value));
            continue;
        };
        match host_url(&value) {
            Ok(url) => {
                if by_id.insert(id, url).is_some() {
                    skipped.add(InputTable::Url, Reason::Repeated, || id);
                }
            }
            Err(reason) => skipped.add(InputTable::Url, reason, || format!("{id} {}", text::lossy(&value))),
        }
    }
    let interned = by_id.into_iter().map(|(id, url)| {
        if policy.exclude_protocols.contains(url.scheme) {
            skipped.add(InputTable::Url, Reason::Excluded, || format!("{id} {}", url.text));
            return (id, None);
        }
        (id, Some(inventory.urls.insert_full(url).0 as u32))
    });
    Ok(interned.collect())
}

/// A URL under which a host offers its directories.
///
/// Scheme and host are brought into the one spelling that every client understands (RFC 3986 §6.2.2.1: lower case;
/// international names as punycode, RFC 5891), whatever the scheme; the rest stays byte for byte, but for slashes at
/// the end. An error where clients would be sent nowhere, or somewhere else than is written there.
pub(crate) fn host_url(bytes: &[u8]) -> Result<HostUrl, Reason> {
    let text = std::str::from_utf8(bytes).map(text::trim_str).map_err(|_| Reason::NotUtf8)?;
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Reason::BadUrl);
    }
    let (scheme, rest) = text.split_once("://").ok_or(Reason::UnknownScheme)?;
    let scheme = Scheme::parse(scheme.as_bytes()).ok_or(Reason::UnknownScheme)?;
    // Clients ask for what stands before a fragment, whatever is appended to it.
    if rest.contains('#') {
        return Err(Reason::BadUrl);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority_of(authority).ok_or(Reason::BadUrl)?;
    let text = format!("{}://{authority}{}", scheme.name(), path.trim_end_matches('/'));
    if text.len() > MAX_URL { Err(Reason::TooLong) } else { Ok(HostUrl { scheme, text }) }
}

/// Host and port in their one spelling; `None` when there is no host, the port is none, or a user is named.
///
/// The scheme's name where the host should stand is a URL pasted behind another's beginning.
fn authority_of(text: &str) -> Option<String> {
    let (host, port) = match text.rfind([':', ']']) {
        Some(at) if text[at..].starts_with(':') => (&text[..at], Some(&text[at + 1..])),
        _ => (text, None),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = |port: &str| digits(port) && port.parse::<u16>().is_ok_and(|number| number > 0);
    if port.is_some_and(|port| !is_port(port)) || Scheme::parse(host.as_bytes()).is_some() {
        return None;
    }
    // The parser of names refuses `@`, and with it user information.
    let host = Host::parse(host).ok()?;
    if let Host::Domain(name) = &host
        && !is_name(name)
    {
        return None;
    }
    Some(port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}")))
}

/// Whether a host's name can be looked up: labels of 1 to 63 letters, digits, hyphens and underscores, 253 in all
/// (RFC 1035 §2.3.1 and §2.3.4). A dot may end it.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(is_good) && !label.starts_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(url: &str) -> Result<String, Reason> {
        host_url(url.as_bytes()).map(|url| url.text)
    }

    #[test]
    fn slashes_at_the_end_are_dropped_and_the_rest_is_kept() {
        let url = host_url(b"https://mirror.example.org/Pub//fedora%20x//").unwrap();
        assert_eq!(
            (url.scheme, url.text.as_str()),
            (Scheme::Https, "https://mirror.example.org/Pub//fedora%20x")
        );
    }

    #[test]
    fn scheme_and_host_have_one_spelling_and_the_rest_is_kept() {
        for (given, kept) in [
            ("HTTPS://Mirror.Example.ORG/Pub%7e", "https://mirror.example.org/Pub%7e"),
            ("Http://mirror.example.org:8080/A?B=C", "http://mirror.example.org:8080/A?B=C"),
            ("https://Spiegel-B\u{fc}cher.example/\u{fc}/", "https://xn--spiegel-bcher-4ob.example/\u{fc}"),
            ("RSYNC://M\u{d6}BEL.example/mod", "rsync://xn--mbel-5qa.example/mod"),
            ("ftp://MIRROR.example.org", "ftp://mirror.example.org"),
            ("https://mirror%2eexample.org/x", "https://mirror.example.org/x"),
            ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]:80/x"),
            ("http://192.0.2.7/x", "http://192.0.2.7/x"),
            ("http://mirror.example.org./x", "http://mirror.example.org./x"),
            ("http://local_mirror/x", "http://local_mirror/x"),
        ] {
            assert_eq!(text(given).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn white_space_around_a_url_is_none_of_it() {
        for odd in
            ["https://a.example/pub ", "\thttps://a.example/pub/\r\n", "\u{feff}https://a.example/pub\u{a0}"]
        {
            assert_eq!(text(odd).as_deref(), Ok("https://a.example/pub"), "{odd:?}");
        }
    }

    #[test]
    fn what_no_client_could_use_is_skipped() {
        for (bad, reason) in [
            ("gopher://mirror.example.org", Reason::UnknownScheme),
            ("mirror.example.org/pub", Reason::UnknownScheme),
            ("https:mirror.example.org", Reason::UnknownScheme),
            ("", Reason::UnknownScheme),
            ("http:///", Reason::BadUrl),
            ("https:///pub/x", Reason::BadUrl),
            ("https://", Reason::BadUrl),
            ("https://:443", Reason::BadUrl),
            ("https://?x", Reason::BadUrl),
            ("http://http://mirror.example.org/", Reason::BadUrl),
            ("http://https//mirror.example.org/", Reason::BadUrl),
            ("https://mirror.example.org:port/x", Reason::BadUrl),
            ("https://mirror.example.org:/x", Reason::BadUrl),
            ("https://mirror.example.org:65536/x", Reason::BadUrl),
            ("https://mirror.example.org:0/x", Reason::BadUrl),
            ("https://mirror.example.org:+80/x", Reason::BadUrl),
            ("https://user@mirror.example.org/x", Reason::BadUrl),
            ("https://user:secret@mirror.example.org/x", Reason::BadUrl),
            ("https://[2001:db8::1/x", Reason::BadUrl),
            ("https://2001:db8::1/x", Reason::BadUrl),
            ("https://[2001:db8::1]x/x", Reason::BadUrl),
            ("https://mirror..example.org/x", Reason::BadUrl),
            ("https://./x", Reason::BadUrl),
            ("https://192.0.2.300/x", Reason::BadUrl),
            ("https://mirror.example.org\\x/y", Reason::BadUrl),
            ("https://$(id).example/x", Reason::BadUrl),
            ("https://a'b.example/x", Reason::BadUrl),
            ("https://*.example/x", Reason::BadUrl),
            ("https://-.example/x", Reason::BadUrl),
            ("https://mirror.example.org/pub#top", Reason::BadUrl),
            ("https://mirror.example.org#top", Reason::BadUrl),
            ("https://xn--\u{fc}/y", Reason::BadUrl),
            ("http://mirror.example.org/a b", Reason::BadUrl),
            ("http://mirror.example.org/\nx", Reason::BadUrl),
        ] {
            assert_eq!(text(bad), Err(reason), "{bad:?}");
        }
        assert_eq!(host_url(b"http://mirror.example.org/\xff").err(), Some(Reason::NotUtf8));
        let long = |label: usize| format!("http://{}.example/", "a".repeat(label));
        assert!(text(&long(63)).is_ok());
        assert_eq!(text(&long(64)), Err(Reason::BadUrl));
        let path = format!("http://mirror.example.org/{}", "a".repeat(MAX_URL));
        assert_eq!(text(&path), Err(Reason::TooLong));
    }
}
