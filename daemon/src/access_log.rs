//! The access log: opened by the master, written by the workers.
//!
//! Lines are appended a batch at a time with one write, so that batches of several workers never mix, and a log that
//! takes nothing (full disk, a pipe that nobody reads) costs lines, never answers.

use crate::{
    failure::Failure,
    log::{self, Seldom},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt as _},
    path::Path,
    time::Instant,
};

/// Opens the log for appending, makes it if need be.
///
/// Never waits: neither for a reader of a named pipe, nor later for room in one.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    Ok(file.into())
}

/// Opens the log that the operator has asked for, if any, as the program starts.
pub fn open_first(path: Option<&Path>) -> Result<Option<OwnedFd>, Failure> {
    let failed = |path: &Path, error| {
        Failure::system(format!("access log {}: cannot be opened ({error})", path.display()))
    };
    path.map(|path| open(path).map_err(|error| failed(path, error))).transpose()
}

/// A worker's hold on the log.
#[derive(Debug)]
pub struct AccessLog {
    file: Option<File>,
    /// The last line was written in part; the next batch begins on a line of its own.
    broken: bool,
    dropped: u64,
    refusals: Seldom,
}

impl AccessLog {
    /// A log that goes to `file`, or nowhere.
    pub fn new(file: Option<OwnedFd>) -> AccessLog {
        AccessLog { file: file.map(File::from), broken: false, dropped: 0, refusals: Seldom::default() }
    }

    /// Goes on in another file.
    pub fn replace(&mut self, file: OwnedFd) {
        self.file = Some(file.into());
        self.broken = false;
    }

    /// Appends whole lines and empties `lines`. What the file does not take is dropped; returns how many lines.
    pub fn append(&mut self, lines: &mut Vec<u8>) -> u64 {
        let mut dropped = 0;
        if let Some(file) = self.file.as_mut().filter(|_| !lines.is_empty()) {
            if self.broken {
                lines.insert(0, b'\n');
            }
            let written = loop {
                match file.write(lines) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            match written {
                Ok(count) if count == lines.len() => self.broken = false,
                Ok(count) => {
                    self.broken = count > 0 && lines[count - 1] != b'\n' || count == 0 && self.broken;
                    dropped = self.report(&lines[count..], "written in part");
                }
                Err(error) => dropped = self.report(lines, &error.to_string()),
            }
        }
        lines.clear();
        dropped
    }

    fn report(&mut self, lost: &[u8], cause: &str) -> u64 {
        let lost = lost.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.dropped += lost;
        if self.refusals.passes(Instant::now()) {
            let dropped = self.dropped;
            log::warning(format_args!("access log: {dropped} lines lost ({cause}); answering on"));
            self.dropped = 0;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::OFlag;
    use std::{fs, io::Read as _};

    #[test]
    fn lines_are_appended_and_the_batch_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "old\n").unwrap();
        let mut log = AccessLog::new(Some(open(&path).unwrap()));
        let mut lines = b"new\n".to_vec();
        log.append(&mut lines);
        assert!(lines.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
    }

    #[test]
    fn a_full_disk_costs_lines_and_is_counted() {
        let mut log = AccessLog::new(Some(open(Path::new("/dev/full")).unwrap()));
        for _ in 0..3 {
            log.append(&mut b"a\nb\n".to_vec());
        }
        // The first batch was reported at once, the others wait for their minute.
        assert_eq!(log.dropped, 4);
    }

    #[test]
    fn a_line_written_in_part_is_ended_before_the_next_one() {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK).unwrap();
        let mut log = AccessLog::new(Some(writer));
        // More than a pipe holds: the rest is lost.
        log.append(&mut b"IP: 192.0.2.7\n".repeat(10_000));
        let mut reader = File::from(reader);
        let mut taken = vec![0; 1 << 20];
        let count = reader.read(&mut taken).unwrap();
        assert_ne!(taken[count - 1], b'\n');
        log.append(&mut b"next\n".to_vec());
        log.append(&mut b"last\n".to_vec());
        let count = reader.read(&mut taken).unwrap();
        assert_eq!(&taken[..count], b"\nnext\nlast\n");
    }
}
