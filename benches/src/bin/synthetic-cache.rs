//! Writes the inputs of a synthetic cache into a folder: what `mirrorlist-cache build` reads.

use clap::Parser;
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};
use testkit::{
    inputs,
    synthetic::{FEWEST_DIRECTORIES, Options},
};

/// Write the four inputs of a synthetic cache; usual sizes are 300, 10000, 120000 and 1000000 directories.
#[derive(Debug, Parser)]
#[command(name = "synthetic-cache", version, max_term_width = 100)]
struct Arguments {
    /// How many directories the cache has
    #[arg(long, value_name = "N", default_value_t = 120_000, value_parser = clap::value_parser!(u32).range(FEWEST_DIRECTORIES as i64..=10_000_000))]
    directories: u32,
    /// How many mirror machines it has
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    hosts: u32,
    /// Another seed gives another cache
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Hosts are stale at random, so that each directory has a set of hosts of its own
    #[arg(long)]
    unfriendly: bool,
    /// The folder to write into; made if it is not there
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        directories: arguments.directories as usize,
        hosts: arguments.hosts as usize,
        seed: arguments.seed,
        unfriendly: arguments.unfriendly,
    };
    match write(&options, &arguments.output) {
        Ok(files) => {
            let lines = files
                .iter()
                .map(|(name, bytes)| format!("{}: {bytes} bytes\n", arguments.output.join(name).display()));
            // The files are written; whoever closed the pipe did not want to know.
            let _ = io::stdout().write_all(lines.collect::<String>().as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: cannot be written ({error})", arguments.output.display());
            ExitCode::from(71)
        }
    }
}

/// Writes the files; their names and sizes.
fn write(options: &Options, folder: &Path) -> io::Result<Vec<(&'static str, u64)>> {
    fs::create_dir_all(folder)?;
    inputs::write_synthetic(options, folder)?;
    [inputs::MIRRORMANAGER, inputs::NETBLOCKS, inputs::CONTINENTS, inputs::GEOIP]
        .into_iter()
        .map(|name| Ok((name, folder.join(name).metadata()?.len())))
        .collect()
}
