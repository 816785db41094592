//! Every option of `mirrorlist-report`, declared once: its flag, key, section, help and default.
//!
//! How flags and the TOML file are laid over each other is in [`program::options`]; whose logs there are is a section with
//! free keys. Neither database nor logs have a default: where they are is the site's to say.

#[cfg(test)]
mod tests;

use crate::look::{self, Colour, Link, Look};
use clap::{ArgMatches, Args};
use program::{
    failure::Failure,
    options,
    tables::{Entry, Value},
};
use std::{path::PathBuf, time::Duration};

/// Sections of the file. It is that of all steps, each of which passes over what is another's; sources have free keys.
const STATISTICS: &str = "statistics";
const COUNT: &str = "count";
const PAGES: &str = "pages";
const SOURCES: &str = "sources";

/// What is to be counted, all options settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// The database of figures.
    pub database: PathBuf,
    /// Days for which figures are kept.
    pub keep: i32,
    /// Where logs come from, each with its logs.
    pub sources: Vec<(String, Vec<PathBuf>)>,
    /// Print the summary as JSON.
    pub json: bool,
}

/// What is to be written, all options settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    /// The database of figures.
    pub database: PathBuf,
    /// The folder of pages.
    pub output: PathBuf,
    /// What the site is called.
    pub title: String,
    /// The cache of which mirrors are listed.
    pub cache: Option<PathBuf>,
    /// The list of suspended URLs, which are left out.
    pub suspended: Option<PathBuf>,
    /// What mirrors have answered, as the collector writes it.
    pub mirrors: Option<PathBuf>,
    /// How repositories have spread, as the collector writes it.
    pub propagation: Option<PathBuf>,
    /// What is on every page.
    pub look: Look,
}

/// Which logs to count.
#[derive(Debug, Args)]
pub struct Logs {
    /// Whose logs these are, such as the machine's name
    #[arg(long, value_name = "NAME", requires = "logs")]
    source: Option<String>,
    /// Logs of the source, plain, .gz or .zst, rotated ones too; without any, those of the file's [sources]
    #[arg(value_name = "LOG", requires = "source")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    options: Counting,
}

/// Where figures are, and for how long they are kept.
#[derive(Debug, Args)]
pub struct Counting {
    /// The database of figures, made if it is not there
    #[arg(long, value_name = "FILE", help_heading = STATISTICS)]
    database: Option<PathBuf>,
    /// For how long figures are kept
    #[arg(long, value_name = "TIME", default_value = "400d", value_parser = days, help_heading = COUNT)]
    keep: i32,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// What to write pages of, and where to.
#[derive(Debug, Args)]
pub struct Pages {
    /// The database of figures
    #[arg(long, value_name = "FILE", help_heading = STATISTICS)]
    database: Option<PathBuf>,
    /// The folder of pages, replaced as a whole
    #[arg(long, value_name = "FOLDER", help_heading = PAGES)]
    output: Option<PathBuf>,
    /// What the site is called
    #[arg(long, value_name = "TEXT", default_value = "Mirror statistics", help_heading = PAGES)]
    title: String,
    /// The daemon's cache, to list the mirrors of each repository
    #[arg(long, value_name = "FILE", help_heading = PAGES)]
    cache: Option<PathBuf>,
    /// The daemon's list of suspended URLs, which are left out
    #[arg(long, value_name = "FILE", help_heading = PAGES)]
    suspended: Option<PathBuf>,
    /// The collector's mirrors.json, to tell how mirrors are
    #[arg(long, value_name = "FILE", help_heading = PAGES)]
    mirrors: Option<PathBuf>,
    /// The collector's propagation.json, to tell how repositories have spread
    #[arg(long, value_name = "FILE", help_heading = PAGES)]
    propagation: Option<PathBuf>,
    /// Whose site it is, shown beside its name
    #[arg(long, value_name = "TEXT", help_heading = PAGES)]
    header: Option<String>,
    /// A line below every page
    #[arg(long, value_name = "TEXT", help_heading = PAGES)]
    footer: Option<String>,
    /// A link behind that line: a name, a blank, a URL; may be repeated
    #[arg(long, value_name = "NAME URL", value_parser = look::link, help_heading = PAGES)]
    link: Vec<Link>,
    /// The colour of links and charts by day, such as #14539a
    #[arg(long, value_name = "COLOUR", value_parser = look::colour, help_heading = PAGES)]
    colour: Option<Colour>,
    /// The same by night
    #[arg(long, value_name = "COLOUR", value_parser = look::dark_colour, help_heading = PAGES)]
    dark_colour: Option<Colour>,
    /// Read options from this TOML file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Logs {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Count, Failure> {
        let has_file = self.options.config.is_some();
        let (options, entries) = match has_file {
            true => options::read_with(flags, &[SOURCES, PAGES])?,
            false => (self.options, Vec::new()),
        };
        let database = options.database.ok_or_else(|| absent("database", "file", "FILE", STATISTICS))?;
        let sources = match self.source {
            Some(source) => vec![(source, self.logs)],
            None => entries
                .iter()
                .filter(|entry| entry.section == SOURCES)
                .map(source)
                .collect::<Result<_, _>>()?,
        };
        // A file may have none: there are sites that want to see their mirrors alone.
        if sources.is_empty() && !has_file {
            let cause = "no log is named; give --source NAME LOG, or --config FILE with NAME = [\"LOG\"] in its [sources]";
            return Err(Failure::config(cause));
        }
        Ok(Count { database, keep: options.keep, sources, json: options.json })
    }
}

impl Pages {
    /// Settles these options, which `flags` say, and those of the file that they name.
    pub fn settle(self, flags: &ArgMatches) -> Result<Render, Failure> {
        let options =
            if self.config.is_some() { options::read_with(flags, &[SOURCES, COUNT])?.0 } else { self };
        // clap is not asked for this: a flag and what it needs may be one in the file and one on the command line.
        if options.cache.is_none()
            && let Some(key) = options.needs_cache()
        {
            return Err(Failure::config(format!(
                "{key}: is of mirrors, and no cache that lists them is named; give --cache FILE, or --config FILE with \
                 cache in its [{PAGES}]"
            )));
        }
        Ok(Render {
            database: options.database.ok_or_else(|| absent("database", "file", "FILE", STATISTICS))?,
            output: options.output.ok_or_else(|| absent("output", "folder", "FOLDER", PAGES))?,
            title: options.title,
            cache: options.cache,
            suspended: options.suspended,
            mirrors: options.mirrors,
            propagation: options.propagation,
            look: Look {
                header: options.header,
                footer: options.footer,
                links: options.link,
                colour: options.colour,
                dark_colour: options.dark_colour,
            },
        })
    }

    /// What is given and says nothing without a cache.
    fn needs_cache(&self) -> Option<&'static str> {
        let given =
            [("suspended", &self.suspended), ("mirrors", &self.mirrors), ("propagation", &self.propagation)];
        given.into_iter().find_map(|(key, path)| path.is_some().then_some(key))
    }
}

/// An option without which nothing can be done.
fn absent(key: &str, what: &str, value: &str, section: &str) -> Failure {
    Failure::config(format!(
        "{key}: no {what} is named; give --{key} {value}, or --config FILE with {key} in its [{section}]"
    ))
}

/// A source and the logs that are there now.
fn source(entry: &Entry) -> Result<(String, Vec<PathBuf>), Failure> {
    let patterns = match &entry.value {
        Value::List(values) => values.iter().collect(),
        value => vec![value],
    };
    let mut logs = Vec::new();
    for pattern in patterns {
        let Value::Text(pattern) = pattern else {
            return Err(
                entry.refused("expected logs as texts, such as [\"/var/log/mirrorlist/access.log*\"]")
            );
        };
        let found =
            glob::glob(pattern).map_err(|error| entry.refused(format_args!("`{pattern}`: {error}")))?;
        let before = logs.len();
        for path in found {
            logs.push(path.map_err(|error| entry.refused(format_args!("`{pattern}`: {error}")))?);
        }
        if logs.len() == before {
            // It is told of like any other that cannot be read, and the others are counted.
            logs.push(pattern.into());
        }
    }
    Ok((entry.key.clone(), logs))
}

/// Takes a time of whole days, from one to ten years.
fn days(text: &str) -> Result<i32, Failure> {
    let days = options::duration(text)?.as_secs() / Duration::from_hours(24).as_secs();
    i32::try_from(days)
        .ok()
        .filter(|days| *days > 0)
        .ok_or_else(|| Failure::config("expected a time from 1d to 3650d"))
}
