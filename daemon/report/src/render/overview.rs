//! The first page: how many mirrors there are and how they are, how much is asked for, and by whom, at a glance.

use super::{
    collected::Spread,
    contents::Contents,
    page::{Frame, Part, Source, UNREAD, bar, day, number, percent, written_day},
    propagation,
    site::Site,
    state::State,
    statistics::{KINDS, Kind, Series, last_month, series, sum, whole_days},
};
use crate::statistics::{Days, Figures};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use std::{cmp::Reverse, ops::Range};

/// Days of the chart.
const DAYS: usize = 90;
/// Rows of each table.
const ROWS: usize = 8;

/// Writes it; `states` are those of mirrors, by their place.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    figures: &Figures,
    contents: Option<&Contents>,
    states: &[State],
    spread: Option<&Spread>,
) -> Result<(), Failure> {
    let current = spread.and_then(current);
    let body = html! {
        @if frame.listed != Source::None {
            h2 { "Mirrors" }
            @match contents {
                Some(contents) => {
                    (frame.warning_of_states())
                    (frame.warning_of_ages())
                    (mirrors(contents, states, current))
                }
                None => p class="alarm" { (UNREAD) },
            }
            h2 { "Requests" }
        }
        @match whole_days(frame, figures) {
            Some(days) => (requests(figures, days)),
            None => p { "Nothing has been counted yet." },
        }
    };
    site.write("index.html", frame.page(Part::Overview, 0, &frame.title, &body))
}

/// The share of mirrors with the current version, in percent: the mean of all repositories that were ever measured, as of when
/// each was the last time, and how many these are.
fn current(spread: &Spread) -> Option<(f64, usize)> {
    let shares = spread.repositories.iter().filter_map(propagation::last);
    let shares = shares.map(|hour| hour.hosts[0] as f64 * 100.0 / hour.hosts.iter().sum::<u64>() as f64);
    let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
    (count > 0).then(|| (sum / count as f64, count))
}

/// How many mirrors there are, and how they are; each number leads to its page.
fn mirrors(contents: &Contents, states: &[State], current: Option<(f64, usize)>) -> Markup {
    let count = |of: State| states.iter().filter(|state| **state == of).count();
    // Without a round of late nobody is known to fail, or not to.
    let is_asked = count(State::Good) + count(State::Failing) > 0;
    html! {
        dl class="facts" {
            (fact("public mirrors", "mirrors", &grouped(contents.mirrors.len())))
            (fact("countries", "map", &grouped(contents.countries())))
            @if is_asked { (fact("fail", "mirrors", &grouped(count(State::Failing)))) }
            (fact("suspended", "mirrors", &grouped(count(State::Suspended))))
            (fact("repositories", "repositories", &grouped(contents.repositories.len())))
            @if let Some((share, count)) = current {
                @let what = format!("current, in the mean of what is measured ({})", grouped(count));
                (fact(&what, "propagation", &format!("{share:.1} %")))
            }
        }
    }
}

/// A number with what it is, which leads to a part of the site.
fn fact(what: &str, part: &str, number: &str) -> Markup {
    html! { div { dt { a href={ (part) "/index.html" } { (what) } } dd { (number) } } }
}

fn requests(figures: &Figures, Range { start: begin, end }: Range<usize>) -> Markup {
    // What is asked for at present comes first. Other logs may go further.
    let Some(series) = series(figures, &last_month(&(begin..end))).next() else { return html! {} };
    let Series { title, days, is_known, kinds } = &series;
    let Some(last) = (begin..end).rev().find(|place| is_known[*place]) else { return html! {} };
    let end = last + 1;
    let chart = end.saturating_sub(DAYS).max(begin)..end;
    let week = end.saturating_sub(7).max(begin)..end;
    let before = week.start.saturating_sub(7).max(begin)..week.start;
    let count = |span: &Range<usize>| is_known[span.clone()].iter().filter(|is_known| **is_known).count();
    let mean = |span: &Range<usize>| days[span.clone()].iter().sum::<u64>() / count(span).max(1) as u64;
    html! {
        dl class="facts" {
            div { dt { "requests on " (written_day(figures.day(last))) } dd { (grouped(days[last])) } }
            div { dt { "a day over the last " (week.len()) " days" @if count(&week) < week.len() { ", " (count(&week)) " of them with figures" } } dd { (grouped(mean(&week))) } }
            @if before.len() == 7 {
                div { dt { "against the week before" } dd { (change(mean(&week), mean(&before))) } }
            }
            // A service that redirects files alone has no request for a repository.
            @if sum(&KINDS[0], figures, &week) > 0 {
                @for kind in &KINDS {
                    // What is not known is none of them.
                    @let is_one = |(name, days): &(&String, &Days)| !name.is_empty() && days[last] > 0;
                    @let count = (kind.of)(figures).iter().filter(is_one).count();
                    div { dt { (kind.title.to_lowercase()) } dd { (grouped(count)) } }
                }
            }
        }
        (series.chart(figures, title, &chart))
        div class="tables" {
            @for kind in *kinds { (largest(kind, figures, last)) }
        }
        p { a href={ "statistics/" (day(figures.day(last))) "/index.html" } { "All of this day" } ", " a href="statistics/index.html" { "the course of a year" } }
    }
}

fn largest(kind: &Kind, figures: &Figures, last: usize) -> Markup {
    let all = (kind.of)(figures);
    let mut rows: Vec<(&String, u64)> = all.iter().map(|(name, days)| (name, days[last])).collect();
    rows.retain(|(_, requests)| *requests > 0);
    rows.sort_by_key(|(_, requests)| Reverse(*requests));
    let longest = rows.first().map_or(0, |(_, requests)| *requests);
    let whole = sum(kind, figures, &(last..last + 1));
    html! {
        section {
            h2 { (kind.title) }
            table {
                caption { (day(figures.day(last))) }
                thead { tr {
                    th scope="col" { "Name" }
                    th scope="col" class="number" { "Requests" }
                    th scope="col" class="number" { "%" }
                    td class="bar" {}
                } }
                tbody {
                    @for (name, requests) in rows.into_iter().take(ROWS) {
                        tr {
                            th scope="row" { ((kind.show)(name)) }
                            (number(requests))
                            td class="number" { (percent(requests, whole)) }
                            (bar(requests, longest))
                        }
                    }
                }
            }
        }
    }
}

/// A change in percent, with its sign.
fn change(now: u64, before: u64) -> String {
    if before == 0 {
        return "–".into();
    }
    let percent = (now as f64 - before as f64) * 100.0 / before as f64;
    format!("{percent:+.1} %").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_its_sign() {
        assert_eq!([change(3, 2), change(2, 4), change(1, 0)], ["+50.0 %", "−50.0 %", "–"]);
    }
}
