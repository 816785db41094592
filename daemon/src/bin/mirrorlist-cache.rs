//! The operator's tool for cache files; see `daemon::tool`.

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::tool::main(std::env::args_os())
}
