//! What an operator asks of a cache file first: how many mirrors in which countries, which repositories, how old.

use super::hosts::{self, Carried};
use cache::{RepositoryId, View};
use program::print::{age, counted, date, grouped};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::Path,
};

/// How many countries a person is told of.
const MOST_COUNTRIES: usize = 12;

/// What is in a file. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Contents<'a> {
    file: &'a Path,
    bytes: usize,
    format: u32,
    checksum: String,
    build_time: u64,
    source_time: u64,
    /// Seconds since then; absent where the time is unknown.
    source_age: Option<u64>,
    /// What it was built from.
    sources: Vec<Source<'a>>,
    mirrors: Mirrors,
    /// Hosts by country.
    countries: BTreeMap<String, usize>,
    repositories: Repositories,
    directories: usize,
    files: usize,
    site: Site<'a>,
    /// What takes how much of the file; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    sections: Option<Vec<Section>>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    name: &'a str,
    bytes: u64,
    /// When what it says was made; absent where that is unknown.
    time: Option<u64>,
    /// Whether it says so itself; else it is when the file was written.
    own_time: bool,
    age: Option<u64>,
    max_age: Option<u64>,
    too_old: bool,
}

#[derive(Debug, Serialize)]
struct Mirrors {
    hosts: usize,
    /// Hosts that are a public mirror of no directory.
    private: usize,
    urls: usize,
}

#[derive(Debug, Serialize)]
struct Repositories {
    /// Names under which mirrors have something.
    names: usize,
    /// Pairs of repository and architecture.
    repo_archs: usize,
    archs: BTreeSet<String>,
    redirects: usize,
    disabled: usize,
}

/// What the site says of its answers.
#[derive(Debug, Serialize)]
struct Site<'a> {
    /// Seconds; a younger file of one version comes from its origin.
    young: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<&'a str>,
    /// URLs by path.
    origins: BTreeMap<&'a str, &'a str>,
    origin_only: Vec<&'a str>,
    /// Paths by their other names.
    aliases: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct Section {
    name: &'static str,
    rows: usize,
    bytes: usize,
}

impl<'a> Contents<'a> {
    /// Looks at all of a file of so many bytes; `now` is in seconds since the epoch.
    pub fn of(view: &View<'a>, file: &'a Path, bytes: usize, sections: bool, now: u64) -> Contents<'a> {
        let header = view.header();
        let mut countries = BTreeMap::new();
        for country in hosts::all(view).filter_map(|host| hosts::code(view, view.host_country(host))) {
            *countries.entry(country).or_default() += 1;
        }
        let carried = Carried::of_all(view);
        let known = date(header.source_time).is_some();
        Contents {
            file,
            bytes,
            format: header.format,
            checksum: format!("{:032x}", header.checksum),
            build_time: header.build_time,
            source_time: header.source_time,
            source_age: known.then(|| now.saturating_sub(header.source_time)),
            sources: view.sources().map(|source| Source::of(source, now)).collect(),
            mirrors: Mirrors {
                hosts: view.host_count(),
                private: carried.iter().filter(|host| host.public == 0).count(),
                urls: view.url_count(),
            },
            countries,
            repositories: Repositories::of(view),
            directories: view.directory_count(),
            files: view.file_count(),
            site: Site::of(view),
            sections: sections.then(|| Section::all(view)),
        }
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Mirrors { hosts, private, urls } = self.mirrors;
        let Repositories { names, repo_archs, redirects, disabled, .. } = self.repositories;
        let bytes = grouped(self.bytes);
        writeln!(text, "cache {}: {bytes} bytes, format {}", self.file.display(), self.format)?;
        writeln!(
            text,
            "  mirrors       {} with {}, {} of them private",
            counted(hosts, "host", "hosts"),
            counted(urls, "URL", "URLs"),
            grouped(private)
        )?;
        writeln!(text, "  countries     {}", self.countries_text())?;
        let archs: Vec<&str> = self.repositories.archs.iter().map(String::as_str).collect();
        writeln!(
            text,
            "  repositories  {}, with their architectures {}; {}, {} disabled",
            grouped(names),
            grouped(repo_archs),
            counted(redirects, "redirect", "redirects"),
            grouped(disabled)
        )?;
        writeln!(text, "  archs         {}", if archs.is_empty() { "none".into() } else { archs.join(" ") })?;
        writeln!(text, "  directories   {}", grouped(self.directories))?;
        writeln!(text, "  files         {} whose hashes are known", grouped(self.files))?;
        self.site.write(text)?;
        if self.sources.is_empty() {
            let source = match (self.source_age, date(self.source_time)) {
                (Some(seconds), Some(date)) => format!("{date} ({} ago)", age(seconds)),
                _ => "an unknown time".into(),
            };
            writeln!(text, "  data of       {source}")?;
        }
        for source in &self.sources {
            writeln!(text, "  {:<13} {}", source.name, source.text())?;
        }
        let built = date(self.build_time).unwrap_or_else(|| "at an unknown time".into());
        writeln!(text, "  built         {built}")?;
        let Some(sections) = &self.sections else { return Ok(()) };
        writeln!(text, "  xxh3          {}", self.checksum)?;
        writeln!(text, "\n{:<20} {:>12} {:>12}", "section", "rows", "bytes")?;
        sections.iter().try_for_each(|section| {
            writeln!(text, "{:<20} {:>12} {:>12}", section.name, section.rows, section.bytes)
        })
    }

    /// Those with the most hosts.
    fn countries_text(&self) -> String {
        let mut countries: Vec<(&String, &usize)> = self.countries.iter().collect();
        countries.sort_by_key(|(_, hosts)| std::cmp::Reverse(**hosts));
        let named: Vec<String> =
            countries.iter().take(MOST_COUNTRIES).map(|(code, hosts)| format!("{code} {hosts}")).collect();
        let more = match countries.len().saturating_sub(MOST_COUNTRIES) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        format!("{}: {}{more}", countries.len(), named.join(", "))
    }
}

impl<'a> Source<'a> {
    fn of(source: cache::Source<'a>, now: u64) -> Source<'a> {
        let (age, too_old) = (source.age(now), source.is_old(now));
        let cache::Source { name, time, own_time, bytes, max_age } = source;
        Source { name, bytes, time, own_time, age, max_age, too_old }
    }

    fn text(&self) -> String {
        let bytes = grouped(self.bytes);
        let (Some(date), Some(seconds)) = (self.time.and_then(date), self.age) else {
            return format!("{bytes} bytes, of unknown time");
        };
        let made = if self.own_time { "of" } else { "written" };
        let old = match self.max_age {
            Some(most) if self.too_old => format!("; too old: its max-age is {}", age(most)),
            _ => String::new(),
        };
        format!("{bytes} bytes, {made} {date} ({} ago){old}", age(seconds))
    }
}

impl Repositories {
    fn of(view: &View<'_>) -> Repositories {
        let mut all = Repositories {
            names: 0,
            repo_archs: view.repo_arch_count(),
            archs: BTreeSet::new(),
            redirects: 0,
            disabled: 0,
        };
        for id in (0..view.repository_count() as u32).map(RepositoryId) {
            all.names += usize::from(view.repo_archs(id).len() > 0);
            all.archs.extend(view.repo_archs(id).map(|arch| view.arch_of(arch).to_owned()));
            if let Some(repository) = view.repository(id) {
                all.redirects += usize::from(repository.redirect.is_some());
                all.disabled += usize::from(repository.disabled);
            }
        }
        all
    }
}

impl<'a> Site<'a> {
    fn of(view: &View<'a>) -> Site<'a> {
        Site {
            young: view.young(),
            public_url: view.public_url(),
            origins: view.origins().map(|origin| (origin.top, origin.url)).collect(),
            origin_only: view.origin_only().collect(),
            aliases: view.aliases().collect(),
        }
    }

    /// A line for what is said at all.
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let rooted = |path: &&str| if path.is_empty() { "/".to_owned() } else { (*path).to_owned() };
        let pairs = |pairs: &BTreeMap<&str, &str>| {
            let pairs: Vec<String> =
                pairs.iter().map(|(path, to)| format!("{} = {to}", rooted(path))).collect();
            pairs.join(", ")
        };
        if let Some(url) = self.public_url {
            writeln!(text, "  public URL    {url}")?;
        }
        if !self.origins.is_empty() {
            writeln!(text, "  origins       {}", pairs(&self.origins))?;
            writeln!(text, "  young         {}", age(self.young))?;
        }
        if !self.origin_only.is_empty() {
            writeln!(text, "  origin only   {}", self.origin_only.join(" "))?;
        }
        if !self.aliases.is_empty() {
            writeln!(text, "  aliases       {}", pairs(&self.aliases))?;
        }
        Ok(())
    }
}

impl Section {
    fn all(view: &View<'_>) -> Vec<Section> {
        let section =
            |found: cache::Section| Section { name: found.name, rows: found.rows, bytes: found.bytes };
        view.sections().into_iter().map(section).collect()
    }
}
