//! The system calls that a worker may make.
//!
//! A list of what answering takes, on glibc and musl. Any other call is refused with EPERM, so that a libc that comes
//! to try a new one goes on without it. Those that only an intruder would make end the worker instead: its master then
//! says so in the log. Only few calls depend on their arguments: the kernel decides the others without the filter.

use libc::c_long;
use nix::unistd::getpid;
use program::sandbox::filter as filter_calls;
use seccompiler::{
    BackendError, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule,
};
use std::collections::BTreeMap;

/// What a worker does.
const ALLOWED: &[c_long] = &[
    // Connections, the line to the master, the access log, messages. Not shutdown, which would end the listener for all
    // later workers, and not sendmsg, which would give it away.
    libc::SYS_accept4,
    libc::SYS_close,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_getsockopt,
    libc::SYS_ppoll,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_write,
    libc::SYS_writev,
    // Memory.
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Time, where the kernel does not tell it without a call, and chance.
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    // Its own process, to its end.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
];

/// Older forms of the same, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLDER: &[c_long] = &[];

/// What no libc does of its own accord: to run a program, to reach out, to look into another process.
const TELLTALE: &[c_long] = &[
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_listen,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_socket,
];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Leaves the calling thread nothing but these calls, for good.
pub fn filter() -> Result<(), Error> {
    // The kernel takes the harder of two verdicts. The list of what is allowed comes last: it allows no more filters.
    filter_calls(always(TELLTALE).collect(), SeccompAction::Allow, SeccompAction::KillProcess)?;
    filter_calls(allowed()?, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

fn allowed() -> Result<Rules, BackendError> {
    let itself = getpid().as_raw() as u64;
    let no_program = only(SeccompCondition::new(
        2,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64),
        0,
    ))?;
    let to_itself = only(equal(0, itself))?;
    Ok(always(ALLOWED)
        .chain(always(ALLOWED_OLDER))
        .chain([
            (libc::SYS_mmap, no_program.clone()),
            (libc::SYS_mprotect, no_program),
            // How a process ends itself by `abort`.
            (libc::SYS_tgkill, to_itself.clone()),
            (libc::SYS_tkill, to_itself),
            // How the standard library checks a descriptor in a debug build.
            (libc::SYS_fcntl, only(equal(1, libc::F_GETFD as u64))?),
        ])
        .collect())
}

fn always(calls: &'static [c_long]) -> impl Iterator<Item = (c_long, Vec<SeccompRule>)> {
    calls.iter().map(|call| (*call, Vec::new()))
}

fn only(condition: Result<SeccompCondition, BackendError>) -> Result<Vec<SeccompRule>, BackendError> {
    Ok(vec![SeccompRule::new(vec![condition?])?])
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}
