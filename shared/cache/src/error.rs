//! Why bytes are not a cache that this build can answer from.

use super::{file::MOST_PAYLOAD, schema::FORMAT};
use std::fmt;

/// Why a cache is refused. The text says the cause; whoever prints it names the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheError {
    /// Shorter than a header.
    TooShort {
        /// Bytes found.
        found: usize,
    },
    /// The first bytes are not those of a cache.
    NotACache,
    /// Written by a build with another layout.
    Format {
        /// The format found.
        found: u32,
    },
    /// Header bytes that must be 0 are not.
    Reserved,
    /// Cut short, or with something behind it.
    Length {
        /// Bytes of payload that the header announces.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Larger than a cache may be.
    TooLarge {
        /// Bytes of payload found.
        found: u64,
    },
    /// The payload is not the one that the header was made for.
    Checksum,
    /// The payload is not an archive.
    Archive,
    /// The payload is an archive but contradicts itself.
    Meaning(&'static str),
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheError::TooShort { found } => write!(f, "{found} bytes are too few for a cache"),
            CacheError::NotACache => f.write_str("not a mirrorlist cache"),
            CacheError::Format { found } => write!(f, "format {found}, this build reads {FORMAT}"),
            CacheError::Reserved => f.write_str("damaged header"),
            CacheError::Length { expected, found } => {
                write!(f, "{found} bytes of payload, its header says {expected}")
            }
            CacheError::TooLarge { found } => {
                write!(f, "{found} bytes of payload, the most that a cache may have is {MOST_PAYLOAD}")
            }
            CacheError::Checksum => f.write_str("damaged: the checksum does not match"),
            CacheError::Archive => f.write_str("its payload is not laid out as this build expects"),
            CacheError::Meaning(what) => write!(f, "inconsistent: {what}"),
        }
    }
}

impl std::error::Error for CacheError {}
