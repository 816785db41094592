//! A page for each repository: exactly the mirrors that answers name for it, and how much it is asked for.

use super::{
    chart,
    collected::Spread,
    contents::{Carried, Contents, Repository, countries},
    filter::{LIST, filter},
    mirrors::{anchor, anchors, bandwidth_of, by_country, families, group, linked},
    names::{country, file_name, name, short, visible},
    page::{CELL, Frame, Part, ROW, WIDE_NUMBER, bandwidth, day, number, percent},
    products,
    site::Site,
    state::State,
    statistics::whole_days,
};
use crate::statistics::{Days, Figures, OfRepository, Statistics};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

/// Days over which countries are told; architectures are over all.
pub(super) const MONTH: usize = 30;
/// Rows of a table of figures.
const MOST_ROWS: usize = 15;

/// Writes the page of all, and one for each.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    contents: &Contents,
    states: &[State],
    spread: Option<&Spread>,
    statistics: &Statistics,
    figures: &Figures,
) -> Result<(), Failure> {
    let body = products::all(contents);
    let measured: HashSet<&str> =
        spread.into_iter().flat_map(|spread| &spread.repositories).map(|of| &*of.name).collect();
    site.write("repositories/index.html", frame.page_of_list(Part::Repositories, 1, "Repositories", &body))?;
    for repository in &contents.repositories {
        let path = format!("repositories/{}.html", file_name(&repository.name));
        let title = visible(&repository.name);
        let asked = match figures.repositories.contains_key(&repository.name) {
            true => {
                let month = figures.first + figures.totals.len().saturating_sub(MONTH) as i32;
                Some(statistics.of_repository(&repository.name, figures, month)?)
            }
            false => None,
        };
        let has_list =
            !repository.is_disabled && (repository.redirect.is_none() || !repository.archs.is_empty());
        let body = html! {
            (products::whose(repository))
            @if repository.is_disabled { p { "It is disabled: requests for it are answered without mirrors." } }
            @else if let (Some(redirect), true) = (&repository.redirect, repository.archs.is_empty()) {
                p { "Requests for it get what " (link(redirect)) " has." }
            }
            @if has_list { (mirrors(frame, contents, repository, states)) }
            (ages(repository, &measured))
            h2 id="requests" { "Requests" }
            @match asked {
                Some(asked) => (requests(frame, figures, &repository.name, &asked)),
                None => p { "Nobody has asked for it as far as figures go back." },
            }
        };
        let page = if has_list { Frame::page_of_list } else { Frame::page };
        site.write(&path, page(frame, Part::Repositories, 1, &title, &body))?;
    }
    Ok(())
}

/// A repository's name, which leads to its page.
fn link(repository: &str) -> Markup {
    html! { a href={ (file_name(repository)) ".html" } { (short(repository)) } }
}

/// Its architectures.
pub(super) fn archs(repository: &Repository) -> String {
    repository.archs.iter().map(|arch| visible(arch)).collect::<Vec<_>>().join(" ")
}

/// Where it is told how far its mirrors are, of each architecture that is measured.
fn ages(repository: &Repository, measured: &HashSet<&str>) -> Markup {
    let name =
        |arch: &String| Some(format!("{}+{arch}", repository.name)).filter(|name| measured.contains(&**name));
    let pages: Vec<(&String, String)> =
        repository.archs.iter().filter_map(|arch| Some((arch, file_name(&name(arch)?)))).collect();
    html! {
        @if !pages.is_empty() {
            p {
                "How far its mirrors are is measured: "
                @for (at, (arch, page)) in pages.iter().enumerate() {
                    @if at > 0 { ", " }
                    a href={ "../propagation/" (page) ".html" } { (visible(arch)) }
                }
                "."
            }
        }
    }
}

/// Its list, in which each mirror has a row.
pub(super) fn mirrors(
    frame: &Frame,
    contents: &Contents,
    repository: &Repository,
    states: &[State],
) -> Markup {
    let carried = repository.by_mirror().map(|carried| (carried[0].mirror as usize, carried));
    let groups = by_country(contents, carried);
    let listed = || repository.listed().map(|place| &contents.mirrors[place as usize]);
    let suspended = repository.by_mirror().count() - listed().count();
    let in_countries = countries(listed());
    let by_arch = repository.listed_by_arch();
    // Whether each architecture has the same mirrors, which is the rule.
    let is_even = by_arch.iter().all(|count| *count == listed().count());
    let together: u64 = listed().filter_map(|mirror| mirror.bandwidth).map(u64::from).sum();
    html! {
        p {
            @match listed().count() {
                0 => "No public mirror has it up to date",
                1 => "One public mirror has it up to date",
                count => { (grouped(count)) " public mirrors have it up to date" }
            }
            @if in_countries > 1 { ", in " (in_countries) " countries" }
            @if is_even && !repository.archs.is_empty() { ", for " (archs(repository)) }
            @if together > 0 { ", with " (bandwidth(together)) " together" }
            ". "
            @match suspended {
                0 => {},
                1 => "Another one is suspended. ",
                count => { (grouped(count)) " others are suspended. " }
            }
            @if !is_even {
                "By architecture: "
                @for (at, (arch, count)) in repository.archs.iter().zip(&by_arch).enumerate() {
                    @if at > 0 { ", " } (visible(arch)) " " (grouped(*count))
                }
                ". "
            }
            a href="#requests" { "How much it is asked for" } " is below."
        }
        (frame.warning_of_states())
        @if groups.len() > 1 { (anchors(&groups)) }
        (filter("Names, countries and their codes, states, protocols"))
        table id=(LIST) {
            caption { "By country" }
            thead { tr {
                th scope="col" { "Mirror" }
                th scope="col" { "State" }
                th scope="col" { "By" }
                th scope="col" class="number wide" { "Bandwidth" }
            } }
            @for (code, mirrors) in &groups {
                tbody id=(anchor(code)) {
                    (group(code, 4))
                    @for (place, carried) in mirrors {
                        @let mirror = &contents.mirrors[*place];
                        (ROW) (linked(mirror, "../mirrors/"))
                        @if carried[0].is_listed { (states[*place].cell()) }
                        @else { (CELL) (State::Suspended.said()) ", answers leave it out" }
                        (CELL) (ways(contents, repository, carried))
                        (WIDE_NUMBER) (bandwidth_of(mirror))
                    }
                }
            }
        }
    }
}

/// Protocols of a mirror, of which those of its URLs lead there. What is suspended has no link, and all of it is.
fn ways(contents: &Contents, repository: &Repository, carried: &[Carried]) -> Markup {
    let mirror = &contents.mirrors[carried[0].mirror as usize];
    let urls: Vec<String> = carried.iter().map(|carried| contents.url(repository, carried)).collect();
    let linked: Vec<&str> = urls.iter().map(|url| url.split("://").next().unwrap_or_default()).collect();
    let before = |at: usize| linked[..at].iter().filter(|scheme| **scheme == linked[at]).count();
    let others = mirror.schemes().into_iter().filter(|scheme| !linked.contains(scheme));
    html! {
        @for (at, carried) in carried.iter().enumerate() {
            @if carried.is_listed {
                @if at > 0 { ", " }
                a href=(urls[at]) rel="nofollow" { (linked[at]) @if before(at) > 0 { " " (before(at) + 1) } }
            }
            (only(repository, carried))
        }
        @if carried[0].is_listed {
            @for scheme in others { " " (scheme) }
            (families(mirror))
        }
    }
}

/// Architectures below a URL, where some are not.
fn only(repository: &Repository, carried: &Carried) -> Markup {
    let archs = repository.archs_of(carried);
    html! {
        @if archs.len() < repository.archs.len() {
            small {
                " (only "
                @for (at, arch) in archs.iter().enumerate() {
                    @if at > 0 { ", " } (visible(&repository.archs[usize::from(*arch)]))
                }
                ")"
            }
        }
    }
}

/// How much it is asked for: the course of all days, and shares.
fn requests(frame: &Frame, figures: &Figures, repository: &str, asked: &OfRepository) -> Markup {
    let Some(days) = figures.repositories.get(repository) else { return html! {} };
    let Some(std::ops::Range { start: begin, end }) = whole_days(frame, figures) else { return html! {} };
    let month = figures.totals.len().saturating_sub(MONTH);
    let since = |place: usize| day(figures.day(place));
    html! {
        (chart::course("Requests a day", figures.day(begin), &days[begin..end]))
        div class="tables" {
            (shares("Architecture", &since(begin), &asked.archs, begin..end, name))
            (shares("Country", &since(month), &asked.countries, 0..MONTH, country))
        }
    }
}

fn shares(
    one: &str,
    since: &str,
    all: &BTreeMap<String, Days>,
    span: std::ops::Range<usize>,
    show: fn(&str) -> Markup,
) -> Markup {
    let mut rows: Vec<(&str, &[u64], u64)> = all
        .iter()
        .map(|(name, days)| {
            let days = &days[span.start.min(days.len())..span.end.min(days.len())];
            (&**name, days, days.iter().sum())
        })
        .collect();
    rows.retain(|(.., sum)| *sum > 0);
    rows.sort_by_key(|(.., sum)| Reverse(*sum));
    let whole: u64 = rows.iter().map(|(.., sum)| sum).sum();
    let count = rows.len();
    html! {
        table {
            caption {
                "Since " (since)
                @if count > MOST_ROWS { ", the first " (MOST_ROWS) " of " (grouped(count)) }
            }
            thead { tr {
                th scope="col" { (one) }
                th scope="col" class="number" { "Requests" }
                th scope="col" class="number" { "%" }
                td class="line" {}
            } }
            tbody {
                @for (name, days, sum) in rows.into_iter().take(MOST_ROWS) {
                    tr {
                        th scope="row" { (show(name)) }
                        (number(sum))
                        td class="number" { (percent(sum, whole)) }
                        (chart::line(days))
                    }
                }
            }
        }
    }
}
