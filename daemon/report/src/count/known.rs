//! Which of the logs that were read before a file is.
//!
//! It is the one that it begins with, up to where that was read. Several can be that when little was read of them, for
//! quiet logs begin alike; and one log can be there twice, while it is being packed. So each log is one file's in a run,
//! and what begins with much of it is a copy.

use super::log::{Log, MARK};
use crate::statistics::Known;
use std::{collections::HashMap, io, path::Path};

/// The files of one run that are known logs, by the logs' numbers.
#[derive(Debug, Default)]
pub struct Taken(HashMap<i64, Vec<Log>>);

impl Taken {
    /// A file is this log in this run.
    pub fn take(&mut self, id: i64, log: &Log) {
        self.0.entry(id).or_default().push(log.clone());
    }

    /// The log among `known`, the source's, that a file of this beginning is; `None` for a new one.
    pub fn find(&self, log: &Log, head: &[u8], known: Vec<Known>) -> io::Result<Option<Known>> {
        let mut same = Vec::new();
        for known in known {
            if log.has(&known.mark, head)? {
                same.push(known);
            }
        }
        let (taken, free): (Vec<Known>, Vec<Known>) =
            same.into_iter().partition(|known| self.0.contains_key(&known.id));
        let best = free.into_iter().max_by_key(|known| (known.file == log.file, known.mark.offset));
        let is_copy = |known: &Known| {
            !known.mark.is_short() || self.0[&known.id].iter().any(|other| is_same(other, log))
        };
        Ok(best.or_else(|| taken.into_iter().find(is_copy)))
    }

    /// Whether a file is the beginning of another one of this run: a copy that is older, or is still being written.
    pub fn is_part(&self, log: &Log, head: &[u8]) -> io::Result<bool> {
        if head.len() < MARK {
            // Quiet logs may begin alike.
            return Ok(false);
        }
        let mut all = None;
        for other in self.0.values().flatten().filter(|other| other.file != log.file) {
            if other.head()? != head {
                continue;
            }
            if all.is_none() {
                all = log.read(0, head, |_, _| Ok(()))?;
            }
            if let Some(all) = &all
                && other.has(all, head)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The log among `known` of which a file is what a failure of the disk has left.
    pub fn find_cut(&self, log: &Log, head: &[u8], known: Vec<Known>) -> io::Result<Option<Known>> {
        for known in known {
            if !self.0.contains_key(&known.id) && log.has_lost_end(&known.mark, known.file, head)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }
}

/// Whether two files are the same one, or one is the other's packed form by its name.
fn is_same(one: &Log, other: &Log) -> bool {
    let packed = |of: &Path, path: &Path| {
        path.file_stem() == of.file_name()
            && matches!(path.extension(), Some(end) if end == "gz" || end == "zst")
    };
    one.file == other.file || packed(&one.path, &other.path) || packed(&other.path, &one.path)
}
