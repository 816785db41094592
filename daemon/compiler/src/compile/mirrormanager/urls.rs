//! `HCUrlCache`: the URLs of hosts, by the ids under which directories name them.

use super::tables::Tables;
use crate::compile::{
    error::Cause,
    skipped::{Place, Reason, Skipped},
};
use cache::{
    inventory::{HostUrl, Inventory},
    scheme::Scheme,
};
use interchange::message::IntString;
use std::collections::HashMap;

/// Lists must keep their lines below 4,096 bytes; this leaves room for the path.
const MAX_URL: usize = 1024;

/// Usable URLs: the source's id to the position in [`Inventory::urls`].
pub type Urls = HashMap<i64, u32>;

/// Reads the usable URLs into [`Inventory::urls`]; of one id given twice the last counts.
pub fn import(tables: &Tables<'_>, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<Urls, Cause> {
    let mut urls = Urls::with_capacity(tables.records(Place::Url).len());
    for record in tables.decoded(Place::Url) {
        let IntString { key, value } = record?;
        let value = value.unwrap_or_default();
        let Some(id) = key else {
            skipped.add(Place::Url, Reason::NoKey, || String::from_utf8_lossy(&value).into_owned());
            continue;
        };
        match host_url(&value) {
            Ok(url) => match urls.get(&id) {
                Some(&position) => {
                    skipped.add(Place::Url, Reason::Repeated, || id);
                    inventory.urls[position as usize] = url;
                }
                None => {
                    urls.insert(id, inventory.urls.len() as u32);
                    inventory.urls.push(url);
                }
            },
            Err(reason) => {
                skipped.add(Place::Url, reason, || format!("{id} {}", String::from_utf8_lossy(&value)));
            }
        }
    }
    Ok(urls)
}

fn host_url(bytes: &[u8]) -> Result<HostUrl, Reason> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)?.trim_end_matches('/');
    if text.len() > MAX_URL {
        return Err(Reason::TooLong);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Reason::BadUrl);
    }
    let scheme = Scheme::of_url(text).ok_or(Reason::UnknownScheme)?;
    Ok(HostUrl { scheme, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_end_are_dropped_and_the_rest_is_kept() {
        let url = host_url(b"HTTPS://Mirror.example.org/Pub//fedora%20x//").unwrap();
        assert_eq!(
            (url.scheme, url.text.as_str()),
            (Scheme::Https, "HTTPS://Mirror.example.org/Pub//fedora%20x")
        );
    }

    #[test]
    fn what_no_list_could_show_is_skipped() {
        assert_eq!(host_url(b"gopher://mirror.example.org").err(), Some(Reason::UnknownScheme));
        assert_eq!(host_url(b"mirror.example.org/pub").err(), Some(Reason::UnknownScheme));
        assert_eq!(host_url(b"http:///").err(), Some(Reason::UnknownScheme));
        assert_eq!(host_url(b"http://mirror.example.org/a b").err(), Some(Reason::BadUrl));
        assert_eq!(host_url(b"http://mirror.example.org/\nx").err(), Some(Reason::BadUrl));
        assert_eq!(host_url(b"http://mirror.example.org/\xff").err(), Some(Reason::NotUtf8));
    }
}
