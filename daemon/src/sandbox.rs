//! The sandbox of a worker, so that whoever takes it over from outside has gained next to nothing.
//!
//! A worker reads what strangers write. When it has all that it needs it gives up the rest, for good: files, sockets
//! and processes other than its own (landlock), and every system call that answering does not take (seccomp, in
//! `calls`). What a kernel does not have is gone without; `trial` tells the operator, once for all workers.

mod calls;
mod trial;

use crate::{config::SandboxMode, failure::Failure};
use landlock::{ABI, Access as _, Scope};
pub use program::sandbox::set_no_new_privs;
use program::sandbox::{self, Sandbox};
pub use trial::announce;

/// The newest landlock that is asked for; of an older one all that there is.
const NEWEST: ABI = ABI::V9;

/// Shuts a worker in as far as this kernel can.
///
/// An error if that is not all and `mode` requires all.
pub fn shut_in(mode: SandboxMode) -> Result<(), Failure> {
    if mode == SandboxMode::Off {
        return Ok(());
    }
    let sandbox = enter();
    if mode == SandboxMode::Require && !sandbox.is_complete() {
        return Err(Failure::system(format!("sandbox: required, but {sandbox}")));
    }
    Ok(())
}

/// Shuts the calling thread in, which is to be the only one of its process: no access to any file, TCP port, or process
/// and abstract socket outside, and no system calls but those in `calls`.
pub fn enter() -> Sandbox {
    sandbox::enter(NEWEST, Scope::from_all(NEWEST), &[], calls::filter)
}
