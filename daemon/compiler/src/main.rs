//! The operator's tool for cache files; see `daemon::tool`.

use std::process::ExitCode;

fn main() -> ExitCode {
    program::signals::survive_file_size_limit();
    daemon::tool::main(std::env::args_os())
}
