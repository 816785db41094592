//! The fields of one message, read where they lie: for records that are too many for prost.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

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

impl<'a> Fields<'a> {
    /// The next field's number and value; `None` at the end.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<(u32, Value<'a>)>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = decode_key(&mut self.0).map_err(text)?;
        let value = match wire_type {
            WireType::Varint => Value::Number(decode_varint(&mut self.0).map_err(text)?),
            WireType::LengthDelimited => Value::Bytes(self.delimited(number)?),
            _ => {
                skip_field(wire_type, number, &mut self.0, DecodeContext::default()).map_err(text)?;
                Value::Other
            }
        };
        Ok(Some((number, value)))
    }

    fn delimited(&mut self, number: u32) -> Result<&'a [u8], String> {
        let length = decode_varint(&mut self.0).map_err(text)?;
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let Some((value, rest)) = split else {
            return Err(format!("field {number} says {length} bytes, {} are left", self.0.len()));
        };
        self.0 = rest;
        Ok(value)
    }
}

/// Appends the numbers of a repeated field: one, or many when packed.
pub fn numbers(value: Value<'_>, into: &mut Vec<i64>) -> Result<(), String> {
    match value {
        Value::Number(number) => into.push(number.cast_signed()),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                into.push(decode_varint(&mut packed).map_err(text)?.cast_signed());
            }
        }
        Value::Other => return Err(WRONG_TYPE.into()),
    }
    Ok(())
}

/// What a reader of [`Fields`] says about a field of the wrong type.
pub const WRONG_TYPE: &str = "a field is of another type";

/// What is wrong, without saying where.
pub fn text(error: prost::DecodeError) -> String {
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
