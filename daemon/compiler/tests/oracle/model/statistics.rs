//! The line that MirrorManager's statistics read: SPEC.md §10.

use super::{client::Client, metalink::date, prefix::Prefix, question::Bytes};
use answer::rules::LogAddress;
use std::net::IpAddr;

/// `IP: 192.0.2.7; DATE: 2026-11-21; COUNTRY: DE; REPO: fedora-42; ARCH: x86_64`, LF included.
pub fn line(client: &Client, (repo, arch): (Bytes, Bytes), log: LogAddress, now: u64) -> Option<String> {
    let cut = |address: IpAddr| Prefix::of(address, if address.is_ipv4() { 24 } else { 48 }).ends().0;
    let address = match log {
        LogAddress::Off => return None,
        LogAddress::Full => client.address,
        LogAddress::Short => client.address.map(cut),
        LogAddress::Omit => None,
    };
    let unknown = || "N/A".to_owned();
    let ip = address.map_or_else(unknown, |address| address.to_string());
    let country = client.country.clone().unwrap_or_else(unknown);
    let (year, month, day) = date(now);
    let (repo, arch) = (escaped(&repo), escaped(&arch));
    Some(format!(
        "IP: {ip}; DATE: {year}-{month:02}-{day:02}; COUNTRY: {country}; REPO: {repo}; ARCH: {arch}\n"
    ))
}

/// "bytes outside printable ASCII, blanks, `%` and `;` are written `%XX`".
fn escaped(value: &[u8]) -> String {
    let stays = |b: u8| b.is_ascii_graphic() && b != b'%' && b != b';';
    value.iter().map(|b| if stays(*b) { (*b as char).to_string() } else { format!("%{b:02X}") }).collect()
}
