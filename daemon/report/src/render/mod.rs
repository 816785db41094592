//! `mirrorlist-report render`: the figures as pages, which a web server serves from a folder.

mod chart;
mod contents;
mod mirrors;
mod overview;
mod page;
mod site;
mod statistics;

use crate::{config::Render, count::days, statistics::Statistics};
use contents::Contents;
use nix::sys::stat::{Mode, umask};
use page::{Frame, STYLE};
use program::{failure::Failure, print};
use site::Site;
use std::time::{SystemTime, UNIX_EPOCH};

/// Days that are told, today among them.
const DAYS: usize = 366;

/// Writes all pages.
pub fn run(config: &Render) -> Result<(), Failure> {
    let now = SystemTime::now();
    let today = days(now);
    let statistics = Statistics::read(&config.database)?;
    let figures = statistics.figures(today + 1 - DAYS as i32, DAYS)?;
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let suspended = config.suspended.as_deref();
    let contents =
        config.cache.as_deref().map(|cache| Contents::read(cache, suspended, seconds)).transpose()?;
    let frame = Frame {
        title: config.title.clone(),
        today,
        written: print::date(seconds).unwrap_or_default(),
        now: seconds,
        listed: contents.as_ref().map(|contents| contents.time),
        newest: figures.last().map(|place| figures.day(place)),
    };
    // A web server of another user is to read the pages.
    umask(Mode::from_bits_truncate(0o022));
    let site = Site::begin(&config.output)?;
    site.write("style.css", STYLE)?;
    overview::write(&site, &frame, &figures)?;
    statistics::write(&site, &frame, &figures)?;
    if let Some(contents) = &contents {
        mirrors::write(&site, &frame, contents)?;
    }
    site.publish()
}
