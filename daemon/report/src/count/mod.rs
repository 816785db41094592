//! `mirrorlist-report count`: what is new in logs, added to the figures.
//!
//! A run can be repeated, and ended at any moment: what a log adds and how far it was read are written together. A log is
//! known again after it was renamed, packed or copied; where both its kinds are written, one of them is counted.

mod gzip;
mod known;
pub mod line;
pub mod log;
mod summary;
mod tally;

use crate::{
    config::Count,
    statistics::{Known, Newest, Statistics},
};
use known::Taken;
use line::{Form, Reader};
use log::Log;
use program::{failure::Failure, print, progress::Progress};
use std::{collections::HashSet, ffi::OsStr, io, mem, path::PathBuf, time::SystemTime};
use summary::Summary;
use tally::Tally;

const DAY: u64 = 86_400;

/// What a log has added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Lines that count.
    pub lines: u64,
    /// Lines that are of no log, with the place of the first.
    pub odd: u64,
    first_odd: u64,
    /// Lines of the other log.
    pub other: u64,
    /// Lines of days that are not kept, or that were yet to come before others that were not.
    pub outside: u64,
    /// Lines of days to come at its end, which wait.
    pub waiting: u64,
    /// The log is shorter than it was.
    pub lost_end: bool,
}

/// Counts what is new in all logs.
pub fn run(config: &Count) -> Result<(), Failure> {
    let mut statistics = Statistics::open(&config.database)?;
    let today = days(SystemTime::now());
    let mut summary = Summary::default();
    let progress = Progress::start();
    for (source, logs) in &config.sources {
        let mut counting = Counting {
            statistics: &mut statistics,
            source,
            today,
            keep: config.keep,
            taken: Taken::default(),
            form: None,
            progress: &progress,
        };
        counting.all(logs, &mut summary)?;
    }
    progress.step("forgetting what is too old");
    let change = statistics.change()?;
    change.forget(config.keep)?;
    change.commit()?;
    drop(progress);
    print::printed(config.json, &summary, || summary.to_string())?;
    match summary.failed {
        0 => Ok(()),
        failed => Err(Failure::system(format!(
            "{failed} of the logs could not be read, as said above; all others are counted"
        ))),
    }
}

/// The day of a moment, counted from 1970-01-01.
pub fn days(time: SystemTime) -> i32 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i32::try_from(since.as_secs() / DAY).unwrap_or(i32::MAX)
}

/// The counting of one source's logs.
struct Counting<'c> {
    statistics: &'c mut Statistics,
    source: &'c str,
    today: i32,
    keep: i32,
    taken: Taken,
    form: Option<Form>,
    progress: &'c Progress,
}

impl Counting<'_> {
    fn all(&mut self, paths: &[PathBuf], summary: &mut Summary) -> Result<(), Failure> {
        let known = self.statistics.change()?.known(self.source)?;
        let mut logs = Vec::new();
        let mut seen = HashSet::new();
        for path in paths {
            match Log::open(path) {
                // One that is given twice.
                Ok(log) if !seen.insert(log.file) => {}
                Ok(log) => logs.push(log),
                Err(error) => summary.failed(path, &error),
            }
        }
        // Of logs that are still there: a source may have changed from one kind to the other.
        let is_there = |known: &&Known| seen.contains(&known.file);
        self.form = known.iter().filter(is_there).find_map(|known| Form::of(&known.form));
        // Those that have kept their place, then the older ones: what was renamed goes on where it ended.
        let files: HashSet<_> = known.into_iter().map(|known| known.file).collect();
        logs.sort_by_key(|log| (!files.contains(&log.file), log.modified, log.path.clone()));
        for log in logs {
            match self.one(&log) {
                Ok(counted) => summary.counted(self.source, &log.path, counted),
                Err(Refused::Log(error)) => summary.failed(&log.path, &error),
                Err(Refused::Database(failure)) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Counts what is new in a log, all of it or nothing.
    fn one(&mut self, log: &Log) -> Result<Counted, Refused> {
        let mut counted = Counted::default();
        let mut form = self.form;
        let mut tally = Tally::default();
        let change = self.statistics.change()?;
        let head = log.head()?;
        let known_here = change.known(self.source)?;
        // The newest figures, in the log too. What is old is told by them, for the clock may be wrong.
        let mut newest = change.newest()?;
        let today = self.today;
        let seen = |newest: &Newest| newest.day().map_or(today, |newest| newest.max(today));
        let is_as_it_was = |known: &&Known| log.is_as_it_was(&known.mark, known.file, known.seen, &head);
        if let Some(Known { id, form, mark, .. }) = known_here.iter().find(is_as_it_was) {
            let id = change.note(Some(*id), self.source, form, mark, log.file, seen(&newest))?;
            self.taken.take(id, log);
            change.commit()?;
            return Ok(counted);
        }
        let known = self.taken.find(log, &head, known_here.clone())?;
        let lost = match known {
            Some(_) => None,
            None => self.taken.find_cut(log, &head, known_here)?,
        };
        if let Some(known) = lost {
            // What is there is counted already.
            if let Some(mark) = log.read(0, &head, |_, _| Ok(()))? {
                let id =
                    change.note(Some(known.id), self.source, &known.form, &mark, log.file, seen(&newest))?;
                self.taken.take(id, log);
            }
            change.commit()?;
            return Ok(Counted { lost_end: true, ..counted });
        }
        if known.is_none() && self.taken.is_part(log, &head)? {
            return Ok(counted);
        }
        form = form.or_else(|| Form::of(&known.as_ref()?.form));
        let offset = known.as_ref().map_or(0, |known| known.mark.offset);
        let (mut refused, mut lines, mut reader) = (None, 0, Reader::default());
        // Where lines of days to come begin, if none of another day follows.
        let mut begin_to_come = None;
        let name = log.path.file_name().and_then(OsStr::to_str).unwrap_or("a log");
        let mark = log.read(offset, &head, |at, line| {
            lines += 1;
            self.progress.lines(name, lines);
            match reader.line(line) {
                Some(line) if *form.get_or_insert(line.form) != line.form => counted.other += 1,
                Some(line) if line.day > self.today + 1 => {
                    counted.waiting += 1;
                    begin_to_come.get_or_insert(at);
                }
                Some(line) => {
                    // Whoever wrote those before had a wrong clock, not we.
                    counted.outside += mem::take(&mut counted.waiting);
                    begin_to_come = None;
                    if newest.day().is_some_and(|newest| line.day < newest.saturating_sub(self.keep)) {
                        counted.outside += 1;
                    } else {
                        newest.note(line.day);
                        counted.lines += 1;
                        tally.add(&line);
                    }
                }
                None => {
                    if counted.odd == 0 {
                        counted.first_odd = at;
                    }
                    counted.odd += 1;
                }
            }
            if tally.is_full() {
                tally.write(&change).map_err(|failure| {
                    refused = Some(failure);
                    io::Error::other("the database refused it")
                })?;
            }
            Ok(())
        });
        if let Some(failure) = refused {
            return Err(failure.into());
        }
        let mark = match begin_to_come {
            Some(begin) => mark.and(log.mark(begin, &head)),
            None => mark,
        }?;
        tally.write(&change)?;
        if let (Some(mark), Some(form)) = (mark, form) {
            let id = known.map(|known| known.id);
            // What waits is to be looked for again, so the file is not known as one that was read to its end.
            let file = if counted.waiting > 0 { (0, 0) } else { log.file };
            let id = change.note(id, self.source, form.name(), &mark, file, seen(&newest))?;
            self.taken.take(id, log);
        }
        change.commit()?;
        self.form = form;
        Ok(counted)
    }
}

/// What ends the counting of a log.
enum Refused {
    /// It cannot be read; others can.
    Log(io::Error),
    /// Nothing can be written.
    Database(Failure),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        Refused::Log(error)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused::Database(failure)
    }
}
