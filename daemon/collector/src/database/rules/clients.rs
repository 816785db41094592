//! Corrections of what is known about clients: countries of networks, continents of countries. As they are stored.

use super::filled;
use crate::database::{rows::Pair, skipped::Skipped};
use interchange::message::StringString;

/// One of the tables from one text to another. Rows without one of the two are counted.
pub fn pairs(table: &'static str, rows: &[Pair], skipped: &mut Skipped) -> Vec<StringString> {
    let mut records = Vec::new();
    for Pair { id, from, to } in rows {
        let (from, to) =
            (filled(table, from.as_ref(), *id, skipped), filled(table, to.as_ref(), *id, skipped));
        if let (Some(from), Some(to)) = (from, to) {
            records.push(StringString { key: Some(from.clone().into()), value: Some(to.clone().into()) });
        }
    }
    records
}
