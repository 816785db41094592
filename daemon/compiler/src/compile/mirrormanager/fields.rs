//! The fields of one message, read where they lie: for records that are too many for prost.

use prost::{
    DecodeError,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use thiserror::Error;

/// The fields of a message, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(pub &'a [u8]);

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A varint.
    Number(u64),
    /// A string, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Something that this format does not use.
    Other,
}

/// Why a message cannot be read. Which one it is, its reader says.
#[derive(Debug, Error)]
pub enum Malformed {
    /// It is no message.
    #[error("{}", cause(.0))]
    Encoding(#[from] DecodeError),
    /// It ends within a field.
    #[error("field {number} says {length} bytes, {left} are left")]
    Short { number: u32, length: u64, left: u64 },
    /// It is another message, or not of this format.
    #[error("a field is of another type")]
    WrongType,
}

impl<'a> Fields<'a> {
    /// The next field's number and value; `None` at the end.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = decode_key(&mut self.0)?;
        let value = match wire_type {
            WireType::Varint => Value::Number(decode_varint(&mut self.0)?),
            WireType::LengthDelimited => Value::Bytes(self.delimited(number)?),
            _ => {
                skip_field(wire_type, number, &mut self.0, DecodeContext::default())?;
                Value::Other
            }
        };
        Ok(Some((number, value)))
    }

    fn delimited(&mut self, number: u32) -> Result<&'a [u8], Malformed> {
        let length = decode_varint(&mut self.0)?;
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let Some((value, rest)) = split else {
            return Err(Malformed::Short { number, length, left: self.0.len() as u64 });
        };
        self.0 = rest;
        Ok(value)
    }
}

/// Appends the numbers of a repeated field: one, or many when packed.
pub fn numbers(value: Value<'_>, into: &mut Vec<i64>) -> Result<(), Malformed> {
    match value {
        Value::Number(number) => into.push(number.cast_signed()),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                into.push(decode_varint(&mut packed)?.cast_signed());
            }
        }
        Value::Other => return Err(Malformed::WrongType),
    }
    Ok(())
}

/// What prost says before it says what is wrong.
fn cause(error: &DecodeError) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_read_like_single_ones() {
        let mut list = Vec::new();
        numbers(Value::Bytes(&[1, 0x96, 1]), &mut list).unwrap();
        numbers(Value::Number(u64::MAX), &mut list).unwrap();
        assert_eq!(list, [1, 150, -1]);
        assert!(numbers(Value::Bytes(&[0x96]), &mut list).is_err());
    }
}
