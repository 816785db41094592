//! A content as it comes: its hash, and its beginning, whatever its length.
//!
//! Nobody has asked for a packed one. Who sends one all the same has it hashed both as it came and unpacked: an index that
//! is a packed file itself may be labelled so, and a server may pack what it was not asked to.

use super::{Error, session::Take};
use flate2::write::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// What a packed content begins with. Source: RFC 1952 §2.3.1.
const PACKED: [u8; 2] = [0x1f, 0x8b];

/// Takes a content. Of its bytes the first are kept.
pub struct Content {
    raw: Sink,
    unpacked: Option<MultiGzDecoder<Sink>>,
    is_broken: bool,
}

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Its bytes' hash in hexadecimal, as they came.
    pub sha256: String,
    /// The same of what was packed in it.
    pub unpacked_sha256: Option<String>,
    /// Bytes that came.
    pub length: u64,
    /// The first bytes, unpacked.
    pub head: Vec<u8>,
}

impl Came {
    /// Whether it has this hash, one way or the other.
    pub fn is(&self, sha256: &str) -> bool {
        let is = |hash: &str| !sha256.is_empty() && hash.eq_ignore_ascii_case(sha256);
        is(&self.sha256) || self.unpacked_sha256.as_deref().is_some_and(is)
    }
}

impl Content {
    /// Of at most so many bytes, of which at most so many are kept.
    pub fn new(longest: u64, kept: usize) -> Content {
        Content { raw: Sink::new(longest, kept), unpacked: None, is_broken: false }
    }

    /// All of it has come.
    pub fn end(self) -> Came {
        let Content { raw, unpacked, is_broken } = self;
        let unpacked = unpacked.filter(|_| !is_broken).and_then(|unpacked| unpacked.finish().ok());
        let (length, sha256) = (raw.length, raw.hash());
        let head = unpacked.as_ref().map_or(raw.head, |unpacked| unpacked.head.clone());
        Came { sha256, unpacked_sha256: unpacked.map(|unpacked| unpacked.hash()), length, head }
    }
}

impl Take for Content {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let longest = self.raw.longest;
        if self.raw.length == 0 && bytes.starts_with(&PACKED) {
            self.unpacked = Some(MultiGzDecoder::new(Sink::new(longest, self.raw.kept)));
        }
        self.raw.write_all(bytes).map_err(|_| Error::Length(longest as usize))?;
        if let Some(unpacked) = &mut self.unpacked {
            // What only looks packed, or becomes too long, is what it is as it came.
            self.is_broken |= unpacked.write_all(bytes).is_err();
        }
        Ok(())
    }
}

/// Hashes and counts what is written to it.
struct Sink {
    longest: u64,
    kept: usize,
    length: u64,
    digest: Sha256,
    head: Vec<u8>,
}

impl Sink {
    fn new(longest: u64, kept: usize) -> Sink {
        Sink { longest, kept, length: 0, digest: Sha256::new(), head: Vec::new() }
    }

    fn hash(&self) -> String {
        self.digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len() as u64;
        if self.length > self.longest {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.digest.update(bytes);
        let room = self.kept.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    const HASH_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn came(bytes: &[u8], longest: u64) -> Result<Came, Error> {
        let mut content = Content::new(longest, 2);
        // In pieces; the first is long enough to be recognised by.
        let cut = bytes.len().min(2);
        content.take(&bytes[..cut])?;
        bytes[cut..].chunks(3).try_for_each(|chunk| content.take(chunk))?;
        Ok(content.end())
    }

    #[test]
    fn a_content_is_hashed_as_it_came_and_unpacked() {
        let plain = came(b"abc", 3).unwrap();
        assert!(plain.is(HASH_OF_ABC) && plain.is(&HASH_OF_ABC.to_uppercase()) && !plain.is(""));
        assert_eq!((plain.length, &*plain.head, &plain.unpacked_sha256), (3, &b"ab"[..], &None));
        let file = packed(b"abc");
        let of_file = came(&file, 1000).unwrap();
        assert!(of_file.is(HASH_OF_ABC) && of_file.is(&of_file.sha256));
        assert_eq!((of_file.length, &*of_file.head), (file.len() as u64, &b"ab"[..]));
        // Cut short, and what only begins so.
        assert_eq!(came(&file[..file.len() - 1], 1000).unwrap().unpacked_sha256, None);
        assert_eq!(came(b"\x1f\x8bno", 1000).unwrap().unpacked_sha256, None);
    }

    #[test]
    fn neither_bytes_nor_what_is_packed_in_them_go_on_for_ever() {
        assert!(matches!(came(b"abcd", 3), Err(Error::Length(3))));
        let bomb = packed(&vec![0; 1 << 20]);
        let came = came(&bomb, bomb.len() as u64).unwrap();
        assert_eq!((came.unpacked_sha256, came.length), (None, bomb.len() as u64));
    }
}
