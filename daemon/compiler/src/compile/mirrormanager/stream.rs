//! The fields of the message one after the other, out of a file of any size.
//!
//! Only a window of the file is in memory: as much as the field at hand needs, and a batch of what comes next. What
//! nobody wants is not even read.

use super::fields::{Malformed, Value};
use crate::compile::error::Cause;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are read at a time.
const BATCH: usize = 1 << 18;
/// The most that a field's number and length take: two varints.
const HEAD: usize = 20;
/// The most that a field of a type that this format does not use may take.
const MOST_OTHER: usize = 1 << 16;

/// A reader of top-level fields.
#[derive(Debug)]
pub struct Stream<R> {
    input: R,
    /// Bytes of the file that are in memory, and where they begin in it.
    window: Vec<u8>,
    start: u64,
    /// The next field begins here, in the window.
    at: usize,
    /// Bytes of the file.
    length: u64,
}

impl<R: Read + Seek> Stream<R> {
    /// Reads from the beginning of `input`, as many bytes as it has now.
    pub fn new(mut input: R) -> io::Result<Stream<R>> {
        let length = input.seek(SeekFrom::End(0))?;
        input.rewind()?;
        Ok(Stream { input, window: Vec::new(), start: 0, at: 0, length })
    }

    /// Goes back to the first field.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.window.clear();
        (self.start, self.at) = (0, 0);
        self.input.rewind()
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where the next field begins.
    pub fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    /// The next field's number and value; `None` at the end. Records that are not `wanted` are passed over, and empty.
    pub fn next_field(&mut self, wanted: impl Fn(u32) -> bool) -> Result<Option<(u32, Value<'_>)>, Cause> {
        let offset = self.offset();
        let length = self.length;
        let damaged = |why: Malformed| {
            Cause::Refused(format!("damaged or cut short at byte {offset} of {length} ({why})"))
        };
        let head = self.fill(HEAD)?;
        if head.is_empty() {
            return Ok(None);
        }
        let mut rest = head;
        let (number, wire_type) = decode_key(&mut rest).map_err(|error| damaged(error.into()))?;
        match wire_type {
            WireType::Varint => {
                let value = decode_varint(&mut rest).map_err(|error| damaged(error.into()))?;
                self.at += head_len(head, rest);
                Ok(Some((number, Value::Number(value))))
            }
            WireType::LengthDelimited => {
                let announced = decode_varint(&mut rest).map_err(|error| damaged(error.into()))?;
                self.at += head_len(head, rest);
                let left = self.length - self.offset();
                if announced > left {
                    return Err(damaged(Malformed::Short { number, length: announced, left }));
                }
                if !wanted(number) {
                    self.pass(announced)?;
                    return Ok(Some((number, Value::Bytes(&[]))));
                }
                let count = self.fill(announced as usize)?.len();
                self.at += count;
                Ok(Some((number, Value::Bytes(&self.window[self.at - count..self.at]))))
            }
            _ => {
                let key = head_len(head, rest);
                let field = self.fill(MOST_OTHER)?;
                let mut rest = &field[key..];
                skip_field(wire_type, number, &mut rest, DecodeContext::default())
                    .map_err(|error| damaged(error.into()))?;
                self.at += head_len(field, rest);
                Ok(Some((number, Value::Other)))
            }
        }
    }

    /// The next bytes: so many, or all that are left.
    fn fill(&mut self, count: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.length - self.offset()).unwrap_or(usize::MAX);
        let count = count.min(left);
        let there = self.window.len() - self.at;
        if there < count {
            self.window.drain(..self.at);
            self.start += self.at as u64;
            self.at = 0;
            let more = count.max(BATCH).min(left) - there;
            self.window.reserve_exact(more);
            self.input.by_ref().take(more as u64).read_to_end(&mut self.window)?;
            if self.window.len() < count {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter meanwhile"));
            }
        }
        Ok(&self.window[self.at..self.at + count])
    }

    /// Goes on behind the next bytes.
    fn pass(&mut self, count: u64) -> io::Result<()> {
        let there = (self.window.len() - self.at) as u64;
        if count <= there {
            self.at += count as usize;
        } else {
            self.start = self.input.seek(SeekFrom::Start(self.offset() + count))?;
            self.window.clear();
            self.at = 0;
        }
        Ok(())
    }
}

/// Bytes that were taken from a slice.
fn head_len(whole: &[u8], rest: &[u8]) -> usize {
    whole.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::encoding::{encode_key, encode_varint};
    use std::io::Cursor;

    fn put(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    }

    #[test]
    fn records_longer_than_a_batch_and_across_its_end_come_whole() {
        let records: Vec<(u32, Vec<u8>)> =
            [(2, 3), (3, BATCH - 7), (2, 0), (5, 3 * BATCH), (2, 1), (3, 2 * BATCH)]
                .into_iter()
                .zip(1..)
                .map(|((number, length), fill)| (number, vec![fill; length]))
                .collect();
        let mut bytes = Vec::new();
        records.iter().for_each(|(number, record)| put(*number, record, &mut bytes));
        for skipped in [0, 2, 3, 5] {
            let mut stream = Stream::new(Cursor::new(&bytes)).unwrap();
            for _ in 0..2 {
                for (number, record) in &records {
                    let expected: &[u8] = if *number == skipped { &[] } else { record };
                    let field = stream.next_field(|number| number != skipped).unwrap();
                    assert_eq!(field, Some((*number, Value::Bytes(expected))));
                }
                assert_eq!(stream.next_field(|_| true).unwrap(), None);
                stream.rewind().unwrap();
            }
        }
    }

    #[test]
    fn a_file_that_becomes_shorter_while_it_is_read_is_an_error() {
        let mut bytes = Vec::new();
        put(2, &vec![1; 2 * BATCH], &mut bytes);
        let file = tempfile::tempfile().unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
        let mut stream = Stream::new(&file).unwrap();
        file.set_len(BATCH as u64).unwrap();
        let error = stream.next_field(|_| true).unwrap_err().to_string();
        assert_eq!(error, "cannot be read (it became shorter meanwhile)");
    }
}
