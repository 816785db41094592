//! mirrorlist-report: see the library for how it works.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    program::signals::unblock_all();
    program::signals::survive_file_size_limit();
    report::command::main(std::env::args_os())
}
