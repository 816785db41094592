//! Writes what shells complete after `mirrorlist-report` into the folder of the first argument.
//!
//! `make` runs it: the program itself need not grow for that.

use clap_complete::{Shell, generate_to};
use std::{env, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("no folder is given"))?;
    let mut command = report::command::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "mirrorlist-report", &folder)?;
    }
    Ok(())
}
