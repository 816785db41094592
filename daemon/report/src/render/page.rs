//! What all pages have around them, and how names and numbers are shown.
//!
//! Pages refer to each other by relative links, so that the folder can be served from anywhere. They ask for nothing from
//! elsewhere and need no script; the policy in their head says so to the browser.

use crate::count::line::date;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use program::print::{self, grouped};
use sha2::{Digest as _, Sha256};

/// What every page says of the whole.
#[derive(Debug)]
pub struct Frame {
    /// The site's name.
    pub title: String,
    /// The day of today, counted from 1970-01-01.
    pub today: i32,
    /// The time at which the pages are written, RFC 3339.
    pub written: String,
    /// The last day with figures.
    pub newest: Option<i32>,
    /// When the list of mirrors was made, in seconds since the epoch; `None` if the site has none.
    pub listed: Option<u64>,
    /// Now, in seconds since the epoch.
    pub now: u64,
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
    /// The same by repository.
    Repositories,
}

impl Part {
    const ALL: [(Part, &'static str, &'static str); 4] = [
        (Part::Overview, "index.html", "Overview"),
        (Part::Statistics, "statistics/index.html", "Statistics"),
        (Part::Mirrors, "mirrors/index.html", "Mirrors"),
        (Part::Repositories, "repositories/index.html", "Repositories"),
    ];
}

/// A list of mirrors older than this is told to be old, in seconds.
const OLD: u64 = 24 * 60 * 60;

const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; base-uri 'none'";

impl Frame {
    /// A page in a folder so many levels below the first page.
    pub fn page(&self, part: Part, depth: usize, title: &str, body: &Markup) -> String {
        let up = "../".repeat(depth);
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { @if title != self.title { (title) " – " } (self.title) }
                    link rel="stylesheet" href={ (up) "style.css" };
                    link rel="icon" href="data:,";
                }
                body {
                    a class="skip" href="#content" { "To the content" }
                    header {
                        a class="name" href={ (up) "index.html" } { (self.title) }
                        nav aria-label="Parts of this site" {
                            @for (of, path, name) in self.parts() {
                                a href={ (up) (path) } aria-current=[(of == part).then_some("page")] { (name) }
                            }
                        }
                    }
                    main id="content" {
                        h1 { (title) }
                        (body)
                    }
                    footer {
                        p { (self.age()) }
                        @if let Some(listed) = self.listed { p { (self.age_of_list(listed)) } }
                        p { "Days are those of UTC. Written " time datetime=(self.written) { (self.written) } "." }
                    }
                }
            }
        };
        markup.into_string()
    }

    fn parts(&self) -> impl Iterator<Item = (Part, &'static str, &'static str)> {
        let has_list = self.listed.is_some();
        Part::ALL
            .into_iter()
            .filter(move |(part, ..)| has_list || !matches!(part, Part::Mirrors | Part::Repositories))
    }

    /// How old the list of mirrors is.
    fn age_of_list(&self, listed: u64) -> Markup {
        let age = self.now.saturating_sub(listed);
        let date = print::date(listed).unwrap_or_default();
        html! {
            @if listed == 0 { strong { "It is not known how old the list of mirrors is." } }
            @else if age > OLD { strong { "The list of mirrors is " (print::age(age)) " old" } ": it is of " time { (date) } "." }
            @else { "Mirrors as of " time { (date) } "." }
        }
    }

    /// How old the figures are.
    fn age(&self) -> Markup {
        let Some(newest) = self.newest else {
            return html! { strong { "There are no figures yet." } };
        };
        match self.today - newest {
            ..=0 => html! { "Figures up to today, " (day(newest)) ", which is not over." },
            1 => html! { "Figures up to yesterday, " (day(newest)) "." },
            days => {
                html! { strong { "The newest figures are " (days) " days old" } ": they are of " (day(newest)) "." }
            }
        }
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

/// A name that others have chosen: it cannot change the direction of what is around it, and has no control characters.
pub fn name(name: &str) -> Markup {
    html! { bdi { (visible(name)) } }
}

/// A name with a mark in place of every character that nobody sees.
pub fn visible(name: &str) -> String {
    let is_invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}')
    };
    name.chars()
        .map(|c| if is_invisible(c) || u32::from(c) & 0xfffe == 0xfffe { '\u{fffd}' } else { c })
        .collect()
}

/// A name as part of a file's name: what is no letter, digit, `.`, `_` or `-` is `~` and its number. A long one is cut, with
/// the hash of the whole behind it, and none is called as the page of all is.
pub fn file_name(name: &str) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let is_plain =
            byte.is_ascii_alphanumeric() && (at > 0 || name != "index") || matches!(byte, b'_' | b'-');
        if is_plain || byte == b'.' && at > 0 {
            out.push(char::from(byte));
        } else {
            out += &format!("~{byte:02x}");
        }
    }
    if out.len() > LONGEST_FILE_NAME {
        let hash = Sha256::digest(name);
        out.truncate(LONGEST_FILE_NAME);
        out.extend(hash.iter().take(8).map(|byte| format!("{byte:02x}")));
    }
    out
}

/// Bytes of a name in a file's name.
const LONGEST_FILE_NAME: usize = 150;

/// A country by its code, with its name.
pub fn country(code: &str) -> Markup {
    match (code, country_name(code)) {
        ("", _) => html! { "unknown" },
        (code, Some(name)) => html! { (name) " " span class="quiet" { (code) } },
        (code, None) => name(code),
    }
}

/// What people call it, where the standard has more words.
fn country_name(code: &str) -> Option<&'static str> {
    Some(match code {
        "GB" => "United Kingdom",
        "KP" => "North Korea",
        "KR" => "South Korea",
        "RU" => "Russia",
        "US" => "United States",
        _ => {
            let name = rust_iso3166::from_alpha2(code)?.name;
            name.split_once(" (").map_or(name, |(name, _)| name)
        }
    })
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
        td class="bar" aria-hidden="true" {
            svg viewBox="0 0 100 10" preserveAspectRatio="none" { rect width=(width) height="10" {} }
        }
    }
}

/// The style sheet.
pub const STYLE: &str = include_str!("style.css");

/// Raw text of this program.
pub fn raw(text: String) -> Markup {
    PreEscaped(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_never_obeyed() {
        assert_eq!(name("<script>'\"&").into_string(), "<bdi>&lt;script&gt;'&quot;&amp;</bdi>");
        assert_eq!(visible("a\u{202e}b\u{0}c\u{9f}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(visible("é日\u{fffe}\u{1ffff}"), "é日\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_name_is_one_file_s_name() {
        assert_eq!(file_name("fedora-42.x_y"), "fedora-42.x_y");
        assert_eq!(file_name("../a b~é"), "~2e.~2fa~20b~7e~c3~a9");
        assert_eq!((file_name("index"), file_name("indexes")), ("~69ndex".into(), "indexes".into()));
        let [one, other] = ["é".repeat(500), "é".repeat(501)].map(|name| file_name(&name));
        assert!(one.len() < 200 && one.len() == other.len() && one != other, "{one} {other}");
    }

    #[test]
    fn countries_have_the_names_that_people_know() {
        let text = |code| country(code).into_string();
        assert_eq!(text("DE"), "Germany <span class=\"quiet\">DE</span>");
        assert!(text("NL").starts_with("Netherlands <") && text("GB").starts_with("United Kingdom <"));
        assert_eq!((text(""), text("ZZ")), ("unknown".into(), "<bdi>ZZ</bdi>".into()));
    }
}
