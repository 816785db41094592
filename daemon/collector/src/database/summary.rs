//! What a reading made, for people and as JSON.

use super::skipped::{Kind, Skipped};
use program::print::{date, grouped};
use serde::Serialize;
use std::{fmt, path::Path, time::Duration};

/// How much there was of everything.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    pub hosts: u64,
    pub active_hosts: u64,
    pub urls: u64,
    pub directories: u64,
    pub up_to_date: u64,
    pub repositories: u64,
    pub files: u64,
    pub file_versions: u64,
}

/// The summary of one reading. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    output: &'a Path,
    bytes: u64,
    time: u64,
    seconds: f64,
    #[serde(flatten)]
    counts: &'a Counts,
    skipped_in_all: u64,
    skipped: Vec<Kind<'a>>,
    /// Rows that are kept, but are worth a second look.
    noted: Vec<Kind<'a>>,
}

impl<'a> Summary<'a> {
    /// Puts the figures together; `time` is when the database was read, in seconds since the epoch.
    pub fn new(
        output: &'a Path,
        bytes: u64,
        time: u64,
        took: Duration,
        counts: &'a Counts,
        skipped: &'a Skipped,
    ) -> Summary<'a> {
        let (noted, skipped): (Vec<_>, Vec<_>) = skipped.kinds().partition(|kind| kind.reason.is_kept());
        Summary {
            output,
            bytes,
            time,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            counts,
            skipped_in_all: skipped.iter().map(|kind| kind.count).sum(),
            skipped,
            noted,
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { hosts, active_hosts, urls, directories, up_to_date, repositories, files, file_versions } =
            self.counts;
        let (output, bytes) = (self.output.display(), grouped(self.bytes));
        let time = date(self.time).unwrap_or_default();
        writeln!(f, "output {output}: {bytes} bytes of {time}, read in {:.2} s", self.seconds)?;
        writeln!(f, "  hosts           {}, {} active", grouped(hosts), grouped(active_hosts))?;
        writeln!(f, "  URLs            {}", grouped(urls))?;
        writeln!(f, "  directories     {} in categories", grouped(directories))?;
        writeln!(f, "  up to date      {} rows", grouped(up_to_date))?;
        writeln!(f, "  repositories    {}", grouped(repositories))?;
        writeln!(f, "  files           {} in {} versions", grouped(files), grouped(file_versions))?;
        writeln!(f, "  left out        {}", grouped(self.skipped_in_all))?;
        for kind in &self.skipped {
            writeln!(f, "    {kind}")?;
        }
        if !self.noted.is_empty() {
            writeln!(
                f,
                "  kept, but odd   {}",
                grouped(self.noted.iter().map(|kind| kind.count).sum::<u64>())
            )?;
        }
        for kind in &self.noted {
            writeln!(f, "    {kind}")?;
        }
        Ok(())
    }
}
