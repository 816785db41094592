//! A page for each mirror: what it answered, what clients get of it, and how far its repositories are.

use super::{
    collected::{Age, Answer, OfUrl, Round, Spread},
    contents::{Contents, Mirror, Repository},
    filter::{LIST, filter},
    mirrors::{by_mirror, families},
    names::{country, file_name, name, short, visible},
    page::{CELL, Frame, Part, ROW, Source, bandwidth, when},
    site::Site,
    state::{State, asked},
};
use answer::suspended::spelled;
use maud::{Markup, html};
use program::{
    failure::Failure,
    print::{self, grouped},
};
use std::collections::{BTreeSet, HashMap};

/// Ages of a host, by repository and architecture as they are measured, `PREFIX+ARCH`: each with since when.
pub(super) type Ages<'s> = HashMap<&'s str, (Age, u64)>;

/// Writes all of them; `states` are those of mirrors, by their place.
pub(super) fn write(
    site: &Site,
    frame: &Frame,
    contents: &Contents,
    states: &[State],
    round: Option<&Round>,
    spread: Option<&Spread>,
) -> Result<(), Failure> {
    let ages = ages(spread);
    let none = Ages::new();
    let common = common(contents);
    for ((mirror, state), carried) in contents.mirrors.iter().zip(states).zip(by_mirror(contents)) {
        let ages = ages.get(&mirror.id).unwrap_or(&none);
        let body = html! {
            (frame.warning_of_states())
            (facts(mirror, *state))
            (urls(frame, mirror, round))
            (repositories(frame, contents, &common, &carried, ages))
        };
        let path = format!("mirrors/{}.html", mirror.file);
        let title = visible(&mirror.name);
        let title = if mirror.is_alone { title.into_owned() } else { format!("{title}, host {}", mirror.id) };
        site.write(&path, frame.page_of_list(Part::Mirrors, 1, &title, &body))?;
    }
    Ok(())
}

fn ages(spread: Option<&Spread>) -> HashMap<i64, Ages<'_>> {
    let mut ages: HashMap<i64, Ages<'_>> = HashMap::new();
    for repository in spread.into_iter().flat_map(|spread| &spread.repositories) {
        for host in &repository.hosts {
            ages.entry(host.id).or_default().insert(&repository.name, (host.age, host.since));
        }
    }
    ages
}

fn facts(mirror: &Mirror, state: State) -> Markup {
    html! {
        dl class="facts" {
            div { dt { "state" } dd { (state.said()) } }
            @if mirror.host != mirror.name { div { dt { "host" } dd { (name(&mirror.host)) } } }
            div { dt { "country" } dd { (country(&mirror.country)) } }
            @if let Some(of) = mirror.bandwidth { div { dt { "bandwidth, as it is registered" } dd { (bandwidth(of.into())) } } }
            div { dt { "repositories for which clients get it" } dd { (grouped(mirror.listed)) } }
        }
        @if let Some(place) = mirror.place {
            p { "It is at " (degrees(place.latitude, ["N", "S"])) ", " (degrees(place.longitude, ["E", "W"])) "." }
        }
    }
}

/// Degrees with the letter of their side.
pub(super) fn degrees(degrees: f64, [above, below]: [&str; 2]) -> String {
    format!("{:.1}° {}", degrees.abs(), if degrees < 0.0 { below } else { above })
}

/// What clients get, with what it answered when it was last asked.
fn urls(frame: &Frame, mirror: &Mirror, round: Option<&Round>) -> Markup {
    let answers: Vec<(String, &OfUrl)> =
        asked(mirror, round).filter_map(|of| Some((spelled(&of.url)?, of))).collect();
    let mut urls: Vec<(&str, &str)> =
        mirror.urls.iter().map(|url| (url.split_once("://").map_or("", |(_, rest)| rest), &**url)).collect();
    // Those of one tree beside each other, what most clients take first.
    urls.sort_by_key(|(rest, url)| (*rest, !url.starts_with("https:"), *url));
    let has_left_out = mirror.listed > 0 && !mirror.suspended.is_empty();
    html! {
        h2 { "What clients get" }
        @if mirror.listed == 0 { p { "Nothing at present: all of its URLs that most clients use are suspended, and answers leave it out." } }
        table {
            caption {
                @match round {
                    Some(round) => { "Answers to the round of checks of " (when(round.time)) }
                    None => { "URLs below which repositories are" }
                }
                @if has_left_out { "; answers leave out what is suspended" }
            }
            thead { tr {
                th scope="col" { "URL" }
                @if round.is_some() { th scope="col" { "Last answer" } }
                @if has_left_out { th scope="col" { "Clients" } }
            } }
            tbody {
                @for (_, url) in urls {
                    tr {
                        th scope="row" { a href={ (url) "/" } rel="nofollow" { (name(url)) } }
                        @if round.is_some() {
                            td {
                                @match answers.iter().find(|(spelled, _)| spelled == url) {
                                    Some((_, of)) => (answer(frame, of)),
                                    None => span class="quiet" { "not asked" },
                                }
                            }
                        }
                        @if has_left_out {
                            td {
                                @if mirror.suspended.contains(url) { (State::Suspended.said()) }
                                @else { "get it" }
                            }
                        }
                    }
                }
            }
        }
        @if !mirror.families.is_empty() { p { "It answers by" (families(mirror)) "." } }
    }
}

/// What a URL answered, and whether that has had consequences.
fn answer(frame: &Frame, of: &OfUrl) -> Markup {
    html! {
        (words(of.answer))
        @if of.failures > 1 { ", " (grouped(of.failures)) " times in a row" }
        @if !of.why.is_empty() { ": " bdi { (visible(&of.why)) } }
        @if let Some(suspended) = &of.suspended {
            @let since = suspended.since.min(frame.now);
            br;
            "Suspended for " (print::age(frame.now - since)) ", since " (when(since)) ": "
            bdi { (visible(&suspended.reason)) }
        }
    }
}

fn words(answer: Answer) -> &'static str {
    match answer {
        Answer::Good => "good",
        Answer::Failed => "failed",
        Answer::Unknown => "says nothing about it",
        Answer::Unasked => "not asked",
    }
}

/// What a repository's rows have in common on the pages of all mirrors.
pub(super) struct Common {
    /// A row's beginning.
    named: Markup,
    /// The architectures of each of its sets.
    archs: Vec<String>,
}

/// Of all repositories, by their place.
pub(super) fn common(contents: &Contents) -> Vec<Common> {
    let of = |repository: &Repository| Common {
        named: html! { (ROW) a href={ "../repositories/" (file_name(&repository.name)) ".html" } { (short(&repository.name)) } },
        archs: repository.sets.iter().map(|set| shown(repository, set)).collect(),
    };
    contents.repositories.iter().map(of).collect()
}

/// Architectures of a repository, by their places.
fn shown<'p>(repository: &Repository, places: impl IntoIterator<Item = &'p u16>) -> String {
    let archs = places.into_iter().map(|place| visible(&repository.archs[usize::from(*place)]));
    archs.collect::<Vec<_>>().join(" ")
}

/// What it carries, each repository in a row.
pub(super) fn repositories(
    frame: &Frame,
    contents: &Contents,
    common: &[Common],
    carried: &[(u32, u32)],
    ages: &Ages<'_>,
) -> Markup {
    let different = carried.chunk_by(|one, other| one.0 == other.0).count();
    html! {
        h2 { "Repositories" }
        @if !ages.is_empty() || frame.measured == Source::Broken { (frame.warning_of_ages()) }
        (filter("Names and architectures"))
        table id=(LIST) {
            caption { (grouped(different)) " that it has up to date, as the list of mirrors says" }
            thead { tr {
                th scope="col" { "Repository" }
                th scope="col" { "Architectures" }
                @if !ages.is_empty() { th scope="col" { "How far, where it is measured" } }
            } }
            tbody {
                @for of_one in carried.chunk_by(|one, other| one.0 == other.0) {
                    @let number = of_one[0].0 as usize;
                    @let repository = &contents.repositories[number];
                    @let carried = of_one.iter().map(|(_, place)| &repository.carried[*place as usize]);
                    @let archs = || carried.clone().flat_map(|one| repository.archs_of(one)).collect::<BTreeSet<&u16>>();
                    (common[number].named)
                    (CELL)
                    @match of_one {
                        [(_, place)] => (common[number].archs[usize::from(repository.carried[*place as usize].set)]),
                        _ => (shown(repository, archs())),
                    }
                    @if !carried.clone().any(|carried| carried.is_listed) { " " small { "suspended" } }
                    @if !ages.is_empty() { (CELL) (age(frame, repository, archs(), ages)) }
                }
            }
        }
    }
}

/// How far a mirror is with a repository, of each of these architectures that is measured.
fn age(frame: &Frame, repository: &Repository, archs: BTreeSet<&u16>, ages: &Ages<'_>) -> Markup {
    let known = archs.into_iter().filter_map(|place| {
        let arch = &repository.archs[usize::from(*place)];
        let name = format!("{}+{arch}", repository.name);
        let (age, since) = ages.get(&*name)?;
        Some((arch, name, age, since))
    });
    html! {
        @for (at, (arch, name, age, since)) in known.enumerate() {
            @if at > 0 { br; }
            (visible(arch)) ": " a href={ "../propagation/" (file_name(&name)) ".html" } { (age.words()) }
            @if *age != Age::Current { ", for " (print::age(frame.now.saturating_sub(*since))) }
        }
    }
}
