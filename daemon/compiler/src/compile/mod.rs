//! Compiles inputs into the inventory that a cache is written from: a file per input.
//!
//! [`gather`] reads them all, in the order in which they build on each other. Importers take bytes or a reader and fill
//! an [`Inventory`]; odd records are skipped and counted ([`Skipped`]), a useless input is an [`Error`] that names it.

pub mod continents;
mod error;
pub mod facts;
mod form;
pub mod geoip;
pub mod mirrormanager;
pub mod paths;
mod policy;
mod prefix;
#[cfg(test)]
mod real_data;
pub mod routes;
pub mod site;
mod skipped;
mod text;

use cache::files;
use cache::inventory::{Inventory, Source};
pub use error::{Cause, Error, Input};
pub use policy::{MaxAges, Policy};
pub use skipped::{InputTable, Reason, Row, Skipped};
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// More than this is not read of an input that is held in memory; the largest that is known has 0.2 GB.
const MOST_BYTES: u64 = 2 << 30;

/// The files that a cache is made from; all but the first may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// MirrorManager's protobuf cache.
    pub mirrormanager: PathBuf,
    /// The routing table.
    pub netblocks: Option<PathBuf>,
    /// Countries and their continents.
    pub continents: Option<PathBuf>,
    /// The MaxMind country database.
    pub geoip: Option<PathBuf>,
}

impl Inputs {
    /// Those that there are.
    pub fn named(&self) -> impl Iterator<Item = (Input, &Path)> {
        [
            (Input::Mirrormanager, Some(&self.mirrormanager)),
            (Input::Netblocks, self.netblocks.as_ref()),
            (Input::Continents, self.continents.as_ref()),
            (Input::Geoip, self.geoip.as_ref()),
        ]
        .into_iter()
        .filter_map(|(input, path)| Some((input, path?.as_path())))
    }
}

/// Opens every input and reads nothing; an error where one is not there or is no regular file.
pub fn find(inputs: &Inputs) -> Result<(), Error> {
    inputs.named().try_for_each(|(input, path)| {
        files::open(path).map(drop).map_err(|cause| error(input, path, cause.into()))
    })
}

/// Reads every input; `progress` is told which one comes next.
///
/// `policy` says what of them is wanted. Inputs are regular files. One that is named and yields nothing is refused: it is the wrong one, or was emptied.
///
/// Cost: of the protobuf file, a third of a gigabyte where it is large, only what is not about directories is in memory
/// beside what was read of it; the country database is as a whole.
pub fn gather(
    inputs: &Inputs,
    policy: &Policy,
    mut progress: impl FnMut(Input),
) -> Result<(Inventory, Skipped), Error> {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    // Before they are read: of a file that is replaced meanwhile the greater age is told.
    let mut files = Vec::new();
    for (input, path) in inputs.named() {
        let mut source = source(input, path).map_err(|cause| error(input, path, cause))?;
        source.max_age = policy.max_ages.of(input);
        files.push((input, source));
    }
    if let Some(path) = &inputs.continents {
        progress(Input::Continents);
        let bytes = read(Input::Continents, path)?;
        continents::import(&bytes, &mut inventory, &mut skipped)
            .map_err(|cause| error(Input::Continents, path, cause))?;
        if inventory.continents.is_empty() {
            return Err(useless(Input::Continents, path, "continent of a country"));
        }
    }
    progress(Input::Mirrormanager);
    let path = &inputs.mirrormanager;
    directories(policy, path, &mut inventory, &mut skipped)
        .map_err(|cause| error(Input::Mirrormanager, path, cause))?;
    if let Some(path) = &inputs.netblocks {
        progress(Input::Netblocks);
        files::open(path)
            .map_err(Cause::from)
            .and_then(|file| routes::import(file, &mut inventory, &mut skipped))
            .map_err(|cause| error(Input::Netblocks, path, cause))?;
        if inventory.routes.iter().all(|(_, origin)| origin.is_none()) {
            return Err(useless(Input::Netblocks, path, "route"));
        }
    }
    let mut geoip_time = None;
    if let Some(path) = &inputs.geoip {
        progress(Input::Geoip);
        let bytes = read(Input::Geoip, path)?;
        geoip::import(&bytes, &mut inventory, &mut skipped)
            .map_err(|cause| error(Input::Geoip, path, cause))?;
        geoip_time = geoip::build_time(&bytes);
    }
    let said = |input| match input {
        Input::Mirrormanager => Some(inventory.source_time).filter(|time| *time > 0),
        Input::Geoip => geoip_time,
        Input::Netblocks | Input::Continents => None,
    };
    let sources = files.into_iter().map(|(input, source)| match said(input) {
        Some(time) => Source { time, own_time: true, ..source },
        None => source,
    });
    inventory.sources = sources.collect();
    Ok((inventory, skipped))
}

/// Reads MirrorManager's cache, which is never in memory as a whole.
fn directories(
    policy: &Policy,
    path: &Path,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<(), Cause> {
    let mut file = files::open(path)?;
    let mut head = Vec::new();
    (&mut file).take(form::HEAD as u64).read_to_end(&mut head)?;
    form::refuse_other(&head)?;
    mirrormanager::import_under(policy, file, inventory, skipped)
}

/// A file as the cache tells of it before it is read.
fn source(input: Input, path: &Path) -> Result<Source, Cause> {
    let file = files::open(path)?.metadata()?;
    let written = file.modified()?.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Ok(Source { name: input.to_string(), time: written, own_time: false, bytes: file.len(), max_age: 0 })
}

fn read(input: Input, path: &Path) -> Result<Vec<u8>, Error> {
    read_at_most(MOST_BYTES, path).map_err(|cause| error(input, path, cause))
}

fn read_at_most(most: u64, path: &Path) -> Result<Vec<u8>, Cause> {
    let file = files::open(path)?;
    let mut bytes = Vec::new();
    // Its length first, so that what is refused is not read; and it may grow meanwhile.
    if file.metadata()?.len() <= most {
        file.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= most {
            return Ok(bytes);
        }
    }
    Err(Cause::Refused(format!("has more than {most} bytes")))
}

fn useless(input: Input, path: &Path, what: &str) -> Error {
    error(input, path, Cause::Refused(format!("not one {what} can be read from it")))
}

fn error(input: Input, path: &Path, cause: Cause) -> Error {
    Error { input, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    #[test]
    fn a_file_larger_than_may_be_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_at_most(5, &path).unwrap(), b"12345");
        assert_eq!(read_at_most(4, &path).unwrap_err().to_string(), "has more than 4 bytes");
        // More than any machine can take into memory; without a block on the disk.
        File::options().write(true).open(&path).unwrap().set_len(1 << 43).unwrap();
        let refusal = read(Input::Geoip, &path).unwrap_err().to_string();
        assert!(refusal.ends_with("has more than 2147483648 bytes"), "{refusal}");
    }
}
