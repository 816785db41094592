//! What `/` says: what this is, how to ask, what is in the cache, and what of its own query would count for nothing.
//!
//! Plain text, or one HTML document for whoever lists `text/html`: no script, nothing from elsewhere, and a policy that
//! lets the browser load nothing. Source: SPEC.md §1.

use super::{escape, fragments::Fragments, html};
use cache::View;
use std::fmt::Write as _;
use time::OffsetDateTime;

/// Parameters, with a line each.
const PARAMETERS: [(&str, &str); 16] = [
    ("repo, arch", "a repository and its architecture"),
    ("path", "a directory or a file, in place of repo and arch"),
    ("country", "only mirrors of these countries, such as DE,FR; also global"),
    ("strict", "1: with country, none from elsewhere, even if there is none"),
    ("exclude", "none of these: RU, continent:AS, AS64500, a host name, origin"),
    ("family", "4 or 6: none that lacks this version of IP"),
    ("limit", "so many mirrors at most, 1 to 255"),
    ("protocol", "only URLs of these: https, http, ftp, rsync"),
    ("redirect", "go to the nearest mirror (mirrorlist only)"),
    ("format", "another form: text, apt, html, json, metalink4"),
    ("ip", "answer as if this address asked"),
    ("location", "mirrors of this location first"),
    ("netblock", "0: no mirrors of the client's own network first"),
    ("version", "with repo=R: repository R-VERSION, if there is one"),
    ("cc", "the same as country"),
    ("time", "tell the time of the data too"),
];

/// Header lines of both forms, but for the content type.
const VARY: &[u8] = b"Vary: Accept\r\n";
const TEXT: &[u8] = b"Content-Type: text/plain\r\n";

/// How many parameters that count for nothing it names.
pub const MOST_IGNORED: usize = 16;

/// What is told.
#[derive(Clone, Copy, Debug)]
pub struct Help<'a> {
    /// The cache.
    pub view: &'a View<'a>,
    /// What was prepared for it.
    pub fragments: &'a Fragments,
    /// The program's version.
    pub version: &'a str,
    /// The time, in seconds since the epoch.
    pub now: u64,
    /// What of the query counts for nothing, and why.
    pub ignored: &'a [String],
}

impl Help<'_> {
    /// Appends header lines and body; returns the length of the former.
    pub fn render(&self, html: bool, out: &mut Vec<u8>) -> usize {
        let from = out.len();
        let headers: &[&[u8]] = if html { &[html::HTML, VARY, html::POLICY] } else { &[TEXT, VARY] };
        headers.iter().for_each(|line| out.extend_from_slice(line));
        let headers_len = out.len() - from;
        if html {
            html::open("Mirror list service", STYLE, out);
            out.extend_from_slice(self.html().as_bytes());
            out.extend_from_slice(html::CLOSING);
        } else {
            out.extend_from_slice(self.text().as_bytes());
        }
        headers_len
    }

    /// Targets that work, each with what it gets.
    fn examples(&self) -> impl Iterator<Item = (String, &'static str)> {
        let examples = self.fragments.examples();
        let all = [
            (&examples.list, "a list of mirrors, nearest first"),
            (&examples.metalink, "the same with checksums, as a metalink"),
            (&examples.redirect, "straight to the nearest mirror"),
        ];
        let all = all.into_iter().filter(|(target, _)| !target.is_empty());
        all.map(|(target, what)| (String::from_utf8_lossy(target).into_owned(), what))
    }

    /// Numbers of mirrors and repositories, with what they count.
    fn counts(&self) -> [(String, &'static str); 2] {
        let plural = |count, one, many| (grouped(count as u64), if count == 1 { one } else { many });
        [
            plural(self.view.host_count(), "mirror", "mirrors"),
            plural(self.fragments.repositories(), "repository", "repositories"),
        ]
    }

    /// How old the data is, and of when; if it says so.
    fn age(&self) -> Option<(String, String)> {
        let source = self.view.source_time();
        let time = OffsetDateTime::from_unix_timestamp(i64::try_from(source).ok()?).ok()?;
        let (day, month) = (time.day(), u8::from(time.month()));
        let of =
            format!("{:04}-{month:02}-{day:02} {:02}:{:02} UTC", time.year(), time.hour(), time.minute());
        (source > 0).then(|| (age(self.now.saturating_sub(source)), of))
    }

    /// How old what else the cache was made from is, where that is known.
    fn other_ages(&self) -> impl Iterator<Item = String> {
        let names = [("netblocks", "routes"), ("geoip", "countries of addresses")];
        names.into_iter().filter_map(|(input, name)| {
            let source = self.view.sources().find(|source| source.name == input)?;
            Some(format!("{name} {} old", age(source.age(self.now)?)))
        })
    }

    fn text(&self) -> String {
        let [(mirrors, mirrors_are), (repositories, repositories_are)] = self.counts();
        let mut text = format!("Mirror list service (mirrorlistd {})\n", self.version);
        text += "Ask which mirrors are near you: for people, dnf and other programs.\n\n";
        let _ = write!(text, "{mirrors} {mirrors_are}, {repositories} {repositories_are}");
        match self.age() {
            Some((age, of)) => {
                let _ = writeln!(text, "; data {age} old, of {of}");
            }
            None => text.push('\n'),
        }
        let others: Vec<String> = self.other_ages().collect();
        if !others.is_empty() {
            let _ = writeln!(text, "{}", others.join(", "));
        }
        let mut heading = "\nOf your parameters these count for nothing\n";
        for ignored in self.ignored {
            let _ = writeln!(text, "{heading}  {ignored}");
            heading = "";
        }
        let mut heading = "\nExamples\n";
        for (target, what) in self.examples() {
            let _ = write!(text, "{heading}  {what}:\n    /{target}\n");
            heading = "";
        }
        text += "\nParameters of /mirrorlist and /metalink\n";
        for (name, meaning) in PARAMETERS {
            let _ = writeln!(text, "  {name:<10}  {meaning}");
        }
        text
    }

    fn html(&self) -> String {
        let escaped = |text: &str| {
            let mut out = Vec::new();
            escape::xml(text.as_bytes(), &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let mut page = String::with_capacity(8192);
        let _ = writeln!(
            page,
            "<h1>Mirror list service</h1>\n<p class=\"lead\">Ask which mirrors are near you: for people, dnf and other programs.</p>"
        );
        page += "<dl class=\"facts\">\n";
        let age = self.age();
        let counts = self.counts();
        let facts = counts.iter().map(|(count, what)| (count.as_str(), *what));
        let facts = facts.chain(age.iter().map(|(age, _)| (age.as_str(), "age of the data")));
        for (figure, what) in facts {
            let _ = writeln!(page, "<div><dt>{what}</dt><dd>{}</dd></div>", escaped(figure));
        }
        page += "</dl>\n";
        if !self.ignored.is_empty() {
            page += "<h2>Of your parameters these count for nothing</h2>\n";
            for ignored in self.ignored {
                let _ = writeln!(page, "<p><code>{}</code></p>", escaped(ignored));
            }
        }
        let mut heading = "<h2>Try it</h2>\n<ul>\n";
        for (target, what) in self.examples() {
            let target = escaped(&target);
            // A long one is broken between its parts, not in a word.
            let shown = target.replace('/', "/<wbr/>").replace("&amp;", "<wbr/>&amp;");
            let _ =
                writeln!(page, "{heading}<li>{what}<br/><a href=\"{target}\"><code>/{shown}</code></a></li>");
            heading = "";
        }
        page += if heading.is_empty() { "</ul>\n" } else { "" };
        page += "<h2>Parameters</h2>\n<p>Of <code>/mirrorlist</code> and <code>/metalink</code>:</p>\n<dl class=\"parameters\">\n";
        for (name, meaning) in PARAMETERS {
            let _ = writeln!(page, "<dt><code>{name}</code></dt><dd>{meaning}</dd>");
        }
        let _ = write!(page, "</dl>\n<footer>mirrorlistd {}", escaped(self.version));
        if let Some((_, of)) = age {
            let _ = write!(page, " · data of {of}");
        }
        self.other_ages().for_each(|other| page.extend([" · ", other.as_str()]));
        page += "</footer>\n";
        page
    }
}

const STYLE: &str = r".facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin-top: 1.5rem; padding: 1rem 0; border: solid var(--line); border-width: 1px 0; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dt { font-size: .875rem; }
.facts dd { font-size: 1.5rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
ul { list-style: none; margin: 0; padding: 0; }
li { margin-bottom: .875rem; }
li::first-letter { text-transform: uppercase; }
a { text-underline-offset: .2em; }
.parameters { display: grid; grid-template-columns: max-content 1fr; gap: .375rem 1.25rem; align-items: baseline; }
@media (max-width: 30rem) {
  main { padding: 1.5rem 1rem; }
  .facts { gap: .75rem 1.5rem; }
  .facts dd { font-size: 1.25rem; }
}
";

/// A span of time in the largest unit of which there are two.
fn age(seconds: u64) -> String {
    let units = [(86_400, "days"), (3600, "hours"), (60, "minutes")];
    match units.into_iter().find(|(length, _)| seconds >= 2 * length) {
        Some((length, name)) => format!("{} {name}", seconds / length),
        None => format!("{seconds} {}", if seconds == 1 { "second" } else { "seconds" }),
    }
}

/// A number, with commas between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_the_largest_unit_of_which_there_are_two() {
        let ages = [0, 1, 119, 120, 7199, 7200, 172_799, 172_800].map(age);
        let expected = [
            "0 seconds",
            "1 second",
            "119 seconds",
            "2 minutes",
            "119 minutes",
            "2 hours",
            "47 hours",
            "2 days",
        ];
        assert_eq!(ages, expected);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
