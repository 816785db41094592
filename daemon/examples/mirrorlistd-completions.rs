//! Writes what shells complete after `mirrorlistd` and `mirrorlist-cache` into the folder of the first argument.
//!
//! `make` runs it: the programs themselves need not grow for that.

use clap_complete::{Shell, generate_to};
use std::{env, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("no folder is given"))?;
    for mut command in [daemon::config::command(), daemon::tool::command()] {
        let name = command.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            generate_to(shell, &mut command, &name, &folder)?;
        }
    }
    Ok(())
}
