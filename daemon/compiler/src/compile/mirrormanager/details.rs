//! `FileDetailsCache`: the files whose hashes are known.

use super::{
    fields::{Fields, Malformed, Value},
    names,
    tables::{Tables, damaged},
};
use crate::compile::{
    error::Cause,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::{
    inventory::{FileVersion, Inventory},
    limits::MOST_VERSIONS,
};
use interchange::message::FileDetails;
use prost::Message as _;
use std::collections::HashSet;

const TABLE: InputTable = InputTable::FileDetails;

/// Files and versions that are read in all: ten times and more what is known to exist. Each takes some 150 bytes.
const MOST: usize = 1 << 21;

/// Reads the files of the directories that [`Inventory::directories`] has; of one directory or file given twice the
/// last counts, with all its versions.
///
/// Cost: records are taken apart one by one, since an empty version of two bytes takes a hundred times that in memory.
pub fn import(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    let mut seen = HashSet::new();
    let mut left = MOST;
    for record in tables.records(TABLE) {
        let directory = last_bytes(record).map_err(|why| damaged(TABLE, why))?;
        let found = names::directory(directory)
            .and_then(|path| inventory.directories.get_index_of(&path).ok_or(Reason::UnknownDirectory));
        let position = match found {
            Ok(position) => position as u32,
            Err(reason) => {
                skipped.add(TABLE, reason, || String::from_utf8_lossy(directory).into_owned());
                continue;
            }
        };
        if !seen.insert(position) {
            skipped.add(TABLE, Reason::Repeated, || String::from_utf8_lossy(directory).into_owned());
            forget(position, inventory);
        }
        for file in records(record) {
            let file = file.map_err(|why| damaged(TABLE, why))?;
            let taken = import_file(position, directory, file, inventory, skipped)?;
            left = left.checked_sub(1 + taken).ok_or_else(|| {
                Cause::Refused(format!("has more than {MOST} files and versions in {}", TABLE.name()))
            })?;
        }
    }
    Ok(())
}

/// The last string of field 1, by which directories and files are named; empty when there is none.
fn last_bytes(record: &[u8]) -> Result<&[u8], Malformed> {
    let (mut last, mut fields) = (&b""[..], Fields(record));
    while let Some(field) = fields.next_field()? {
        match field {
            (1, Value::Bytes(bytes)) => last = bytes,
            (1, _) => return Err(Malformed::WrongType),
            _ => {}
        }
    }
    Ok(last)
}

/// The messages of field 2: files of a directory, versions of a file.
fn records(record: &[u8]) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    let mut fields = Fields(record);
    std::iter::from_fn(move || {
        loop {
            match fields.next_field() {
                Ok(None) => return None,
                Ok(Some((2, Value::Bytes(bytes)))) => return Some(Ok(bytes)),
                Ok(Some((2, _))) => return Some(Err(Malformed::WrongType)),
                Ok(Some(_)) => {}
                Err(why) => return Some(Err(why)),
            }
        }
    })
}

fn forget(position: u32, inventory: &mut Inventory) {
    let of_directory = (position, String::new())..(position + 1, String::new());
    let keys: Vec<_> = inventory.files.range(of_directory).map(|(key, _)| key.clone()).collect();
    for key in keys {
        inventory.files.remove(&key);
    }
}

/// Reads a file, and returns how many versions of it there are.
fn import_file(
    position: u32,
    directory: &[u8],
    file: &[u8],
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<usize, Cause> {
    let filename = last_bytes(file).map_err(|why| damaged(TABLE, why))?;
    let example = || format!("{}/{}", String::from_utf8_lossy(directory), String::from_utf8_lossy(filename));
    let name = names::file(filename);
    let mut versions: Vec<FileVersion> = Vec::new();
    for details in records(file) {
        let details = details.map_err(|why| damaged(TABLE, why))?;
        let details = FileDetails::decode(details).map_err(|why| damaged(TABLE, why))?;
        match name {
            Err(_) => {}
            Ok(_) if versions.len() == MOST_VERSIONS => skipped.add(TABLE, Reason::TooMany, example),
            Ok(_) => versions.extend(version(&details, &example, skipped)),
        }
    }
    let name = match name {
        Ok(name) => name,
        Err(reason) => {
            skipped.add(TABLE, reason, example);
            return Ok(0);
        }
    };
    let key = (position, name.to_owned());
    let count = versions.len();
    versions.shrink_to_fit();
    let earlier = if versions.is_empty() {
        skipped.add(TABLE, Reason::NoVersion, example);
        inventory.files.remove(&key)
    } else {
        inventory.files.insert(key, versions)
    };
    if earlier.is_some() {
        skipped.add(TABLE, Reason::Repeated, example);
    }
    Ok(count)
}

/// One version; a size, time or hash that makes no sense counts as unknown.
///
/// `None` when no hash is left: what cannot be verified is no version, for clients would take whatever a mirror sends.
fn version(
    details: &FileDetails,
    example: &impl Fn() -> String,
    skipped: &mut Skipped,
) -> Option<FileVersion> {
    let mut number = |value: Option<u64>| match value {
        Some(value) if i64::try_from(value).is_ok() => value,
        Some(_) => {
            skipped.add(TABLE, Reason::Negative, example);
            0
        }
        None => 0,
    };
    let version = FileVersion {
        timestamp: number(details.timestamp),
        size: number(details.size),
        md5: hash(details.md5.as_deref(), example, skipped),
        sha1: hash(details.sha1.as_deref(), example, skipped),
        sha256: hash(details.sha256.as_deref(), example, skipped),
        sha512: hash(details.sha512.as_deref(), example, skipped),
    };
    if (&version.md5, &version.sha1, &version.sha256, &version.sha512) == (&None, &None, &None, &None) {
        skipped.add(TABLE, Reason::NoHash, example);
        return None;
    }
    Some(version)
}

fn hash<const N: usize>(
    hex: Option<&[u8]>,
    example: &impl Fn() -> String,
    skipped: &mut Skipped,
) -> Option<[u8; N]> {
    // An empty string is how the source spells "not known".
    let hex = hex.map(text::trim).filter(|hex| !hex.is_empty())?;
    let hash = unhex(hex);
    if hash.is_none() {
        skipped.add(TABLE, Reason::BadHash, || format!("{} in {}", String::from_utf8_lossy(hex), example()));
    }
    hash
}

fn unhex<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut hash = [0; N];
    if hex.len() != 2 * N {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_either_case() {
        assert_eq!(unhex(b"00fFA5"), Some([0, 0xff, 0xa5]));
        assert_eq!(unhex::<3>(b"00fFA"), None);
        assert_eq!(unhex::<3>(b"00fFAg"), None);
        assert_eq!(unhex::<2>(b"00fFA5"), None);
    }
}
