//! The pages of statistics: the course of the last year, and a page for each of its days with the same as CSV and JSON.

use super::{
    chart, names,
    page::{Frame, Part, bar, day, number, percent},
    site::Site,
};
use crate::statistics::{Days, Figures};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use serde::Serialize;
use std::collections::BTreeMap;

/// Days over which shares are told.
const MONTH: usize = 30;
/// Rows of a table of courses.
const MOST_COURSES: usize = 20;
/// Rows of a day's table; the files beside it have all.
const MOST_ROWS: usize = 100;

/// What requests are told apart by.
pub(super) struct Kind {
    /// The file's name.
    pub(super) file: &'static str,
    pub(super) title: &'static str,
    /// One of them.
    one: &'static str,
    pub(super) of: fn(&Figures) -> &BTreeMap<String, Days>,
    pub(super) show: fn(&str) -> Markup,
}

/// All kinds.
pub(super) const KINDS: [Kind; 3] = [
    Kind {
        file: "countries",
        title: "Countries",
        one: "Country",
        of: |figures| &figures.countries,
        show: names::country,
    },
    Kind {
        file: "repositories",
        title: "Repositories",
        one: "Repository",
        of: |figures| &figures.repositories,
        show: names::name,
    },
    Kind {
        file: "archs",
        title: "Architectures",
        one: "Architecture",
        of: |figures| &figures.archs,
        show: names::name,
    },
];

/// A row of a file.
#[derive(Serialize)]
struct Row<'f> {
    name: &'f str,
    requests: u64,
    percent: f64,
}

/// Writes all of them.
pub(super) fn write(site: &Site, frame: &Frame, figures: &Figures) -> Result<(), Failure> {
    let newest = figures.last();
    let course = newest.map(|newest| course(frame, figures, newest));
    let body = course.unwrap_or_else(|| html! { p { "Nothing has been counted yet." } });
    site.write("statistics/index.html", frame.page(Part::Statistics, 1, "Statistics", &body))?;
    let filled: Vec<usize> = (0..figures.totals.len()).filter(|place| figures.totals[*place] > 0).collect();
    for (at, place) in filled.iter().enumerate() {
        let around = [at.checked_sub(1).map(|at| filled[at]), filled.get(at + 1).copied()];
        write_day(site, frame, figures, *place, around)?;
    }
    Ok(())
}

/// The last day that is over and has figures, or the newest one if none is over.
pub(super) fn last_whole(frame: &Frame, figures: &Figures, newest: usize) -> usize {
    let is_over = |place: &usize| figures.day(*place) < frame.today && figures.totals[*place] > 0;
    (0..=newest).rev().find(is_over).unwrap_or(newest)
}

fn course(frame: &Frame, figures: &Figures, newest: usize) -> Markup {
    let last = last_whole(frame, figures, newest);
    let begin = figures.totals.iter().position(|requests| *requests > 0).unwrap_or_default().min(last);
    let span = begin..last + 1;
    let month = last.saturating_sub(MONTH - 1).max(begin)..last + 1;
    html! {
        (chart::course("Requests a day", figures.day(begin), &figures.totals[span.clone()]))
        @if span.len() > MONTH {
            (chart::course("The last 30 days", figures.day(month.start), &figures.totals[month.clone()]))
        }
        @for kind in &KINDS {
            section {
                h2 { (kind.title) }
                (courses(kind, figures, &span, &month))
            }
        }
        h2 { "Day by day" }
        (calendar(figures))
    }
}

/// The largest of a kind over the last month, each with its course.
fn courses(
    kind: &Kind,
    figures: &Figures,
    span: &std::ops::Range<usize>,
    month: &std::ops::Range<usize>,
) -> Markup {
    let all = (kind.of)(figures);
    let sum = |days: &Days| days[month.clone()].iter().sum::<u64>();
    let mut largest: Vec<(&String, &Days, u64)> =
        all.iter().map(|(name, days)| (name, days, sum(days))).collect();
    largest.retain(|(.., sum)| *sum > 0);
    largest.sort_by_key(|(.., sum)| std::cmp::Reverse(*sum));
    let whole = figures.totals[month.clone()].iter().sum();
    let count = largest.len();
    html! {
        table {
            caption {
                "Requests from " (day(figures.day(month.start))) " to " (day(figures.day(month.end - 1)))
                @if count > MOST_COURSES { ", the first " (MOST_COURSES) " of " (grouped(count)) }
            }
            thead { tr {
                th scope="col" { (kind.one) }
                th scope="col" class="number" { "Requests" }
                th scope="col" class="number" { "%" }
                th scope="col" class="line" { "Since " (day(figures.day(span.start))) }
            } }
            tbody {
                @for (name, days, sum) in largest.into_iter().take(MOST_COURSES) {
                    tr {
                        th scope="row" { ((kind.show)(name)) }
                        (number(sum))
                        td class="number" { (percent(sum, whole)) }
                        (chart::line(&days[span.clone()]))
                    }
                }
            }
        }
    }
}

/// A link to each day that has figures, by month.
fn calendar(figures: &Figures) -> Markup {
    let mut months: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, _) in figures.totals.iter().enumerate().filter(|(_, requests)| **requests > 0) {
        let day = day(figures.day(place));
        if let Some((month, _)) = day.rsplit_once('-') {
            months.entry(month.to_owned()).or_default().push(day);
        }
    }
    html! {
        dl class="days" {
            @for (month, days) in months.iter().rev() {
                dt { (month) }
                dd {
                    @for day in days {
                        a href={ (day) "/index.html" } aria-label=(day) { (day.rsplit('-').next().unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

fn write_day(
    site: &Site,
    frame: &Frame,
    figures: &Figures,
    place: usize,
    around: [Option<usize>; 2],
) -> Result<(), Failure> {
    let date = day(figures.day(place));
    let whole = figures.totals[place];
    let mut tables = Vec::new();
    for kind in &KINDS {
        let mut rows: Vec<Row<'_>> = (kind.of)(figures)
            .iter()
            .filter(|(_, days)| days[place] > 0)
            .map(|(name, days)| Row {
                name,
                requests: days[place],
                // Two places are enough, and the same in both files.
                percent: (days[place] as f64 * 10_000.0 / whole as f64).round() / 100.0,
            })
            .collect();
        rows.sort_by(|one, other| other.requests.cmp(&one.requests).then(one.name.cmp(other.name)));
        let json = serde_json::to_string(&rows).map_err(|error| Failure::bug(error.to_string()))?;
        site.write(&format!("statistics/{date}/{}.json", kind.file), json)?;
        site.write(&format!("statistics/{date}/{}.csv", kind.file), csv(&rows))?;
        tables.push((kind, table(kind, &rows, whole)));
    }
    let [before, after] = around.map(|place| place.map(|place| day(figures.day(place))));
    let body = html! {
        p {
            (grouped(whole)) " requests for a repository were answered"
            @if figures.day(place) >= frame.today { " so far" }
            "."
        }
        p class="steps" {
            span { @if let Some(before) = before { a href={ "../" (before) "/index.html" } rel="prev" { "← " (before) } } }
            span { @if let Some(after) = after { a href={ "../" (after) "/index.html" } rel="next" { (after) " →" } } }
        }
        @for (kind, table) in &tables {
            section {
                h2 { (kind.title) }
                (table)
                p class="quiet" {
                    "All of them: " a href={ (kind.file) ".csv" } { "CSV" } ", " a href={ (kind.file) ".json" } { "JSON" }
                }
            }
        }
    };
    site.write(&format!("statistics/{date}/index.html"), frame.page(Part::Statistics, 2, &date, &body))
}

fn table(kind: &Kind, rows: &[Row<'_>], whole: u64) -> Markup {
    let longest = rows.first().map_or(0, |row| row.requests);
    html! {
        table {
            caption {
                (grouped(rows.len())) " in all"
                @if rows.len() > MOST_ROWS { ", the first " (MOST_ROWS) " are shown" }
            }
            thead { tr {
                th scope="col" { (kind.one) }
                th scope="col" class="number" { "Requests" }
                th scope="col" class="number" { "%" }
                td class="bar" {}
            } }
            tbody {
                @for row in rows.iter().take(MOST_ROWS) {
                    tr {
                        th scope="row" { ((kind.show)(row.name)) }
                        (number(row.requests))
                        td class="number" { (percent(row.requests, whole)) }
                        (bar(row.requests, longest))
                    }
                }
            }
        }
    }
}

/// RFC 4180: every name in quotes, so that none is taken for something else.
fn csv(rows: &[Row<'_>]) -> String {
    let mut text = String::from("name,requests,percent\r\n");
    for Row { name, requests, percent } in rows {
        text += &format!("\"{}\",{requests},{percent}\r\n", name.replace('"', "\"\""));
    }
    text
}
