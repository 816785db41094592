//! A page for each repository: exactly the mirrors that answers name for it, and how much it is asked for.

use super::{
    chart,
    collected::Spread,
    contents::{Carried, Contents, Mirror, Repository, countries},
    filter::{LIST, filter},
    mirrors::{anchor, anchors, bandwidth_of, by_country, families, group, linked},
    names::{country, file_name, name, short, visible},
    page::{CELL, Frame, Part, ROW, WIDE_NUMBER, bandwidth, day, number, percent},
    products,
    site::Site,
    state::State,
    statistics::{last_month, whole_days},
};
use crate::statistics::{Asked, Days, Figures, OfRepository, Statistics, known};
use maud::{Markup, PreEscaped, html};
use program::{failure::Failure, print::grouped};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    ops::Range,
};

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
    let common = common(contents, states);
    let measured: HashSet<&str> =
        spread.into_iter().flat_map(|spread| &spread.repositories).map(|of| &*of.name).collect();
    site.write("repositories/index.html", frame.page_of_list(Part::Repositories, 1, "Repositories", &body))?;
    for repository in &contents.repositories {
        let path = format!("repositories/{}.html", file_name(&repository.name));
        let title = visible(&repository.name);
        let asked = match figures.repositories.contains_key(&repository.name) {
            true => {
                // Countries are told of a month, architectures of all days.
                let month = whole_days(frame, figures).map_or(0, |span| last_month(&span).start);
                Some(statistics.of_repository(&repository.name, figures, figures.day(month))?)
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
            @if has_list { (mirrors(frame, contents, repository, &common)) }
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

/// What a mirror's rows have in common in the lists of all repositories.
pub(super) struct Common {
    /// A row's beginning.
    named: Markup,
    state: PreEscaped<String>,
    families: Markup,
    bandwidth: String,
    schemes: Vec<&'static str>,
}

/// Of all mirrors, by their place, as `states` are.
pub(super) fn common(contents: &Contents, states: &[State]) -> Vec<Common> {
    let of = |(mirror, state): (&Mirror, &State)| Common {
        named: html! { (ROW) (linked(mirror, "../mirrors/")) },
        state: state.cell(),
        families: families(mirror),
        bandwidth: bandwidth_of(mirror),
        schemes: mirror.schemes(),
    };
    contents.mirrors.iter().zip(states).map(of).collect()
}

/// Its list, in which each mirror has a row.
pub(super) fn mirrors(
    frame: &Frame,
    contents: &Contents,
    repository: &Repository,
    common: &[Common],
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
            @if is_even && !repository.archs.is_empty() { ", for " (all_of(&repository.archs)) }
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
                        @let common = &common[*place];
                        (common.named)
                        @if carried[0].is_listed { (common.state) }
                        @else { (CELL) (State::Suspended.said()) ", answers leave it out" }
                        (CELL) (ways(contents, repository, carried, common))
                        (WIDE_NUMBER) (common.bandwidth)
                    }
                }
            }
        }
    }
}

/// Protocols of a mirror, of which those of its URLs lead there. What is suspended has no link, and all of it is.
fn ways(contents: &Contents, repository: &Repository, carried: &[Carried], common: &Common) -> Markup {
    let base = |carried: &Carried| &*contents.bases[carried.base as usize];
    let scheme = |carried: &Carried| base(carried).split("://").next().unwrap_or_default();
    let before =
        |at: usize| carried[..at].iter().filter(|other| scheme(other) == scheme(&carried[at])).count();
    html! {
        @for (at, one) in carried.iter().enumerate() {
            @if one.is_listed {
                @if at > 0 { ", " }
                a href={ (base(one)) (repository.end(one)) } rel="nofollow" { (scheme(one)) @if before(at) > 0 { " " (before(at) + 1) } }
            }
            (only(repository, one))
        }
        @if carried[0].is_listed {
            @for other in common.schemes.iter().filter(|other| !carried.iter().any(|one| scheme(one) == **other)) { " " (other) }
            (common.families)
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
    let Some(span) = whole_days(frame, figures) else { return html! {} };
    let month = last_month(&span);
    let is_known = figures.known(Asked::Repositories);
    html! {
        (chart::course("Requests a day", figures.day(span.start), &known(&is_known[span.clone()], &days[span.clone()])))
        div class="tables" {
            (shares("Architecture", figures, &asked.archs, 0, span, name))
            (shares("Country", figures, &asked.countries, month.start, month, country))
        }
    }
}

/// Shares of a span of days, each with its course; the first of the days that `all` has is at `first`.
fn shares(
    one: &str,
    figures: &Figures,
    all: &BTreeMap<String, Days>,
    first: usize,
    span: Range<usize>,
    show: fn(&str) -> Markup,
) -> Markup {
    let mut rows: Vec<(&str, &[u64], u64)> = all
        .iter()
        .map(|(name, days)| {
            let days = &days[span.start - first..span.end - first];
            (&**name, days, days.iter().sum())
        })
        .collect();
    rows.retain(|(.., sum)| *sum > 0);
    rows.sort_by_key(|(.., sum)| Reverse(*sum));
    let is_known = figures.known(Asked::Repositories);
    let whole: u64 = rows.iter().map(|(.., sum)| sum).sum();
    let count = rows.len();
    let [from, to] = [span.start, span.end - 1].map(|place| day(figures.day(place)));
    html! {
        @if rows.is_empty() {
            p { (one) ": nobody has asked for it from " (from) " to " (to) "." }
        } @else {
            table {
                caption {
                    "From " (from) " to " (to)
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
                            td class="line" { (chart::line(&known(&is_known[span.clone()], days))) }
                        }
                    }
                }
            }
        }
    }
}

/// Architectures as a sentence has them.
fn all_of(archs: &[impl AsRef<str>]) -> String {
    let mut words: Vec<_> = archs.iter().map(|arch| visible(arch.as_ref()).to_string()).collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_are_words_of_a_sentence() {
        for (archs, said) in
            [(&[][..], ""), (&["a"], "a"), (&["a", "b"], "a and b"), (&["a", "b", "c"], "a, b and c")]
        {
            assert_eq!(all_of(archs), said);
        }
    }
}
