//! The page of a file's mirrors, for people: what the file is, where they come from, and which mirrors they may choose.
//!
//! One document without script, at most 32 KiB: mirrors that do not fit are counted. Its first mirror is the one that a
//! redirect leads this client to. Source: SPEC.md §12.

use super::{
    escape,
    fragments::Fragments,
    html,
    links::Links,
    metalink,
    mirror::{Mirror, Mirrors, Urls, directory_path},
    places,
    unlisted::Excluded,
    url,
};
use crate::select::{query::Query, target::Target, tiers::Candidates};
use cache::{
    Version, View,
    scheme::{Scheme, host_name},
};
use std::{fmt::Write as _, mem};
use time::OffsetDateTime;
use wire::Tier;

/// How many mirrors it shows unless the client says.
const MIRRORS: usize = 60;

/// Bytes that a page has at most, but for its end.
const MOST_BYTES: usize = 31 << 10;

/// Header lines behind the content type.
pub const HEADERS: [&[u8]; 3] =
    [html::POLICY, b"X-Content-Type-Options: nosniff\r\n", b"Referrer-Policy: no-referrer\r\n"];

/// Hashes by the names that people know, in the order of [`Version::hashes`].
const HASHES: [&str; 4] = ["MD5", "SHA-1", "SHA-256", "SHA-512"];

/// What is shown.
#[derive(Debug)]
pub struct Page<'a> {
    /// The cache.
    pub view: &'a View<'a>,
    /// What was prepared for it.
    pub fragments: &'a Fragments,
    /// What was asked.
    pub query: &'a Query<'a>,
    /// What it is about.
    pub target: &'a Target<'a>,
    /// The mirrors.
    pub candidates: &'a Candidates,
    /// Why others are not listed, if that was asked.
    pub excluded: Option<Vec<Excluded<'a>>>,
    /// Where its other forms are.
    pub links: Links<'a>,
    /// The program's version.
    pub version: &'a str,
}

impl Page<'_> {
    /// Appends the page.
    pub fn render(&self, out: &mut Vec<u8>) {
        let from = out.len();
        let mut text = String::with_capacity(16 << 10);
        let path = directory_path(self.view, self.target.directory);
        let name = self.target.file.as_deref().map(String::from_utf8_lossy);
        let title = match &name {
            Some(name) => name.clone().into_owned(),
            None => format!("{}/", path.rsplit('/').next().unwrap_or_default()),
        };
        html::open(&format!("{title} · mirrors"), STYLE, out);
        let _ = writeln!(text, "<h1>{}</h1>", escaped(&title));
        if let Some((above, _)) = name.as_ref().map_or(path.rsplit_once('/'), |_| Some((&path, ""))) {
            let _ = writeln!(text, "<p class=\"lead\">in <code>{}/</code></p>", escaped(above));
        }
        let version = self.target.details.and_then(|details| self.view.versions(details).next());
        let all = Mirrors::of(self.view, self.fragments, self.query, self.target);
        let most = self.query.limit.map_or(MIRRORS, |limit| limit.get().into());
        let picks = self.candidates.picks.iter().enumerate();
        let mirrors = picks.filter_map(|(place, pick)| Some((pick.tier, all.mirror(place, pick)?)));
        let mirrors: Vec<_> = mirrors.take(most).collect();
        let origin = url::origin(self.view, self.query, self.target);
        let origin = origin.map(|url| String::from_utf8_lossy(&url).into_owned());
        match (mirrors.first(), &origin) {
            (Some((_, best)), _) => self.best(best, version.as_ref(), &mut text),
            (None, Some(origin)) => self.button(origin, host_name(origin), version.as_ref(), &mut text),
            (None, None) => {}
        }
        if let Some(version) = &version {
            facts(version, &mut text);
        }
        self.forms(version.as_ref(), &mut text);
        self.client(&mut text);
        let is_far = mirrors.iter().any(|(_, mirror)| mirror.distance_km.is_some());
        let class = if is_far { " class=\"km\"" } else { "" };
        out.extend_from_slice(mem::take(&mut text).as_bytes());
        let end = self.end(origin.as_deref());
        let (mut shown, mut group) = (0, Tier::None);
        for (tier, mirror) in &mirrors {
            let before = out.len();
            if *tier != group {
                let end = if group == Tier::None { "" } else { "</ol>\n" };
                let heading = escaped(&self.heading(*tier));
                let _ = write!(text, "{end}<h2>{heading}</h2>\n<ol{class} start=\"{}\">\n", shown + 1);
                out.extend_from_slice(mem::take(&mut text).as_bytes());
            }
            row(mirror, out);
            if out.len() + end.len() - from > MOST_BYTES && shown > 0 {
                out.truncate(before);
                break;
            }
            group = *tier;
            shown += 1;
        }
        if shown > 0 {
            text += "</ol>\n";
        }
        let more = self.candidates.picks.len() - shown;
        if more > 0 {
            let _ = writeln!(text, "<p class=\"more\">{more} more are farther away.</p>");
        }
        text += &end;
        out.extend_from_slice(mem::take(&mut text).as_bytes());
        self.excluded(from + MOST_BYTES, out);
        let _ = write!(text, "<footer>mirrorlistd {}", escaped(self.version));
        if let Some(time) = moment(self.view.source_time()) {
            let _ = write!(text, " · data of {time}");
        }
        text += "</footer>\n";
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(html::CLOSING);
    }

    /// What stands behind the mirrors: the origin, and the way to those that are not there.
    fn end(&self, origin: Option<&str>) -> String {
        let mut text = String::new();
        if let Some(origin) = origin {
            let name = escaped(host_name(origin));
            let origin = escaped(origin);
            let _ =
                writeln!(text, "<p class=\"origin\">The original is at <a href=\"{origin}\">{name}</a>.</p>");
        }
        if self.excluded.is_none()
            && !self.candidates.picks.is_empty()
            && let Some(explained) = self.links.explained()
        {
            let explained = escaped(&explained);
            let _ =
                writeln!(text, "<p class=\"why\"><a href=\"{explained}\">Why is a mirror not here?</a></p>");
        }
        text
    }

    /// Who is not there, and why, as far as there is room.
    fn excluded(&self, most: usize, out: &mut Vec<u8>) {
        let Some(excluded) = &self.excluded else { return };
        let mut text = String::from("<h2>Mirrors that are not listed</h2>\n");
        if excluded.is_empty() {
            text += "<p>All that have it are listed.</p>\n";
            return out.extend_from_slice(text.as_bytes());
        }
        text += "<ul class=\"out\">\n";
        let (start, mut shown) = (out.len(), 0);
        for Excluded { hostname, reason } in excluded {
            let _ = writeln!(text, "<li>{} <span>{}</span></li>", escaped(hostname), escaped(reason));
            if out.len() + text.len() > most {
                text.clear();
                break;
            }
            out.extend_from_slice(mem::take(&mut text).as_bytes());
            shown += 1;
        }
        if out.len() > start {
            text += "</ul>\n";
        }
        if shown < excluded.len() {
            let _ = writeln!(text, "<p class=\"more\">{} more are not listed.</p>", excluded.len() - shown);
        }
        out.extend_from_slice(text.as_bytes());
    }

    /// The way to the nearest mirror.
    fn best(&self, best: &Mirror<'_>, version: Option<&Version<'_>>, text: &mut String) {
        let mut from = best.hostname.to_owned();
        if let Some(country) = &best.country {
            let _ = write!(from, ", {}", places::country(country.as_str()));
        }
        let url = [best.url.host, best.url.end].concat();
        self.button(&String::from_utf8_lossy(&url), &from, version, text);
    }

    /// The way to it: a link to where a redirect leads, and where that is.
    fn button(&self, url: &str, from: &str, version: Option<&Version<'_>>, text: &mut String) {
        let verb = if self.target.file.is_some() { "Download" } else { "Open" };
        let size = version.map_or(0, |version| version.size);
        let size = if size == 0 { String::new() } else { format!(" <span>{}</span>", round(size)) };
        let _ = writeln!(
            text,
            "<p class=\"go\"><a class=\"button\" href=\"{}\">{verb}{size}</a> <span>from <b>{}</b></span></p>",
            escaped(url),
            escaped(from)
        );
    }

    /// Links to the other forms.
    fn forms(&self, version: Option<&Version<'_>>, text: &mut String) {
        let forms = self.links.forms(version, self.target.file.is_none());
        if forms.is_empty() {
            return;
        }
        let links: Vec<String> = forms
            .into_iter()
            .map(|(name, link)| format!("<a href=\"{}\">{name}</a>", escaped(&link)))
            .collect();
        let _ = writeln!(text, "<p class=\"forms\">For programs: {}</p>", links.join(" · "));
    }

    /// Who asks, and what was asked for beside the file.
    fn client(&self, text: &mut String) {
        let client = &self.query.client;
        text.push_str("<p class=\"you\">");
        match client.address {
            Some(address) => {
                let _ = write!(text, "You come from <b>{address}</b>");
            }
            None => text.push_str("Where you come from is not known"),
        }
        if let Some(code) = client.country.and_then(|country| self.view.country_code(country)) {
            let _ = write!(text, ", {}", escaped(places::country(code.as_str())));
        }
        if let Some(asn) = client.class.asn {
            let _ = write!(text, ", AS {}", self.view.asn_number(asn));
        }
        text.push('.');
        if let Some((filters, all)) = self.links.unfiltered() {
            let (filters, all) = (escaped(&filters), escaped(&all));
            let _ = write!(
                text,
                " This is for <code>{filters}</code> only: <a href=\"{all}\">show all mirrors</a>."
            );
        }
        text.push_str("</p>\n");
    }

    /// The first country that was asked for by name, and whether it is the only one.
    fn asked(&self) -> Option<(&str, bool)> {
        let countries = self.query.countries.as_ref()?;
        let (first, _) = countries.codes.first()?;
        Some((places::country(first.as_str()), countries.codes.len() == 1 && !countries.global))
    }

    fn heading(&self, tier: Tier) -> String {
        let own = self.query.client.country;
        match tier {
            Tier::Location => "At the location you named".into(),
            Tier::Netblock => "In your network".into(),
            Tier::Asn => match self.query.client.class.asn {
                Some(asn) => format!("At your provider, AS {}", self.view.asn_number(asn)),
                None => "At your provider".into(),
            },
            Tier::Country => match self.asked() {
                Some((country, true)) => format!("In {country}"),
                _ => "In the countries you asked for".into(),
            },
            Tier::CountryContinent => "On the same continent".into(),
            Tier::Geoip => match own.and_then(|own| self.view.country_code(own)) {
                Some(code) => format!("In your country, {}", places::country(code.as_str())),
                None => "In your country".into(),
            },
            Tier::Continent => {
                let continent = own.and_then(|own| self.view.continent(own));
                match continent.and_then(|continent| self.view.continent_code(continent)) {
                    Some(code) => format!("Elsewhere in {}", places::continent(code.as_str())),
                    None => "On your continent".into(),
                }
            }
            Tier::Near => match self.asked() {
                Some((country, _)) => format!("Around {country}"),
                None => "Around your country".into(),
            },
            Tier::None | Tier::Origin | Tier::Global | Tier::Other => "Farther away".into(),
        }
    }
}

/// A mirror: its link, where it is and how far away, how it is reached. Rows are most of a page.
fn row(mirror: &Mirror<'_>, out: &mut Vec<u8>) {
    let put = |text: &str, out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    put("<li><a href=\"", out);
    escape::xml(mirror.url.host, out);
    escape::xml(mirror.url.end, out);
    put("\">", out);
    escape::xml(mirror.hostname.as_bytes(), out);
    put("</a>", out);
    if let Some(country) = &mirror.country {
        put(" <span>", out);
        escape::xml(places::country(country.as_str()).as_bytes(), out);
        put("</span>", out);
    }
    if let Some(km) = mirror.distance_km {
        put(" <span class=\"far\">", out);
        put(&super::help::grouped(km.into()), out);
        put(" km</span>", out);
    }
    put(" <span class=\"by\">", out);
    put(if mirror.private { "not public, " } else { "" }, out);
    let Urls(urls) = &mirror.urls;
    let schemes = Scheme::ALL.into_iter().zip(urls).filter(|(_, url)| url.is_some());
    for (at, (scheme, _)) in schemes.enumerate() {
        put(if at > 0 { ", " } else { "" }, out);
        put(scheme.name(), out);
    }
    put(
        match mirror.families {
            [] => "",
            [4] => ", IPv4 only",
            [6] => ", IPv6 only",
            _ => ", IPv4 and IPv6",
        },
        out,
    );
    put("</span></li>\n", out);
}

/// Size, date and hashes.
fn facts(version: &Version<'_>, text: &mut String) {
    text.push_str("<dl class=\"file\">\n");
    if version.size != 0 {
        let _ = writeln!(text, "<dt>Size</dt><dd>{} bytes</dd>", super::help::grouped(version.size));
    }
    if let Some(time) = moment(version.timestamp) {
        let _ = writeln!(text, "<dt>Date</dt><dd>{time}</dd>");
    }
    for (name, hash) in HASHES.iter().zip(version.hashes) {
        let Some(hash) = hash else { continue };
        let mut digits = Vec::with_capacity(128);
        metalink::hex(hash, &mut digits);
        let _ = writeln!(text, "<dt>{name}</dt><dd><code>{}</code></dd>", String::from_utf8_lossy(&digits));
    }
    text.push_str("</dl>\n");
}

/// A time for people; `None` for 0 and what is none.
fn moment(seconds: u64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    let time = escape::utc(time);
    (seconds > 0).then(|| format!("{} {} UTC", &time[..10], &time[11..16]))
}

/// A number of bytes in the largest unit of which there is one.
fn round(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.into_iter().find(|(unit, _)| bytes as f64 >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / unit),
        None => format!("{bytes} bytes"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 16);
    escape::xml(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

const STYLE: &str = r"main { max-width: 52rem; }
h1 { overflow-wrap: anywhere; }
.lead { margin: 0 0 1.5rem; }
.go { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center; }
.button { padding: .5rem 1.125rem; border-radius: .5rem; background: var(--link); color: var(--paper); font-weight: 600; text-decoration: none; }
.button span { font-weight: 400; margin-left: .25rem; }
.button:hover { filter: brightness(1.1); }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: .25rem; }
.file { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1.5rem 0; padding: 1rem 0; border: solid var(--line); border-width: 1px 0; align-items: baseline; }
.file dt, .forms, .you, .origin, .why, .more, li span { color: var(--soft); }
.file dd, li span { font-variant-numeric: tabular-nums; }
.forms, .you, .origin, .why, .more, li span { font-size: .875rem; }
.origin, .why, .more { margin: 1rem 0 0; }
b { color: var(--ink); font-weight: 600; overflow-wrap: anywhere; }
ol, ul { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line); }
li { display: grid; grid-template-columns: minmax(0, 1fr) 10rem 12.5rem; gap: 0 1rem; padding: .4375rem 0; border-bottom: 1px solid var(--line); align-items: baseline; }
.km li { grid-template-columns: minmax(0, 1fr) 9rem 5.5rem 12.5rem; }
.out li { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); overflow-wrap: anywhere; }
li a { overflow-wrap: anywhere; }
.far { text-align: right; }
.by { grid-column: -2; }
.km .far { grid-column: -3; }
@media (max-width: 48rem) {
  main { padding: 1.5rem 1rem; }
  .file { grid-template-columns: 1fr; gap: 0; }
  .file dd { margin-bottom: .5rem; }
  li { display: block; padding: .625rem 0; }
  li a { display: block; padding: .125rem 0; }
  .out li span { display: block; }
  li span + span::before { content: '\00b7'; margin: 0 .375rem 0 .125rem; }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_largest_unit_of_which_there_is_one() {
        let sizes = [999, 1000, 1_234_567, 9_876_543_210].map(round);
        assert_eq!(sizes, ["999 bytes", "1.0 kB", "1.2 MB", "9.9 GB"]);
    }
}
