//! A cache in memory: opened, checked once, and with the fragments that its answers are made of.
//!
//! The master opens it before it forks, so that all workers share one copy of everything in here.

use crate::{answer::Fragments, sys};
use memmap2::Mmap;
use shared::{
    cache::{CacheError, FILE_HEADER_LEN, FileHeader, View},
    program::files,
};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};
use time::OffsetDateTime;

/// A checked cache.
#[derive(Debug)]
pub struct CacheFile {
    path: PathBuf,
    bytes: Mmap,
    /// What rendering has prepared.
    pub fragments: Fragments,
}

impl CacheFile {
    /// Opens and checks a cache. The error is a line for the operator: which file, and why not.
    pub fn open(path: &Path) -> Result<CacheFile, String> {
        let bytes = open_file(path).and_then(|(file, length)| sys::sealed_copy(&file, length));
        let bytes = bytes.map_err(|error| format!("cache {}: {error}", path.display()))?;
        match View::check(&bytes).map(|view| Fragments::prepare(&view)) {
            Ok(fragments) => Ok(CacheFile { path: path.to_owned(), bytes, fragments }),
            Err(error) => Err(format!("cache {}: {error}", path.display())),
        }
    }

    /// What it holds, for the operator.
    pub fn facts(&self) -> String {
        let Ok(view) = self.view() else { return String::new() };
        let time =
            i64::try_from(view.source_time()).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
        let hosts = view.host_count();
        time.map_or(format!("{hosts} hosts"), |time| {
            let (date, (hour, minute, _)) = (time.date(), time.to_hms());
            format!("data of {date}T{hour:02}:{minute:02}Z, {hosts} hosts")
        })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The cache, without another check.
    pub fn view(&self) -> Result<View<'_>, CacheError> {
        View::access(&self.bytes)
    }
}

/// Opens a regular file whose header is that of a cache of its length: only such a one is worth a copy.
fn open_file(path: &Path) -> io::Result<(File, u64)> {
    let mut file = files::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        return Err(io::Error::other("is empty"));
    }
    let mut head = Vec::with_capacity(FILE_HEADER_LEN);
    (&mut file).take(FILE_HEADER_LEN as u64).read_to_end(&mut head)?;
    FileHeader::announced(&head, length).map_err(io::Error::other)?;
    file.rewind()?;
    Ok((file, length))
}
