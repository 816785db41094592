//! The message written record by record.

use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};
use std::io::{self, Write};

/// Writes the fields of a `MirrorList`.
pub struct Records<W> {
    out: W,
    buffer: Vec<u8>,
}

/// Bytes gathered before they are written out.
const BATCH: usize = 1 << 18;

impl<W: Write> Records<W> {
    /// Writes to `out`, in large pieces.
    pub fn new(out: W) -> Records<W> {
        Records { out, buffer: Vec::with_capacity(BATCH + 4096) }
    }

    /// The time of the source, in seconds since the epoch.
    pub fn time(&mut self, seconds: u64) -> io::Result<()> {
        encode_key(1, WireType::Varint, &mut self.buffer);
        encode_varint(seconds, &mut self.buffer);
        Ok(())
    }

    /// One record of the table with this field number.
    pub fn message(&mut self, field: u32, message: &impl Message) -> io::Result<()> {
        self.head(field, message.encoded_len());
        message.encode_raw(&mut self.buffer);
        self.write_full()
    }

    fn head(&mut self, field: u32, length: usize) {
        encode_key(field, WireType::LengthDelimited, &mut self.buffer);
        encode_varint(length as u64, &mut self.buffer);
    }

    fn write_full(&mut self) -> io::Result<()> {
        if self.buffer.len() < BATCH {
            return Ok(());
        }
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.out.flush()
    }
}
