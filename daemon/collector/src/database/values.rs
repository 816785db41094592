//! The values of a row, in the order in which they were asked for; what is odd among them is counted.

use super::{
    copy::{Broken, Row},
    skipped::{Reason, Skipped},
};
use std::str;

/// A value, or a row that no server sends.
pub type Taken<T> = Result<T, Broken>;

/// Values of a row, one after the other; NULL is none.
pub struct Values<'a> {
    pub row: Row<'a>,
    pub table: &'static str,
    pub skipped: &'a mut Skipped,
}

impl Values<'_> {
    /// A number of four bytes.
    pub fn number(&mut self) -> Taken<Option<i32>> {
        Ok(self.row.array()?.map(i32::from_be_bytes))
    }

    /// A number of eight bytes.
    pub fn long(&mut self) -> Taken<Option<i64>> {
        Ok(self.row.array()?.map(i64::from_be_bytes))
    }

    /// A number with a fraction.
    pub fn fraction(&mut self) -> Taken<Option<f64>> {
        Ok(self.row.array()?.map(f64::from_be_bytes))
    }

    /// A key, which is never NULL.
    pub fn key(&mut self) -> Taken<i32> {
        self.number()?.ok_or(Broken)
    }

    /// A text; what is not UTF-8 is none.
    pub fn text(&mut self) -> Taken<Option<String>> {
        let text = self.row.bytes()?.map(str::from_utf8).transpose();
        Ok(text.map(|text| text.map(str::to_owned)).unwrap_or_else(|_| {
            self.skipped.add(self.table, Reason::NotUtf8, || "");
            None
        }))
    }

    /// A flag that the schema does not let be NULL; what to take for it if it is all the same.
    pub fn flag(&mut self, otherwise: bool) -> Taken<bool> {
        let value = self.row.array()?.map(|[value]| value != 0);
        if value.is_none() {
            self.skipped.add(self.table, Reason::Null, || "a flag");
        }
        Ok(value.unwrap_or(otherwise))
    }
}
