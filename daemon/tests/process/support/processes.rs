//! What /proc tells of other processes.

use std::{ffi::OsStr, fs};

/// Whether there is such a process, other than a zombie.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Whether a process has been stopped by a signal.
pub fn is_stopped(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == 'T')
}

/// What a process calls itself, cut to fifteen bytes; empty if it is gone.
pub fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().into()
}

/// Living children of a process.
pub fn children(parent: u32) -> Vec<u32> {
    all_children(parent).filter(|pid| is_alive(*pid)).collect()
}

/// How many children have ended and not been reaped.
pub fn zombies(parent: u32) -> usize {
    all_children(parent).filter(|pid| stat(*pid).is_some_and(|(state, _)| state == 'Z')).count()
}

fn all_children(parent: u32) -> impl Iterator<Item = u32> {
    let names = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut pids: Vec<u32> = names.filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    pids.into_iter().filter(move |pid| stat(*pid).is_some_and(|(_, of)| of == parent))
}

/// What each open descriptor above the standard ones is.
pub fn descriptors(pid: u32) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let others = links
        .filter_map(Result::ok)
        .filter(|link| link.file_name().len() > 1 || *link.file_name() > *OsStr::new("2"));
    others.filter_map(|link| Some(fs::read_link(link.path()).ok()?.display().to_string())).collect()
}

/// How many caches a process has mapped.
pub fn mapped_caches(pid: u32) -> usize {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    maps.lines().filter(|line| line.contains("mirrorlist-cache") || line.contains("cache.mlc")).count()
}

/// A number of `/proc/PID/status`.
pub fn status_number(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// State and parent.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
