//! What /proc tells of the programs' processes.

use super::{Service, until};
use std::{collections::BTreeSet, fs, ops::AddAssign};
use testkit::process::Memory;

/// The state letter of a process; `None` when it is not there.
pub fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold blanks and brackets.
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// What a process calls itself, cut to fifteen bytes; empty if it is gone.
pub fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().into()
}

/// Whether a process runs: is there and is more than a record of its end.
pub fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The slot of a worker, once it has made itself known.
pub fn slot(pid: u32) -> Option<u32> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    name.trim().strip_prefix("mirrorlistd/")?.parse().ok()
}

/// How many descriptors a process has open.
pub fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// The caches that a process has mapped or open, each by device and inode.
pub fn caches(pid: u32) -> BTreeSet<String> {
    let is_cache = |name: &str| name.contains("memfd:mirrorlist-cache") || name.contains(".mlc");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let mapped = maps.lines().filter(|line| is_cache(line)).filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(3);
        Some(format!("{} {}", fields.next()?, fields.next()?))
    });
    mapped.collect()
}

/// Bytes of address space that a process has taken.
pub fn address_space(pid: u32) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// Bytes of shared memory on the whole machine: sealed caches are among them, and what others have.
pub fn shmem() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Shmem:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// What the service's processes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Worker processes.
    pub workers: usize,
    /// Open descriptors of the daemon's processes.
    pub daemon_descriptors: usize,
    /// Open descriptors of the front end.
    pub frontend_descriptors: usize,
    /// Memory of the daemon's processes that is theirs alone, with their page tables.
    pub daemon_bytes: u64,
    /// The same of the front end.
    pub frontend_bytes: u64,
}

impl Holdings {
    /// What they hold now. Processes that end meanwhile count for nothing.
    pub fn of(service: &Service) -> Holdings {
        let own = |pid| Memory::of(pid).map_or(0, |memory| memory.uss + memory.page_tables);
        let workers = service.workers();
        let mut holdings = Holdings {
            workers: workers.len(),
            daemon_descriptors: descriptors(service.daemon.pid()),
            frontend_descriptors: descriptors(service.frontend.pid()),
            daemon_bytes: own(service.daemon.pid()),
            frontend_bytes: own(service.frontend.pid()),
        };
        for worker in workers {
            holdings.daemon_descriptors.add_assign(descriptors(worker));
            holdings.daemon_bytes.add_assign(own(worker));
        }
        holdings
    }

    /// What they hold when clients are gone: as soon as nothing has changed for a while.
    pub fn at_rest(service: &Service) -> Holdings {
        let mut last = Holdings::of(service);
        let mut same = 0;
        until("the service comes to rest", || {
            let now = Holdings::of(service);
            same = if now == last { same + 1 } else { 0 };
            last = now;
            same >= 100
        });
        last
    }

    /// All descriptors.
    pub fn descriptors(&self) -> usize {
        self.daemon_descriptors + self.frontend_descriptors
    }

    /// All memory.
    pub fn bytes(&self) -> u64 {
        self.daemon_bytes + self.frontend_bytes
    }
}
