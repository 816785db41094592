//! `mirrorlist-cache verify`: would the daemon take this file?

use super::{checked, open};
use crate::failure::Failure;
use cache::FORMAT;
use program::print::{counted, date, printed};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which file to verify.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The cache file
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Print what was found as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Verified<'a> {
    file: &'a Path,
    format: u32,
    bytes: usize,
    build_time: u64,
    source_time: u64,
    hosts: usize,
    directories: usize,
    repositories: usize,
}

/// Checks a file as the daemon does before it answers from it.
pub fn run(options: &Options) -> Result<(), Failure> {
    let bytes = open(&options.file)?;
    let view = checked(&options.file, &bytes)?;
    let header = view.header();
    let found = Verified {
        file: &options.file,
        format: FORMAT,
        bytes: bytes.len(),
        build_time: header.build_time,
        source_time: header.source_time,
        hosts: view.host_count(),
        directories: view.directory_count(),
        repositories: view.repository_count(),
    };
    printed(options.json, &found, || {
        format!(
            "cache {}: good; format {}, {} bytes, built {} from data of {}, {}, {}, {}",
            options.file.display(),
            found.format,
            found.bytes,
            date(found.build_time).unwrap_or_else(|| "at an unknown time".into()),
            date(found.source_time).unwrap_or_else(|| "an unknown time".into()),
            counted(found.hosts, "host", "hosts"),
            counted(found.directories, "directory", "directories"),
            counted(found.repositories, "repository", "repositories")
        )
    })
}
