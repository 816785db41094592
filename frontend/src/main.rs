//! mirrorlist-http: see the library for how it works.
#![forbid(unsafe_code)]

use frontend::{config::Config, server};
use program::{
    failure::{self, Failure},
    signals,
};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    signals::unblock_all();
    signals::survive_file_size_limit();
    failure::end(run())
}

fn run() -> Result<(), Failure> {
    let config = Config::load(env::args_os())?;
    if config.check { config.say_well() } else { server::run(config) }
}
