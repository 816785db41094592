//! The only room with unsafe code: what the operating system offers without a safe form.
//!
//! Fork, signal handling, memory maps and shared memory. Each function is as small
//! as its system call; policy lives with the callers. What nix and rustix offer safely is called where it is needed, not here.

use memmap2::{Mmap, MmapOptions};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::{
        mman::{MapFlags, ProtFlags, mmap_anonymous},
        signal::{SigHandler, Signal, signal},
    },
    unistd::{ForkResult, Pid},
};
use std::{fs::File, io, num::NonZero, sync::atomic::AtomicU64};

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The process that forked, and its new child.
    Parent(Pid),
    /// The new child.
    Child,
}

/// Splits the process in two.
///
/// Only for a process with a single thread, which the daemon is all its life.
#[expect(unsafe_code, reason = "a fork has no safe form")]
pub fn fork() -> nix::Result<Fork> {
    debug_assert_eq!(threads(), 1, "a fork copies only the thread that asks for it");
    // SAFETY: the child may go on to allocate and lock because no other thread can hold a lock at this moment: neither
    // the daemon nor any crate that it calls starts a thread (the process tests check the count).
    Ok(match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Fork::Parent(child),
        ForkResult::Child => Fork::Child,
    })
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// Has the kernel tell this process of ended children and keep them until they are reaped.
///
/// Whoever started the program may have chosen otherwise (`SIG_IGN`), and the choice outlives an exec.
#[expect(unsafe_code, reason = "a signal's handling has no safe form")]
pub fn keep_ended_children() -> nix::Result<()> {
    // SAFETY: the default handling runs none of this program's code, and nobody here relies on another one.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.map(drop)
}

/// Closes what this process has inherited without being told of it: descriptors from `first` on.
///
/// For the very beginning of the program only, when it has opened nothing itself. Where the kernel is too old for it
/// (before 5.9) they stay open and do no harm.
#[expect(unsafe_code, reason = "closing by number has no safe form")]
pub fn close_fds_from(first: u32) {
    // SAFETY: the first statement of `main` guarantees that nothing in this process owns a descriptor above the
    // standard ones yet, apart from those below `first`.
    unsafe { libc::close_range(first, libc::c_uint::MAX, 0) };
}

/// What is taken away from a file that nobody is to change any more, this included.
pub const SEALS: SealFlag = SealFlag::F_SEAL_WRITE
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_SHRINK)
    .union(SealFlag::F_SEAL_SEAL);

/// A map of a file that nobody can change any more. An error if it does not have all [`SEALS`].
#[expect(unsafe_code, reason = "a map of a file that can change is undefined behaviour")]
pub fn sealed_map(file: &File) -> io::Result<Mmap> {
    if !SealFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GET_SEALS)?).contains(SEALS) {
        return Err(io::Error::other("its copy is not sealed"));
    }
    // A private map, because kernels before 6.7 refuse a shared one of a sealed file even for reading. It is never
    // written to, so its pages are the file's in every process.
    //
    // SAFETY: the seals, which have just been looked at and cannot be taken off, keep every byte and the length as they
    // are, whoever else has the file.
    unsafe { MmapOptions::new().map_copy_read_only(file) }
}

/// Zeros that this process and all children that it will have read and write together, until the last of them ends.
#[expect(unsafe_code, reason = "nix gives mapped memory as a pointer")]
pub fn shared_numbers(count: usize) -> nix::Result<&'static [AtomicU64]> {
    let length = count.checked_mul(size_of::<AtomicU64>()).and_then(NonZero::new).ok_or(Errno::EINVAL)?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: new memory at a place of the kernel's choice is in nobody's way.
    let memory = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_SHARED) }?;
    // SAFETY: it is `length` bytes of zeros on a page of its own, which are `count` atomic numbers. It is never
    // unmapped, and no process can get at it but through this slice.
    Ok(unsafe { std::slice::from_raw_parts(memory.cast().as_ptr(), count) })
}
