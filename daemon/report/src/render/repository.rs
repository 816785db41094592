//! A page for each repository: exactly the mirrors that answers name for it, and how much it is asked for.

use super::{
    chart,
    contents::{Contents, Mirror, Repository},
    filter::{LIST, filter},
    mirrors::{anchor, anchors, by_country, families, group, linked},
    names::{country, file_name, name, visible},
    page::{Frame, Part, bandwidth, day, number, percent},
    site::Site,
    state::State,
    statistics::last_whole,
};
use crate::statistics::{Days, Figures, OfRepository, Statistics};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use std::{cmp::Reverse, collections::BTreeMap};

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
    statistics: &Statistics,
    figures: &Figures,
) -> Result<(), Failure> {
    let body = all(contents);
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
            @if repository.is_disabled { p { "It is disabled: requests for it are answered without mirrors." } }
            @else if let (Some(redirect), true) = (&repository.redirect, repository.archs.is_empty()) {
                p { "Requests for it get what " (link(redirect)) " has." }
            }
            @if has_list { (mirrors(frame, contents, repository, states)) }
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

fn all(contents: &Contents) -> Markup {
    html! {
        (filter("Names and architectures"))
        table id=(LIST) {
            caption { (grouped(contents.repositories.len())) " repositories" }
            thead { tr {
                th scope="col" { "Repository" }
                th scope="col" { "Architectures" }
                th scope="col" class="number" { "Mirrors" }
            } }
            tbody {
                @for repository in &contents.repositories {
                    tr {
                        th scope="row" { (link(&repository.name)) }
                        td {
                            @if repository.is_disabled { span class="quiet" { "disabled" } }
                            @else if let (Some(redirect), true) = (&repository.redirect, repository.archs.is_empty()) {
                                span class="quiet" { "as " (name(redirect)) }
                            } @else { (archs(repository)) }
                        }
                        @if repository.archs.is_empty() || repository.is_disabled { td class="number" { "–" } }
                        @else { (number(repository.listed().count() as u64)) }
                    }
                }
            }
        }
    }
}

/// A repository's name, which leads to its page.
fn link(repository: &str) -> Markup {
    html! { a href={ (file_name(repository)) ".html" } { (name(repository)) } }
}

fn archs(repository: &Repository) -> String {
    repository.archs.iter().map(|arch| visible(arch)).collect::<Vec<_>>().join(" ")
}

fn mirrors(frame: &Frame, contents: &Contents, repository: &Repository, states: &[State]) -> Markup {
    let carried = repository.carried.iter().map(|carried| (carried.mirror as usize, carried));
    let groups = by_country(contents, carried);
    let all = repository.archs.len();
    let bandwidth_of = |mirror: u32| contents.mirrors[mirror as usize].bandwidth.map(u64::from);
    let together: u64 = repository.listed().filter_map(bandwidth_of).sum();
    html! {
        p {
            @match repository.listed().count() {
                0 => "No public mirror has it up to date",
                1 => "One public mirror has it up to date",
                count => { (grouped(count)) " public mirrors have it up to date" }
            }
            @if groups.len() > 1 { ", in " (groups.len()) " countries" }
            @if !repository.archs.is_empty() { ", for " (archs(repository)) }
            @if together > 0 { ", with " (bandwidth(together)) " together" }
            ". "
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
                        tr {
                            th scope="row" { (linked(mirror, "../mirrors/")) }
                            td { @if carried.is_listed { (states[*place].said()) } @else { (State::Suspended.said()) ", answers leave it out" } }
                            td {
                                @if carried.is_listed { (ways(mirror, &contents.url(repository, carried))) }
                                @if repository.archs_of(carried).len() < all {
                                    span class="quiet" {
                                        " only " (repository.archs_of(carried).iter().map(|at| visible(&repository.archs[usize::from(*at)])).collect::<Vec<_>>().join(", "))
                                    }
                                }
                            }
                            td class="number wide" { (mirror.bandwidth.map_or_else(|| "–".into(), |of| bandwidth(of.into()))) }
                        }
                    }
                }
            }
        }
    }
}

/// Protocols of a mirror, of which that of the URL leads there.
fn ways(mirror: &Mirror, url: &str) -> Markup {
    let first = url.split("://").next().unwrap_or_default();
    html! {
        a href=(url) rel="nofollow" { (first) }
        @for scheme in mirror.schemes().into_iter().filter(|scheme| *scheme != first) { " " (scheme) }
        (families(mirror))
    }
}

/// How much it is asked for: the course of all days, and shares.
fn requests(frame: &Frame, figures: &Figures, repository: &str, asked: &OfRepository) -> Markup {
    let Some(days) = figures.repositories.get(repository) else { return html! {} };
    let begin = figures.totals.iter().position(|requests| *requests > 0).unwrap_or_default();
    let end = figures.last().map_or(begin, |newest| last_whole(frame, figures, newest) + 1).max(begin + 1);
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
