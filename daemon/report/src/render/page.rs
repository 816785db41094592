//! What all pages have around them, and how numbers are shown.
//!
//! Pages refer to each other by relative links, so that the folder can be served from anywhere. They ask for nothing from
//! elsewhere and need no script; the policy in their head says so to the browser. Where a list can be narrowed, it lets the
//! site's own script in.

use super::state::PAST;
use crate::{count::line::date, look::Look};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use program::print::{self, grouped};

/// What every page says of the whole.
#[derive(Debug, Default)]
pub struct Frame {
    /// The site's name.
    pub title: String,
    /// What the operator wants on every page.
    pub look: Look,
    /// The day of today, counted from 1970-01-01.
    pub today: i32,
    /// Now, in seconds since the epoch.
    pub now: u64,
    /// The last day with figures.
    pub newest: Option<i32>,
    /// When the list of mirrors was made.
    pub listed: Source,
    /// When mirrors were last asked, likewise.
    pub checked: Source,
    /// When propagation was last measured, likewise.
    pub measured: Source,
}

/// What may not be there, or not be readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The site has none.
    #[default]
    None,
    /// It cannot be read.
    Broken,
    /// It is of this time, in seconds since the epoch.
    Of(u64),
}

/// A part of the site, as the navigation has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first page.
    Overview,
    /// Requests by day.
    Statistics,
    /// The public list.
    Mirrors,
    /// The same as a map.
    Map,
    /// The same by repository.
    Repositories,
    /// How repositories have spread.
    Propagation,
}

impl Part {
    const ALL: [(Part, &'static str, &'static str); 6] = [
        (Part::Overview, "index.html", "Overview"),
        (Part::Statistics, "statistics/index.html", "Statistics"),
        (Part::Mirrors, "mirrors/index.html", "Mirrors"),
        (Part::Map, "map/index.html", "Map"),
        (Part::Repositories, "repositories/index.html", "Repositories"),
        (Part::Propagation, "propagation/index.html", "Propagation"),
    ];
}

/// A list of mirrors older than this is told to be old, in seconds.
const OLD_LIST: u64 = 24 * 60 * 60;
/// Rounds and measurements that are older than this, likewise.
const OLD_ROUND: u64 = 3 * 60 * 60;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'";
const POLICY_OF_SCRIPT: &str = "; script-src 'self'";

impl Frame {
    /// A page in a folder so many levels below the first page.
    pub fn page(&self, part: Part, depth: usize, title: &str, body: &Markup) -> String {
        self.whole(part, depth, title, body, false)
    }

    /// The same, with a list that can be narrowed.
    pub fn page_of_list(&self, part: Part, depth: usize, title: &str, body: &Markup) -> String {
        self.whole(part, depth, title, body, true)
    }

    fn whole(&self, part: Part, depth: usize, title: &str, body: &Markup, has_script: bool) -> String {
        let up = "../".repeat(depth);
        let Look { header, footer, links, .. } = &self.look;
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content={ (POLICY) @if has_script { (POLICY_OF_SCRIPT) } };
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { @if title != self.title { (title) " – " } (self.title) }
                    link rel="stylesheet" href={ (up) "style.css" };
                    link rel="icon" href="data:,";
                    @if has_script { script src={ (up) "filter.js" } defer {} }
                }
                body {
                    a class="skip" href="#content" { "To the content" }
                    header {
                        div class="whose" {
                            a class="name" href={ (up) "index.html" } { (self.title) }
                            @if let Some(header) = header { span class="quiet" { (header) } }
                        }
                        nav aria-label="Parts of this site" {
                            @for (of, path, name) in self.parts() {
                                a href={ (up) (path) } aria-current=[(of == part).then_some("page")] { (name) }
                            }
                        }
                    }
                    main id="content" {
                        h1 { bdi { (title) } }
                        (body)
                    }
                    footer {
                        @if footer.is_some() || !links.is_empty() {
                            p {
                                @if let Some(footer) = footer { (footer) " " }
                                @for link in links { a href=(link.url) { (link.text) } " " }
                            }
                        }
                        p { (self.age()) }
                        @if self.listed != Source::None {
                            p { (age_of("list of mirrors", self.listed, self.now, OLD_LIST)) }
                        }
                        @if self.checked != Source::None {
                            p { (age_of("last round of checks", self.checked, self.now, OLD_ROUND)) }
                        }
                        @if self.measured != Source::None {
                            p { (age_of("last measurement of propagation", self.measured, self.now, OLD_ROUND)) }
                        }
                        p { "Days and times are those of UTC. Written " (when(self.now)) "." }
                    }
                }
            }
        };
        markup.into_string()
    }

    fn parts(&self) -> impl Iterator<Item = (Part, &'static str, &'static str)> {
        let has = |part| match part {
            Part::Overview | Part::Statistics => true,
            Part::Mirrors | Part::Map | Part::Repositories => self.listed != Source::None,
            Part::Propagation => self.measured != Source::None,
        };
        Part::ALL.into_iter().filter(move |(part, ..)| has(*part))
    }

    /// What to know before believing in states of mirrors; nothing if they are of now.
    pub fn warning_of_states(&self) -> Markup {
        match self.checked {
            Source::None => html! {},
            Source::Broken => {
                html! { p class="alarm" { "The answers of the mirrors could not be read when this page was written." } }
            }
            Source::Of(time) => match self.now.saturating_sub(time) {
                ..=OLD_ROUND => html! {},
                age @ ..=PAST => {
                    html! { p class="alarm" { "The mirrors were last asked " (print::age(age)) " ago: states are of then." } }
                }
                age => {
                    html! { p class="alarm" { "The mirrors were last asked " (print::age(age)) " ago: how they are now is not known." } }
                }
            },
        }
    }

    /// The same of how far mirrors are with repositories.
    pub fn warning_of_ages(&self) -> Markup {
        match self.measured {
            Source::Broken => {
                html! { p class="alarm" { "How far the mirrors are could not be read when this page was written." } }
            }
            Source::Of(time) if self.now.saturating_sub(time) > OLD_ROUND => {
                let age = print::age(self.now - time);
                html! { p class="alarm" { "How far the mirrors are was last measured " (age) " ago: what is said of it is of then." } }
            }
            Source::None | Source::Of(_) => html! {},
        }
    }

    /// How old the figures are.
    fn age(&self) -> Markup {
        let Some(newest) = self.newest else {
            return html! { strong { "There are no figures yet." } };
        };
        match self.today - newest {
            ..=0 => html! { "Figures up to today, " (written_day(newest)) ", which is not over." },
            1 => html! { "Figures up to yesterday, " (written_day(newest)) "." },
            days => {
                html! { strong { "The newest figures are " (days) " days old" } ": they are of " (written_day(newest)) "." }
            }
        }
    }
}

/// How old something is, in words if it is older than it should be.
fn age_of(what: &str, of: Source, now: u64, old: u64) -> Markup {
    match of {
        Source::None => html! {},
        Source::Broken => html! { strong { "The " (what) " cannot be read." } },
        Source::Of(0) => html! { strong { "It is not known how old the " (what) " is." } },
        Source::Of(time) if time > now.saturating_add(old) => {
            html! { strong { "The " (what) " is of a time that is yet to come" } ": " (when(time)) "." }
        }
        Source::Of(time) if now.saturating_sub(time) > old => {
            html! { strong { "The " (what) " is " (print::age(now - time)) " old" } ": it is of " (when(time)) "." }
        }
        Source::Of(time) => html! { "The " (what) " is of " (when(time)) "." },
    }
}

/// A day as pages write it in a sentence.
pub fn written_day(of: i32) -> Markup {
    html! { time { (day(of)) } }
}

/// A day as pages write it.
pub fn day(day: i32) -> String {
    date(day).map_or_else(|| day.to_string(), |date| date.to_string())
}

/// A time in seconds since the epoch, as pages write it.
pub fn when(seconds: u64) -> Markup {
    let date = print::date(seconds).unwrap_or_default();
    html! { @if let Some(shown) = shown(seconds) { time datetime=(date) { (shown) } } @else { "unknown" } }
}

/// The same as text; `None` if no calendar has it.
pub fn shown(seconds: u64) -> Option<String> {
    // What a person reads needs no seconds.
    Some(print::date(seconds)?.get(..16)?.replace('T', " "))
}

/// Part of a whole, in percent.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}", part as f64 * 100.0 / whole.max(1) as f64)
}

/// A cell with a number.
pub fn number(number: u64) -> Markup {
    html! { td class="number" { (grouped(number)) } }
}

/// A bar as long as a part of the longest.
pub fn bar(part: u64, longest: u64) -> Markup {
    let width = percent(part, longest);
    html! {
        td class="bar" {
            svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" { rect width=(width) height="10" {} }
        }
    }
}

/// What rows of long lists are made of: HTML lets the ends of rows and cells be left out, and a list has thousands of them.
/// This is a row’s beginning, and that of its head.
pub const ROW: PreEscaped<&str> = PreEscaped("<tr><th scope=row>");
/// A cell.
pub const CELL: PreEscaped<&str> = PreEscaped("<td>");
/// A cell that a narrow window does not show.
pub const WIDE: PreEscaped<&str> = PreEscaped("<td class=wide>");
/// The same with a number.
pub const WIDE_NUMBER: PreEscaped<&str> = PreEscaped("<td class=\"number wide\">");

/// What pages of mirrors say when there is no list.
pub const UNREAD: &str = "The list of mirrors could not be read when this page was written.";

/// A bandwidth in Mbit/s, in words.
pub fn bandwidth(megabits: u64) -> String {
    match megabits {
        ..1000 => format!("{megabits} Mbit/s"),
        _ if megabits.is_multiple_of(1000) => format!("{} Gbit/s", grouped(megabits / 1000)),
        _ => format!("{:.1} Gbit/s", megabits as f64 / 1000.0),
    }
}

/// The style sheet.
pub const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn ages_are_in_words_when_they_are_long() {
        let said = |time, now| age_of("list", Source::Of(time), now, 3600).into_string();
        let of = |time| when(time).into_string();
        assert_eq!(said(1_000_000, 1_003_600), format!("The list is of {}.", of(1_000_000)));
        let old = format!("<strong>The list is 2 h 0 min old</strong>: it is of {}.", of(1_000_000));
        assert_eq!(said(1_000_000, 1_007_200), old);
        assert!(said(1_007_200, 1_000_000).contains("yet to come") && said(0, 5).contains("not known"));
        assert!(age_of("list", Source::Broken, 5, 5).into_string().contains("cannot be read"));
    }

    /// The colours of the style sheet: by day, and by night.
    fn colours() -> [BTreeMap<&'static str, f64>; 2] {
        let [day, night] = [STYLE, STYLE.split_once("(prefers-color-scheme: dark)").unwrap().1];
        [day, night].map(|of| {
            let block = of[of.find(":root {").unwrap()..].split_once('}').unwrap().0;
            let colours = block.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
            colours.map(|(name, colour)| (name, luminance(&colour[..6]))).collect()
        })
    }

    /// How light a colour of six hexadecimal digits is, as WCAG 2.2 has it.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    #[test]
    fn marks_stand_out_from_the_map_and_ages_differ_in_grey() {
        for colours in colours() {
            for ground in ["land", "paper"] {
                for mark in ["good", "failing", "suspended", "unknown"] {
                    let (one, other) = (colours[ground] + 0.05, colours[mark] + 0.05);
                    let contrast = one.max(other) / one.min(other);
                    // WCAG 1.4.11 wants as much of what is no text.
                    assert!(contrast >= 3.0, "{mark} on {ground}: {contrast}");
                }
            }
            let ages = ["current", "one-day", "two-days", "older"].map(|age| colours[age]);
            let steps: Vec<f64> = ages.windows(2).map(|pair| (pair[1] + 0.05) / (pair[0] + 0.05)).collect();
            assert!(
                steps.iter().all(|step| *step > 1.2) || steps.iter().all(|step| *step < 1.0 / 1.2),
                "{steps:?}"
            );
        }
    }

    #[test]
    fn a_bandwidth_has_the_unit_that_suits_it() {
        assert_eq!(
            [100, 1000, 2500, 40_000].map(bandwidth),
            ["100 Mbit/s", "1 Gbit/s", "2.5 Gbit/s", "40 Gbit/s"]
        );
    }
}
