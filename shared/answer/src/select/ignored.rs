//! What of a request counts for nothing: parameters that there are not, values that are none, and what something else beats.
//!
//! The answer is the one that it is without them; a person who asks why is told of them.

use super::{
    exclude::{Item, MOST_ITEMS},
    form::{Endpoint, Format},
    params::{Flag, Params, Written, items, unknown},
    query::{MOST_COUNTRIES, Query},
};
use crate::render::escape::echo;
use cache::{View, scheme::Scheme};
use wire::{code::Country, net::trim_blanks};

/// Why parameters of lists count for nothing below a prefix, and the other way about.
const NOT_BELOW: &str = "not below a prefix of the redirector";
const ONLY_BELOW: &str = "only below a prefix of the redirector";

/// The first so many of them, each with the reason, in the order in which SPEC.md §1 has the parameters; those that there
/// are not come first. `written` is the query string that `query` was resolved from.
pub fn ignored(view: &View<'_>, written: &[u8], query: &Query<'_>, most: usize) -> Vec<String> {
    let query_string = Written::read(written);
    let params = Params::of(&query_string);
    // dnf counts machines by it, for whoever reads the web server's log.
    let unknown = unknown(written).filter(|name| **name != *b"countme").take(most);
    let lines = unknown.map(|name| format!("{}: no such parameter", echoed(&name))).collect();
    let mut ignored = Ignored { written: query_string, most, lines };
    let below = query.endpoint == Endpoint::File;
    for name in ["repo", "arch", "path"] {
        match below {
            true => ignored.given(name, NOT_BELOW),
            false if name != "path" && params.path.is_some() => ignored.given(name, "the path counts"),
            false => {}
        }
    }
    ignored.countries(&params, query);
    if params.strict && !query.strict {
        ignored.value("strict", b"1", "there is no country that it could be about");
    }
    ignored.excluded(view, &params, query);
    if query.family.is_none() {
        ignored.given("family", "neither 4 nor 6");
    }
    if query.limit.is_none() {
        ignored.given("limit", "no number from 1 to 255");
    }
    for item in params.protocol.iter().flat_map(|list| items(list)) {
        if Scheme::parse(item).is_none() {
            ignored.value("protocol", item, "none of https, http, ftp and rsync");
        }
    }
    if query.client.address.is_none() {
        ignored.given("ip", "no address, so the client is unknown");
    }
    match query.endpoint {
        Endpoint::File if params.redirect => ignored.value("redirect", b"1", NOT_BELOW),
        Endpoint::Metalink if params.redirect => ignored.value("redirect", b"1", "a metalink is no redirect"),
        _ => {}
    }
    if params.time && (below || query.format != Format::Text) {
        ignored.value("time", b"1", if below { NOT_BELOW } else { "a list alone tells it" });
    }
    match &query.named.asked {
        _ if below => ignored.given("version", NOT_BELOW),
        Some(asked) if params.path.is_none() => {
            if params.repo.as_ref() == Some(&asked.repo) {
                ignored.given("version", "there is no such repository");
            }
        }
        _ => ignored.given("version", "there is no repository that it could be about"),
    }
    if query.location.is_none() {
        ignored.given("location", "the cache has no such location");
    }
    if params.explain && !query.explain {
        ignored.value("explain", b"1", "only JSON and the page can tell");
    }
    if !below {
        ignored.given("again", ONLY_BELOW);
    }
    if query.endpoint == Endpoint::Mirrorlist && query.format == Format::Redirect {
        ignored.given("format", "the redirect counts");
    }
    ignored.flags(&params, query);
    ignored.lines
}

/// What a client sent, as texts repeat it.
fn echoed(text: &[u8]) -> String {
    let mut echoed = Vec::new();
    echo(text, &mut echoed);
    String::from_utf8_lossy(&echoed).into_owned()
}

struct Ignored<'q> {
    written: Written<'q>,
    most: usize,
    lines: Vec<String>,
}

impl Ignored<'_> {
    fn value(&mut self, name: &str, value: &[u8], why: &str) {
        if self.lines.len() < self.most {
            self.lines.push(format!("{name}={}: {why}", echoed(value)));
        }
    }

    /// Whatever a parameter has been given.
    fn given(&mut self, name: &str, why: &str) {
        let given = self.written.given(name);
        let given = given.as_deref().map(trim_blanks).filter(|value| !value.is_empty());
        if let Some(given) = given {
            self.value(name, given, why);
        }
    }

    fn countries(&mut self, params: &Params<'_>, query: &Query<'_>) {
        let country = self.written.given("country");
        let beats = country.is_some_and(|list| items(&list).next().is_some());
        let counted = query.countries.as_ref();
        let counts = |code| counted.is_some_and(|list| list.codes.iter().any(|known| known.0 == code));
        let others = format!("{MOST_COUNTRIES} others count");
        let name = if beats { "country" } else { "cc" };
        for item in params.country.iter().flat_map(|list| items(list)) {
            let is_global = item.eq_ignore_ascii_case(b"global");
            match Country::parse(item) {
                _ if is_global && counted.is_some_and(|list| !list.global) => self.value(name, item, &others),
                _ if is_global => {}
                None => self.value(name, item, "neither a code of two letters nor global"),
                Some(code) if !counts(code) => self.value(name, item, &others),
                Some(_) => {}
            }
        }
        if beats {
            self.given("cc", "the country counts");
        }
    }

    fn excluded(&mut self, view: &View<'_>, params: &Params<'_>, query: &Query<'_>) {
        let counted = query.exclude.as_ref().map_or(&[][..], |exclude| &exclude.items);
        for item in params.exclude.iter().flat_map(|list| items(list)) {
            match Item::read(view, item) {
                None => {
                    let why = "no country, continent:CC, AS number, host name with a dot or origin";
                    self.value("exclude", item, why);
                }
                Some(item) if !counted.contains(&item) => {
                    self.value("exclude", item.to_string().as_bytes(), &format!("{MOST_ITEMS} others count"));
                }
                Some(_) => {}
            }
        }
    }

    /// Flags of forms: below a prefix the first one counts, if neither `format` nor an ending says another form.
    fn flags(&mut self, params: &Params<'_>, query: &Query<'_>) {
        let below = query.endpoint == Endpoint::File;
        let mut counts = below && params.format.is_none();
        let flags: Vec<(&str, Flag)> = self.written.flags().collect();
        for (name, flag) in flags {
            let is_the_form = match flag {
                Flag::Mirrorlist => matches!(query.format, Format::Text | Format::Json | Format::Page),
                Flag::Of(format) => format == query.format,
            };
            if !(counts && is_the_form) {
                self.value(name, b"1", if below { "the answer has another form" } else { ONLY_BELOW });
            }
            counts = false;
        }
    }
}
