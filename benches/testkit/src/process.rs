//! What processes cost: processor time and memory, as the kernel accounts for them.

use std::{collections::BTreeSet, fs, io, process::Child, thread, time::Duration};

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

/// Processor time that the children of a process have used which have ended, theirs included, in nanoseconds; to ten
/// milliseconds.
///
/// Source: `/proc/PID/stat`, cutime and cstime, in hundredths of a second on every Linux.
pub fn ended_children_ns(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may have anything in it; what follows begins with the third field, and these are the 16th and 17th.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks =
        after.split_ascii_whitespace().skip(13).take(2).map(|field| field.parse::<u64>().unwrap_or(0));
    Ok(ticks.sum::<u64>() * 10_000_000)
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Pages that no other process has (unique set size), but those of a cache: whoever counts caches counts them whole,
    /// and a page that only one process has looked at is not to be counted twice.
    pub uss: u64,
    /// Of each page its share (proportional set size), caches and all.
    pub pss: u64,
    /// What of that is touched pages of a cache.
    pub pss_of_cache: u64,
    /// Page tables.
    pub page_tables: u64,
}

impl Memory {
    /// The memory of a process.
    ///
    /// Source: `/proc/PID/smaps` and `/proc/PID/status`.
    pub fn of(pid: u32) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mut memory = Memory { page_tables: field(&status, "VmPTE:"), ..Memory::default() };
        let mut cache = false;
        for line in fs::read_to_string(format!("/proc/{pid}/smaps"))?.lines() {
            match line.split_ascii_whitespace().next().unwrap_or_default() {
                "Pss:" => {
                    memory.pss += value(line);
                    memory.pss_of_cache += if cache { value(line) } else { 0 };
                }
                "Private_Clean:" | "Private_Dirty:" if !cache => memory.uss += value(line),
                name if !name.ends_with(':') => cache = maps_cache(line),
                _ => {}
            }
        }
        Ok(memory)
    }
}

/// How many caches a process has mapped: sealed copies, or files that are named like caches.
pub fn caches_mapped(pid: u32) -> io::Result<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    // Device and inode.
    let files = maps
        .lines()
        .filter(|line| maps_cache(line))
        .map(|line| line.split_ascii_whitespace().skip(3).take(2));
    Ok(files.map(|file| file.collect::<Vec<_>>()).collect::<BTreeSet<_>>().len())
}

/// Whether a line of `/proc/PID/maps` is about a cache.
fn maps_cache(line: &str) -> bool {
    line.contains("memfd:mirrorlist-cache") || line.contains(".mlc")
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
    text.lines().find(|line| line.starts_with(name)).map_or(0, value)
}

/// What a line says after its name, given in kB, as bytes.
fn value(line: &str) -> u64 {
    let kilobytes = line.split_ascii_whitespace().nth(1).and_then(|value| value.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The most memory that a process has had, in megabytes, once it has ended well.
pub fn peak_of(mut child: Child) -> io::Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        if let Some(ended) = child.try_wait()? {
            return if ended.success() { Ok(peak) } else { Err(io::Error::other(ended.to_string())) };
        }
        peak = peak.max(high_water(&status).unwrap_or_default());
        thread::sleep(Duration::from_millis(5));
    }
}

/// The high-water mark of a process, which is gone when it ends.
fn high_water(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}
