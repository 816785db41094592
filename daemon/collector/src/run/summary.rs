//! What a run came to, for people and as JSON.

use super::{crawl, interchange::Counts};
use program::print::{counted, grouped};
use serde::Serialize;
use std::{fmt, path::PathBuf};

/// The summary of one run. The field names are those of the JSON form.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The interchange file.
    pub output: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// When the primary was read, in seconds since the epoch.
    pub time: u64,
    /// How long it all took.
    pub seconds: f64,
    /// Files of mirrors.
    pub mirrors: u64,
    /// Mirrors that are listed for something.
    pub listed: u64,
    /// Mirrors that are disabled.
    pub disabled: u64,
    /// Mirrors of which an earlier text counts, for the file is wrong.
    pub as_before: Vec<String>,
    /// Mirrors that are left out, for the file is wrong and never was right.
    pub left_out: Vec<String>,
    /// Directories in categories.
    pub directories: u64,
    /// Directories that no mirror has.
    pub bare: u64,
    /// Repositories.
    pub repositories: u64,
    /// Files with hashes.
    pub files: u64,
    /// What is odd about the primary.
    pub odd: Vec<String>,
    /// What asking the mirrors came to.
    pub crawl: crawl::Summary,
}

impl Summary {
    /// With what has been written.
    pub fn with(self, counts: &Counts, bytes: u64) -> Summary {
        let Counts { directories, bare, repositories, files, listed, .. } = *counts;
        Summary { bytes, directories, bare, repositories, files, listed, ..self }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "output {}: {} bytes in {:.1} s; {}, {} of them on no mirror, {}, {} with hashes; \
             {} of {} mirrors listed, {} disabled, {} as before, {} left out",
            self.output.display(),
            grouped(self.bytes),
            self.seconds,
            counted(self.directories, "directory", "directories"),
            grouped(self.bare),
            counted(self.repositories, "repository", "repositories"),
            counted(self.files, "file", "files"),
            grouped(self.listed),
            grouped(self.mirrors),
            grouped(self.disabled),
            self.as_before.len(),
            self.left_out.len(),
        )?;
        write!(f, "\n{}", self.crawl)
    }
}
