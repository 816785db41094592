//! What `COPY … TO STDOUT (FORMAT binary)` sends, taken apart where it lies: rows, and in each its values.
//!
//! Source: PostgreSQL's documentation, "COPY", Binary Format, and "Message Formats", CopyData: the server sends each row in
//! a message of its own. The header comes with the first one.

/// What everything begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Something that no server sends.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// How far a table has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// Nothing has come yet.
    New,
    /// The header has come.
    Rows,
    /// The end has been said, without which rows may be missing.
    Complete,
}

impl Copy {
    /// The row of the next message; none if it says that there are no more.
    pub fn row<'a>(&mut self, mut message: &'a [u8]) -> Result<Option<Row<'a>>, Broken> {
        if *self == Copy::New {
            message = message.strip_prefix(SIGNATURE).ok_or(Broken)?;
            // Flags that are not known may change everything that follows.
            let flags = number(&mut message)?;
            let more = usize::try_from(number(&mut message)?).map_err(|_| Broken)?;
            message = message.get(more..).filter(|_| flags == 0).ok_or(Broken)?;
            *self = Copy::Rows;
        }
        let (values, rest) = message.split_first_chunk().filter(|_| *self == Copy::Rows).ok_or(Broken)?;
        match u16::try_from(i16::from_be_bytes(*values)) {
            Ok(values) => Ok(Some(Row { values, rest })),
            Err(_) if rest.is_empty() => {
                *self = Copy::Complete;
                Ok(None)
            }
            Err(_) => Err(Broken),
        }
    }
}

/// A row: its values, to be taken one after the other.
#[derive(Debug)]
pub struct Row<'a> {
    values: u16,
    rest: &'a [u8],
}

impl<'a> Row<'a> {
    /// The bytes of the next value; NULL is none.
    pub fn bytes(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        self.values = self.values.checked_sub(1).ok_or(Broken)?;
        // All that is negative is NULL; the server says -1.
        let Ok(length) = usize::try_from(number(&mut self.rest)?) else { return Ok(None) };
        let (value, rest) = self.rest.split_at_checked(length).ok_or(Broken)?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// The next value, of a type that always has as many bytes: numbers come with the highest byte first.
    pub fn array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Broken> {
        self.bytes()?.map(|bytes| bytes.try_into().map_err(|_| Broken)).transpose()
    }

    /// Whether all values have been taken.
    pub fn is_done(&self) -> bool {
        self.values == 0 && self.rest.is_empty()
    }
}

fn number(rest: &mut &[u8]) -> Result<i32, Broken> {
    let (bytes, after) = rest.split_first_chunk().ok_or(Broken)?;
    *rest = after;
    Ok(i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\x02ab";
    const ROW: &[u8] = b"\0\x03\0\0\0\x04\0\0\x01\0\xff\xff\xff\xff\0\0\0\x01x";
    const END: &[u8] = b"\xff\xff";

    #[test]
    fn rows_come_one_in_a_message_between_header_and_end() {
        let mut copy = Copy::New;
        let first = [HEADER, ROW].concat();
        for message in [&first[..], ROW] {
            let mut row = copy.row(message).unwrap().unwrap();
            assert_eq!(row.array(), Ok(Some(256_i32.to_be_bytes())));
            assert_eq!((row.bytes(), row.is_done()), (Ok(None), false));
            assert_eq!((row.bytes(), row.is_done()), (Ok(Some(&b"x"[..])), true));
            assert_eq!(row.bytes(), Err(Broken));
        }
        assert_eq!(copy, Copy::Rows);
        assert!(copy.row(END).unwrap().is_none());
        assert_eq!(copy, Copy::Complete);
        assert!(copy.row(ROW).is_err());
        let nothing = [HEADER, END].concat();
        assert!(matches!(Copy::New.row(&nothing), Ok(None)));
    }

    #[test]
    fn whatever_else_comes_is_refused_and_never_a_panic() {
        let whole = [HEADER, ROW].concat();
        for cut in 0..whole.len() {
            let taken = Copy::New.row(&whole[..cut]).and_then(|row| {
                let mut row = row.ok_or(Broken)?;
                (0..3).try_for_each(|_| row.bytes().map(drop))
            });
            assert_eq!(taken, Err(Broken), "{cut}");
        }
        let flagged = [b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0", ROW].concat();
        assert!(Copy::New.row(&flagged).is_err());
        assert!(Copy::Rows.row(b"\xff\xffx").is_err());
        assert_eq!(Copy::Rows.row(ROW).unwrap().unwrap().array::<8>(), Err(Broken));
    }
}
