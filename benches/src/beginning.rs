//! What a bench of the whole service begins with: the built programs, and a cache for them to serve.

use std::path::{Path, PathBuf};
use testkit::{inputs, stack::Programs, synthetic::Options};

/// Directories of the cache where a bench is to show only that it runs.
pub const FEW: usize = 10_000;
/// Directories of the cache that figures are of: about what Fedora has.
pub const MANY: usize = 120_000;

/// Programs and cache, with a folder that goes with them.
#[derive(Debug)]
pub struct Beginning {
    /// The programs.
    pub programs: Programs,
    /// The cache file.
    pub cache: PathBuf,
    /// For whatever else is needed.
    pub folder: tempfile::TempDir,
}

impl Beginning {
    /// With this cache file, or with a synthetic cache of so many directories. The error is a sentence.
    pub fn on(cache: Option<&Path>, directories: usize) -> Result<Beginning, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("folder: {error}"))?;
        let programs = Programs::build()?;
        let cache = match cache {
            Some(cache) => cache.to_owned(),
            None => inputs::synthetic_cache(&programs, &Options::new(directories), folder.path())?,
        };
        Ok(Beginning { programs, cache, folder })
    }
}
