//! The pages of statistics: the course of the last year, and a page for each of its days with the same as CSV and JSON.

use super::{
    chart, names,
    page::{Frame, Part, bar, day, number, percent},
    site::Site,
    table::{self, Cell, Table},
};
use crate::statistics::{Asked, Days, Figures, known};
use maud::{Markup, html};
use program::{failure::Failure, print::grouped};
use std::{collections::BTreeMap, iter, ops::Range};

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
    /// Requests that are told apart so.
    asked: Asked,
    pub(super) show: fn(&str) -> Markup,
}

/// All kinds.
pub(super) const KINDS: [Kind; 3] = [
    Kind {
        file: "countries",
        title: "Countries",
        one: "Country",
        of: |figures| &figures.countries,
        asked: Asked::Repositories,
        show: names::country,
    },
    Kind {
        file: "repositories",
        title: "Repositories",
        one: "Repository",
        of: |figures| &figures.repositories,
        asked: Asked::Repositories,
        show: names::name,
    },
    Kind {
        file: "archs",
        title: "Architectures",
        // Its column fits a window of 320 pixels beside large numbers if this word can be parted.
        one: "Architec\u{ad}ture",
        of: |figures| &figures.archs,
        asked: Asked::Repositories,
        show: names::name,
    },
];

/// What request logs tell besides, of all requests that are in them.
pub(super) const OUTCOMES: [Kind; 2] = [
    Kind {
        file: "answers",
        title: "Answers",
        one: "Kind and status",
        of: |figures| &figures.answers,
        asked: Asked::All,
        show: names::name,
    },
    Kind {
        file: "tiers",
        title: "How near the first mirror is",
        one: "Tier",
        of: |figures| &figures.tiers,
        asked: Asked::All,
        show: names::name,
    },
];

/// All kinds of which there is anything in a span of days.
fn kinds(figures: &Figures, span: &Range<usize>) -> Vec<&'static Kind> {
    let has_any = |kind: &&Kind| sum(kind, figures, span) > 0;
    KINDS.iter().chain(&OUTCOMES).filter(has_any).collect()
}

/// Requests of all of a kind.
pub(super) fn sum(kind: &Kind, figures: &Figures, span: &Range<usize>) -> u64 {
    (kind.of)(figures).values().flat_map(|days| &days[span.clone()]).sum()
}

/// A row of a file.
struct Row<'f> {
    name: &'f str,
    requests: u64,
    percent: f64,
}

/// Writes all of them.
pub(super) fn write(site: &Site, frame: &Frame, figures: &Figures) -> Result<(), Failure> {
    let filled: Vec<usize> = figures.filled().collect();
    let days = whole_days(frame, figures);
    let course = days.map(|days| course(site, figures, days)).transpose()?;
    let body = course.unwrap_or_else(|| html! { p { "Nothing has been counted yet." } });
    site.write("statistics/index.html", frame.page(Part::Statistics, 1, "Statistics", &body))?;
    for (at, place) in filled.iter().enumerate() {
        let around = [at.checked_sub(1).map(|at| filled[at]), filled.get(at + 1).copied()];
        write_day(site, frame, figures, *place, around)?;
    }
    Ok(())
}

/// The days that are told: from the first that has figures to the last of those that are over, or the newest if none is.
pub(super) fn whole_days(frame: &Frame, figures: &Figures) -> Option<Range<usize>> {
    let mut filled = figures.filled();
    let first = filled.next()?;
    let newest = filled.next_back().unwrap_or(first);
    let last = figures.filled().rev().find(|place| figures.day(*place) < frame.today).unwrap_or(newest);
    Some(first..last + 1)
}

/// The last days of a span, over which shares are told.
pub(super) fn last_month(span: &Range<usize>) -> Range<usize> {
    span.end.saturating_sub(MONTH).max(span.start)..span.end
}

/// The page of all days, beside which its files are written.
pub(super) fn course(site: &Site, figures: &Figures, span: Range<usize>) -> Result<Markup, Failure> {
    let month = last_month(&span);
    write_days(site, figures)?;
    let mut sections = Vec::new();
    for kind in kinds(figures, &month) {
        let rows = rows(kind, figures, &month);
        write_files(site, &format!("statistics/{}", kind.file), &rows)?;
        write_courses(site, figures, kind, &span, &rows)?;
        sections.push((kind.title, courses(kind, figures, &span, &month, &rows)));
    }
    let has_any = |series: &Series<'_>| series.days[month.clone()].iter().any(|requests| *requests > 0);
    Ok(html! {
        @for (at, series) in series(figures, &span).enumerate() {
            (series.chart(figures, series.title, &span))
            @if at == 0 && span.len() > MONTH && has_any(&series) {
                (series.chart(figures, "The same over the last 30 days", &month))
            }
        }
        (files("days"))
        @for (title, table) in sections {
            section {
                h2 { (title) }
                (table)
            }
        }
        h2 { "Day by day" }
        (calendar(figures))
    })
}

/// What is counted by day.
pub(super) struct Series<'f> {
    pub(super) title: &'static str,
    pub(super) days: &'f Days,
    /// Of which days there are figures.
    pub(super) is_known: Vec<bool>,
    /// What these requests are told apart by.
    pub(super) kinds: &'static [Kind],
}

/// What is counted by day, as far as there is any of it in a span of days.
pub(super) fn series<'f>(
    figures: &'f Figures,
    span: &Range<usize>,
) -> impl Iterator<Item = Series<'f>> + use<'f> {
    let of = |title, days, asked, kinds| Series { title, days, is_known: figures.known(asked), kinds };
    let all: [Series<'f>; 2] = [
        of("Answered requests for a repository, a day", &figures.totals, Asked::Repositories, &KINDS),
        of("All requests in request logs, a day", &figures.requests, Asked::All, &OUTCOMES),
    ];
    let span = span.clone();
    all.into_iter().filter(move |of| of.days[span.clone()].iter().any(|requests| *requests > 0))
}

impl Series<'_> {
    /// Its course over a span of days.
    pub(super) fn chart(&self, figures: &Figures, title: &str, span: &Range<usize>) -> Markup {
        let days = known(&self.is_known[span.clone()], &self.days[span.clone()]);
        chart::course(title, figures.day(span.start), &days)
    }
}

/// The largest of a kind over the last month, each with its course over that and over all days; `rows` are all of them.
fn courses(
    kind: &Kind,
    figures: &Figures,
    span: &Range<usize>,
    month: &Range<usize>,
    rows: &[Row<'_>],
) -> Markup {
    let whole = sum(kind, figures, month);
    let is_known = figures.known(kind.asked);
    let line =
        |days: &Days, span: &Range<usize>| chart::line(&known(&is_known[span.clone()], &days[span.clone()]));
    html! {
        table {
            caption {
                "Requests from " (day(figures.day(month.start))) " to " (day(figures.day(month.end - 1)))
                @if rows.len() > MOST_COURSES { ", the first " (MOST_COURSES) " of " (grouped(rows.len())) }
            }
            thead { tr {
                th scope="col" { (kind.one) }
                th scope="col" class="number" { "Requests" }
                th scope="col" class="number" { "%" }
                @if month != span { th scope="col" class="line wide" { "These days" } }
                th scope="col" class="line" { "Since " span class="said" { (day(figures.day(span.start))) } }
            } }
            tbody {
                @for Row { name, requests, .. } in rows.iter().take(MOST_COURSES) {
                    @let days = &(kind.of)(figures)[*name];
                    tr {
                        th scope="row" { ((kind.show)(name)) }
                        (number(*requests))
                        td class="number" { (percent(*requests, whole)) }
                        @if month != span { td class="line wide" { (line(days, month)) } }
                        td class="line" { (line(days, span)) }
                    }
                }
            }
        }
        (files(kind.file))
        (table::links("These day by day", &format!("{}-days", kind.file)))
    }
}

/// A link to each day that has figures, by month.
fn calendar(figures: &Figures) -> Markup {
    let mut months: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for place in figures.filled() {
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
    let mut tables = Vec::new();
    let span = place..place + 1;
    for kind in kinds(figures, &span) {
        let rows = rows(kind, figures, &span);
        write_files(site, &format!("statistics/{date}/{}", kind.file), &rows)?;
        tables.push((kind, table(kind, &rows, sum(kind, figures, &span))));
    }
    let [before, after] = around.map(|place| place.map(|place| day(figures.day(place))));
    let body = html! {
        p {
            @let so_far = if figures.day(place) >= frame.today { " so far" } else { "" };
            @if figures.totals[place] > 0 {
                (grouped(figures.totals[place])) " requests for a repository were answered" (so_far) ". "
            }
            @if figures.requests[place] > 0 {
                "Request logs have " (grouped(figures.requests[place])) " requests of any kind" (so_far) "."
            }
        }
        p class="steps" {
            span { @if let Some(before) = before { a href={ "../" (before) "/index.html" } rel="prev" { "← " (before) } } }
            span { @if let Some(after) = after { a href={ "../" (after) "/index.html" } rel="next" { (after) " →" } } }
        }
        @for (kind, table) in &tables {
            section {
                h2 { (kind.title) }
                (table)
                (files(kind.file))
            }
        }
    };
    site.write(&format!("statistics/{date}/index.html"), frame.page(Part::Statistics, 2, &date, &body))
}

/// All of a kind that were asked for in a span of days, most first.
fn rows<'f>(kind: &Kind, figures: &'f Figures, span: &Range<usize>) -> Vec<Row<'f>> {
    let whole = sum(kind, figures, span);
    let sums = (kind.of)(figures).iter().map(|(name, days)| (name, days[span.clone()].iter().sum()));
    let mut rows: Vec<Row<'_>> = sums
        .filter(|(_, requests)| *requests > 0)
        .map(|(name, requests)| Row {
            name,
            requests,
            // Two places are enough, and the same in both files.
            percent: (requests as f64 * 10_000.0 / whole as f64).round() / 100.0,
        })
        .collect();
    rows.sort_by(|one, other| other.requests.cmp(&one.requests).then(one.name.cmp(other.name)));
    rows
}

/// Links to what [`write_files`] has written beside the page.
fn files(name: &str) -> Markup {
    table::links("All of them", name)
}

/// Writes rows as JSON and as CSV.
fn write_files(site: &Site, path: &str, rows: &[Row<'_>]) -> Result<(), Failure> {
    let rows = rows
        .iter()
        .map(|row| vec![Cell::Text(row.name), Cell::Number(row.requests), Cell::Share(row.percent)]);
    let table = Table { columns: &["name", "requests", "percent"], rows: rows.collect() };
    table.write(site, path)
}

/// Writes the requests of the largest of a kind over the last month, on each day that has figures of it; `rows` are all of them.
fn write_courses(
    site: &Site,
    figures: &Figures,
    kind: &Kind,
    span: &Range<usize>,
    rows: &[Row<'_>],
) -> Result<(), Failure> {
    let largest: Vec<(&str, &Days)> =
        rows.iter().take(MOST_COURSES).map(|row| (row.name, &(kind.of)(figures)[row.name])).collect();
    let mut rows = Vec::new();
    let is_known = figures.known(kind.asked);
    for place in span.clone().filter(|place| is_known[*place]) {
        let date = day(figures.day(place));
        let of_day = largest
            .iter()
            .map(|(name, days)| vec![Cell::Word(date.clone()), Cell::Text(name), Cell::Number(days[place])]);
        rows.extend(of_day);
    }
    let table = Table { columns: &["day", "name", "requests"], rows };
    table.write(site, &format!("statistics/{}-days", kind.file))
}

/// Writes the requests of all days that have any, likewise: answered ones for a repository, and those of request logs, whatever
/// they were for. Nothing stands for what there are no figures of.
fn write_days(site: &Site, figures: &Figures) -> Result<(), Failure> {
    let known = [(&figures.totals, Asked::Repositories), (&figures.requests, Asked::All)]
        .map(|(days, asked)| known(&figures.known(asked), days));
    let row = |place: usize| {
        let of_day = known.each_ref().map(|days| days[place].map_or(Cell::None, Cell::Number));
        iter::once(Cell::Word(day(figures.day(place)))).chain(of_day).collect()
    };
    let rows = figures.filled().map(row).collect();
    Table { columns: &["day", "requests", "all_requests"], rows }.write(site, "statistics/days")
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
