//! A log as a file: plain, gzip or zstd, told apart by its first bytes and not by its name, read from where a count
//! ended.
//!
//! Bytes are counted unpacked, so that a log is the same one after it has been packed.

use super::{days, gzip::Members};
use memchr::{memchr, memrchr};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Bytes at a log's beginning, and before the place up to which it was read, by which it is known again.
pub const MARK: usize = 64 * 1024;

/// Bytes that are looked at together. A line of the service's logs has a fraction of it.
const PIECE: usize = 256 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The hash of a part of a log (SHA-256).
pub type Hash = [u8; 32];

/// A log that is there.
#[derive(Clone, Debug)]
pub struct Log {
    /// Where it is.
    pub path: PathBuf,
    /// When it was last written to.
    pub modified: SystemTime,
    /// Its device and its number there, which stay when it is renamed.
    pub file: (u64, u64),
    is_packed: bool,
}

/// What a log that was read up to some place is known again by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes that were read, up to the end of a line.
    pub offset: u64,
    /// The hash of its first bytes: [`MARK`] of them, or as many as were read.
    pub head: Hash,
    /// The hash of as many bytes before the offset.
    pub tail: Hash,
}

impl Log {
    /// Looks at a file.
    pub fn open(path: &Path) -> io::Result<Log> {
        // Before it is opened: a pipe would be waited for.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("no regular file"));
        }
        let file = File::open(path)?;
        let about = file.metadata()?;
        let mut head = Vec::new();
        file.take(ZSTD.len() as u64).read_to_end(&mut head)?;
        Ok(Log {
            path: path.to_owned(),
            modified: about.modified()?,
            file: (about.dev(), about.ino()),
            is_packed: head.starts_with(&GZIP) || is_zstd(&head),
        })
    }

    /// The unpacked bytes from an offset.
    fn from(&self, offset: u64) -> io::Result<Box<dyn BufRead>> {
        let mut file = File::open(&self.path)?;
        let about = file.metadata()?;
        if (about.dev(), about.ino()) != self.file {
            return Err(io::Error::other("another file has taken its place meanwhile"));
        }
        if !self.is_packed {
            file.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(BufReader::with_capacity(PIECE, file)));
        }
        let mut packed = BufReader::with_capacity(PIECE, file);
        let is_gzip = packed.fill_buf()?.starts_with(&GZIP);
        let mut unpacked: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::with_capacity(PIECE, Members::new(packed)))
        } else {
            Box::new(BufReader::with_capacity(PIECE, zstd::stream::read::Decoder::with_buffer(packed)?))
        };
        io::copy(&mut (&mut unpacked).take(offset), &mut io::sink())?;
        Ok(unpacked)
    }

    /// The first bytes, [`MARK`] of them or all.
    pub fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.from(0)?.take(MARK as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Whether this is the packed log that was read to its end when it was `seen`, a day, and that nobody has written to since:
    /// the same file, with the same beginning. What is packed need not be unpacked every time.
    pub fn is_as_it_was(&self, mark: &Mark, file: (u64, u64), seen: i32, head: &[u8]) -> bool {
        let is_same = self.is_packed && file == self.file && days(self.modified) < seen;
        is_same && !mark.is_short() && head.len() == MARK && hash(head) == mark.head
    }

    /// Whether this is the log that `mark` was made of, or such a log that has grown; `head` is this one's.
    pub fn has(&self, mark: &Mark, head: &[u8]) -> io::Result<bool> {
        let length = mark.length();
        if head.len() < length || hash(&head[..length]) != mark.head {
            return Ok(false);
        }
        let mut tail = Vec::new();
        self.from(mark.offset - length as u64)?.take(length as u64).read_to_end(&mut tail)?;
        Ok(tail.len() == length && hash(&tail) == mark.tail)
    }

    /// Whether this is the log that `mark` was made of, of which the end is lost: it is the same file, begins as it did, and is
    /// shorter.
    pub fn has_lost_end(&self, mark: &Mark, file: (u64, u64), head: &[u8]) -> io::Result<bool> {
        let is_same = file == self.file && !mark.is_short() && head.len() == MARK && hash(head) == mark.head;
        Ok(is_same && self.from(mark.offset - 1)?.fill_buf()?.is_empty())
    }

    /// The mark of its first bytes alone, up to the end of a line that was read before; `None` without any. `head` is its
    /// beginning as it was then.
    pub fn mark(&self, offset: u64, head: &[u8]) -> io::Result<Option<Mark>> {
        let length = offset.min(MARK as u64) as usize;
        let (mut tail, now) = (vec![0; length], self.head()?);
        self.from(offset - length as u64)?.read_exact(&mut tail)?;
        if now.len() < length || !now.starts_with(&head[..head.len().min(length)]) {
            return Err(written_anew());
        }
        Ok((offset > 0).then(|| Mark { offset, head: hash(&now[..length]), tail: hash(&tail) }))
    }

    /// Has every whole line from an offset on looked at, without its end. A last one that is not whole waits for the next
    /// time. Of a line that is longer than any of a log the beginning alone is looked at. Returns the new mark, if there is
    /// any line at all.
    pub fn read(
        &self,
        offset: u64,
        head: &[u8],
        mut line: impl FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<Option<Mark>> {
        let back = offset.min(MARK as u64);
        let mut bytes = self.from(offset - back)?;
        // What is before the end of the last whole line, and what comes after it.
        let mut piece = vec![0; PIECE + MARK];
        let mut done = back as usize;
        bytes.read_exact(&mut piece[..done])?;
        let (mut end, mut reached) = (done, offset);
        // Of a line of which the beginning was looked at, now or in an earlier count.
        let mut is_rest = done > 0 && piece[done - 1] != b'\n';
        loop {
            let whole = if end == piece.len() {
                // No line is as long as this; what it is shows when it is looked at.
                end
            } else {
                let read = bytes.read(&mut piece[end..])?;
                if read == 0 {
                    break;
                }
                end += read;
                let Some(at) = memrchr(b'\n', &piece[done..end]) else { continue };
                done + at + 1
            };
            let mut rest = &piece[done..whole];
            while !rest.is_empty() {
                let end = memchr(b'\n', rest);
                let length = end.unwrap_or(rest.len());
                if !is_rest {
                    line(reached, &rest[..length])?;
                }
                is_rest = end.is_none();
                let length = rest.len().min(length + 1);
                (rest, reached) = (&rest[length..], reached + length as u64);
            }
            let keep = whole.saturating_sub(MARK);
            piece.copy_within(keep..end, 0);
            (done, end) = (whole - keep, end - keep);
        }
        let length = reached.min(MARK as u64) as usize;
        let tail = hash(&piece[done - length..done]);
        let head = match head.get(..length) {
            Some(head) => hash(head),
            // It has grown since.
            None => hash(self.head()?.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?),
        };
        if self.head()?.get(..length).map(hash) != Some(head) {
            return Err(written_anew());
        }
        Ok((reached > 0).then_some(Mark { offset: reached, head, tail }))
    }
}

impl Mark {
    /// Bytes that each hash is of.
    fn length(&self) -> usize {
        self.offset.min(MARK as u64) as usize
    }

    /// Whether so little was read that another log may begin alike.
    pub fn is_short(&self) -> bool {
        self.offset < MARK as u64
    }
}

/// Whether a file begins as zstd's do, with a frame or one that is passed over. Source: RFC 8878 §3.1.
fn is_zstd(head: &[u8]) -> bool {
    head == ZSTD || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

fn written_anew() -> io::Error {
    io::Error::other("it was written anew meanwhile")
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}
