//! The sandbox of a worker, so that whoever takes it over from outside has gained next to nothing.
//!
//! A worker reads what strangers write. When it has all that it needs it gives up the rest, for good: files, sockets
//! and processes other than its own (landlock), and every system call that answering does not take (seccomp, in
//! `calls`). What a kernel does not have is gone without; `trial` tells the operator, once for all workers.

mod calls;
mod trial;

use crate::{config::SandboxMode, failure::Failure};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use std::fmt;
pub use trial::announce;

/// The newest landlock that is asked for; of an older one all that there is.
const NEWEST: ABI = ABI::V9;

/// What shuts a process in. Where something is missing, why.
#[derive(Debug)]
pub struct Sandbox {
    seccomp: Result<(), String>,
    /// The version of the kernel's landlock.
    landlock: Result<i32, String>,
}

/// From now on no program that this process or a child of it may run gains any privilege by that.
pub fn set_no_new_privs() -> Result<(), Failure> {
    prctl::set_no_new_privs()
        .map_err(|errno| Failure::system(format!("no new privileges: not to be had ({errno})")))
}

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

/// Shuts the calling thread in, which is to be the only one of its process: there is no way out again.
pub fn enter() -> Sandbox {
    // The filter comes last: it refuses the calls that landlock takes.
    let landlock = close_off();
    Sandbox { landlock, seccomp: calls::filter().map_err(|error| error.to_string()) }
}

/// No access to any file, TCP port, or process and abstract socket outside. What is open already stays so.
fn close_off() -> Result<i32, String> {
    let status = restrict().map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("it is switched off in this kernel".into())
        }
        (RulesetStatus::NotEnforced, _) => Err("this kernel or container does not have it".into()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as i32),
        (_, status) => Err(format!("it is {status:?}, yet something is enforced")),
    }
}

/// Handles every kind of access and allows none.
fn restrict() -> Result<RestrictionStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    ruleset.create()?.restrict_self()
}

impl Sandbox {
    /// Whether there is a filter, and landlock in the version that this kernel has.
    pub fn is_complete(&self) -> bool {
        self.seccomp.is_ok() && self.landlock.is_ok()
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.seccomp, &self.landlock) {
            (Ok(()), Ok(abi)) => write!(f, "seccomp filter and landlock (ABI {abi}) are active"),
            (Ok(()), Err(cause)) => write!(f, "only the seccomp filter is active, landlock is not ({cause})"),
            (Err(cause), Ok(abi)) => {
                write!(f, "only landlock (ABI {abi}) is active, the seccomp filter is not ({cause})")
            }
            (Err(seccomp), Err(landlock)) => {
                write!(f, "neither the seccomp filter ({seccomp}) nor landlock ({landlock}) is active")
            }
        }
    }
}
