//! The sandbox: what the front end gives up once its sockets are open: privileges, files, system calls.
//!
//! How is in [`program::sandbox`]; here is what.

use landlock::{ABI, BitFlags, Scope};
use program::sandbox::{self, Sandbox};
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
use std::{collections::BTreeMap, env, path::Path};

/// The newest rules that leave UNIX sockets to connect to; an older kernel keeps those that it has.
const RULES: ABI = ABI::V6;

/// Gives up all files (but for removing such as lie in `folders`), new sockets other than UNIX ones, listening, signals
/// to other processes, and system calls that no front end makes.
///
/// UNIX sockets can still be connected to. To be called before there are threads.
pub fn enter(folders: &[&Path]) -> Sandbox {
    let mut scopes = BitFlags::from(Scope::Signal);
    // systemd may listen at an abstract name, and wants to hear when the program stops.
    if env::var_os("NOTIFY_SOCKET").is_none_or(|address| !address.as_encoded_bytes().starts_with(b"@")) {
        scopes |= Scope::AbstractUnixSocket;
    }
    sandbox::enter(RULES, scopes, folders, refuse_calls)
}

fn refuse_calls() -> Result<(), seccompiler::Error> {
    let mut refused: BTreeMap<i64, _> =
        refused_calls().into_iter().map(|number| (number, Vec::new())).collect();
    // The daemon and systemd are to be reached, over UNIX sockets.
    let family = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, libc::AF_UNIX as u64)?;
    refused.insert(libc::SYS_socket, vec![SeccompRule::new(vec![family])?]);
    sandbox::filter(refused, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))
}

/// System calls that turn a foothold into more, and that neither this program nor its libraries make.
const CALLS: [i64; 75] = [
    // Sockets that others connect to.
    libc::SYS_bind,
    libc::SYS_listen,
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    // File systems.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_mknodat,
    // The kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_personality,
    libc::SYS_vhangup,
    // Keys.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Name spaces and identities.
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    // Clocks.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // Placement of others' memory and threads.
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_ioprio_set,
    libc::SYS_setpriority,
    libc::SYS_lookup_dcookie,
];

/// The numbers of [`CALLS`], and on x86-64 those by which the x32 way of calling knows them and all sockets.
fn refused_calls() -> Vec<i64> {
    let mut numbers = CALLS.to_vec();
    if cfg!(target_arch = "x86_64") {
        const X32: i64 = 0x4000_0000;
        // 512 to 547 are further numbers of x32 for calls such as execve and ptrace; it is of no other use here.
        numbers.extend((512..=547).map(|number| number | X32));
        numbers.extend(CALLS.iter().chain(&[libc::SYS_socket]).map(|number| number | X32));
    }
    numbers
}
