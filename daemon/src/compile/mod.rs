//! Compiles inputs into the inventory that a cache is written from: a file per input.
//!
//! [`gather`] reads them all, in the order in which they build on each other. Importers take bytes or a reader and fill
//! an [`Inventory`]; odd records are skipped and counted ([`Skipped`]), a useless input is an [`Error`] that names it.

pub mod continents;
mod error;
pub mod geoip;
pub mod mirrormanager;
mod prefix;
#[cfg(test)]
mod real_data;
pub mod routes;
mod skipped;

pub use error::{Cause, Error, Input};
use shared::cache::inventory::Inventory;
pub use skipped::{Place, Reason, Row, Skipped};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// The files that a cache is made from; all but the first may be missing.
#[derive(Clone, Debug)]
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

/// Reads every input; `progress` is told which one comes next.
///
/// Cost: at its peak the protobuf file is in memory beside what was read of it; it is dropped before the other inputs
/// are read.
pub fn gather(inputs: &Inputs, mut progress: impl FnMut(Input)) -> Result<(Inventory, Skipped), Error> {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    if let Some(path) = &inputs.continents {
        progress(Input::Continents);
        let bytes = read(Input::Continents, path)?;
        continents::import(&bytes, &mut inventory, &mut skipped);
    }
    progress(Input::Mirrormanager);
    let bytes = read(Input::Mirrormanager, &inputs.mirrormanager)?;
    mirrormanager::import(&bytes, &mut inventory, &mut skipped)
        .map_err(|cause| error(Input::Mirrormanager, &inputs.mirrormanager, cause))?;
    drop(bytes);
    if let Some(path) = &inputs.netblocks {
        progress(Input::Netblocks);
        File::open(path)
            .map_err(Cause::from)
            .and_then(|file| routes::import(file, &mut inventory, &mut skipped))
            .map_err(|cause| error(Input::Netblocks, path, cause))?;
    }
    if let Some(path) = &inputs.geoip {
        progress(Input::Geoip);
        let bytes = read(Input::Geoip, path)?;
        geoip::import(&bytes, &mut inventory, &mut skipped)
            .map_err(|cause| error(Input::Geoip, path, cause))?;
    }
    Ok((inventory, skipped))
}

fn read(input: Input, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|cause| error(input, path, cause.into()))
}

fn error(input: Input, path: &Path, cause: Cause) -> Error {
    Error { input, path: path.to_owned(), cause }
}
