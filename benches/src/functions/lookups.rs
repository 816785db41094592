//! Look-ups: directories by path, clients by address.

use super::{Call, Parts, Round};
use cache::DirectoryId;
use std::{hint::black_box, net::IpAddr};
use testkit::load::questions::{Kind, questions};

/// How many paths and addresses are asked for in turn.
const ASKED: u32 = 20_000;

pub(super) fn known_directory(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let count = view.directory_count() as u32;
    let mut paths = Round::new((0..count.min(ASKED)).map(|number| {
        let mut path = Vec::new();
        // All over the cache, not one after the other.
        view.directory_path(DirectoryId(number.wrapping_mul(2_654_435_761) % count), &mut path);
        path
    }));
    Box::new(move || {
        black_box(view.find(black_box(paths.next())));
    })
}

pub(super) fn unknown_directory(parts: &Parts) -> Call<'_> {
    let view = parts.view();
    let mut paths = Round::new((0..ASKED).map(|number| format!("pub/fedora/linux/releases/{number}/no")));
    Box::new(move || {
        black_box(view.find(black_box(paths.next().as_bytes())));
    })
}

pub(super) fn ipv4_client(parts: &Parts) -> Call<'_> {
    client(parts, IpAddr::is_ipv4)
}

pub(super) fn ipv6_client(parts: &Parts) -> Call<'_> {
    client(parts, IpAddr::is_ipv6)
}

fn client(parts: &Parts, is_meant: fn(&IpAddr) -> bool) -> Call<'_> {
    let view = parts.view();
    let asked = questions(&view, Kind::Metalink, 2 * ASKED as usize, 3);
    let mut clients = Round::new(asked.into_iter().map(|question| question.client).filter(is_meant));
    Box::new(move || {
        black_box(view.class(black_box(*clients.next())));
    })
}
