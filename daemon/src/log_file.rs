//! The access log and the request log: opened by the master, written by the workers.
//!
//! Lines are appended a batch at a time with one write, so that batches of several workers never mix, and a log that
//! takes nothing (full disk, a pipe that nobody reads) costs lines, never answers. A line that is cut short is ended by
//! whichever worker writes next: they share that knowledge ([`crate::counters::Counters::torn`]), as they share the
//! file.

use crate::{
    failure::Failure,
    log::{self, Seldom},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt as _},
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};
use wire::Counter;

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

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Answered requests, in the form that MirrorManager's statistics read.
    Access,
    /// All requests.
    Requests,
}

impl Log {
    /// Both.
    pub const ALL: [Log; 2] = [Log::Access, Log::Requests];

    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Log::Access => "access log",
            Log::Requests => "request log",
        }
    }

    /// The counter of its lines that are lost.
    pub fn dropped(self) -> Counter {
        match self {
            Log::Access => Counter::LogLinesDropped,
            Log::Requests => Counter::RequestLogLinesDropped,
        }
    }
}

/// The files of the logs that there are, by [`Log`].
pub type Files = [Option<OwnedFd>; Log::ALL.len()];

/// Opens the logs that the operator has asked for, if any, as the program starts.
pub fn open_first(paths: [Option<&Path>; Log::ALL.len()]) -> Result<Files, Failure> {
    let mut files = Files::default();
    for ((log, path), file) in Log::ALL.into_iter().zip(paths).zip(&mut files) {
        let Some(path) = path else { continue };
        let failed =
            |error| Failure::system(format!("{} {}: cannot be opened ({error})", log.name(), path.display()));
        *file = Some(open(path).map_err(failed)?);
    }
    Ok(files)
}

/// A worker's hold on a log.
#[derive(Debug)]
pub struct LogFile {
    /// Which one.
    pub log: Log,
    file: Option<File>,
    /// Not zero, to all workers: the file ends with a torn line. Who writes next takes it, and begins on a new line.
    torn: &'static AtomicU64,
    /// Lines lost that no message has reported, and why the last of them was.
    unreported: u64,
    cause: String,
    refusals: Seldom,
    recoveries: Seldom,
}

impl LogFile {
    /// A log that goes to `file`, or nowhere. All who write to that file share `torn`.
    pub fn new(log: Log, file: Option<OwnedFd>, torn: &'static AtomicU64) -> LogFile {
        LogFile {
            log,
            file: file.map(File::from),
            torn,
            unreported: 0,
            cause: String::new(),
            refusals: Seldom::default(),
            recoveries: Seldom::default(),
        }
    }

    /// Goes on in another file.
    pub fn replace(&mut self, file: OwnedFd) {
        self.file = Some(file.into());
    }

    /// Appends whole lines and empties `lines`. What the file does not take is dropped; returns how many lines.
    ///
    /// Without a lock moments remain, around a write and while a new file is handed out, in which another worker's line
    /// can still follow a torn one, or an empty line begin a file.
    pub fn append(&mut self, lines: &mut Vec<u8>) -> u64 {
        let mut lost = 0;
        if let Some(file) = self.file.as_mut().filter(|_| !lines.is_empty()) {
            let torn = self.torn.swap(0, Relaxed) != 0;
            if torn {
                lines.insert(0, b'\n');
            }
            let written = loop {
                match file.write(lines) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            let count = *written.as_ref().unwrap_or(&0);
            if count.checked_sub(1).map_or(torn, |last| lines.get(last) != Some(&b'\n')) {
                self.torn.store(1, Relaxed);
            }
            // The line feed that ends somebody's torn line is no line.
            let rest = lines.get(count.max(torn.into())..).unwrap_or_default();
            lost = rest.iter().filter(|byte| **byte == b'\n').count() as u64;
            match written {
                Ok(count) if count == lines.len() => self.recovered(),
                Ok(_) => self.refused(lost, "written in part".to_owned()),
                Err(error) => self.refused(lost, error.to_string()),
            }
        }
        lines.clear();
        lost
    }

    fn refused(&mut self, lost: u64, cause: String) {
        self.unreported += lost;
        self.cause = cause;
        if self.refusals.passes(Instant::now()) {
            self.tell("", "requests are answered all the same");
        }
    }

    fn recovered(&mut self) {
        // Seldom too: a pipe that is read slowly takes and refuses lines by turns.
        if self.unreported > 0 && self.recoveries.passes(Instant::now()) {
            self.tell("more ", "writing again");
        }
    }

    fn tell(&mut self, more: &str, next: &str) {
        let (count, cause) = (self.unreported, &self.cause);
        let lines = if count == 1 { "line" } else { "lines" };
        let name = self.log.name();
        log::warning(format_args!("{name}: {count} {more}{lines} lost ({cause}); {next}"));
        self.unreported = 0;
    }
}

impl Drop for LogFile {
    /// Nobody else knows of what this worker has not reported.
    fn drop(&mut self) {
        if self.unreported > 0 {
            self.tell("more ", "this worker ends");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counters;
    use nix::fcntl::OFlag;
    use std::{fs, io::Read as _};

    fn nothing_torn() -> &'static AtomicU64 {
        Counters::new(1).unwrap().torn(Log::Access)
    }

    /// Two workers' logs to one pipe, and its reader.
    fn two_logs() -> (LogFile, LogFile, File) {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK).unwrap();
        let torn = nothing_torn();
        let other = writer.try_clone().unwrap();
        (
            LogFile::new(Log::Access, Some(writer), torn),
            LogFile::new(Log::Access, Some(other), torn),
            reader.into(),
        )
    }

    /// More than a pipe holds, so that it ends with a torn line.
    fn flood(log: &mut LogFile) {
        assert!(log.append(&mut b"IP: 192.0.2.7\n".repeat(10_000)) > 0);
    }

    /// What is in the pipe.
    fn drain(reader: &mut File) -> Vec<u8> {
        let mut taken = vec![0; 1 << 20];
        let count = reader.read(&mut taken).unwrap();
        taken.truncate(count);
        taken
    }

    #[test]
    fn lines_are_appended_and_the_batch_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "old\n").unwrap();
        let mut log = LogFile::new(Log::Access, Some(open(&path).unwrap()), nothing_torn());
        let mut lines = b"new\n".to_vec();
        log.append(&mut lines);
        assert!(lines.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
    }

    #[test]
    fn a_full_disk_costs_lines_which_are_counted_and_all_told() {
        let mut log = LogFile::new(Log::Access, Some(open(Path::new("/dev/full")).unwrap()), nothing_torn());
        for _ in 0..3 {
            assert_eq!(log.append(&mut b"a\nb\n".to_vec()), 2);
        }
        // The first batch was told at once, the others wait for their minute, or until lines are written again.
        assert_eq!(log.unreported, 4);
        log.replace(tempfile::tempfile().unwrap().into());
        assert_eq!(log.append(&mut b"c\n".to_vec()), 0);
        assert_eq!(log.unreported, 0);
    }

    #[test]
    fn a_log_that_takes_and_refuses_lines_by_turns_is_told_of_seldom() {
        let (mut log, full) = (LogFile::new(Log::Access, None, nothing_torn()), Path::new("/dev/full"));
        for unreported in [0, 0, 1, 2] {
            log.replace(open(full).unwrap());
            log.append(&mut b"a\n".to_vec());
            log.replace(tempfile::tempfile().unwrap().into());
            log.append(&mut b"b\n".to_vec());
            assert_eq!(log.unreported, unreported);
        }
    }

    #[test]
    fn a_torn_line_is_ended_by_whoever_writes_next_and_once() {
        let (mut one, mut other, mut reader) = two_logs();
        flood(&mut one);
        assert_ne!(drain(&mut reader).last(), Some(&b'\n'));
        other.append(&mut b"next\n".to_vec());
        one.append(&mut b"last\n".to_vec());
        assert_eq!(drain(&mut reader), b"\nnext\nlast\n");
    }

    #[test]
    fn a_torn_line_stays_known_while_nothing_can_be_written() {
        let (mut one, mut other, mut reader) = two_logs();
        flood(&mut one);
        // The line feed that could not be written is not a line lost.
        assert_eq!(other.append(&mut b"lost\n".to_vec()), 1);
        drain(&mut reader);
        one.append(&mut b"next\n".to_vec());
        assert_eq!(drain(&mut reader), b"\nnext\n");
    }
}
