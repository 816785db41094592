//! The cache as a file: the header in front of the payload, and both together in memory.
//!
//! Reading here is for tools and tests; the daemon maps the file itself. See `check` for what makes a payload good.

use super::CacheError;
use crate::files;
use rkyv::util::AlignedVec;
use std::{
    io::{self, Read},
    ops::Deref,
    path::Path,
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::schema::FORMAT;

/// Bytes in front of the payload; a multiple of the payload's alignment.
pub const FILE_HEADER_LEN: usize = 64;
/// Bytes of payload that a file may have: twenty times those of the largest known deployment. What is larger is refused
/// unread.
pub(super) const MOST_PAYLOAD: u64 = 256 * 1024 * 1024;
/// Bytes of the header in front of its checksum.
const CHECKED: usize = 40;
/// What a cache file begins with.
const MAGIC: [u8; 8] = *b"\x89MLC\r\n\x1a\n";

/// The header of a cache file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Layout of the payload.
    pub format: u32,
    /// Bytes of payload.
    pub payload_len: u64,
    /// When the file was built, in seconds since the epoch.
    pub build_time: u64,
    /// When its source was made, in seconds since the epoch.
    pub source_time: u64,
    /// xxh3-128 of the payload, with xxh3-64 of what stands before it in the header as its seed.
    pub checksum: u128,
}

impl FileHeader {
    /// The header of this payload.
    pub fn of(payload: &[u8], build_time: u64, source_time: u64) -> FileHeader {
        let payload_len = payload.len() as u64;
        let header = FileHeader { format: FORMAT, payload_len, build_time, source_time, checksum: 0 };
        FileHeader { checksum: header.checksum_with(payload), ..header }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; FILE_HEADER_LEN] {
        let mut bytes = [0; FILE_HEADER_LEN];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.format.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.build_time.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.source_time.to_le_bytes());
        bytes[CHECKED..56].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Splits a file into header and payload; the lengths must agree.
    pub fn decode(file: &[u8]) -> Result<(FileHeader, &[u8]), CacheError> {
        let header = FileHeader::announced(file, file.len() as u64)?;
        Ok((header, &file[FILE_HEADER_LEN..]))
    }

    /// The header of a file of which only the first bytes (at least [`FILE_HEADER_LEN`], if it has them) and the
    /// length are known; the length must be the one that it says.
    pub fn announced(first_bytes: &[u8], file_len: u64) -> Result<FileHeader, CacheError> {
        let Some(head) = first_bytes.first_chunk::<FILE_HEADER_LEN>() else {
            return Err(CacheError::TooShort { found: first_bytes.len() });
        };
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&head[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        if head[0..8] != MAGIC {
            return Err(CacheError::NotACache);
        }
        let format = word(8) as u32;
        if format != FORMAT {
            return Err(CacheError::Format { found: format });
        }
        if word(8) >> 32 != 0 || word(56) != 0 {
            return Err(CacheError::Reserved);
        }
        let header = FileHeader {
            format,
            payload_len: word(16),
            build_time: word(24),
            source_time: word(32),
            checksum: u128::from(word(CHECKED)) | u128::from(word(CHECKED + 8)) << 64,
        };
        let payload_len = file_len.saturating_sub(FILE_HEADER_LEN as u64);
        if header.payload_len != payload_len {
            return Err(CacheError::Length { expected: header.payload_len, found: payload_len });
        }
        if payload_len > MOST_PAYLOAD {
            return Err(CacheError::TooLarge { found: payload_len });
        }
        Ok(header)
    }

    /// Whether header and payload are those that the checksum was made of.
    pub fn verify(&self, payload: &[u8]) -> Result<(), CacheError> {
        if self.checksum_with(payload) == self.checksum { Ok(()) } else { Err(CacheError::Checksum) }
    }

    fn checksum_with(&self, payload: &[u8]) -> u128 {
        xxh3_128_with_seed(payload, xxh3_64(&self.encode()[..CHECKED]))
    }
}

/// A cache file's bytes in memory, aligned as a [`super::View`] needs them.
#[derive(Clone, Debug)]
pub struct CacheBytes(AlignedVec);

impl CacheBytes {
    /// The room for a header, behind which the payload is to be written; see [`CacheBytes::finish`].
    #[cfg(feature = "write")]
    pub(super) fn begin() -> AlignedVec {
        let mut file = AlignedVec::new();
        file.extend_from_slice(&[0; FILE_HEADER_LEN]);
        file
    }

    /// The file whose payload was written behind the room for its header.
    #[cfg(feature = "write")]
    pub(super) fn finish(mut file: AlignedVec, build_time: u64, source_time: u64) -> CacheBytes {
        let (head, payload) = file.split_at_mut(FILE_HEADER_LEN);
        head.copy_from_slice(&FileHeader::of(payload, build_time, source_time).encode());
        CacheBytes(file)
    }

    /// Reads a whole file. Only its header is looked at, before anything else is read; where that is wrong the error
    /// holds the [`CacheError`].
    pub fn read(path: &Path) -> io::Result<CacheBytes> {
        let mut file = files::open(path)?;
        let length = file.metadata()?.len();
        let mut head = Vec::with_capacity(FILE_HEADER_LEN);
        (&mut file).take(FILE_HEADER_LEN as u64).read_to_end(&mut head)?;
        FileHeader::announced(&head, length)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut bytes = AlignedVec::with_capacity(usize::try_from(length).unwrap_or(0));
        bytes.extend_from_slice(&head);
        let mut part = vec![0; 1 << 16];
        loop {
            match file.read(&mut part) {
                Ok(0) => return Ok(CacheBytes(bytes)),
                Ok(count) => bytes.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Bytes of any origin, such as a damaged file in a test.
    pub fn copy_of(bytes: &[u8]) -> CacheBytes {
        let mut copy = AlignedVec::with_capacity(bytes.len());
        copy.extend_from_slice(bytes);
        CacheBytes(copy)
    }
}

impl Deref for CacheBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
