//! `mirrors.json`: which mirror has which repository, for programs. mirrorlist-report(1) tells its form.
//!
//! What all mirrors have in common stands in it once: of every repository and architecture what follows a mirror's URL. A
//! mirror has its URLs, and of each the places of what is below it, so that the file grows with neither by a URL.

use super::{
    contents::{Contents, Mirror, Repository},
    mirrors::by_mirror,
    site::Site,
    state::State,
};
use program::failure::Failure;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
};

/// What is found below a mirror's URL.
#[derive(Serialize)]
struct OfRepository<'c> {
    repo: &'c str,
    arch: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    product: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'c str,
    /// With a slash at its beginning, unless the URL itself is that of the repository. None if no mirror has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'c str>,
}

#[derive(Serialize)]
struct OfMirror<'c> {
    id: i64,
    name: &'c str,
    /// Its page, seen from this file.
    page: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    country: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<u32>,
    schemes: Vec<&'c str>,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    families: &'c [u8],
    state: &'static str,
    urls: Vec<OfUrl<'c>>,
}

/// A URL, with the places of what is below it.
#[derive(Serialize)]
struct OfUrl<'c> {
    url: &'c str,
    repositories: Vec<u32>,
}

/// Writes it, one mirror at a time; `states` are those of mirrors, by their place.
pub(super) fn write<'c>(site: &Site, contents: &'c Contents, states: &[State]) -> Result<(), Failure> {
    let firsts = firsts(&contents.repositories);
    let carried = by_mirror(contents);
    site.stream("mirrors.json", |out| {
        write!(out, "{{\"time\":{},\"repositories\":[", contents.time)?;
        let mut is_first = true;
        for repository in &contents.repositories {
            let listed: BTreeSet<u16> = repository.listed_archs().collect();
            for (at, (arch, end)) in (0..).zip(repository.archs.iter().zip(&repository.ends)) {
                let path = listed.contains(&at).then_some(&**end);
                out.write_all(if is_first { b"\n" } else { b",\n" })?;
                is_first = false;
                let Repository { name: repo, product, version, .. } = repository;
                serde_json::to_writer(&mut *out, &OfRepository { repo, arch, product, version, path })?;
            }
        }
        let redirect = |of: &'c Repository| Some((&*of.name, of.redirect.as_deref()?));
        let redirects: BTreeMap<&str, &str> = contents.repositories.iter().filter_map(redirect).collect();
        out.write_all(b"],\"redirects\":")?;
        serde_json::to_writer(&mut *out, &redirects)?;
        out.write_all(b",\"mirrors\":[")?;
        for (at, ((mirror, state), carried)) in contents.mirrors.iter().zip(states).zip(&carried).enumerate()
        {
            out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut *out, &of_mirror(contents, &firsts, mirror, *state, carried))?;
        }
        out.write_all(b"]}\n")
    })
}

/// The place of the first architecture of each repository.
fn firsts(repositories: &[Repository]) -> Vec<u32> {
    let mut next = 0;
    let first = |repository: &Repository| {
        let first = next;
        next += repository.archs.len() as u32;
        first
    };
    repositories.iter().map(first).collect()
}

fn of_mirror<'c>(
    contents: &'c Contents,
    firsts: &[u32],
    mirror: &'c Mirror,
    state: State,
    carried: &[(u32, u32)],
) -> OfMirror<'c> {
    let mut urls: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (number, place) in carried {
        let repository = &contents.repositories[*number as usize];
        let carried = &repository.carried[*place as usize];
        if carried.is_listed {
            let first = firsts[*number as usize];
            let archs = repository.archs_of(carried).iter().map(|arch| first + u32::from(*arch));
            urls.entry(&contents.bases[carried.base as usize]).or_default().extend(archs);
        }
    }
    OfMirror {
        id: mirror.id,
        name: &mirror.name,
        page: format!("mirrors/{}.html", mirror.file),
        country: &mirror.country,
        bandwidth: mirror.bandwidth,
        schemes: mirror.schemes(),
        families: &mirror.families,
        state: state.class(),
        urls: urls.into_iter().map(|(url, repositories)| OfUrl { url, repositories }).collect(),
    }
}
