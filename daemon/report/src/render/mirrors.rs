//! The public list: all mirrors by country. The same as JSON is in `json`.

use super::{
    contents::{Contents, Mirror},
    filter::{LIST, filter},
    names::{country, file_name, name},
    page::{Frame, Part, ROW, WIDE, WIDE_NUMBER, bandwidth},
    site::Site,
    state::State,
};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};

/// Writes the list; `states` are those of mirrors, by their place.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    contents: &Contents,
    states: &[State],
) -> Result<(), Failure> {
    let body = list(frame, contents, states);
    site.write("mirrors/index.html", frame.page_of_list(Part::Mirrors, 1, "Mirrors", &body))
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

/// A mirror's name as a link from another folder of the site, with its host where that is called otherwise, and its number where
/// that alone tells it apart.
pub(super) fn linked(mirror: &Mirror, folder: &str) -> Markup {
    html! {
        a href={ (folder) (mirror.file) ".html" } { (name(&mirror.name)) }
        @if mirror.host != mirror.name { " " small { (name(&mirror.host)) } }
        (number_of(mirror))
    }
}

/// The same without its host.
pub(super) fn linked_name(mirror: &Mirror, folder: &str) -> Markup {
    html! {
        a href={ (folder) (mirror.file) ".html" } { (name(&mirror.name)) }
        (number_of(mirror))
    }
}

/// Its number where that alone tells it apart.
fn number_of(mirror: &Mirror) -> Markup {
    html! { @if !mirror.is_alone { " " small { "host " (mirror.id) } } }
}

/// So many mirrors are in so many countries, behind the word that they are.
pub(super) fn in_countries(count: usize) -> Markup {
    html! { @match count { 0 => {}, 1 => " in one country", count => { " in " (count) " countries" } } }
}

/// The bandwidth that is registered.
pub(super) fn bandwidth_of(mirror: &Mirror) -> String {
    mirror.bandwidth.map_or_else(|| "–".into(), |of| bandwidth(of.into()))
}

pub(super) fn list(frame: &Frame, contents: &Contents, states: &[State]) -> Markup {
    let groups = by_country(contents, (0..contents.mirrors.len()).map(|place| (place, ())));
    let listed = || contents.mirrors.iter().filter(|mirror| mirror.listed > 0);
    let suspended = contents.mirrors.len() - listed().count();
    let all: u64 = listed().filter_map(|mirror| mirror.bandwidth).map(u64::from).sum();
    html! {
        p {
            (grouped(contents.mirrors.len())) @if contents.mirrors.len() == 1 { " public mirror" } @else { " public mirrors" }
            (in_countries(contents.countries()))
            @if suspended > 0 { ", " (grouped(suspended)) " suspended" }
            @if all > 0 { ". " @if suspended > 0 { "All others" } @else { "They" } " have " (bandwidth(all)) " together" }
            ". All of it is in " a href="../mirrors.json" { "mirrors.json" } "."
        }
        p { "Looking for a version? " a href="../repositories/index.html" { "Choose it by product, version and architecture" } "." }
        (frame.warning_of_states())
        (anchors(&groups))
        (filter("Names, countries and their codes, states, protocols"))
        table id=(LIST) {
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
                        (ROW) (linked(mirror, ""))
                        (states[*place].cell())
                        (WIDE) (mirror.schemes().join(" ")) (families(mirror))
                        (WIDE_NUMBER) (bandwidth_of(mirror))
                        (WIDE_NUMBER) (grouped(mirror.listed))
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
            small { @for family in &mirror.families { " IPv" (family) } }
        }
    }
}
