//! `mirrorlist-collect`: a subcommand for each source.
//!
//! What a subcommand is asked for goes to standard output, everything else to standard error. Exit codes are those of
//! [`program::failure::Fault`].

use crate::{
    config::{Config, Flags},
    database,
};
use clap::{CommandFactory as _, Parser, Subcommand};
use program::{failure::Fault, log, version};
use std::{ffi::OsString, process::ExitCode};

/// Collects what the mirror list cache is compiled from.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-collect", version = version(None), max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read MirrorManager's database and write the file that its cache generator would
    Database(Flags),
}

/// Runs the subcommand that the arguments (program name first) ask for.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    let outcome = match arguments.command {
        Command::Database(flags) => Config::load(flags).and_then(|config| database::run(&config)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error(&failure);
            failure.fault.into()
        }
    }
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Help and version are what was asked for; anything else is a wrong option.
fn explain(error: &clap::Error) -> ExitCode {
    // A standard stream that is closed leaves nothing to say it to.
    let _ = error.print();
    if error.use_stderr() { Fault::Config.into() } else { ExitCode::SUCCESS }
}
