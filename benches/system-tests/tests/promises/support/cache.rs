//! The caches that promises are shown with: small, Fedora-like, compiled by the tool that operators use.

use super::service::programs;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::OnceLock,
};
use testkit::{
    inputs,
    synthetic::{self, Options},
};

/// A cache of three hundred directories.
pub fn usual() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| of_size(300))
}

/// A cache of this many directories, compiled anew.
pub fn of_size(directories: usize) -> PathBuf {
    let folder = tempfile::tempdir().unwrap();
    write_inputs(directories, folder.path());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("promises-{directories}.mlc"));
    inputs::compile(programs(), folder.path(), &cache).unwrap();
    cache
}

/// What such a cache is compiled from.
pub fn write_inputs(directories: usize, folder: &Path) {
    let options = Options::new(directories);
    let create = |name: &str| File::create(folder.join(name)).unwrap();
    synthetic::encode(&options, create(inputs::MIRRORMANAGER)).unwrap();
    synthetic::netblocks(&options, create(inputs::NETBLOCKS)).unwrap();
    synthetic::continents(create(inputs::CONTINENTS)).unwrap();
    fs::write(folder.join(inputs::GEOIP), synthetic::geoip(&options)).unwrap();
}
