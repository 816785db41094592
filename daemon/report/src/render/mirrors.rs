//! The public list: all mirrors by country, as a page and as JSON.

use super::{
    contents::{Contents, Mirror},
    names::{country, file_name, name},
    page::{Frame, Part, bandwidth},
    site::Site,
    state::State,
};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use serde::Serialize;
use std::{collections::BTreeMap, io::Write as _};

/// What `mirrors.json` says of a mirror.
#[derive(Serialize)]
struct Row<'c> {
    id: i64,
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    country: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<u32>,
    schemes: Vec<&'c str>,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    families: &'c [u8],
    state: &'static str,
    /// Each with the URL of its first architecture.
    repositories: BTreeMap<&'c str, String>,
}

/// Writes the list; `states` are those of mirrors, by their place.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    contents: &Contents,
    states: &[State],
) -> Result<(), Failure> {
    json(site, contents, states)?;
    let body = list(frame, contents, states);
    site.write("mirrors/index.html", frame.page(Part::Mirrors, 1, "Mirrors", &body))
}

/// One mirror at a time, for all of them have much.
fn json(site: &Site, contents: &Contents, states: &[State]) -> Result<(), Failure> {
    let carried = by_mirror(contents);
    site.stream("mirrors.json", |out| {
        out.write_all(b"[")?;
        for (at, ((mirror, state), carried)) in contents.mirrors.iter().zip(states).zip(&carried).enumerate()
        {
            if at > 0 {
                out.write_all(b",")?;
            }
            let of = |(repository, place): &(u32, u32)| {
                let repository = &contents.repositories[*repository as usize];
                let carried = &repository.carried[*place as usize];
                carried.is_listed.then(|| (&*repository.name, contents.url(repository, carried)))
            };
            let row = Row {
                id: mirror.id,
                name: &mirror.name,
                country: &mirror.country,
                bandwidth: mirror.bandwidth,
                schemes: mirror.schemes(),
                families: &mirror.families,
                state: state.class(),
                repositories: carried.iter().filter_map(of).collect(),
            };
            serde_json::to_writer(&mut *out, &row)?;
        }
        out.write_all(b"]\n")
    })
}

/// By mirror: repositories that it carries, each with the place in its list.
pub(super) fn by_mirror(contents: &Contents) -> Vec<Vec<(u32, u32)>> {
    let mut of: Vec<Vec<(u32, u32)>> = vec![Vec::new(); contents.mirrors.len()];
    for (number, repository) in (0..).zip(&contents.repositories) {
        for (place, carried) in (0..).zip(&repository.carried) {
            of[carried.mirror as usize].push((number, place));
        }
    }
    of
}

/// The mirror of a host; of one with several names the first. Cost: looks at every mirror.
pub(super) fn by_id(contents: &Contents, id: i64) -> Option<&Mirror> {
    contents.mirrors.iter().find(|mirror| mirror.id == id)
}

/// Mirrors by country, in their order.
pub(super) fn by_country<T>(
    contents: &Contents,
    of: impl Iterator<Item = (usize, T)>,
) -> Vec<(&str, Vec<(usize, T)>)> {
    let mut groups: Vec<(&str, Vec<(usize, T)>)> = Vec::new();
    for (place, what) in of {
        let mirror = &contents.mirrors[place];
        match groups.last_mut() {
            Some((country, group)) if *country == mirror.country => group.push((place, what)),
            _ => groups.push((&mirror.country, vec![(place, what)])),
        }
    }
    groups
}

/// Links to the countries of a page.
pub(super) fn anchors<T>(groups: &[(&str, Vec<T>)]) -> Markup {
    html! {
        nav class="anchors" aria-label="Countries" {
            @for (code, mirrors) in groups {
                span { a href={ "#" (anchor(code)) } { (country(code)) } " " span class="quiet" { (mirrors.len()) } }
            }
        }
    }
}

/// The name of a country's part of a page.
pub(super) fn anchor(code: &str) -> String {
    format!("in-{}", if code.is_empty() { "unknown".into() } else { file_name(code) })
}

/// A mirror's name, with its number where that alone tells it apart.
pub(super) fn shown(mirror: &Mirror) -> Markup {
    html! { (name(&mirror.name)) @if !mirror.is_alone { " " span class="quiet" { "host " (mirror.id) } } }
}

fn list(frame: &Frame, contents: &Contents, states: &[State]) -> Markup {
    let groups = by_country(contents, (0..contents.mirrors.len()).map(|place| (place, ())));
    let all: u64 = contents.mirrors.iter().filter_map(|mirror| mirror.bandwidth).map(u64::from).sum();
    html! {
        p {
            (grouped(contents.mirrors.len())) " public mirrors in " (contents.countries()) " countries"
            @if all > 0 { ", with " (bandwidth(all)) " together" }
            ". Those that the service names for each repository are on the "
            a href="../repositories/index.html" { "repositories’ pages" } "; all of it is in "
            a href="../mirrors.json" { "mirrors.json" } "."
        }
        (frame.warning_of_states())
        (anchors(&groups))
        table {
            caption { "By country" }
            thead { tr {
                th scope="col" { "Mirror" }
                th scope="col" { "State" }
                th scope="col" class="wide" { "By" }
                th scope="col" class="number wide" { "Bandwidth" }
                th scope="col" class="number wide" { "Repositories" }
            } }
            @for (code, mirrors) in &groups {
                tbody id=(anchor(code)) {
                    (group(code, 5))
                    @for (place, ()) in mirrors {
                        @let mirror = &contents.mirrors[*place];
                        tr {
                            th scope="row" { a href={ (mirror.file) ".html" } { (shown(mirror)) } }
                            td { (states[*place].said()) }
                            td class="wide" { (mirror.schemes().join(" ")) (families(mirror)) }
                            td class="number wide" { (mirror.bandwidth.map_or_else(|| "–".into(), |of| bandwidth(of.into()))) }
                            td class="number wide" { (grouped(mirror.listed)) }
                        }
                    }
                }
            }
        }
    }
}

/// The row above the mirrors of a country, in a table of so many columns.
pub(super) fn group(code: &str, columns: usize) -> Markup {
    html! { tr class="group" { th scope="rowgroup" colspan=(columns) { (country(code)) } } }
}

/// Versions of IP, where they are known.
pub(super) fn families(mirror: &Mirror) -> Markup {
    html! {
        @if !mirror.families.is_empty() {
            span class="quiet" { @for family in &mirror.families { " IPv" (family) } }
        }
    }
}
