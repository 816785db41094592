//! `mirrorlist-cache`: the operator's tool for cache files, a file per subcommand.
//!
//! What a subcommand is asked for goes to standard output, everything else to standard error. Exit codes are those of
//! [`crate::failure::Fault`].

mod build;
mod contents;
mod explanation;
mod hosts;
mod inspect;
mod known;
mod large;
mod list;
mod query;
mod shown;
mod summary;
mod verify;

use crate::{
    config,
    failure::{self, Failure},
};
use cache::{CacheBytes, FORMAT, View};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use program::{options, version};
use std::{ffi::OsString, io, path::Path, process::ExitCode};

/// Builds and examines the cache files that mirrorlistd answers from.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-cache", version = version(Some(FORMAT)), max_term_width = 100, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile MirrorManager's cache, a routing table, continents and a country database into one file
    Build(config::Options),
    /// Check a cache file as the daemon does before it answers from it
    Verify(verify::Options),
    /// Print the answer that the daemon would give to a request, or explain it
    Query(query::Options),
    /// Print the mirrors, repositories or directories of a cache file, one a line
    List(list::Options),
    /// Print what is in a cache file, or what it knows of a directory, a host or an address
    Inspect(inspect::Options),
}

/// Runs the subcommand that the arguments (program name first) ask for.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    failure::end(options::flags(command(), arguments).and_then(|flags| run(&flags)))
}

fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let arguments = Arguments::from_arg_matches(flags);
    match arguments.map_err(|error| Failure::bug(error.to_string()))?.command {
        Command::Build(options) => options.settle(flags).and_then(|config| build::run(&config)),
        Command::Verify(options) => verify::run(&options),
        Command::Query(options) => query::run(&options),
        Command::List(options) => list::run(&options),
        Command::Inspect(options) => inspect::run(&options),
    }
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads a cache file, of which only the header is checked.
fn open(file: &Path) -> Result<CacheBytes, Failure> {
    CacheBytes::read(file).map_err(|error| {
        let cache = file.display();
        Failure::cache(match error.kind() {
            io::ErrorKind::InvalidData => format!("cache {cache}: {error}"),
            _ => format!("cache {cache}: cannot be read ({error})"),
        })
    })
}

/// A view of a file's bytes, if the daemon takes them.
fn checked<'a>(file: &Path, bytes: &'a CacheBytes) -> Result<View<'a>, Failure> {
    answer::taken(bytes).map_err(|error| Failure::cache(format!("cache {}: {error}", file.display())))
}
