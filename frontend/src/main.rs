//! mirrorlist-http: see the library for how it works.
#![forbid(unsafe_code)]

use frontend::{config::Config, failure::Failure, log, server};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error(&failure);
            failure.exit_code()
        }
    }
}

fn run() -> Result<(), Failure> {
    let config = Config::load(env::args_os())?;
    if config.check {
        return Ok(());
    }
    server::run(config)
}
