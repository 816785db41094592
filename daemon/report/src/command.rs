//! `mirrorlist-report`: a subcommand for each step from logs to pages.
//!
//! What a subcommand is asked for goes to standard output, everything else to standard error. Exit codes are those of
//! [`program::failure::Fault`].

use crate::{config, count, render};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use program::{
    failure::{self, Failure},
    options, version,
};
use std::{ffi::OsString, process::ExitCode};

/// Tells what a mirror list service was asked for, and how its mirrors are.
#[derive(Debug, Parser)]
#[command(name = "mirrorlist-report", version = version(None), max_term_width = 100, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add what is new in access logs or request logs to the figures
    Count(config::Logs),
    /// Write the figures as pages for a web server
    Render(config::Pages),
}

/// Runs the subcommand that the arguments (program name first) ask for.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    failure::end(options::flags(command(), arguments).and_then(|flags| run(&flags)))
}

fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let arguments = Arguments::from_arg_matches(flags);
    match arguments.map_err(|error| Failure::bug(error.to_string()))?.command {
        Command::Count(logs) => logs.settle(flags).and_then(|config| count::run(&config)),
        Command::Render(pages) => pages.settle(flags).and_then(|config| render::run(&config)),
    }
}

/// The program's arguments, for manuals and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}
