//! The rules: rows in, records of the interchange file out. No connection, no clock, no file.
//!
//! They are those of MirrorManager's cache generator in production, table for table, but for the corrections that
//! mirrorlist-collect(1) lists. A file each for what they speak of.

pub mod carriers;
pub mod clients;
pub mod details;
pub mod hosts;
pub mod netblocks;
pub mod repositories;
pub mod tree;

use super::skipped::{Reason, Skipped};

/// A text with something in it; what is not is counted.
fn filled<'a>(
    table: &'static str,
    text: Option<&'a String>,
    row: i32,
    skipped: &mut Skipped,
) -> Option<&'a String> {
    match text {
        Some(text) if !text.trim().is_empty() => return Some(text),
        Some(_) => skipped.add(table, Reason::Empty, || format!("row {row}")),
        None => skipped.add(table, Reason::Null, || format!("row {row}")),
    }
    None
}
