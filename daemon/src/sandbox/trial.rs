//! Tells what the sandbox is worth on this kernel, before there are workers that would each have to tell.
//!
//! A child shuts itself in as a worker does, says what it got, and ends. The master takes no part: it needs files and
//! processes, and a sandbox cannot be left.

use super::{Sandbox, enter};
use crate::{
    config::SandboxMode,
    failure::Failure,
    log,
    sys::{self, Fork},
};
use nix::sys::wait::{WaitStatus, waitpid};
use std::{
    io::{self, Read as _, Write as _},
    process,
};

/// Says what shuts workers in. An error if that is not all and `mode` requires all.
pub fn announce(mode: SandboxMode) -> Result<(), Failure> {
    if mode == SandboxMode::Off {
        log::warning("workers: no sandbox, as configured (sandbox = off)");
        return Ok(());
    }
    match attempt() {
        Ok((said, true)) => log::info(format_args!("workers: {said}")),
        Ok((said, false)) if mode == SandboxMode::Require => {
            return Err(Failure::system(format!("workers: sandbox is required, but {said}")));
        }
        Ok((said, false)) => log::warning(format_args!("workers: {said}; starting them all the same")),
        // Each worker still shuts itself in as far as it can, and ends if that is not all that is required.
        Err(error) => log::warning(format_args!(
            "workers: the sandbox could not be tried ({error}); starting them all the same"
        )),
    }
    Ok(())
}

/// What a child that shuts itself in says of its sandbox, and whether that is complete.
fn attempt() -> io::Result<(String, bool)> {
    let (mut reader, writer) = io::pipe()?;
    match sys::fork()? {
        Fork::Child => end(&enter(), writer),
        Fork::Parent(pid) => {
            drop(writer);
            let mut said = String::new();
            reader.read_to_string(&mut said)?;
            match waitpid(pid, None)? {
                WaitStatus::Exited(_, code) if !said.is_empty() => Ok((said, code == 0)),
                status => Err(io::Error::other(format!("the trial ended with {status:?}"))),
            }
        }
    }
}

fn end(sandbox: &Sandbox, mut writer: io::PipeWriter) -> ! {
    let told = write!(writer, "{sandbox}");
    process::exit(i32::from(told.is_err() || !sandbox.is_complete()))
}
