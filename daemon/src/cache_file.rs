//! A cache in memory: copied, sealed, checked once, and with the fragments that its answers are made of.
//!
//! The master has it before it forks, so that all workers share one copy of everything in here. At a reload another
//! process copies and checks it (see `master::loader`).

use crate::{failure::Failure, suspended::Suspension, sys};
use answer::Fragments;
use cache::{CacheError, FILE_HEADER_LEN, FileHeader, View, files};
use memmap2::Mmap;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, PosixFadviseAdvice, fcntl, posix_fadvise},
    sys::memfd::{MFdFlags, memfd_create},
};
use std::{
    fmt,
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};
use time::OffsetDateTime;

/// What to do where no cache is, or one that another version has built.
const BUILD: &str = "build it: mirrorlist-cache build --config /etc/mirrorlist/mirrorlist-cache.toml";

/// A checked cache.
#[derive(Debug)]
pub struct CacheFile {
    path: PathBuf,
    bytes: Mmap,
    /// What rendering has prepared.
    pub fragments: Fragments,
}

/// A copy of a file that nobody can change any more, whatever happens to the file; still to be checked.
#[derive(Debug)]
pub struct SealedFile {
    path: PathBuf,
    bytes: Mmap,
}

/// Memory that a file can be copied into and then sealed.
pub fn memory() -> io::Result<File> {
    let memory = memfd_create(c"mirrorlist-cache", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    Ok(memory.into())
}

impl SealedFile {
    /// Copies the file at `path` into `memory` and seals it.
    pub fn copy(path: &Path, memory: &File) -> Result<SealedFile, Failure> {
        let copied = open_file(path).and_then(|(file, length)| copy_sealed(&file, length, memory));
        copied.map_err(|cause| refused(path, &cause))?;
        SealedFile::of(path, memory)
    }

    /// The copy that is in `memory`; an error if it is not sealed.
    pub fn of(path: &Path, memory: &File) -> Result<SealedFile, Failure> {
        let bytes = sys::sealed_map(memory).map_err(|cause| refused(path, &cause))?;
        Ok(SealedFile { path: path.to_owned(), bytes })
    }

    /// Checks it completely, and that what is prepared for its answers is bounded.
    pub fn check(self, suspension: &Suspension) -> Result<CacheFile, Failure> {
        let checked = answer::taken(&self.bytes).map_err(io::Error::other);
        let fragments = checked.and_then(|view| prepared(&view, suspension));
        self.with(fragments)
    }

    /// Takes it without another check, from a process of ours that has made this very copy and checked it since it was
    /// sealed.
    ///
    /// Look-ups are bounds-checked besides: were that process to lie, answers would be wrong.
    pub fn trust(self, suspension: &Suspension) -> Result<CacheFile, Failure> {
        let view = View::access(&self.bytes).map_err(io::Error::other);
        let fragments = view.and_then(|view| prepared(&view, suspension));
        self.with(fragments)
    }

    fn with(self, fragments: io::Result<Fragments>) -> Result<CacheFile, Failure> {
        let SealedFile { path, bytes } = self;
        match fragments {
            Ok(fragments) => Ok(CacheFile { path, bytes, fragments }),
            Err(cause) => Err(refused(&path, &cause)),
        }
    }
}

impl CacheFile {
    /// Copies, seals and checks a cache, less what is suspended.
    pub fn open(path: &Path, suspension: &Suspension) -> Result<CacheFile, Failure> {
        let memory = memory().map_err(|cause| refused(path, &cause))?;
        SealedFile::copy(path, &memory)?.check(suspension)
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
    let mut file = files::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(format!("{error}; {BUILD}")),
        _ => error,
    })?;
    let length = file.metadata()?.len();
    if length == 0 {
        return Err(io::Error::other("is empty"));
    }
    let mut head = Vec::with_capacity(FILE_HEADER_LEN);
    (&mut file).take(FILE_HEADER_LEN as u64).read_to_end(&mut head)?;
    FileHeader::announced(&head, length).map_err(|error| match error {
        CacheError::Format { .. } | CacheError::NotACache => io::Error::other(format!("{error}; {BUILD}")),
        _ => io::Error::other(error),
    })?;
    file.rewind()?;
    Ok((file, length))
}

/// Copies a file's first `length` bytes into `memory`, which takes no other byte from then on.
///
/// Fails if the file is shorter. The file's own pages are given back to the system: one copy stays resident.
fn copy_sealed(file: &File, length: u64, mut memory: &File) -> io::Result<()> {
    let copied = io::copy(&mut file.take(length), &mut memory)?;
    if copied < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file shrank while it was read"));
    }
    fcntl(memory, FcntlArg::F_ADD_SEALS(sys::SEALS))?;
    // Advice only: a file system that takes none keeps its pages until it needs the room.
    let _: Result<(), Errno> = posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    Ok(())
}

fn prepared(view: &View<'_>, suspension: &Suspension) -> io::Result<Fragments> {
    Fragments::of_usable(view, suspension.lay_over(view)).map_err(io::Error::other)
}

/// Why a file is not answered from.
pub fn refused(path: &Path, cause: &dyn fmt::Display) -> Failure {
    Failure::cache(format!("cache {}: {cause}", path.display()))
}
