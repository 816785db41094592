//! The inputs of a cache as files of a folder, under their usual names, and the way from them to the cache: by the tool
//! that operators use.

use crate::stack::Programs;
use std::{path::Path, process::Command};

/// MirrorManager's cache.
pub const MIRRORMANAGER: &str = "mirrorlist.proto-cache";
/// The routing table.
pub const NETBLOCKS: &str = "global_netblocks.txt";
/// Continents of countries.
pub const CONTINENTS: &str = "country_continent.csv";
/// Countries of networks.
pub const GEOIP: &str = "country.mmdb";

/// Compiles the inputs in `folder` into the file `cache`. All but MirrorManager's cache may be missing.
///
/// The error is what the tool says.
pub fn compile(programs: &Programs, folder: &Path, cache: &Path) -> Result<(), String> {
    let mut command = Command::new(&programs.cache);
    command.args(["build", "--mirrormanager"]).arg(folder.join(MIRRORMANAGER));
    for (option, name) in [("--netblocks", NETBLOCKS), ("--continents", CONTINENTS), ("--geoip", GEOIP)] {
        let file = folder.join(name);
        if file.exists() {
            command.arg(option).arg(file);
        }
    }
    let output = command
        .arg("--output")
        .arg(cache)
        .output()
        .map_err(|error| format!("mirrorlist-cache: cannot be started ({error})"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
