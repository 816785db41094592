//! How many mirrors can be asked at a time: each takes a descriptor, of which a process may have so many.

use program::{failure::Failure, log};
use std::fs;

/// Descriptors for all else: the state, look-ups of names, the file that is written.
const OTHERS: usize = 128;

/// Mirrors that are asked at a time at least.
const LEAST: usize = 16;

/// At most so many at a time. An error if there is no room for a run.
pub fn at_once(wanted: usize) -> Result<usize, Failure> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(may_have) = may_have(&limits) else { return Ok(wanted) };
    let room = may_have.saturating_sub(OTHERS);
    if room < LEAST {
        let least = LEAST + OTHERS;
        return Err(Failure::system(format!(
            "open files: this process may have {may_have} at a time, and a run takes {least} at least; raise LimitNOFILE= of its \
             unit, or ulimit -n, to 1024"
        )));
    }
    if room < wanted {
        log::info(format_args!(
            "open files: this process may have {may_have} at a time; no more than {room} mirrors are asked at a time"
        ));
    }
    Ok(room.min(wanted))
}

/// The limit on open files; none if there is none.
fn may_have(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_one_that_counts_now() {
        let limits = "Limit    Soft Limit   Hard Limit   Units\nMax processes   1   2   processes\nMax open files   1024   524288   files\n";
        assert_eq!(
            (may_have(limits), may_have(""), may_have("Max open files unlimited")),
            (Some(1024), None, None)
        );
        assert!(may_have(&fs::read_to_string("/proc/self/limits").unwrap()).is_some_and(|most| most > 16));
    }
}
