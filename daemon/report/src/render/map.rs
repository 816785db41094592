//! The map: a mark for each mirror, its area by bandwidth, its shape and colour by state; a list of the same below.
//!
//! Hosts whose place is not known stand at their country's point, and those of one point around it. A mark is a link that
//! says below the map whose it is while it is pointed at or has the focus.

use super::{
    contents::{Contents, Mirror, first_of},
    land,
    mirror::degrees,
    mirrors::{bandwidth_of, by_country, group, in_countries, linked_name},
    names::{country_name, visible},
    page::{CELL, Frame, Part, ROW},
    site::Site,
    state::State,
};
use cache::place::Place;
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use std::{cmp::Reverse, collections::HashMap};
use wire::code::Country;

/// Room below the land for what a mark says.
const CAPTION: i32 = 225;

/// Characters of a line that a narrow window has room for, and that are shown at all.
const NARROW: usize = 44;
const LONGEST: usize = 100;

/// Radiuses of the smallest and the largest mark.
const SMALLEST: f64 = 8.0;
const LARGEST: f64 = 26.0;
/// The bandwidth of the largest one, in Mbit/s: few have more.
const MOST: f64 = 100_000.0;

/// The list below the map.
const AS_LIST: &str = "as-list";

/// A mark.
struct Mark<'c> {
    place: usize,
    mirror: &'c Mirror,
    at: [i32; 2],
    radius: i32,
    is_own: bool,
}

/// Writes it; `states` are those of mirrors, by their place.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    contents: &Contents,
    states: &[State],
) -> Result<(), Failure> {
    site.write("map/index.html", frame.page(Part::Map, 1, "Map", &body(frame, contents, states)))
}

/// The page.
pub(super) fn body(frame: &Frame, contents: &Contents, states: &[State]) -> Markup {
    let marks = marks(contents);
    html! {
        (frame.warning_of_states())
        (legend(contents, states))
        a class="skip here" href={ "#" (AS_LIST) } { "To the same as a list" }
        (drawing(&marks, states))
        (about(contents, &marks))
        (list(contents, states))
    }
}

/// The largest first, so that none hides a smaller one.
fn marks(contents: &Contents) -> Vec<Mark<'_>> {
    let mut beside: HashMap<[i32; 2], usize> = HashMap::new();
    let mut marks = Vec::new();
    for (place, mirror) in contents.mirrors.iter().enumerate() {
        let of_country = || Country::parse(mirror.country.as_bytes()).and_then(Place::of);
        let Some(at) = mirror.place.or_else(of_country).map(land::point) else { continue };
        let number = beside.entry(at).or_default();
        let at = around(at, *number);
        *number += 1;
        marks.push(Mark { place, mirror, at, radius: radius(mirror), is_own: mirror.place.is_some() });
    }
    marks.sort_by_key(|mark| Reverse(mark.radius));
    marks
}

/// The place of the first, second … mark of a point: as seeds are in a sunflower.
fn around([x, y]: [i32; 2], number: usize) -> [i32; 2] {
    let (far, angle) = (9.0 * (number as f64).sqrt(), number as f64 * 2.399_963);
    [x + (far * angle.cos()).round() as i32, y + (far * angle.sin()).round() as i32]
}

/// Of an area that grows with the bandwidth; the smallest if that is not known.
fn radius(mirror: &Mirror) -> i32 {
    let share = f64::from(mirror.bandwidth.unwrap_or_default()).min(MOST) / MOST;
    (SMALLEST.powi(2) + (LARGEST.powi(2) - SMALLEST.powi(2)) * share).sqrt().round() as i32
}

fn drawing(marks: &[Mark<'_>], states: &[State]) -> Markup {
    let view = format!("0 0 {} {}", land::WIDTH, land::HEIGHT + CAPTION);
    html! {
        svg class="map" viewBox=(view) role="group" aria-label={ "Map of " (marks.len()) " mirrors; the same as a list is below" } {
            path class="land" d=(land::outline()) {}
            text class="hint" aria-hidden="true" { "Point at a mark to see whose it is." }
            @for Mark { place, mirror, at, radius, is_own } in marks {
                a href={ "../mirrors/" (mirror.file) ".html" } {
                    (states[*place].mark(*at, *radius))
                    (said(mirror, states[*place], *is_own))
                }
            }
        }
    }
}

/// What a mark says while it is pointed at: whose it is, how that is, and its URL, a line each.
fn said(mirror: &Mirror, state: State, is_own: bool) -> Markup {
    let name = visible(&mirror.name);
    let name = if mirror.is_alone { name } else { format!("{name}, host {}", mirror.id).into() };
    let country = country_name(&mirror.country).unwrap_or(&mirror.country);
    let state =
        if is_own { state.words().into() } else { format!("{}, somewhere in {country}", state.words()) };
    html! {
        // The blanks are for those who hear it.
        text {
            (line(&name)) " "
            tspan x="0" dy="1.2em" { (line(&state)) " " }
            @if let Some(url) = first_of(&mirror.urls) { tspan x="0" dy="1.2em" { (line(&visible(url))) } }
        }
    }
}

/// A line, of which a narrow window leaves out the end.
fn line(text: &str) -> Markup {
    let (first, rest) = cut(text, NARROW);
    let (rest, over) = cut(rest, LONGEST - NARROW);
    html! {
        (first)
        @if !rest.is_empty() { tspan class="rest" { (rest) @if !over.is_empty() { "…" } } tspan class="more" { "…" } }
    }
}

/// The first so many characters, and the others.
fn cut(text: &str, most: usize) -> (&str, &str) {
    text.split_at(text.char_indices().nth(most).map_or(text.len(), |(end, _)| end))
}

fn legend(contents: &Contents, states: &[State]) -> Markup {
    let count = |state| states.iter().filter(|of| **of == state).count();
    html! {
        p {
            (grouped(contents.mirrors.len())) @if contents.mirrors.len() == 1 { " public mirror" } @else { " public mirrors" }
            (in_countries(contents.countries())) "."
        }
        ul class="legend" {
            @for state in State::ALL.into_iter().filter(|state| count(*state) > 0) {
                li { (state.said()) " " span class="quiet" { (count(state)) } }
            }
        }
    }
}

/// What the map does not show, and whose it is.
fn about(contents: &Contents, marks: &[Mark<'_>]) -> Markup {
    let at_country = marks.iter().filter(|mark| !mark.is_own).count();
    let nowhere = contents.mirrors.len() - marks.len();
    html! {
        p class="quiet" {
            "The area of a mark is the bandwidth. "
            @if at_country == 1 { "Of one mirror no more than the country is known: it stands at the country’s middle. " }
            @else if at_country > 1 {
                "Of " (grouped(at_country)) " mirrors no more than the country is known: they stand around its middle. "
            }
            @if nowhere == 1 { "One has no country either and is in the list alone. " }
            @else if nowhere > 1 { (grouped(nowhere)) " have no country either and are in the list alone. " }
            "Land: " a href="https://www.naturalearthdata.com/" { "Natural Earth" } ", public domain."
        }
    }
}

/// The same for those who cannot see it. Its cells have their looks by their places, for the sake of bytes.
fn list(contents: &Contents, states: &[State]) -> Markup {
    let groups = by_country(contents, (0..contents.mirrors.len()).map(|place| (place, ())));
    html! {
        h2 id=(AS_LIST) { "The same as a list" }
        table class="places" {
            caption { "By country" }
            thead { tr {
                th scope="col" { "Mirror" }
                th scope="col" { "State" }
                th scope="col" class="number wide" { "Bandwidth" }
                th scope="col" class="wide" { "Place" }
            } }
            @for (code, mirrors) in &groups {
                tbody {
                    (group(code, 4))
                    @for (place, ()) in mirrors {
                        @let mirror = &contents.mirrors[*place];
                        (ROW) (linked_name(mirror, "../mirrors/"))
                        (CELL) (states[*place].words())
                        (CELL) (bandwidth_of(mirror))
                        (CELL)
                        @match mirror.place {
                            Some(of) => { (degrees(of.latitude, ["N", "S"])) ", " (degrees(of.longitude, ["E", "W"])) }
                            None => { "not known" }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::page::STYLE, *};

    #[test]
    fn marks_of_one_point_stand_beside_each_other_and_grow_with_bandwidth() {
        let places: Vec<[i32; 2]> = (0..50).map(|number| around([100, 100], number)).collect();
        assert_eq!(places[0], [100, 100]);
        for (at, place) in places.iter().enumerate() {
            assert!(!places[..at].contains(place), "{at}");
        }
        let of = |bandwidth| radius(&Mirror { bandwidth, ..Mirror::default() });
        assert_eq!([of(None), of(Some(100_000)), of(Some(4_000_000_000))], [8, 26, 26]);
        assert!(of(Some(10_000)) > 9 && of(Some(10_000)) < 13);
    }

    #[test]
    fn what_a_mark_says_stands_below_the_land() {
        let [line, narrow] = [64, 47].map(|below| land::HEIGHT + below);
        for rule in [format!("translateY({line}px)"), format!("translate(112px, {narrow}px)")] {
            assert!(STYLE.contains(&rule), "{rule}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!([cut("äöü", 3), cut("äöüß", 3)], [("äöü", ""), ("äöü", "ß")]);
        let most = "ä".repeat(LONGEST);
        let ends = |text: &str| line(text).into_string().matches('…').count();
        let (short, over) = (&most[..2 * NARROW], format!("{most}ä"));
        assert_eq!([short, &most, &over].map(ends), [0, 1, 2]);
    }
}
