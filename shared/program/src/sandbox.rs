//! The sandbox: what a process gives up for good, by landlock and seccomp, once it has all that it needs.
//!
//! Each program has its own list of what that is. It holds for the calling thread and those that it starts from then on.
//! What a kernel does not have is gone without, and told.

use super::failure::Failure;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use nix::sys::prctl;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};
use std::{collections::BTreeMap, env::consts::ARCH, error::Error, fmt, path::Path};

/// What shuts a process in. Where something is missing, why.
#[derive(Debug)]
pub struct Sandbox {
    /// The version of the kernel's landlock.
    landlock: Result<i32, Box<dyn Error>>,
    seccomp: Result<(), seccompiler::Error>,
}

/// From now on no program that this process or a child of it may run gains any privilege by that.
pub fn set_no_new_privs() -> Result<(), Failure> {
    prctl::set_no_new_privs()
        .map_err(|errno| Failure::system(format!("no new privileges: not to be had ({errno})")))
}

/// Shuts the calling thread in; there is no way out again.
///
/// No access to any file but to remove such as lie in the folders `own`, to any TCP port, nor to what outside is in
/// `scopes`, as far as the version `newest` of landlock knows it. What is open already stays so. Then `filter`: it
/// refuses the calls that landlock takes.
pub fn enter(
    newest: ABI,
    scopes: BitFlags<Scope>,
    own: &[&Path],
    filter: impl FnOnce() -> Result<(), seccompiler::Error>,
) -> Sandbox {
    let landlock = close_off(newest, scopes, own);
    Sandbox { landlock, seccomp: filter() }
}

fn close_off(newest: ABI, scopes: BitFlags<Scope>, own: &[&Path]) -> Result<i32, Box<dyn Error>> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(scopes)?;
    let mut rules = rules.create()?;
    for folder in own {
        rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, AccessFs::RemoveFile))?;
    }
    let status = rules.restrict_self()?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("it is switched off in this kernel".into())
        }
        (RulesetStatus::NotEnforced, _) => Err("this kernel or container does not have it".into()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as i32),
        (_, status) => Err(format!("it is {status:?}, yet something is enforced").into()),
    }
}

/// Has the kernel do `listed` with the calls that match `rules`, and `otherwise` with all others.
pub fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    listed: SeccompAction,
) -> Result<(), seccompiler::Error> {
    let filter = SeccompFilter::new(rules, otherwise, listed, ARCH.try_into()?)?;
    apply_filter(&BpfProgram::try_from(filter)?)
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
