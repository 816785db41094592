//! A cache in memory: opened, checked once, and with the fragments that its answers are made of.
//!
//! The master opens it before it forks, so that all workers share one copy of everything in here.

use crate::{config::MapMode, log, sys};
use answer::Fragments;
use cache::files;
use cache::{CacheError, FILE_HEADER_LEN, FileHeader, View};
use memmap2::Mmap;
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
    /// The file behind a map of the file itself, held open for its lease.
    leased: Option<File>,
}

impl CacheFile {
    /// Opens and checks a cache. The error is a line for the operator: which file, and why not.
    pub fn open(path: &Path, map: MapMode) -> Result<CacheFile, String> {
        let open = || {
            let (file, length) = open_file(path)?;
            Ok(match map {
                MapMode::Seal => (sys::sealed_copy(&file, length)?, None),
                // Without a lease nobody warns us before the file is cut, and touching a cut map is death.
                MapMode::File if lease(path, &file) => (sys::file_map(&file)?, Some(file)),
                MapMode::File => (sys::sealed_copy(&file, length)?, None),
            })
        };
        let (bytes, leased) =
            open().map_err(|error: io::Error| format!("cache {}: {error}", path.display()))?;
        CacheFile::check(path, bytes, leased)
    }

    /// The same cache, independent of its file: for a map of the file itself that is about to be written to.
    pub fn seal(&self) -> Result<CacheFile, String> {
        let copy = |mut file: &File| {
            file.rewind()?;
            sys::sealed_copy(file, self.bytes.len() as u64)
        };
        let copied = self.leased.as_ref().map_or_else(|| Err(io::ErrorKind::NotFound.into()), copy);
        let bytes = copied.map_err(|error| format!("cache {}: not copied ({error})", self.path.display()))?;
        CacheFile::check(&self.path, bytes, None)
    }

    fn check(path: &Path, bytes: Mmap, leased: Option<File>) -> Result<CacheFile, String> {
        match answer::taken(&bytes)
            .and_then(|view| Fragments::prepare(&view).map_err(|error| error.to_string()))
        {
            Ok(fragments) => Ok(CacheFile { path: path.to_owned(), bytes, fragments, leased }),
            Err(error) => Err(format!("cache {}: {error}", path.display())),
        }
    }

    /// Whether someone waits to write into the file that this is a map of.
    pub fn is_wanted_back(&self) -> bool {
        self.leased.as_ref().is_some_and(sys::lease_is_wanted_back)
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

/// Asks for time to copy the file before someone writes into it. Whether that is granted.
fn lease(path: &Path, file: &File) -> bool {
    match sys::lease(file) {
        Ok(()) => true,
        Err(errno) => {
            let path = path.display();
            log::warning(format_args!(
                "cache {path}: no lease on the file ({errno}); using a sealed copy of it"
            ));
            false
        }
    }
}
