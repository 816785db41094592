//! `mirrorlist-collect`: a subcommand for each source, those that ask mirrors, and one that shows what is known of them.
//!
//! What a subcommand is asked for goes to standard output, everything else to standard error. Exit codes are those of
//! [`program::failure::Fault`].

use crate::{check, config, database, import, run, status};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use program::{
    failure::{self, Failure},
    options, version,
};
use std::{ffi::OsString, process::ExitCode};

/// Collects what the mirror list cache is compiled from.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-collect", version = version(None), max_term_width = 100, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read MirrorManager's database and write the file that its cache generator would
    Database(config::Options),
    /// Look at the primary and at the mirrors of a folder, and write the file of what they have
    Run(config::run::Options),
    /// Make files of mirrors from AlmaLinux' files of mirrors or from a list of URLs
    Import(config::import::Options),
    /// Ask mirrors whether they answer, once, and suspend those that do not
    Check(config::check::Options),
    /// Look at one mirror as a run would, and say what to do about what is found; nothing is kept
    CheckMirror(config::check_mirror::Options),
    /// Show which mirrors are listed for what, which are suspended, and why
    Status(config::status::Options),
}

/// Runs the subcommand that the arguments (program name first) ask for.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    failure::end(options::flags(command(), arguments).and_then(|flags| obey(&flags)))
}

fn obey(flags: &ArgMatches) -> Result<(), Failure> {
    let arguments = Arguments::from_arg_matches(flags);
    match arguments.map_err(|error| Failure::bug(error.to_string()))?.command {
        Command::Database(options) => options.settle(flags).and_then(|config| database::run(&config)),
        Command::Run(options) => options.settle(flags).and_then(|config| run::run(&config)),
        Command::Import(options) => import::run(&options),
        Command::Check(options) => options.settle(flags).and_then(|config| check::run(&config)),
        Command::CheckMirror(options) => {
            options.settle(flags).and_then(|config| run::check_mirror::run(&config))
        }
        Command::Status(options) => options.settle(flags).and_then(|config| status::run(&config)),
    }
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}
