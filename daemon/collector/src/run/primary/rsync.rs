//! The tree as an rsync daemon lists it, asked by the rsync program: bounded in time, lines and bytes.

use super::{Error, listing::Listing};
use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use time::{Date, Month, PrimitiveDateTime, Time};
use url::Url;

/// Bytes of a line, and of a whole listing; the largest known has some gigabyte.
const LONGEST_LINE: u64 = 8 << 10;
const LONGEST: u64 = 8 << 30;

/// Seconds without a byte after which rsync gives up.
const SILENCE: &str = "--timeout=120";

/// Bytes that are kept of what it complains of.
const LONGEST_COMPLAINT: usize = 64 << 10;

/// Lists what is at `url`, within this time.
pub fn list(url: &Url, patience: Duration, listing: &mut Listing<'_>) -> Result<(), Error> {
    let mut command = Command::new("rsync");
    command.args([
        "--list-only",
        "--recursive",
        "--links",
        "--8-bit-output",
        "--no-human-readable",
        "--no-motd",
    ]);
    command.args(["--contimeout=30", SILENCE, "--"]).arg(url.as_str());
    // Times are told as they are there; complaints are looked at.
    command.env("TZ", "UTC").env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NoRsync,
        _ => Error::Start(error),
    })?;
    let output = child.stdout.take().map(BufReader::new).ok_or(Error::NoOutput)?;
    let complaints = child.stderr.take().map(|stderr| thread::spawn(move || complaints(stderr)));
    let guard = Guard::new(child, patience);
    let read = read(output, listing);
    if read.is_err() {
        guard.kill();
    }
    let (status, is_late) = guard.end()?;
    let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if is_late {
        return Err(Error::Late(patience));
    }
    read?;
    // 23 and 24: something could not be read, or has gone meanwhile.
    let is_partial = matches!(status.code(), Some(23 | 24)) && complaints.lines().all(is_harmless);
    if status.success() || is_partial {
        return Ok(());
    }
    let said = complaints.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    Err(Error::Rsync(status, said.chars().take(300).collect()))
}

/// Whether a complaint is about what mirrors cannot read either, or sums such up.
fn is_harmless(line: &str) -> bool {
    line.trim().is_empty()
        || line.contains("Permission denied (13)")
        || line.contains("vanished")
        || line.starts_with("rsync error: some files")
        || line.starts_with("rsync warning: some files")
        || line.starts_with("IO error encountered")
}

/// What is complained of: whole lines, the first of them and, wherever it stands, the first that is not harmless.
fn complaints(stderr: impl Read) -> String {
    let mut stderr = BufReader::new(stderr);
    let (mut said, mut line, mut is_all_harmless) = (String::new(), Vec::new(), true);
    loop {
        line.clear();
        // It is read to its end, so that nobody waits for us.
        match stderr.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return said,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let is_first = is_all_harmless && !is_harmless(&text);
        is_all_harmless &= !is_first;
        if is_first || said.len() + text.len() <= LONGEST_COMPLAINT {
            said.push_str(&text);
        }
    }
}

/// A process that is ended when its time is over.
struct Guard {
    child: Arc<Mutex<Child>>,
    ended: mpsc::Sender<()>,
    watch: thread::JoinHandle<bool>,
}

impl Guard {
    fn new(child: Child, patience: Duration) -> Guard {
        let child = Arc::new(Mutex::new(child));
        let (ended, end) = mpsc::channel();
        let watched = Arc::clone(&child);
        let watch = thread::spawn(move || {
            let is_late = end.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout);
            if is_late {
                // It may have ended by itself.
                let _ = watched.lock().unwrap_or_else(PoisonError::into_inner).kill();
            }
            is_late
        });
        Guard { child, ended, watch }
    }

    fn kill(&self) {
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    /// How it has ended, its output being read, and whether it had to be ended.
    fn end(self) -> Result<(ExitStatus, bool), Error> {
        let status = loop {
            let ended = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            if let Some(status) = ended.map_err(Error::Lost)? {
                break status;
            }
            // Mostly it ends with its output; the watch sees to it that it does.
            thread::sleep(Duration::from_millis(5));
        };
        drop(self.ended);
        Ok((status, self.watch.join().unwrap_or(false)))
    }
}

fn read(mut output: impl BufRead, listing: &mut Listing<'_>) -> Result<(), Error> {
    let (mut line, mut bytes) = (Vec::new(), 0);
    loop {
        line.clear();
        let count = output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let count = count.map_err(Error::Output)? as u64;
        bytes += count;
        if count == 0 {
            return Ok(());
        }
        if count == LONGEST_LINE || bytes > LONGEST {
            return Err(Error::Length);
        }
        match std::str::from_utf8(&line) {
            Ok(line) => take(line.trim_end_matches('\n'), listing)?,
            Err(_) => {
                listing.odd.0 += 1;
                listing.odd.1.get_or_insert_with(|| String::from_utf8_lossy(&line).trim().to_owned());
            }
        }
    }
}

/// A line such as `drwxr-xr-x          4096 2026/11/28 13:56:54 a/b`, or of a link with ` -> c` behind it.
fn take(line: &str, listing: &mut Listing<'_>) -> Result<(), Error> {
    let wrong = || Error::Listed(line.escape_debug().take(200).collect());
    let mut rest = line;
    let mut word = || {
        let begun = rest.trim_start_matches(' ');
        let (word, after) = begun.split_once(' ')?;
        rest = after;
        Some(word)
    };
    let fields = (|| Some((word()?, word()?, word()?, word()?)))();
    let Some((mode, size, date, time)) = fields else { return Err(wrong()) };
    let mode = mode.as_bytes();
    if mode.len() < 10 {
        return Err(wrong());
    }
    let path = unescaped(rest);
    let (may_read, may_enter) = (mode[7] == b'r', matches!(mode[9], b'x' | b't'));
    match mode[0] {
        b'd' if path == "." => {}
        b'd' if may_read && may_enter => listing.directory(&path)?,
        b'l' => {
            let (path, to) = path.split_once(" -> ").ok_or_else(wrong)?;
            listing.link(path, to);
        }
        b'-' if may_read => {
            // Numbers may have commas, as versions and locales go.
            let size = size.replace(',', "").parse().map_err(|_| wrong())?;
            listing.file(&path, size, seconds(date, time).ok_or_else(wrong)?);
        }
        _ => {}
    }
    Ok(())
}

/// The name behind rsync's spelling of it, in which `\#012` is the byte of that octal number.
fn unescaped(name: &str) -> String {
    if !name.contains("\\#") {
        return name.to_owned();
    }
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.strip_prefix(b"#").and_then(|digits| digits.get(..3)).filter(|_| first == b'\\');
        let byte = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[4..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Of `2026/11/28` and `13:56:54` in UTC, seconds since the epoch.
fn seconds(date: &str, time: &str) -> Option<u64> {
    let mut date = date.splitn(3, '/');
    let mut of_date = || date.next()?.parse::<u16>().ok();
    let (year, month, day) = (of_date()?, of_date()?, of_date()?);
    let mut time = time.splitn(3, ':');
    let mut of_time = || time.next()?.parse::<u8>().ok();
    let time = Time::from_hms(of_time()?, of_time()?, of_time()?).ok()?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    let seconds = PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp();
    Some(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_complaints_are_kept_as_whole_lines_and_one_that_is_not_harmless_in_any_case() {
        let line = "rsync: [sender] opendir \"/secret\" (in pub) failed: Permission denied (13)\n";
        let many = line.repeat(2_000);
        let kept = line.repeat(LONGEST_COMPLAINT / line.len());
        assert!(many.len() > LONGEST_COMPLAINT && kept.len() < LONGEST_COMPLAINT);
        assert_eq!(complaints(many.as_bytes()), kept);
        assert!(kept.lines().all(is_harmless));
        for harmful in ["@ERROR: gone\n", "@ERROR: gone"] {
            let said = complaints((many.clone() + harmful).as_bytes());
            assert_eq!(said, kept.clone() + harmful);
            assert!(!said.lines().all(is_harmless));
        }
        let endless = complaints(io::repeat(b'x').take(10 * LONGEST_COMPLAINT as u64));
        assert_eq!(endless.len(), LONGEST_COMPLAINT);
    }

    #[test]
    fn lines_are_read_and_what_is_none_is_an_error() {
        let mut listing = Listing::new(&|_| false);
        let text = "drwxr-xr-x          4096 2026/11/28 13:56:54 .\n\
                    drwxr-xr-x         4,096 2026/11/28 13:56:54 a b\n\
                    -rw-r--r--     1,234,567 2026/11/28 13:56:54 a b/ f\n\
                    -rw-r--r--             5 1970/01/01 00:00:10 a b/n\\#012l\n\
                    -rw-r--r--             5 1970/01/01 00:00:10 a b/back\\#134#123\n\
                    -rw-------             5 2026/11/28 13:56:54 a b/secret\n\
                    drwx------          4096 2026/11/28 13:56:54 hidden\n\
                    -rw-r--r--             5 2026/11/28 13:56:54 hidden/f\n\
                    prw-r--r--             0 2026/11/28 13:56:54 pipe\n\
                    lrwxrwxrwx             3 2026/11/28 13:56:54 link -> a b\n";
        read(text.as_bytes(), &mut listing).unwrap();
        let shown = listing.shown().unwrap();
        assert_eq!(shown.iter().map(|shown| &*shown.path).collect::<Vec<_>>(), ["", "a b", "link"]);
        let files: Vec<_> = shown[1].files.iter().map(|file| (&*file.name, file.size, file.time)).collect();
        assert_eq!(files, [(" f", 1_234_567, 1_795_874_214), ("back\\#123", 5, 10)]);
        assert_eq!(listing.odd.0, 1);
        for text in [
            "@ERROR: Unknown module\n",
            "drwxr-xr-x 1\n",
            "-rw-r--r-- x 2026/11/28 13:56:54 a\n",
            "-rw-r--r-- 1 2026/13/28 13:56:54 a\n",
        ] {
            let said = read(text.as_bytes(), &mut Listing::new(&|_| false));
            assert!(matches!(&said, Err(Error::Listed(line)) if line == text.trim()), "{said:?}");
        }
        let endless = read(BufReader::new(io::repeat(b'x')), &mut Listing::new(&|_| false));
        assert!(matches!(endless, Err(Error::Length)));
    }
}
