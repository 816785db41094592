//! `FileDetailsCache`: files whose hashes are known, the newest version of each first.
//!
//! Rows come in order, by directory and in it by file; a directory is complete when the next one begins.

use crate::database::{
    directories::Directories,
    rows::Detail,
    skipped::{Reason, Skipped},
};
use interchange::message::{FileDetails, FileDetailsDirectory, FileDetailsFile};

const TABLE: &str = "file_detail";

/// Puts rows together.
#[derive(Debug)]
pub struct Details<'a> {
    directories: &'a Directories,
    open: Option<(i32, FileDetailsDirectory)>,
    files: u64,
    versions: u64,
}

impl<'a> Details<'a> {
    /// Begins without any.
    pub fn new(directories: &'a Directories) -> Details<'a> {
        Details { directories, open: None, files: 0, versions: 0 }
    }

    /// Takes the next row; the directory before it, if that is complete now.
    pub fn add(&mut self, row: Detail, skipped: &mut Skipped) -> Option<FileDetailsDirectory> {
        let example = |row: &Detail| {
            let directory = row.directory.map_or("NULL".into(), |id| id.to_string());
            format!("{} in directory {directory}", row.file.as_deref().unwrap_or("NULL"))
        };
        let (Some(id), Some(file)) = (row.directory, row.file.as_deref()) else {
            skipped.add(TABLE, Reason::Null, || example(&row));
            return None;
        };
        if file.is_empty() {
            skipped.add(TABLE, Reason::Empty, || example(&row));
            return None;
        }
        let Some(name) = self.directories.name(id) else {
            skipped.add(TABLE, Reason::Dangling, || example(&row));
            return None;
        };
        let complete = match &self.open {
            Some((open, _)) if *open == id => None,
            _ => {
                let begun = FileDetailsDirectory { directory: Some(name.into()), files: Vec::new() };
                self.open.replace((id, begun)).map(|(_, complete)| complete)
            }
        };
        let details = FileDetails {
            timestamp: Some(number(row.timestamp, || example(&row), skipped)),
            size: Some(number(row.size, || example(&row), skipped)),
            sha1: hash(row.sha1.as_ref()),
            md5: hash(row.md5.as_ref()),
            sha256: hash(row.sha256.as_ref()),
            sha512: hash(row.sha512.as_ref()),
        };
        if let Some((_, open)) = &mut self.open {
            self.versions += 1;
            match open.files.last_mut().filter(|last| last.filename.as_deref() == Some(file.as_bytes())) {
                Some(last) => last.details.push(details),
                None => {
                    self.files += 1;
                    open.files.push(FileDetailsFile { filename: Some(file.into()), details: vec![details] });
                }
            }
        }
        complete
    }

    /// The last directory, and how many files and versions of files there were.
    pub fn finish(self) -> (Option<FileDetailsDirectory>, u64, u64) {
        (self.open.map(|(_, last)| last), self.files, self.versions)
    }
}

/// A time or size; what is unknown is 0.
fn number(value: Option<i64>, example: impl Fn() -> String, skipped: &mut Skipped) -> u64 {
    let value = value.unwrap_or(0);
    u64::try_from(value).unwrap_or_else(|_| {
        skipped.add(TABLE, Reason::Negative, example);
        0
    })
}

/// A hash; an empty one is none.
fn hash(value: Option<&String>) -> Option<Vec<u8>> {
    let value = value.map(|hash| hash.trim()).filter(|hash| !hash.is_empty());
    value.map(Into::into)
}
