//! The request log's line: every request, whatever was asked and however it ended.
//!
//! Nine columns, a blank between each and none inside, so that words of a line can be counted with awk. Source: SPEC.md
//! §10.

use super::{escape::log_word, log_line::shown};
use crate::{
    rules::LogAddress,
    select::{client::Client, form::Endpoint, params::Params, query::Query},
};
use cache::View;
use std::io::Write as _;
use wire::{ReplyHead, Request, Tier};

/// Bytes of a client's word that are logged.
const LONGEST: usize = 1024;

/// Appends the line of a request that was answered so; `query` is what it was understood as, `time` in RFC 3339.
pub fn render(
    view: &View<'_>,
    (request, query): (&Request<'_>, Option<&Query<'_>>),
    head: &ReplyHead,
    time: &str,
    address: LogAddress,
    out: &mut Vec<u8>,
) {
    let params = Params::parse(request.query);
    let client = match query {
        Some(query) => query.client,
        None => Client::resolve(view, request.client, &params),
    };
    let tier = match head.tier {
        Tier::CountryContinent => "country_continent",
        tier => tier.name(),
    };
    out.extend_from_slice(time.as_bytes());
    // Writing to memory does not fail.
    let _ = match client.address.filter(|_| address != LogAddress::Omit) {
        Some(client) => write!(out, " {}", shown(client, address)),
        None => write!(out, " -"),
    };
    let _ = write!(out, " {} {} {} ", head.status, head.kind.name(), tier);
    match client.country.and_then(|country| view.country_code(country)) {
        Some(code) => out.extend_from_slice(&code.bytes()),
        None => out.push(b'-'),
    }
    let asked = query.and_then(|query| query.named.asked.as_ref());
    word(asked.map(|asked| &*asked.repo), out);
    word(asked.map(|asked| &*asked.arch), out);
    let path = match query {
        Some(query) if query.endpoint != Endpoint::File => params.path.as_deref(),
        _ => Some(request.path),
    };
    word(path, out);
    out.push(b'\n');
}

/// Appends a blank and a word of the client's, or `-` where there is none.
fn word(word: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(b' ');
    match word {
        None | Some(b"") => out.push(b'-'),
        Some(b"-") => out.extend_from_slice(b"%2D"),
        Some(word) => log_word(&word[..word.len().min(LONGEST)], out),
    }
}
