//! The operator's tool for cache files; see `compiler::tool`.

use std::process::ExitCode;

fn main() -> ExitCode {
    program::signals::survive_file_size_limit();
    compiler::tool::main(std::env::args_os())
}
