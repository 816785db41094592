//! The list of suspended URLs: read with the cache, laid over it, and told of.
//!
//! Nothing that is wrong with it keeps a cache from answering. It is said, and the list that was read before counts on: its
//! lines end by themselves.

use crate::log;
use answer::suspended::{Error, MOST_BYTES, Suspended, Usable};
use cache::{View, files};
use std::{
    fmt::Display,
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The list that counts, and where it comes from.
#[derive(Debug, Default)]
pub struct Suspension {
    path: Option<PathBuf>,
    list: Suspended,
}

/// Reads the list at `path`.
pub fn read(path: &Path) -> Result<Suspended, Error> {
    files::open(path).map_err(Error::Unreadable).and_then(Suspended::read)
}

/// Copies the list at `path` into `memory`, if there is nothing wrong with it; else what is.
pub fn copy(path: &Path, mut memory: &File) -> Result<(), Error> {
    read(path)?;
    let copied = files::open(path).and_then(|file| io::copy(&mut file.take(MOST_BYTES), &mut memory));
    copied.map(drop).map_err(Error::Unreadable)
}

impl Suspension {
    /// Reads the list for the first time; without a path there never is one.
    pub fn open(path: Option<&Path>) -> Suspension {
        let mut suspension = Suspension { path: path.map(Path::to_owned), ..Suspension::default() };
        if let Some(path) = path {
            suspension.take(read(path));
        }
        suspension
    }

    /// Takes what a loader has copied.
    pub fn take_copy(&mut self, mut memory: &File) {
        if self.path.is_some() {
            self.take(memory.rewind().map_err(Error::Unreadable).and_then(|()| Suspended::read(memory)));
        }
    }

    fn take(&mut self, list: Result<Suspended, Error>) {
        match list {
            Ok(list) => self.list = list,
            Err(cause) => self.refuse(cause),
        }
    }

    /// Says what is wrong with the list, or what a loader has said is.
    pub fn refuse(&self, cause: impl Display) {
        if let Some(path) = &self.path {
            log::warning(format_args!(
                "suspended {}: {cause}; what was suspended before stays so until it ends",
                path.display()
            ));
        }
    }

    /// What of a cache may be shown; says so where that is everything in spite of the list.
    pub fn lay_over(&self, view: &View<'_>) -> Usable {
        let Some(path) = &self.path else { return Usable::default() };
        let (path, now) = (path.display(), seconds());
        if let Some(last) = self.list.lines().iter().map(|line| line.until).max()
            && last <= now
        {
            log::warning(format_args!(
                "suspended {path}: its last line ended {} s ago; nothing is suspended; is it still written?",
                now - last
            ));
        }
        Usable::of(view, &self.list, now).unwrap_or_else(|cause| {
            log::warning(format_args!("suspended {path}: {cause}; nothing is suspended"));
            Usable::default()
        })
    }
}

/// Seconds since the epoch.
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
