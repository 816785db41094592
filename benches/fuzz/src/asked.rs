//! A request out of bytes: four that choose, then path and query as text.
//!
//! The text is as a client sends it, so that words of a dictionary and inputs of people fit in.

use cache::{DirectoryId, RepositoryId, View};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::{Accept, Method, Request, UrlScheme};

/// Clients of every kind that the sample knows, and some that it does not.
const CLIENTS: [Option<IpAddr>; 8] = [
    None,
    v4([192, 0, 2, 10]),
    v4([192, 0, 2, 200]),
    v4([198, 51, 100, 7]),
    v4([203, 0, 113, 200]),
    v6(0x2001_0db8_0033 << 80 | 1),
    v6(0x2001_0db8_0049 << 80 | 1),
    v6(0x2002_c000_02c8 << 80),
];

const fn v4([a, b, c, d]: [u8; 4]) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
}

const fn v6(bits: u128) -> Option<IpAddr> {
    Some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
}

/// A request and what it is asked under.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The request.
    pub request: Request<'a>,
    /// The number of the rules; see [`rules`](super::sample::rules).
    pub rules: u8,
    /// Where chance begins.
    pub seed: u64,
    /// When it is asked, in seconds since the epoch.
    pub now: u64,
}

impl<'a> Asked<'a> {
    /// Reads a request; `None` when there are too few bytes.
    pub fn read(bytes: &'a [u8]) -> Option<Asked<'a>> {
        let ([who, rules, seed, now], text) = bytes.split_first_chunk::<4>()?;
        let request = Request { client: CLIENTS[usize::from(who & 7)], ..of_text(text) };
        let request = Request {
            method: if who & 8 == 0 { Method::Get } else { Method::Head },
            scheme: if who & 16 == 0 { UrlScheme::Http } else { UrlScheme::Https },
            ..request
        };
        // Some of these times are beyond what a calendar holds.
        let now = u64::from(*now) << (u32::from(*now) / 4);
        Some(Asked { request, rules: *rules, seed: u64::from(*seed), now })
    }
}

/// A request by an unknown client for `PATH?QUERY`.
pub fn of_text(text: &[u8]) -> Request<'_> {
    let (path, query) = match text.iter().position(|byte| *byte == b'?') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b""[..]),
    };
    Request {
        method: Method::Get,
        scheme: UrlScheme::Http,
        accept: Accept::default(),
        client: None,
        path,
        query,
    }
}

/// Requests about what is in a cache.
pub fn about(view: &View<'_>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for repository in (0..view.repository_count().min(8) as u32).map(RepositoryId) {
        let name = view.repository(repository).map_or("", |row| row.name);
        for repo_arch in view.repo_archs(repository).take(2) {
            for kind in ["mirrorlist", "metalink"] {
                let (name, arch) = (escaped(name.as_bytes()), escaped(view.arch_of(repo_arch).as_bytes()));
                texts.push(format!("{kind}?repo={name}&arch={arch}").into_bytes());
            }
        }
    }
    for directory in (0..view.directory_count().min(8) as u32).map(DirectoryId) {
        let mut path = Vec::new();
        view.directory_path(directory, &mut path);
        let path = escaped(&path);
        texts.push(format!("mirrorlist?path={path}&protocol=rsync,ftp,http,https").into_bytes());
        texts.push(format!("mirrorlist?path={path}&redirect").into_bytes());
        texts.push(format!("metalink?path={path}/repomd.xml&country=de,global").into_bytes());
    }
    texts
}

fn escaped(text: &[u8]) -> String {
    text.iter().map(|byte| format!("%{byte:02x}")).collect()
}
