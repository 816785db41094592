//! `mirrorlist-report render`: the figures as pages, which a web server serves from a folder.

mod chart;
mod collected;
mod contents;
mod filter;
mod gather;
mod json;
mod land;
mod map;
mod mirror;
mod mirrors;
mod names;
mod overview;
mod page;
mod products;
mod propagation;
mod repository;
mod shares;
mod site;
#[cfg(test)]
mod sizes;
mod state;
mod statistics;
mod table;

use crate::{config::Render, count::days, statistics::Statistics};
use collected::{Given, Round, Spread};
use contents::{Contents, Mirror};
use maud::html;
use nix::sys::stat::{Mode, umask};
use page::{Frame, Part, STYLE, Source, UNREAD};
use program::{
    failure::{Failure, Fault},
    log,
    progress::Progress,
};
use site::Site;
use state::State;
use std::{
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Days that are told, today among them.
const DAYS: usize = 366;

/// Writes all pages.
pub fn run(config: &Render) -> Result<(), Failure> {
    let time = SystemTime::now();
    let today = days(time);
    let progress = Progress::start();
    progress.step("reading the figures");
    let statistics = Statistics::read(&config.database)?;
    let figures = statistics.figures(today + 1 - DAYS as i32, DAYS)?;
    let now = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    progress.step("asking for the mirrors of all repositories");
    let round: Given<Round> = collected::read("mirrors", config.mirrors.as_deref());
    let called = |mirror: &Mirror| state::called(mirror, round.read());
    let contents = listed(config.cache.as_deref(), config.suspended.as_deref(), now, called)?;
    let spread: Given<Spread> = collected::read("propagation", config.propagation.as_deref());
    let frame = Frame {
        title: config.title.clone(),
        look: config.look.clone(),
        today,
        now,
        newest: figures.filled().next_back().map(|place| figures.day(place)),
        listed: source(&contents, |contents| contents.time),
        checked: source(&round, |round| round.time),
        measured: source(&spread, |spread| spread.time),
    };
    // A web server of another user is to read the pages.
    umask(Mode::from_bits_truncate(0o022));
    let site = Site::begin(&config.output)?;
    site.write("style.css", STYLE.to_owned() + &config.look.style())?;
    progress.step("writing the pages of all days");
    let state = |mirror| State::of(mirror, round.read(), now);
    let states: Vec<State> =
        contents.read().into_iter().flat_map(|contents| &contents.mirrors).map(state).collect();
    overview::write(&site, &frame, &figures, contents.read(), &states, spread.read())?;
    statistics::write(&site, &frame, &figures)?;
    if contents.is_broken() {
        unlisted(&site, &frame)?;
    }
    if let Some(contents) = contents.read() {
        site.write("filter.js", filter::SCRIPT)?;
        progress.step("writing the pages of mirrors");
        mirrors::write(&site, &frame, contents, &states)?;
        json::write(&site, contents, &states)?;
        mirror::write(&site, &frame, contents, &states, round.read(), spread.read())?;
        map::write(&site, &frame, contents, &states)?;
        progress.step("writing the pages of repositories");
        repository::write(&site, &frame, contents, &states, spread.read(), &statistics, &figures)?;
    }
    propagation::write(&site, &frame, &spread, contents.read())?;
    progress.step("putting the site in its place");
    site.publish()
}

/// What a cache lists. One that cannot be read is told of and costs no other page.
fn listed(
    cache: Option<&Path>,
    suspended: Option<&Path>,
    now: u64,
    called: impl Fn(&Mirror) -> Option<String>,
) -> Result<Given<Contents>, Failure> {
    let Some(cache) = cache else { return Ok(Given::Nothing) };
    match gather::read(cache, suspended, now, called) {
        Ok(contents) => Ok(Given::Read(contents)),
        Err(failure) if failure.fault == Fault::Cache => {
            log::warning(format_args!("{failure}; the pages are written without mirrors and say so"));
            Ok(Given::Broken)
        }
        Err(failure) => Err(failure),
    }
}

/// Writes the pages that would have lists of mirrors, when there is no list.
fn unlisted(site: &Site, frame: &Frame) -> Result<(), Failure> {
    let body = html! { p class="alarm" { (UNREAD) } };
    for (part, title, path) in [
        (Part::Mirrors, "Mirrors", "mirrors/index.html"),
        (Part::Map, "Map", "map/index.html"),
        (Part::Repositories, "Repositories", "repositories/index.html"),
    ] {
        site.write(path, frame.page(part, 1, title, &body))?;
    }
    Ok(())
}

/// When a file was written.
fn source<T>(given: &Given<T>, time: impl Fn(&T) -> u64) -> Source {
    match given {
        Given::Nothing => Source::None,
        Given::Broken => Source::Broken,
        Given::Read(read) => Source::Of(time(read)),
    }
}
