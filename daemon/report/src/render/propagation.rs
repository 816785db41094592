//! Propagation: how far mirrors are with each repository that is measured, hour by hour, and who is behind now.

use super::{
    collected::{Age, AgeOfHost, Given, Hour, Measured, Spread},
    contents::{Contents, Mirror, Repository},
    mirrors::linked_name,
    names::{country_name, file_name, name, visible},
    page::{CELL, Frame, Part, ROW, UNREAD, WIDE, number, percent, when},
    shares::{self, Column},
    site::Site,
    table::{self, Cell, Table},
};
use crate::count::line::date;
use maud::{Markup, html};
use program::{
    failure::Failure,
    print::{self, grouped},
};
use std::{array, cmp::Reverse, collections::HashMap, iter, ops::Range};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// Hours of the first chart, and days of the second, or of a file.
const HOURS: u64 = 7 * 24;
const DAYS: u64 = 365;

/// Days of a week.
const WEEK: u64 = 7;

/// Columns of days in a chart, at most: as many as stand apart on a telephone.
const MOST_DAYS: u64 = 60;

/// Rows of the table of days.
const ROWS: u64 = 14;
/// Rows of the table of those who are behind; the file beside the page has all.
const MOST_BEHIND: usize = 200;

/// Measurements that are older than this are told to be old, in seconds.
const OLD: u64 = 3 * HOUR;

/// Ages as files name them, as in [`Age::ALL`].
const AGES: [&str; 5] = ["current", "one_day", "two_days", "older", "no_answer"];

/// Columns of files.
const OF_REPOSITORIES: [&str; 8] =
    ["name", AGES[0], AGES[1], AGES[2], AGES[3], AGES[4], "behind", "measured"];
const OF_HOURS: [&str; 6] = ["hour", AGES[0], AGES[1], AGES[2], AGES[3], AGES[4]];
const OF_DAYS: [&str; 6] = ["day", AGES[0], AGES[1], AGES[2], AGES[3], AGES[4]];
const OF_BEHIND: [&str; 7] = ["id", "name", "page", "country", "age", "since", "listed"];

/// Writes a page of all, and one for each repository, with the same as files. Without a list of mirrors none is named.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    spread: &Given<Spread>,
    contents: Option<&Contents>,
) -> Result<(), Failure> {
    let body = match spread {
        Given::Nothing => return Ok(()),
        Given::Broken => {
            html! { p class="alarm" { "What was measured could not be read when this page was written." } }
        }
        Given::Read(spread) if spread.repositories.is_empty() => {
            html! { p { "Nothing has been measured yet: it is not said which repositories are to be." } }
        }
        Given::Read(spread) => all(frame, spread, contents),
    };
    site.write("propagation/index.html", frame.page(Part::Propagation, 1, "Propagation", &body))?;
    let Some(spread) = spread.read() else { return Ok(()) };
    table_of_all(frame, spread, contents).write(site, "propagation/repositories")?;
    for repository in &spread.repositories {
        let stem = format!("propagation/{}", file_name(&repository.name));
        let title = visible(&repository.name);
        let body = of(frame, repository, contents);
        site.write(&format!("{stem}.html"), frame.page(Part::Propagation, 1, &title, &body))?;
        if let Some(newest) = last(repository) {
            write_files(site, &stem, frame, repository, newest, contents)?;
        }
    }
    Ok(())
}

/// The figures of the page of all.
fn table_of_all<'s>(frame: &Frame, spread: &'s Spread, contents: Option<&Contents>) -> Table<'s> {
    let row = |repository: &&'s Measured| {
        let mut row = vec![Cell::Text(&repository.name)];
        match last(repository) {
            Some(hour) => {
                let behind = contents.map(|contents| behind(frame, repository, contents).len() as u64);
                row.extend(hour.hosts.map(Cell::Number));
                row.push(behind.map_or(Cell::None, Cell::Number));
                row.push(print::date(hour.begins).map_or(Cell::None, Cell::Word));
            }
            None => row.extend(OF_REPOSITORIES[1..].iter().map(|_| Cell::None)),
        }
        row
    };
    Table { columns: &OF_REPOSITORIES, rows: by_name(spread).iter().map(row).collect() }
}

/// The figures of a repository's page, beside it.
fn write_files(
    site: &Site,
    stem: &str,
    frame: &Frame,
    repository: &Measured,
    newest: &Hour,
    contents: Option<&Contents>,
) -> Result<(), Failure> {
    let hour = |hour: u64| print::date(hour.saturating_mul(HOUR));
    let hours = table_of(&OF_HOURS, columns(repository, newest, HOUR, HOURS), hour);
    hours.write(site, &format!("{stem}.hours"))?;
    let days = table_of(&OF_DAYS, columns(repository, newest, DAY, DAYS), calendar_day);
    days.write(site, &format!("{stem}.days"))?;
    let Some(contents) = contents else { return Ok(()) };
    let behind = behind(frame, repository, contents);
    let rows = behind.iter().map(|Behind { mirror, age, since, carries }| {
        vec![
            Cell::Id(mirror.id),
            Cell::Text(&mirror.name),
            Cell::Word(format!("../mirrors/{}.html", mirror.file)),
            Some(&*mirror.country).filter(|country| !country.is_empty()).map_or(Cell::None, Cell::Text),
            Cell::Word(AGES[*age as usize].to_owned()),
            print::date(*since).map_or(Cell::None, Cell::Word),
            Cell::Is(*carries == Carries::Listed),
        ]
    });
    let table = Table { columns: &OF_BEHIND, rows: rows.collect() };
    table.write(site, &format!("{stem}.behind"))
}

/// Sums of spans, each with its word; what was not measured has no row.
fn table_of<'t>(
    columns: &'t [&'t str],
    (spans, sums): (Range<u64>, Vec<Option<Column>>),
    word: impl Fn(u64) -> Option<String>,
) -> Table<'t> {
    let row = |(span, sums): (u64, Option<Column>)| {
        let (word, sums) = (word(span)?, sums?);
        Some(iter::once(Cell::Word(word)).chain(sums.map(Cell::Number)).collect())
    };
    Table { columns, rows: spans.zip(sums).filter_map(row).collect() }
}

/// All that are measured, in their order.
fn by_name(spread: &Spread) -> Vec<&Measured> {
    let mut repositories: Vec<&Measured> = spread.repositories.iter().collect();
    repositories.sort_by_key(|repository| &repository.name);
    repositories
}

/// The last hour in which anything was measured.
pub(super) fn last(repository: &Measured) -> Option<&Hour> {
    let measured = repository.hours.iter().filter(|hour| hour.hosts.iter().sum::<u64>() > 0);
    measured.max_by_key(|hour| hour.begins)
}

/// Spans of so many seconds up to the newest one, at most so many.
fn spans(repository: &Measured, newest: &Hour, span: u64, most: u64) -> Range<u64> {
    let end = newest.begins / span + 1;
    let first = repository.hours.iter().map(|hour| hour.begins / span).min().unwrap_or(end);
    first.max(end.saturating_sub(most))..end
}

fn all(frame: &Frame, spread: &Spread, contents: Option<&Contents>) -> Markup {
    let repositories = by_name(spread);
    html! {
        p { "How many of the mirrors that were asked have the current version of a repository, and how far the others are behind." }
        (shares::legend())
        table {
            caption { (grouped(repositories.len())) " repositories are measured" }
            thead { tr {
                th scope="col" { "Repository" }
                th scope="col" class="number" { "Current, %" }
                th scope="col" class="number" { "Behind" }
                td class="bar" {}
                th scope="col" class="wide" { "Measured" }
            } }
            tbody {
                @for repository in repositories {
                    tr {
                        th scope="row" { a href={ (file_name(&repository.name)) ".html" } { (name(&repository.name)) } }
                        @if let Some(hour) = last(repository) {
                            td class="number" { (percent(hour.hosts[0], hour.hosts.iter().sum())) }
                            @match contents {
                                Some(contents) => (number(behind(frame, repository, contents).len() as u64)),
                                None => td class="number" { "–" },
                            }
                            (shares::cell(&hour.hosts))
                            td class="wide" { (measured(frame, hour)) }
                        } @else {
                            td class="number" { "–" }
                            td class="number" { "–" }
                            td class="bar" {}
                            td class="wide" { "never" }
                        }
                    }
                }
            }
        }
        (table::links("All of them", "repositories"))
    }
}

/// When an hour was measured, in words if that is long past.
fn measured(frame: &Frame, hour: &Hour) -> Markup {
    let age = frame.now.saturating_sub(hour.begins);
    html! { @if age > OLD { strong class="alarm" { (print::age(age)) " ago" } } @else { (when(hour.begins)) } }
}

/// A repository as the list of mirrors has it, with the place of its architecture; it is measured as `PREFIX+ARCH`.
fn of_list<'c>(contents: &'c Contents, measured: &str) -> Option<(&'c Repository, u16)> {
    contents.repositories.iter().find_map(|repository| {
        let arch = measured.strip_prefix(&*repository.name)?.strip_prefix('+')?;
        let place = repository.archs.iter().position(|known| known == arch)?;
        Some((repository, place as u16))
    })
}

/// Mirrors that have a repository that is measured, suspended ones too, by the numbers of their hosts: whether answers name each
/// for it.
fn carriers(contents: &Contents, measured: &str) -> HashMap<i64, bool> {
    let Some((repository, arch)) = of_list(contents, measured) else { return HashMap::new() };
    let mut carriers = HashMap::new();
    for carried in &repository.carried {
        if repository.archs_of(carried).contains(&arch) {
            let is_listed = carriers.entry(contents.mirrors[carried.mirror as usize].id).or_insert(false);
            *is_listed |= carried.is_listed;
        }
    }
    carriers
}

/// A mirror that is behind or silent.
struct Behind<'c> {
    mirror: &'c Mirror,
    age: Age,
    /// Since when, in seconds since the epoch.
    since: u64,
    carries: Carries,
}

/// What the list has of a mirror and a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    /// Answers name it.
    Listed,
    /// They would, but it is suspended.
    Suspended,
    /// It is not known to have it, such as when it is too far behind.
    Not,
}

/// Public mirrors that are behind or silent, the worst first, and of these who has been so for longest.
///
/// Those that the list no longer has for the repository are among them: they are the ones that are furthest behind. A host that
/// the list does not have for anything has no name and is in none.
fn behind<'c>(frame: &Frame, repository: &Measured, contents: &'c Contents) -> Vec<Behind<'c>> {
    let carriers = carriers(contents, &repository.name);
    let public: HashMap<i64, &Mirror> = contents.mirrors.iter().map(|mirror| (mirror.id, mirror)).collect();
    let of_host = |host: &AgeOfHost| {
        let mirror: &'c Mirror = public.get(&host.id).copied()?;
        let carries = match carriers.get(&host.id) {
            Some(true) => Carries::Listed,
            Some(false) => Carries::Suspended,
            None => Carries::Not,
        };
        Some(Behind { mirror, age: host.age, since: host.since.min(frame.now), carries })
    };
    let late = repository.hosts.iter().filter(|host| host.age != Age::Current);
    let mut behind: Vec<Behind<'c>> = late.filter_map(of_host).collect();
    behind.sort_by_key(|behind| (Reverse(behind.age), behind.since, &behind.mirror.name));
    behind
}

/// A repository's page.
pub(super) fn of(frame: &Frame, repository: &Measured, contents: Option<&Contents>) -> Markup {
    let name = contents.and_then(|contents| of_list(contents, &repository.name)).map(|(of, _)| &of.name);
    html! {
        @if let Some(name) = name {
            p { "All of its mirrors: " a href={ "../repositories/" (file_name(name)) ".html" } { (self::name(name)) } "." }
        }
        @match last(repository) {
            Some(newest) => (figures(frame, repository, newest, contents)),
            None => p { "This repository has not been measured yet." },
        }
    }
}

fn figures(frame: &Frame, repository: &Measured, newest: &Hour, contents: Option<&Contents>) -> Markup {
    let whole: u64 = newest.hosts.iter().sum();
    let stem = file_name(&repository.name);
    let age = frame.now.saturating_sub(newest.begins);
    html! {
        @if age > OLD {
            p class="alarm" { strong { "Nothing has been measured for " (print::age(age)) "." } " What follows is how it was then." }
        }
        dl class="facts" {
            @for (age, hosts) in Age::ALL.into_iter().zip(newest.hosts) {
                div { dt { (age.words()) } dd { (percent(hosts, whole)) " %" } }
            }
            div { dt { "mirrors asked, " (when(newest.begins)) } dd { (grouped(whole)) } }
        }
        (hours(repository, newest))
        (days(repository, newest))
        (shares::legend())
        h2 { "Who is behind" }
        @match contents {
            Some(contents) => (table_of_behind(frame, repository, newest, contents)),
            None => p class="alarm" { (UNREAD) },
        }
        h2 { "Figures" }
        (table_of_days(repository, newest))
        (table::links("Hour by hour", &format!("{stem}.hours")))
        (table::links("Day by day", &format!("{stem}.days")))
    }
}

/// The last week, hour by hour.
fn hours(repository: &Measured, newest: &Hour) -> Markup {
    let (Range { start: begin, end }, columns) = columns(repository, newest, HOUR, HOURS);
    let word = |hour: u64| {
        print::date(hour.saturating_mul(HOUR)).map_or_else(String::new, |date| date[..16].replace('T', " "))
    };
    let middle = (columns.len() > 2).then(|| word(begin + (end - begin) / 2));
    let along: Vec<String> = [Some(word(begin)), middle, Some(word(end))].into_iter().flatten().collect();
    shares::chart(
        "Mirrors by how far they are, hour by hour",
        &said(&columns, "hour", &along),
        &columns,
        &along,
    )
}

/// The last year, by days, or by weeks if there are more days than can be told apart; nothing when that says no more.
fn days(repository: &Measured, newest: &Hour) -> Markup {
    let all = spans(repository, newest, DAY, DAYS);
    let is_by_weeks = all.end - all.start > MOST_DAYS;
    // Weeks end with the newest day, and each but the first has all of its days.
    let most = if is_by_weeks { DAYS / WEEK * WEEK } else { DAYS };
    let (days, columns) = columns(repository, newest, DAY, most);
    if columns.len() as u64 <= WEEK {
        return html! {};
    }
    let along = [days.start, days.start + (days.end - days.start) / 2, days.end - 1].map(day);
    if is_by_weeks {
        let weeks = by_weeks(&columns);
        shares::chart("The same week by week, in the mean", &said(&weeks, "week", &along), &weeks, &along)
    } else {
        shares::chart("The same day by day, in the mean", &said(&columns, "day", &along), &columns, &along)
    }
}

/// Sums of weeks that end with the last day; `None` where no day was measured.
fn by_weeks(days: &[Option<Column>]) -> Vec<Option<Column>> {
    let added = |one: Column, other: Column| array::from_fn(|at| one[at] + other[at]);
    days.rchunks(WEEK as usize).rev().map(|week| week.iter().flatten().copied().reduce(added)).collect()
}

/// Spans of so many seconds up to the newest one, at most so many, and the sums of each; `None` where nothing was measured.
fn columns(
    repository: &Measured,
    newest: &Hour,
    seconds: u64,
    most: u64,
) -> (Range<u64>, Vec<Option<Column>>) {
    let spans = spans(repository, newest, seconds, most);
    let mut columns: Vec<Option<Column>> = vec![None; (spans.end - spans.start) as usize];
    for hour in &repository.hours {
        let place =
            (hour.begins / seconds).checked_sub(spans.start).and_then(|at| columns.get_mut(at as usize));
        let Some(column) = place.filter(|_| hour.hosts.iter().sum::<u64>() > 0) else { continue };
        let sums = column.get_or_insert_default();
        sums.iter_mut().zip(hour.hosts).for_each(|(sum, hosts)| *sum += hosts);
    }
    (spans, columns)
}

/// A chart in words; a column is an hour, or the mean of a longer `span`.
fn said(columns: &[Option<Column>], span: &str, along: &[String]) -> String {
    let of = |column: &Column| column[0] as f64 * 100.0 / column.iter().sum::<u64>().max(1) as f64;
    let current = || columns.iter().flatten().map(of);
    let (least, last) = (current().fold(100.0, f64::min), current().next_back().unwrap_or_default());
    let gaps = columns.iter().filter(|column| column.is_none()).count();
    let gaps =
        if gaps > 0 { format!(", {gaps} of {} {span}s not measured", columns.len()) } else { String::new() };
    let mean = if span == "hour" { String::new() } else { format!(" in the mean of a {span}") };
    let [from, to] = [along.first(), along.last()].map(|word| word.map_or("", |word| word));
    format!(
        "from {from} to {to}, at least {least:.1} % of the mirrors were current{mean}, {last:.1} % at the end{gaps}; the figures by hour and by day are in the files below"
    )
}

fn day(day: u64) -> String {
    calendar_day(day).unwrap_or_default()
}

/// A day as files write it; `None` if no calendar has it.
fn calendar_day(day: u64) -> Option<String> {
    Some(i32::try_from(day).ok().and_then(date)?.to_string())
}

fn table_of_behind(frame: &Frame, repository: &Measured, newest: &Hour, contents: &Contents) -> Markup {
    let behind = behind(frame, repository, contents);
    let asked_behind: u64 = newest.hosts[1..].iter().sum();
    let others = asked_behind.saturating_sub(behind.len() as u64);
    let is_in_list = of_list(contents, &repository.name).is_some();
    html! {
        @if !is_in_list { p { "The list of mirrors does not have this repository: no mirror is listed for it." } }
        @if behind.is_empty() {
            @match others {
                0 if is_in_list => p { "Nobody: all public mirrors that were asked have the current version." },
                0 => p { "All public mirrors that were asked have the current version." },
                1 => p { "One mirror is behind or silent, which is not listed for anything." },
                others => p { (grouped(others)) " mirrors are behind or silent, which are not listed for anything." },
            }
        } @else {
            (table_of_mirrors(frame, &behind))
            (table::links("All of them", &format!("{}.behind", file_name(&repository.name))))
            @match others {
                0 => {},
                1 => p { "One other is not listed for anything." },
                others => p { (grouped(others)) " others are not listed for anything." },
            }
        }
    }
}

fn table_of_mirrors(frame: &Frame, behind: &[Behind<'_>]) -> Markup {
    html! {
        table {
            caption {
                (grouped(behind.len())) @if behind.len() == 1 { " public mirror" } @else { " public mirrors" }
                @if behind.len() > MOST_BEHIND { ", the first " (MOST_BEHIND) " are shown" }
            }
            thead { tr {
                th scope="col" { "Mirror" }
                th scope="col" class="wide" { "Country" }
                th scope="col" { "How far" }
                th scope="col" { "For" }
                th scope="col" class="wide" { "Since" }
            } }
            tbody {
                @for Behind { mirror, age, since, carries } in behind.iter().take(MOST_BEHIND) {
                    (ROW) (linked_name(mirror, "../mirrors/"))
                    @match carries {
                        Carries::Listed => {},
                        Carries::Suspended => { " " small { "suspended" } }
                        Carries::Not => { " " small { "not listed for it" } }
                    }
                    (WIDE) (country_name(&mirror.country).unwrap_or("unknown"))
                    (CELL) (age.words())
                    (CELL) (print::age(frame.now.saturating_sub(*since)))
                    (WIDE) (when(*since))
                }
            }
        }
    }
}

fn table_of_days(repository: &Measured, newest: &Hour) -> Markup {
    let (days, columns) = columns(repository, newest, DAY, ROWS);
    html! {
        table class="figures" {
            caption { "Mirrors in percent, a day’s mean; “–”: not measured" }
            thead { tr {
                th scope="col" { "Day" }
                @for age in Age::ALL { th scope="col" class="number" { (age.words()) } }
            } }
            tbody {
                @for (at, column) in columns.iter().enumerate().rev() {
                    @let date = day(days.start + at as u64);
                    @let (year, rest) = date.split_at_checked(5).unwrap_or_default();
                    tr {
                        th scope="row" { span class="wide" { (year) } (rest) }
                        @for layer in 0..Age::ALL.len() {
                            td class="number" {
                                @match column {
                                    Some(column) => (percent(column[layer], column.iter().sum())),
                                    None => "–",
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository that was measured every eight hours of so many days, at midnight of the last one. All of its hosts are current
    /// on the last day, half of them before.
    fn measured(days: u64) -> Measured {
        let hour = |ago: u64| {
            let begins = 20_000 * DAY - ago * 8 * HOUR;
            let hosts = if ago == 0 { [4, 0, 0, 0, 0] } else { [2, 1, 1, 0, 0] };
            Hour { begins, hosts }
        };
        let hours = (0..=(days - 1) * 3).rev().map(hour).collect();
        Measured { name: "r+a".into(), hours, hosts: Vec::new() }
    }

    #[test]
    fn a_course_of_many_days_is_one_of_weeks() {
        let chart = |repository: &Measured| days(repository, last(repository).unwrap()).into_string();
        assert_eq!(chart(&measured(7)), "");
        // Of the last week's 19 measurements one is the last day's: 40 of 76 hosts.
        let (by_day, by_week) =
            (["day by day", "mean of a day, 100.0 %"], ["week by week", "mean of a week, 52.6 %"]);
        for (days, said, columns, begins) in [
            (8, by_day, 8, 7),
            (60, by_day, 60, 59),
            (61, by_week, 9, 60),
            (63, by_week, 9, 62),
            (64, by_week, 10, 63),
            (900, by_week, 52, 363),
        ] {
            let chart = chart(&measured(days));
            let begin = date(20_000 - begins).unwrap().to_string();
            let view = format!("0 0 {columns} 400");
            for said in [said[0], said[1], &begin, &view, "at least 50.0 %"] {
                assert!(chart.contains(said), "{days} {said}: {chart}");
            }
        }
    }

    #[test]
    fn a_week_is_a_gap_when_none_of_its_days_was_measured() {
        let mut days = vec![Some([1, 0, 0, 0, 1]); 15];
        days[0] = None;
        days[2..8].fill(None);
        let weeks = by_weeks(&days);
        assert_eq!(weeks, [None, Some([1, 0, 0, 0, 1]), Some([7, 0, 0, 0, 7])]);
        assert!(said(&weeks, "week", &[]).contains("1 of 3 weeks not measured"));
    }
}
