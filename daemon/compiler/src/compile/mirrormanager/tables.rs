//! The message cut into its tables, without decoding them.
//!
//! Their records are kept as they are in the file, so that the tables can be taken in the order in which they need each
//! other and only one record at a time is decoded. The largest, that of directories, stays in the file: see [`Stream`].

use super::{fields::Value, stream::Stream};
use crate::compile::{error::Cause, skipped::InputTable};
use prost::Message;
use std::{
    io::{Read, Seek},
    ops::Range,
};

/// One more than the highest field number of MirrorManager's, and our own but for the first.
const FIELDS: usize = 17 + 2;
/// The number of the field of directories.
pub const DIRECTORIES: u32 = 16;
/// The number of our own field: what is known of hosts beyond MirrorManager's tables.
const HOSTS: u32 = 1000;
/// Those of origins and of aliases.
const ORIGINS: u32 = 1001;
const ALIASES: u32 = 1002;

/// The records of each table but [`InputTable::MirrorList`], in the order of the file.
#[derive(Debug, Default)]
pub struct Tables {
    /// When the source was made, in seconds since the epoch; 0 when it does not say.
    pub time: u64,
    /// How many records of [`InputTable::MirrorList`] there are.
    pub directories: usize,
    /// The records of all tables, one after the other.
    bytes: Vec<u8>,
    /// Where each is in `bytes`.
    records: [Vec<Range<u32>>; FIELDS],
}

impl Tables {
    /// Reads the records of all tables; unknown fields are passed over. Directories are the bulk of the file: they are
    /// only counted, for whoever takes them from the stream later.
    ///
    /// An error when the file is larger than 4 GiB (so positions in it fit 32 bits), cut short, not of this shape, or has
    /// more records of a table than it may.
    pub fn read(stream: &mut Stream<impl Read + Seek>) -> Result<Tables, Cause> {
        if u32::try_from(stream.length()).is_err() {
            return Err(Cause::Refused(format!("{} bytes; at most 4 GiB can be read", stream.length())));
        }
        let mut tables = Tables::default();
        loop {
            let offset = stream.offset();
            match stream.next_field(|number| number != DIRECTORIES)? {
                None => return Ok(tables),
                Some((1, Value::Number(time))) => tables.time = time,
                Some((number @ (2..=16 | HOSTS..=ALIASES), Value::Bytes(record))) => {
                    tables.add(number, record)?;
                }
                Some((number @ 1..=16, _)) => {
                    return Err(Cause::Refused(format!(
                        "not a MirrorList: field {number} at byte {offset} is of another type"
                    )));
                }
                Some(_) => {}
            }
        }
    }

    fn add(&mut self, number: u32, record: &[u8]) -> Result<(), Cause> {
        // Host to its connection limit is no table that anything is taken from.
        let Some((_, table, most)) = TABLES.iter().find(|row| row.0 == number) else { return Ok(()) };
        let records = &mut self.records[slot(number)];
        let count = if number == DIRECTORIES { self.directories } else { records.len() };
        if count == *most {
            let name = table.name();
            return Err(Cause::Refused(format!("has more than {most} records of {name}, which is too many")));
        }
        if number == DIRECTORIES {
            self.directories += 1;
            return Ok(());
        }
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(record);
        records.push(start..self.bytes.len() as u32);
        Ok(())
    }

    /// The records of a table.
    pub fn records(&self, table: InputTable) -> impl ExactSizeIterator<Item = &[u8]> {
        let records = self.records[slot(number(table))].iter();
        records.map(|range| &self.bytes[range.start as usize..range.end as usize])
    }

    /// The records of a table, decoded one by one.
    pub fn decoded<M: Message + Default>(&self, table: InputTable) -> impl Iterator<Item = Result<M, Cause>> {
        self.records(table).map(move |record| M::decode(record).map_err(|why| damaged(table, why)))
    }
}

/// The error for a record that is no message of its table.
pub fn damaged(table: InputTable, why: impl std::fmt::Display) -> Cause {
    Cause::Refused(format!("a record of {} is damaged ({why})", table.name()))
}

/// The tables, by the numbers of their fields, and the records that each may have.
///
/// A record of a few bytes takes some hundred in memory, so that a bound of the file's size would be none of the build's.
/// These are ten times and more what the largest known deployment has: 120,000 directories, 4,000 URLs, some thousand of
/// all else. What is in lists inside records takes about ten times its bytes.
const TABLES: [(u32, InputTable, usize); 17] = [
    (2, InputTable::NetblockCountry, 1 << 18),
    (3, InputTable::Location, 1 << 16),
    (4, InputTable::Url, 1 << 20),
    (5, InputTable::FileDetails, 1 << 21),
    (6, InputTable::DisabledRepository, 1 << 17),
    (7, InputTable::ContinentRedirect, 1 << 16),
    (8, InputTable::RepositoryRedirect, 1 << 17),
    (9, InputTable::RepoArch, 1 << 17),
    (10, InputTable::HostAsn, 1 << 18),
    (12, InputTable::HostCountry, 1 << 18),
    (13, InputTable::HostBandwidth, 1 << 18),
    (14, InputTable::HostCountryAllowed, 1 << 18),
    (15, InputTable::HostNetblock, 1 << 18),
    (DIRECTORIES, InputTable::MirrorList, 1 << 21),
    (HOSTS, InputTable::Host, 1 << 18),
    (ORIGINS, InputTable::Origin, 1 << 10),
    (ALIASES, InputTable::Alias, 1 << 10),
];

/// The number of a table's field. Inputs that are not tables of this message have 0, which no field has.
fn number(table: InputTable) -> u32 {
    TABLES.iter().find(|row| row.1 == table).map_or(0, |row| row.0)
}

/// Where the records of a field are. The first of our own takes the place of the time, which is no table.
fn slot(number: u32) -> usize {
    match number {
        HOSTS => 1,
        ORIGINS => 17,
        ALIASES => 18,
        number => number as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::encoding::{WireType, encode_key};
    use std::io::Cursor;

    fn read(bytes: &[u8]) -> Result<Tables, Cause> {
        Tables::read(&mut Stream::new(Cursor::new(bytes))?)
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        // Field 17 as varint, 18 as fixed64, 19 as bytes, then the time.
        let bytes = [0x88, 1, 5, 0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x9a, 1, 1, 9, 8, 7];
        assert_eq!(read(&bytes).unwrap().time, 7);
    }

    #[test]
    fn a_record_longer_than_the_file_is_refused_with_its_place() {
        let error = read(&[8, 7, 0x82, 1, 9, 1, 2]).unwrap_err().to_string();
        assert_eq!(error, "damaged or cut short at byte 2 of 7 (field 16 says 9 bytes, 2 are left)");
    }

    #[test]
    fn a_table_of_another_type_is_refused() {
        let error = read(&[0x20, 1]).unwrap_err().to_string();
        assert_eq!(error, "not a MirrorList: field 4 at byte 0 is of another type");
    }

    #[test]
    fn a_table_of_too_many_records_is_refused() {
        for (number, table, most) in TABLES {
            let mut record = Vec::new();
            encode_key(number, WireType::LengthDelimited, &mut record);
            record.push(0);
            let mut bytes = record.repeat(most);
            let tables = read(&bytes).unwrap();
            assert_eq!(tables.records(table).len() + tables.directories, most);
            bytes.extend_from_slice(&record);
            let error = read(&bytes).unwrap_err().to_string();
            let name = table.name();
            assert_eq!(error, format!("has more than {most} records of {name}, which is too many"));
        }
    }
}
