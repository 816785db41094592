//! The inputs of a cache as files of a folder, under their usual names, and the way from them to the cache: by the tool
//! that operators use.

use crate::{
    stack::Programs,
    synthetic::{self, Options},
};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// MirrorManager's cache.
pub const MIRRORMANAGER: &str = "mirrorlist.proto-cache";
/// The routing table.
pub const NETBLOCKS: &str = "global_netblocks.txt";
/// Continents of countries.
pub const CONTINENTS: &str = "country_continent.csv";
/// Countries of networks.
pub const GEOIP: &str = "country.mmdb";

/// Writes the four inputs of a synthetic cache into `folder`.
pub fn write_synthetic(options: &Options, folder: &Path) -> io::Result<()> {
    let create = |name: &str| File::create(folder.join(name));
    synthetic::encode(options, create(MIRRORMANAGER)?)?;
    synthetic::netblocks(options, create(NETBLOCKS)?)?;
    synthetic::continents(create(CONTINENTS)?)?;
    fs::write(folder.join(GEOIP), synthetic::geoip(options))
}

/// A synthetic cache in `folder`, and its inputs beside it. The error is a sentence.
pub fn synthetic_cache(programs: &Programs, options: &Options, folder: &Path) -> Result<PathBuf, String> {
    write_synthetic(options, folder)
        .map_err(|error| format!("inputs in {}: not written ({error})", folder.display()))?;
    let cache = folder.join("cache.mlc");
    compile(programs, folder, &cache)?;
    Ok(cache)
}

/// Compiles the inputs in `folder` into the file `cache`. All but MirrorManager's cache may be missing.
///
/// The error is what the tool says.
pub fn compile(programs: &Programs, folder: &Path, cache: &Path) -> Result<(), String> {
    compile_from(programs, &folder.join(MIRRORMANAGER), folder, cache)
}

/// The same with an interchange file that lies elsewhere.
pub fn compile_from(
    programs: &Programs,
    interchange: &Path,
    folder: &Path,
    cache: &Path,
) -> Result<(), String> {
    let output = build_command_from(programs, interchange, folder, cache)
        .output()
        .map_err(|error| format!("mirrorlist-cache: cannot be started ({error})"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The command that does so.
pub fn build_command(programs: &Programs, folder: &Path, cache: &Path) -> Command {
    build_command_from(programs, &folder.join(MIRRORMANAGER), folder, cache)
}

/// The same with an interchange file that lies elsewhere.
pub fn build_command_from(programs: &Programs, interchange: &Path, folder: &Path, cache: &Path) -> Command {
    let mut command = Command::new(&programs.cache);
    command.args(["build", "--mirrormanager"]).arg(interchange);
    for (option, name) in [("--netblocks", NETBLOCKS), ("--continents", CONTINENTS), ("--geoip", GEOIP)] {
        let file = folder.join(name);
        if file.exists() {
            command.arg(option).arg(file);
        }
    }
    command.arg("--output").arg(cache);
    command
}
