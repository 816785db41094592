//! `FileDetailsCache`: the files whose hashes are known.

use super::{names, tables::Tables};
use crate::compile::{
    error::Cause,
    skipped::{Place, Reason, Skipped},
    text,
};
use cache::inventory::{FileVersion, Inventory};
use interchange::message::{FileDetails, FileDetailsDirectory, FileDetailsFile};
use std::collections::HashSet;

const PLACE: Place = Place::FileDetails;

/// Reads the files of the directories that [`Inventory::directories`] has; of one directory or file given twice the
/// last counts, with all its versions.
pub fn import(tables: &Tables<'_>, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    let mut seen = HashSet::new();
    for record in tables.decoded(PLACE) {
        let FileDetailsDirectory { directory, files } = record?;
        let directory = directory.unwrap_or_default();
        let found = names::directory(&directory)
            .and_then(|path| inventory.directories.get_index_of(&path).ok_or(Reason::UnknownDirectory));
        let position = match found {
            Ok(position) => position as u32,
            Err(reason) => {
                skipped.add(PLACE, reason, || String::from_utf8_lossy(&directory).into_owned());
                continue;
            }
        };
        if !seen.insert(position) {
            skipped.add(PLACE, Reason::Repeated, || String::from_utf8_lossy(&directory).into_owned());
            forget(position, inventory);
        }
        for file in files {
            import_file(position, &directory, file, inventory, skipped);
        }
    }
    Ok(())
}

fn forget(position: u32, inventory: &mut Inventory) {
    let of_directory = (position, String::new())..(position + 1, String::new());
    let keys: Vec<_> = inventory.files.range(of_directory).map(|(key, _)| key.clone()).collect();
    for key in keys {
        inventory.files.remove(&key);
    }
}

fn import_file(
    position: u32,
    directory: &[u8],
    file: FileDetailsFile,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) {
    let FileDetailsFile { filename, details } = file;
    let filename = filename.unwrap_or_default();
    let example = || format!("{}/{}", String::from_utf8_lossy(directory), String::from_utf8_lossy(&filename));
    let name = match names::file(&filename) {
        Ok(name) => name,
        Err(reason) => return skipped.add(PLACE, reason, example),
    };
    let versions: Vec<FileVersion> =
        details.iter().filter_map(|details| version(details, &example, skipped)).collect();
    let key = (position, name.to_owned());
    let earlier = if versions.is_empty() {
        skipped.add(PLACE, Reason::NoVersion, example);
        inventory.files.remove(&key)
    } else {
        inventory.files.insert(key, versions)
    };
    if earlier.is_some() {
        skipped.add(PLACE, Reason::Repeated, example);
    }
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
            skipped.add(PLACE, Reason::Negative, example);
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
        skipped.add(PLACE, Reason::NoHash, example);
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
        skipped.add(PLACE, Reason::BadHash, || format!("{} in {}", String::from_utf8_lossy(hex), example()));
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
