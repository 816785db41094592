//! What of a request counts for nothing: parameters that there are not, and values that are none.
//!
//! The answer is the one that it is without them; a person who asks why is told of them.

use super::{
    exclude::{Item, MOST_ITEMS},
    form::Endpoint,
    params::{Params, items, unknown},
    query::Query,
};
use cache::{View, scheme::Scheme};
use wire::code::Country;

/// The first so many of them, each with the reason, in the order in which SPEC.md §1 has the parameters; those that there
/// are not come first. `written` is the query string that `query` was resolved from.
pub fn ignored(view: &View<'_>, written: &[u8], query: &Query<'_>, most: usize) -> Vec<String> {
    let params = Params::parse(written);
    let mut ignored: Vec<String> = unknown(written)
        // dnf counts machines by it, for whoever reads the web server's log.
        .filter(|name| **name != *b"countme")
        .take(most)
        .map(|name| format!("{}: no such parameter", name.escape_ascii()))
        .collect();
    let mut value = |name: &str, value: &[u8], why: &str| {
        if ignored.len() < most {
            ignored.push(format!("{name}={}: {why}", value.escape_ascii()));
        }
    };
    if params.path.is_some() {
        for (name, given) in [("repo", &params.repo), ("arch", &params.arch)] {
            given.iter().for_each(|given| value(name, given, "the path counts"));
        }
    }
    for item in params.country.iter().flat_map(|list| items(list)) {
        if Country::parse(item).is_none() && !item.eq_ignore_ascii_case(b"global") {
            value("country", item, "neither a code of two letters nor global");
        }
    }
    for item in params.protocol.iter().flat_map(|list| items(list)) {
        if Scheme::parse(item).is_none() {
            value("protocol", item, "none of https, http, ftp and rsync");
        }
    }
    let counted = query.exclude.as_ref().map_or(&[][..], |exclude| &exclude.items);
    for item in params.exclude.iter().flat_map(|list| items(list)) {
        match Item::read(view, item) {
            None => {
                value("exclude", item, "no country, continent:CC, AS number, host name with a dot or origin");
            }
            Some(item) if !counted.contains(&item) => {
                value("exclude", item.to_string().as_bytes(), &format!("{MOST_ITEMS} others count"));
            }
            Some(_) => {}
        }
    }
    if let Some(limit) = params.limit.iter().find(|_| query.limit.is_none()) {
        value("limit", limit, "no number from 1 to 255");
    }
    if params.strict && !query.strict {
        value("strict", b"1", "there is no country that it could be about");
    }
    if let Some(ip) = params.ip.iter().find(|_| query.client.address.is_none()) {
        value("ip", ip, "no address, so the client is unknown");
    }
    if params.redirect && query.endpoint == Endpoint::Metalink {
        value("redirect", b"1", "a metalink is no redirect");
    }
    if let Some(location) = params.location.iter().find(|_| query.location.is_none()) {
        value("location", location, "the cache has no such location");
    }
    ignored
}
