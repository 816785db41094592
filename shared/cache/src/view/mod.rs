//! Asking a cache: typed numbers in, facts out.
//!
//! A view borrows the file's bytes and copies nothing. Its answers are bounds-checked: bytes that slipped through every
//! check give a wrong answer, never a read beyond the file or a panic. What belongs together by rows is hidden here;
//! callers see hosts, placements, sets.
//!
//! Every walk ends within the bounds of [`limits`](super::limits), for any bytes. [`View::find`] and [`View::repository_id`] pass 4,096
//! slots of a table and compare 64 strings, a path in 1,025 steps; a path is put together in as many; an address is in
//! 129 netblocks. All else takes a step, a binary search, or as many steps as its list may have members.

mod clients;
mod directories;
mod hosts;
mod ids;
mod repositories;
mod set;

pub use clients::{Class, Prefix};
pub use directories::{Found, Version};
pub use ids::*;
pub use repositories::{RepoArch, Repository};
pub use set::{Member, Positions, Set};

use super::{
    CacheError, check,
    file::FileHeader,
    limits::{MOST_HOSTS, MOST_TEXT},
    schema::{ArchivedSchema, NO_COUNTRY, NONE, OWN_TIME},
};
use rkyv::rend::u32_le;
use std::{fmt, ops::Range};

/// A cache to ask.
#[derive(Clone, Copy)]
pub struct View<'a> {
    schema: &'a ArchivedSchema,
    header: FileHeader,
}

/// A file that the cache was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// What it was given as, such as `geoip`.
    pub name: &'a str,
    /// How old what it says is, in seconds since the epoch, if that is known.
    pub time: Option<u64>,
    /// Whether it says so itself; else it is when the file was last written.
    pub own_time: bool,
    /// Its length.
    pub bytes: u64,
    /// Seconds after which what it says is too old, if it ever is.
    pub max_age: Option<u64>,
}

impl Source<'_> {
    /// How old what it says is at `now`, in seconds since the epoch, if that is known.
    pub fn age(&self, now: u64) -> Option<u64> {
        self.time.map(|time| now.saturating_sub(time))
    }

    /// Whether it is older than it may be.
    pub fn is_old(&self, now: u64) -> bool {
        self.age(now).zip(self.max_age).is_some_and(|(age, most)| age > most)
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    /// A view of a whole cache file, after every check: header, length, checksum, archive, and that all numbers point
    /// where they may. Reads every byte once. `file` must be aligned to 16 bytes, as maps and
    /// [`CacheBytes`](super::CacheBytes) are.
    pub fn check(file: &'a [u8]) -> Result<View<'a>, CacheError> {
        let (header, payload) = FileHeader::decode(file)?;
        header.verify(payload)?;
        let view = View::access(file)?;
        check::meaning(view.schema)?;
        Ok(view)
    }

    /// A view of a file that was checked before. Still memory-safe for any bytes; reads only a few of them.
    pub fn access(file: &'a [u8]) -> Result<View<'a>, CacheError> {
        let (header, payload) = FileHeader::decode(file)?;
        let schema = rkyv::access::<ArchivedSchema, rkyv::rancor::Failure>(payload)
            .map_err(|_| CacheError::Archive)?;
        Ok(View { schema, header })
    }

    /// The file's header.
    pub fn header(&self) -> FileHeader {
        self.header
    }

    /// When the cache's source was made, in seconds since the epoch.
    pub fn source_time(&self) -> u64 {
        self.schema.source_time.to_native()
    }

    /// What the cache was made from, in the order in which it was read.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = Source<'a>> + 'a {
        let view = *self;
        self.schema.sources.iter().map(move |row| Source {
            name: view.text(row.name),
            time: Some(row.time.to_native()).filter(|time| *time > 0),
            own_time: row.flags.to_native() & OWN_TIME != 0,
            bytes: row.bytes.to_native(),
            max_age: Some(row.max_age.to_native()).filter(|seconds| *seconds > 0),
        })
    }

    pub(crate) fn schema(&self) -> &'a ArchivedSchema {
        self.schema
    }

    pub(crate) fn text(&self, string: u32_le) -> &'a str {
        std::str::from_utf8(self.bytes(string)).unwrap_or_default()
    }

    pub(crate) fn bytes(&self, string: u32_le) -> &'a [u8] {
        let at = string.to_native() as usize;
        let starts = &self.schema.text_start;
        let (Some(from), Some(to)) = (starts.get(at), starts.get(at.wrapping_add(1))) else { return b"" };
        part(&self.schema.text, from.to_native() as usize..to.to_native() as usize, MOST_TEXT)
    }
}

fn some(number: u32_le) -> Option<u32> {
    let number = number.to_native();
    (number != NONE).then_some(number)
}

/// From where row `at` begins to where the next one does.
fn span<R>(rows: &[R], at: u32, start: impl Fn(&R) -> u32_le) -> Range<usize> {
    let at = at as usize;
    match (rows.get(at), at.checked_add(1).and_then(|next| rows.get(next))) {
        (Some(from), Some(to)) => start(from).to_native() as usize..start(to).to_native() as usize,
        _ => 0..0,
    }
}

/// The rows of a range, at most so many of them; none where there is no such range.
fn part<R>(rows: &[R], range: Range<usize>, most: usize) -> &[R] {
    rows.get(range.start..range.end.min(range.start.saturating_add(most))).unwrap_or_default()
}

fn hosts(numbers: &[u32_le], range: Range<usize>) -> impl ExactSizeIterator<Item = HostId> + '_ {
    part(numbers, range, MOST_HOSTS).iter().map(|number| HostId(number.to_native()))
}

fn country(number: u16) -> Option<CountryId> {
    (number != NO_COUNTRY).then_some(CountryId(number))
}
