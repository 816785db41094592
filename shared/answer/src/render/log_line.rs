//! The access log line that MirrorManager's statistics read.
//!
//! Source: SPEC.md §10.

use super::escape::log_word;
use crate::{rules::LogAddress, select::query::Query};
use cache::View;
use ipnetwork::IpNetwork;
use std::{io::Write, net::IpAddr};
use time::Date;

/// Appends the line of an answered request for a repository and an architecture; nothing for others, of which those for a
/// path may name a repository that nobody has looked for.
pub fn render(view: &View<'_>, query: &Query<'_>, address: LogAddress, today: Date, out: &mut Vec<u8>) {
    let Some(asked) = query.named.asked.as_ref().filter(|_| query.named.repository.is_some()) else { return };
    out.extend_from_slice(b"IP: ");
    let client = query.client.address.filter(|_| address != LogAddress::Omit);
    match client.map(|client| shown(client, address)) {
        Some(client) => {
            // Writing to memory does not fail.
            let _ = write!(out, "{client}");
        }
        None => out.extend_from_slice(b"N/A"),
    }
    let _ = write!(
        out,
        "; DATE: {:04}-{:02}-{:02}; COUNTRY: ",
        today.year(),
        u8::from(today.month()),
        today.day()
    );
    match query.client.country.and_then(|country| view.country_code(country)) {
        Some(code) => out.extend_from_slice(&code.bytes()),
        None => out.extend_from_slice(b"N/A"),
    }
    out.extend_from_slice(b"; REPO: ");
    log_word(&asked.repo, out);
    out.extend_from_slice(b"; ARCH: ");
    log_word(&asked.arch, out);
    out.push(b'\n');
}

/// The address, or the network that stands for it.
pub fn shown(client: IpAddr, address: LogAddress) -> IpAddr {
    let length = match (address, client) {
        (LogAddress::Short, IpAddr::V4(_)) => 24,
        (LogAddress::Short, IpAddr::V6(_)) => 48,
        _ => return client,
    };
    IpNetwork::new(client, length).map_or(client, |network| network.network())
}
