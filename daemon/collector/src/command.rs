//! `mirrorlist-collect`: a subcommand for each source.
//!
//! What a subcommand is asked for goes to standard output, everything else to standard error. Exit codes are those of
//! [`program::failure::Fault`].

use crate::{config, database};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use program::{
    failure::{self, Fault},
    version,
};
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
    Database(config::Options),
}

/// Runs the subcommand that the arguments (program name first) ask for.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let said = command().try_get_matches_from(arguments);
    let said = said.and_then(|flags| Ok((Arguments::from_arg_matches(&flags)?, flags)));
    let (arguments, flags) = match said {
        Ok(said) => said,
        Err(error) => return explain(&error),
    };
    failure::end(match arguments.command {
        Command::Database(options) => options.settle(&flags).and_then(|config| database::run(&config)),
    })
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
