//! What processes cost: processor time and memory, as the kernel accounts for them.

use std::{collections::BTreeSet, fs, io};

/// Processor time that a process has used on all its threads, in nanoseconds.
///
/// Source: `/proc/PID/task/*/schedstat`, exact where the tick-based times of `stat` are not. Threads that have ended
/// are not in it.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let stat = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += stat.split_ascii_whitespace().next().and_then(|run| run.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages that no other process has (unique set size).
    pub uss: u64,
    /// The same, and of each shared page its share (proportional set size).
    pub pss: u64,
    /// What of that is shared memory: touched pages of a sealed cache.
    pub pss_shared: u64,
    /// Page tables.
    pub page_tables: u64,
}

impl Memory {
    /// The memory of a process.
    ///
    /// Source: `/proc/PID/smaps_rollup` and `/proc/PID/status`.
    pub fn of(pid: u32) -> io::Result<Memory> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Ok(Memory {
            uss: field(&rollup, "Private_Clean:") + field(&rollup, "Private_Dirty:"),
            pss: field(&rollup, "Pss:"),
            pss_shared: field(&rollup, "Pss_Shmem:"),
            page_tables: field(&status, "VmPTE:"),
        })
    }
}

/// How many caches a process has mapped: sealed copies, or files that are named like caches.
pub fn caches_mapped(pid: u32) -> io::Result<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let is_cache = |line: &&str| line.contains("memfd:mirrorlist-cache") || line.contains(".mlc");
    // Device and inode.
    let files = maps.lines().filter(is_cache).map(|line| line.split_ascii_whitespace().skip(3).take(2));
    Ok(files.map(|file| file.collect::<Vec<_>>()).collect::<BTreeSet<_>>().len())
}

/// A figure of `/proc/meminfo`, such as `MemAvailable:`, in bytes.
pub fn system_memory(name: &str) -> io::Result<u64> {
    Ok(field(&fs::read_to_string("/proc/meminfo")?, name))
}

/// The most memory that a process has had so far, in bytes.
pub fn peak(pid: u32) -> io::Result<u64> {
    Ok(field(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmHWM:"))
}

/// A line's value, given in kB, as bytes; 0 when there is no such line.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|value| value.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
