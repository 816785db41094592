//! The reader: records one after the other, so that nobody has to hold the file.
//!
//! It hands out the bytes of each record that is wanted and passes over the others; [`fields`] goes through those of one
//! record where they lie, for records that are too many to be decoded whole. The compiler has a reader of its own, which
//! also tells what it skips.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use std::io::{self, BufRead, Read};

/// Bytes that one record may have: ten times the largest known.
const LONGEST: u64 = 64 << 20;

/// The most bytes that a number takes.
const LONGEST_VARINT: u32 = 10;

/// Reads a file's records.
#[derive(Debug)]
pub struct Records<R> {
    input: R,
    record: Vec<u8>,
}

impl<R: BufRead> Records<R> {
    /// Reads from where `input` is.
    pub fn new(input: R) -> Records<R> {
        Records { input, record: Vec::new() }
    }

    /// The next record that is wanted: its table's number, and its bytes; `None` at the end. Numbers outside of records
    /// (the time) are passed over.
    pub fn next_record(&mut self, wanted: impl Fn(u32) -> bool) -> io::Result<Option<(u32, &[u8])>> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let key = self.varint()?;
            let number = u32::try_from(key >> 3).map_err(|_| damaged())?;
            match key & 7 {
                0 => drop(self.varint()?),
                1 => self.pass(8)?,
                2 => {
                    let length = self.varint()?;
                    if wanted(number) {
                        if length > LONGEST {
                            return Err(damaged());
                        }
                        self.record.clear();
                        let read = self.input.by_ref().take(length).read_to_end(&mut self.record)?;
                        if read as u64 != length {
                            return Err(damaged());
                        }
                        return Ok(Some((number, &self.record)));
                    }
                    self.pass(length)?;
                }
                5 => self.pass(4)?,
                _ => return Err(damaged()),
            }
        }
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for at in 0..LONGEST_VARINT {
            let mut byte = [0];
            self.input.read_exact(&mut byte).map_err(|_| damaged())?;
            value |= u64::from(byte[0] & 0x7f) << (7 * at);
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(damaged())
    }

    fn pass(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let there = self.input.fill_buf()?.len();
            if there == 0 {
                return Err(damaged());
            }
            let step = count.min(there as u64);
            self.input.consume(step as usize);
            count -= step;
        }
        Ok(())
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "damaged or cut short")
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number.
    Number(u64),
    /// A string, a record in it, or numbers one after the other.
    Bytes(&'a [u8]),
}

impl Field<'_> {
    /// Hands on the numbers of a repeated field: one, or many.
    pub fn numbers(self, mut take: impl FnMut(i64)) -> io::Result<()> {
        match self {
            Field::Number(number) => take(number.cast_signed()),
            Field::Bytes(mut bytes) => {
                while !bytes.is_empty() {
                    take(decode_varint(&mut bytes).map_err(|_| damaged())?.cast_signed());
                }
            }
        }
        Ok(())
    }
}

/// Hands on the fields of a record with their numbers; of types that the format has none of, nothing.
pub fn fields<'a>(
    mut record: &'a [u8],
    mut take: impl FnMut(u32, Field<'a>) -> io::Result<()>,
) -> io::Result<()> {
    while !record.is_empty() {
        let (number, wire_type) = decode_key(&mut record).map_err(|_| damaged())?;
        match wire_type {
            WireType::Varint => {
                take(number, Field::Number(decode_varint(&mut record).map_err(|_| damaged())?))?;
            }
            WireType::LengthDelimited => {
                let length = decode_varint(&mut record).map_err(|_| damaged())?;
                let split = usize::try_from(length).ok().and_then(|length| record.split_at_checked(length));
                let (value, rest) = split.ok_or_else(damaged)?;
                record = rest;
                take(number, Field::Bytes(value))?;
            }
            _ => {
                let context = DecodeContext::default();
                skip_field(wire_type, number, &mut record, context).map_err(|_| damaged())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{IntInts, MirrorList, StringInts};
    use prost::Message as _;
    use std::io::BufReader;

    fn list() -> Vec<u8> {
        let named = |key: &str| StringInts { key: Some(key.into()), value: vec![1, -1, 300] };
        MirrorList {
            time: Some(7),
            location: vec![named("a"), named("b")],
            host_asn: vec![IntInts { key: Some(64500), value: vec![9] }],
            ..MirrorList::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn wanted_records_come_whole_and_others_not_at_all() {
        let bytes = list();
        // However little of the file is read at a time.
        for capacity in [1, 3, 1000] {
            let mut records = Records::new(BufReader::with_capacity(capacity, &bytes[..]));
            let mut keys = Vec::new();
            while let Some((number, record)) = records.next_record(|number| number == 3).unwrap() {
                assert_eq!(number, 3);
                let read = StringInts::decode(record).unwrap();
                let mut values = Vec::new();
                fields(record, |number, field| match number {
                    2 => field.numbers(|value| values.push(value)),
                    _ => Ok(()),
                })
                .unwrap();
                assert_eq!(values, read.value);
                keys.push(read.key.unwrap());
            }
            assert_eq!(keys, [b"a", b"b"]);
        }
    }

    #[test]
    fn a_file_that_is_cut_is_damaged_wherever_that_is_within_a_record() {
        let bytes = list();
        let read = |bytes: &[u8]| -> io::Result<usize> {
            let mut records = Records::new(bytes);
            let mut count = 0;
            while records.next_record(|number| number != 10)?.is_some() {
                count += 1;
            }
            Ok(count)
        };
        assert_eq!(read(&bytes).unwrap(), 2);
        let whole = (0..bytes.len()).filter(|cut| read(&bytes[..*cut]).is_ok()).count();
        // At the beginning, and after each of the four fields but the last.
        assert_eq!(whole, 4);
        assert!(read(&[0x0f]).is_err() && read(&[0xff; 20]).is_err());
    }
}
