//! `mirrorlist-report count` as it runs: no line of a log is lost or counted twice, whatever happens to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use flate2::{Compression, write::GzEncoder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// What the database is to hold: by day, country, repository, architecture; and by day, kind, status, tier.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    countries: BTreeMap<(i64, String), i64>,
    repository_countries: BTreeMap<(String, i64, String), i64>,
    repository_archs: BTreeMap<(String, i64, String), i64>,
    outcomes: BTreeMap<(i64, String, i64, String), i64>,
}

impl Figures {
    fn asked(&mut self, day: i64, country: &str, repository: &str, arch: &str) {
        *self.countries.entry((day, country.into())).or_default() += 1;
        *self.repository_countries.entry((repository.into(), day, country.into())).or_default() += 1;
        *self.repository_archs.entry((repository.into(), day, arch.into())).or_default() += 1;
    }

    /// What a database holds.
    fn of(database: &Path) -> Figures {
        let connection = Connection::open(database).unwrap();
        let name = |id: i64| -> String {
            connection.query_row("select name from names where id = ?", [id], |row| row.get(0)).unwrap()
        };
        let rows = |select: &str| -> Vec<[i64; 5]> {
            let mut select = connection.prepare(select).unwrap();
            let columns = select.column_count();
            let row = |row: &rusqlite::Row<'_>| {
                let mut cells = [0; 5];
                (0..columns).for_each(|at| cells[at] = row.get(at).unwrap());
                Ok(cells)
            };
            select.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let three = |of: &str, table: &str| {
            let rows = rows(&format!("select repository, day, {of}, requests from {table}"));
            rows.into_iter()
                .map(|[repository, day, of, sum, _]| ((name(repository), day, name(of)), sum))
                .collect()
        };
        Figures {
            countries: rows("select * from countries")
                .into_iter()
                .map(|[day, of, sum, ..]| ((day, name(of)), sum))
                .collect(),
            repository_countries: three("country", "repository_countries_by_day"),
            repository_archs: three("arch", "repository_archs"),
            outcomes: rows("select * from outcomes")
                .into_iter()
                .map(|[day, kind, status, tier, sum]| ((day, name(kind), status, name(tier)), sum))
                .collect(),
        }
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mirrorlist-report"))
}

fn count(database: &Path, source: &str, logs: &[PathBuf]) -> Output {
    let mut command = program();
    command.args(["count", "--json", "--source", source, "--database"]).arg(database).args(logs);
    command.output().unwrap()
}

fn well(output: &Output) {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// A number of the summary.
fn said(output: &Output, key: &str) -> u64 {
    let text = str::from_utf8(&output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix(&format!("\"{key}\": "))).unwrap();
    line.trim_end_matches(',').parse().unwrap()
}

fn today() -> i64 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400) as i64
}

fn date(day: i64) -> String {
    report::count::line::date(day as i32).unwrap().to_string()
}

fn access(day: i64, country: &str, repository: &str) -> String {
    format!("IP: N/A; DATE: {}; COUNTRY: {country}; REPO: {repository}; ARCH: x86_64\n", date(day))
}

fn append(log: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(log).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Logs of a service, with all that happens to them.
struct Site {
    random: SmallRng,
    folder: TempDir,
    sources: Vec<Source>,
    expected: Figures,
}

struct Source {
    name: String,
    requests: bool,
    /// Rotated logs are packed.
    packs: bool,
    /// Rotated logs are copied, and the log itself is cut.
    copies: bool,
    /// The rest of a line of which the first half is written.
    torn: String,
}

const NAMES: [&str; 4] = ["fedora-42", "epel-9", "ro cky;%", "alma\u{e9}"];

impl Site {
    fn new(seed: u64) -> Site {
        let mut random = SmallRng::seed_from_u64(seed);
        let source = |at| Source {
            name: format!("source-{at}"),
            requests: random.random(),
            packs: random.random(),
            copies: random.random(),
            torn: String::new(),
        };
        let sources = (0..3).map(source).collect();
        Site { random, folder: tempfile::tempdir().unwrap(), sources, expected: Figures::default() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("figures.db")
    }

    fn log(&self, source: usize) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.sources[source].name))
    }

    /// All logs of a source, in no order.
    fn logs(&self, source: usize) -> Vec<PathBuf> {
        let prefix = format!("{}.log", self.sources[source].name);
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix)).collect()
    }

    /// A request, into the log and into what is expected.
    fn request(&mut self, source: usize) -> String {
        let (random, expected) = (&mut self.random, &mut self.expected);
        // Few, so that logs begin alike.
        let day = today() - i64::from(random.random_bool(0.2));
        let country = *["DE", "US", "N/A"].choose(random).unwrap();
        let name = *NAMES.choose(random).unwrap();
        let escaped: String = name
            .bytes()
            .map(|byte| match byte {
                b'%' | b';' | b' ' | 0x7f.. => format!("%{byte:02X}"),
                _ => char::from(byte).into(),
            })
            .collect();
        let shown = if country == "N/A" { "" } else { country };
        if !self.sources[source].requests {
            expected.asked(day, shown, name, "x86_64");
            return access(day, country, &escaped);
        }
        let status = *[200, 302, 404].choose(random).unwrap();
        if status != 404 {
            expected.asked(day, shown, name, "x86_64");
        }
        *expected.outcomes.entry((day, "metalink".into(), status, "country".into())).or_default() += 1;
        let country = if country == "N/A" { "-" } else { country };
        format!("{}T10:00:00Z - {status} metalink country {country} {escaped} x86_64 -\n", date(day))
    }

    fn write(&mut self, source: usize, lines: usize) {
        let mut text = std::mem::take(&mut self.sources[source].torn);
        for _ in 0..lines {
            text += &self.request(source);
        }
        if self.random.random_bool(0.3) {
            let torn = self.request(source);
            let at = self.random.random_range(1..torn.len());
            text += &torn[..at];
            self.sources[source].torn = torn[at..].into();
        }
        append(&self.log(source), &text);
    }

    /// Moves a source's logs on by one; whole lines only, as a service that is told of it leaves them.
    fn rotate(&mut self, source: usize) {
        let rest = std::mem::take(&mut self.sources[source].torn);
        append(&self.log(source), &rest);
        let numbered = |number: usize, end: &str| {
            self.folder.path().join(format!("{}.log.{number}{end}", self.sources[source].name))
        };
        for number in (1..30).rev() {
            for end in ["", ".gz", ".zst"] {
                if numbered(number, end).exists() {
                    fs::rename(numbered(number, end), numbered(number + 1, end)).unwrap();
                }
            }
        }
        let (log, first, second) = (self.log(source), numbered(1, ""), numbered(2, ""));
        let Source { packs, copies, .. } = self.sources[source];
        if copies {
            fs::copy(&log, &first).unwrap();
            File::options().write(true).truncate(true).open(&log).unwrap();
        } else {
            fs::rename(&log, &first).unwrap();
        }
        if packs && second.exists() {
            let bytes = fs::read(&second).unwrap();
            let modified = fs::metadata(&second).unwrap().modified().unwrap();
            let (path, packed) = if self.random.random() {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&bytes).unwrap();
                (numbered(2, ".gz"), packed.finish().unwrap())
            } else {
                (numbered(2, ".zst"), zstd::stream::encode_all(&bytes[..], 1).unwrap())
            };
            fs::write(&path, packed).unwrap();
            File::open(&path).unwrap().set_modified(modified).unwrap();
            // The plain one goes a moment later.
            if self.random.random_bool(0.7) {
                fs::remove_file(second).unwrap();
            }
        }
    }

    /// Counts, or is killed while it does.
    fn count(&mut self, source: usize) {
        let logs = self.logs(source);
        if logs.is_empty() {
            return;
        }
        if self.random.random_bool(0.3) {
            let name = &self.sources[source].name;
            let mut command = program();
            command.args(["count", "--source", name, "--database"]).arg(self.database()).args(logs);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(self.random.random_range(0..20_000)));
            // It may have come to its end.
            let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            child.wait().unwrap();
        } else {
            well(&count(&self.database(), &self.sources[source].name, &logs));
        }
    }
}

#[test]
fn whatever_happens_to_logs_every_line_is_counted_once() {
    let seeds = if std::env::var_os("MIRRORLIST_LONG").is_some() { 200 } else { 6 };
    for seed in 0..seeds {
        let mut site = Site::new(seed);
        for _ in 0..60 {
            let source = site.random.random_range(0..site.sources.len());
            match site.random.random_range(0..10) {
                0..6 => {
                    // Quiet logs begin alike; loud ones are longer than what is known of their beginning.
                    let most = if site.random.random_bool(0.1) { 3000 } else { 4 };
                    let lines = site.random.random_range(0..most);
                    site.write(source, lines);
                }
                6 if site.log(source).exists() => site.rotate(source),
                _ => site.count(source),
            }
        }
        for source in 0..site.sources.len() {
            site.write(source, 1);
            let rest = std::mem::take(&mut site.sources[source].torn);
            append(&site.log(source), &rest);
            for _ in 0..2 {
                let name = site.sources[source].name.clone();
                well(&count(&site.database(), &name, &site.logs(source)));
            }
        }
        assert_eq!(Figures::of(&site.database()), site.expected, "seed {seed}");
    }
}

#[test]
fn a_terminal_is_told_what_goes_on_and_a_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    append(&path("access.log"), &access(today(), "DE", "fedora-42").repeat(140_000));
    append(&path("odd.log"), "odd\n");
    let command = |name: &str| {
        let [program, database, log, odd] = [
            Path::new(env!("CARGO_BIN_EXE_mirrorlist-report")),
            &path(name),
            &path("access.log"),
            &path("odd.log"),
        ]
        .map(|path| path.display().to_string());
        format!("'{program}' count --source s --database '{database}' '{log}' '{odd}'")
    };
    let Ok(seen) = Command::new("script").args(["-q", "-e", "-c", &command("seen"), "/dev/null"]).output()
    else {
        eprintln!("skipped: not installed: script");
        return;
    };
    let seen = String::from_utf8(seen.stdout).unwrap();
    let cleared = "\r\u{1b}[K";
    for said in ["65,536 lines of access.log", "131,072 lines of access.log"] {
        assert!(seen.contains(&format!("{cleared}{said}")), "{seen:?}");
    }
    // A message has a line of its own, and nothing stays behind.
    assert!(seen.contains(&format!("{cleared}warning: log ")), "{seen:?}");
    let end = seen.rsplit(cleared).next().unwrap();
    assert!(end.starts_with("counted 140,000 new lines of 2 logs"), "{seen:?}");
    let quiet = Command::new("sh").args(["-c", &command("quiet")]).output().unwrap();
    let said = String::from_utf8(quiet.stderr).unwrap();
    assert!(said.starts_with("warning: log ") && !said.contains(" lines of access.log"), "{said}");
}

#[test]
fn logs_that_begin_alike_for_long_are_two() {
    let folder = tempfile::tempdir().unwrap();
    let (database, one, two) =
        (folder.path().join("db"), folder.path().join("one"), folder.path().join("two"));
    let same: String = (0..2000).map(|_| access(today(), "DE", "fedora-42")).collect();
    append(&one, &same);
    append(&one, &access(today(), "DE", "only-in-one"));
    append(&two, &same);
    append(&two, &access(today(), "DE", "only-in-two"));
    well(&count(&database, "s", std::slice::from_ref(&one)));
    let second = count(&database, "s", &[one, two]);
    well(&second);
    assert_eq!(said(&second, "lines"), 2001);
    // Of another source even the same log is another one.
    assert_eq!(said(&count(&database, "t", &[folder.path().join("one")]), "lines"), 2001);
}

#[test]
fn a_copy_that_is_older_or_not_whole_yet_is_no_log_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (database, logs) = (path("db"), [path("log"), path("log.copy")]);
    let text: String = (0..3000).map(|at| access(today(), "DE", &format!("repository-{at}"))).collect();
    append(&logs[0], &text);
    assert_eq!(said(&count(&database, "s", &logs[..1]), "lines"), 3000);
    let counted = |lines: u64| {
        let output = count(&database, "s", &logs);
        well(&output);
        assert_eq!(said(&output, "lines"), lines);
    };
    // A tool that rotates copies it piece by piece.
    let (part, rest) = text.split_at(text.len() / 2 + 10);
    append(&logs[1], part);
    counted(0);
    append(&logs[0], &access(today(), "DE", "fedora-42"));
    counted(1);
    append(&logs[1], rest);
    counted(0);
    append(&logs[1], &access(today(), "DE", "fedora-42"));
    fs::write(&logs[0], access(today(), "DE", "fedora-43").repeat(5)).unwrap();
    counted(5);
    counted(0);
    // Two that are both new.
    let others = [path("other"), path("other.copy")];
    append(&others[1], part);
    append(&others[0], &text);
    let output = count(&database, "t", &others);
    well(&output);
    assert_eq!(said(&output, "lines"), 3000);
}

#[test]
fn a_source_may_change_from_one_kind_of_log_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (database, [old, new]) = (path("db"), [path("access.log"), path("request.log")]);
    let request = format!("{}T10:00:00Z - 200 metalink country DE fedora-42 x86_64 -\n", date(today()));
    append(&old, &access(today(), "DE", "fedora-42").repeat(3));
    well(&count(&database, "s", std::slice::from_ref(&old)));
    append(&new, &request.repeat(4));
    let output = count(&database, "s", std::slice::from_ref(&new));
    well(&output);
    assert_eq!(said(&output, "lines"), 4);
    // Both are there: what was there first is counted, and the other is told of.
    append(&old, &access(today(), "DE", "fedora-42"));
    append(&new, &request);
    let output = count(&database, "s", &[old, new]);
    assert_eq!(["lines", "other"].map(|key| said(&output, key)), [1, 1], "{output:?}");
}

#[test]
fn what_is_no_line_is_told_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    append(&log, &access(today(), "DE", "fedora-42"));
    append(&log, &access(today() - 1, "DE", "fedora-42"));
    append(&log, &access(today() - 2, "DE", "fedora-42"));
    append(&log, "odd\n");
    append(&log, &"x".repeat(1_000_000));
    append(&log, "\n\u{0}\u{ff}\n");
    append(&log, &access(today() - 500, "DE", "fedora-42"));
    append(&log, &access(today() + 500, "DE", "fedora-42"));
    append(&log, &format!("{}T10:00:00Z - 200 metalink country DE fedora-42 x86_64 -\n", date(today())));
    append(&log, &access(today(), "DE", "fedora-42"));
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert!(output.status.success());
    assert_eq!(["lines", "other", "outside"].map(|key| said(&output, key)), [4, 1, 2]);
    let odd = said(&output, "odd");
    assert!((3..10).contains(&odd), "a line without end is looked at in pieces: {odd}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains(&format!("of no access log or request log: {odd}, the first at byte 210;")),
        "{errors}"
    );
    assert!(errors.contains("of the other kind of log than source s has: 1;"), "{errors}");
    well(&count(&database, "s", &[log]));
}

#[test]
fn of_a_line_that_is_too_long_no_part_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    // A part of it begins where what is read at once ends.
    let long = "x".repeat((256 + 64) * 1024);
    append(&log, &(long + &access(today(), "DE", "part") + &access(today(), "DE", "whole")));
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert_eq!((said(&output, "lines"), said(&output, "odd")), (1, 1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the first at byte 0;"), "{output:?}");
    // One that a count ends in the midst of.
    append(&log, &"x".repeat(700_000));
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert_eq!((said(&output, "lines"), said(&output, "odd")), (0, 1), "{output:?}");
    append(&log, &(access(today(), "DE", "part") + &access(today(), "DE", "whole")));
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert_eq!((said(&output, "lines"), said(&output, "odd")), (1, 0), "{output:?}");
    let figures = Figures::of(&database);
    let repositories: Vec<&str> = figures.repository_archs.keys().map(|(name, ..)| &**name).collect();
    assert_eq!(repositories, ["whole"]);
}

#[test]
fn zeros_behind_what_gzip_has_packed_are_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log.gz"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(access(today(), "DE", "fedora-42").as_bytes()).unwrap();
    let mut packed = packed.finish().unwrap();
    packed.resize(packed.len() + 4096, 0);
    fs::write(&log, packed).unwrap();
    let output = count(&database, "s", std::slice::from_ref(&log));
    well(&output);
    assert_eq!(said(&output, "lines"), 1);
}

#[test]
fn what_was_packed_long_ago_is_not_unpacked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log.gz"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    for at in 0..20_000 {
        packed.write_all(access(today(), "DE", &format!("repository-{at}")).as_bytes()).unwrap();
    }
    let packed = packed.finish().unwrap();
    fs::write(&log, &packed).unwrap();
    let written = |time: SystemTime| File::open(&log).unwrap().set_modified(time).unwrap();
    let long_ago = SystemTime::now() - Duration::from_hours(72);
    written(long_ago);
    assert_eq!(said(&count(&database, "s", std::slice::from_ref(&log)), "lines"), 20_000);
    // In the same file, so that whoever reads all of it would stumble.
    let mut broken = packed.clone();
    let end = broken.len() - 1000;
    broken[end..].fill(0xff);
    let file = OpenOptions::new().write(true).open(&log).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &broken, 0).unwrap();
    written(long_ago);
    let output = count(&database, "s", std::slice::from_ref(&log));
    well(&output);
    assert_eq!(said(&output, "lines"), 0);
    written(SystemTime::now());
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert_eq!((output.status.code(), said(&output, "failed")), (Some(71), 1), "{output:?}");
    // Lines that wait in it are counted when their day has come.
    let mut later = GzEncoder::new(packed, Compression::fast());
    later.write_all(access(today() + 30, "DE", "later").as_bytes()).unwrap();
    fs::write(&log, later.finish().unwrap()).unwrap();
    for time in [SystemTime::now(), long_ago] {
        written(time);
        let output = count(&database, "s", std::slice::from_ref(&log));
        assert_eq!(["lines", "waiting", "failed"].map(|key| said(&output, key)), [0, 1, 0], "{output:?}");
    }
}

#[test]
fn a_log_that_cannot_be_read_counts_later_and_the_others_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    append(&path("log"), &access(today(), "DE", "fedora-42"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(access(today(), "DE", "fedora-42").repeat(1000).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    fs::write(path("log.1.gz"), &packed[..packed.len() / 2]).unwrap();
    let logs = [path("log"), path("log.1.gz"), path("absent")];
    let output = count(&path("db"), "s", &logs);
    assert_eq!(output.status.code(), Some(71), "{output:?}");
    assert_eq!((said(&output, "lines"), said(&output, "failed")), (1, 2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("log.1.gz: cannot be read (") && errors.contains("absent: cannot be read ("),
        "{errors}"
    );
    fs::write(path("log.1.gz"), packed).unwrap();
    let output = count(&path("db"), "s", &logs[..2]);
    well(&output);
    assert_eq!(said(&output, "lines"), 1000);
}

#[test]
fn a_database_that_is_none_or_of_a_later_version_or_in_use_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let log = [path("log")];
    append(&log[0], &access(today(), "DE", "fedora-42"));
    fs::write(path("text"), "not a database, but a text that is longer than a head ".repeat(20)).unwrap();
    Connection::open(path("foreign")).unwrap().execute_batch("create table t (x)").unwrap();
    well(&count(&path("db"), "s", &log));
    let change = |database: &str, change: &str| {
        Connection::open(path(database)).unwrap().execute_batch(change).unwrap();
    };
    fs::copy(path("db"), path("later")).unwrap();
    change("later", "pragma user_version = 3");
    for (database, code, cause) in [
        ("text", 78, "is no SQLite database"),
        ("foreign", 78, "is another program's"),
        ("later", 78, "is of version 3, this program knows 2"),
        ("absent/db", 71, "unable to open database file"),
    ] {
        let before = fs::read(path(database)).ok();
        let output = count(&path(database), "s", &log);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains(cause) && errors.lines().count() == 1, "{errors}");
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert_eq!(fs::read(path(database)).ok(), before, "{database}");
    }
}

#[test]
fn figures_of_the_version_before_stay_and_more_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let [database, fresh, log] =
        ["figures.db", "fresh.db", "access.log"].map(|name| folder.path().join(name));
    let today = today();
    let lines = |day| ["DE", "FR", "DE"].map(|country| access(day, country, "fedora-42")).concat();
    append(&log, &(lines(today - 1) + &lines(today)));
    [&database, &fresh].iter().for_each(|database| well(&count(database, "a", std::slice::from_ref(&log))));
    let before = Figures::of(&database);
    let version_1 = "
        create table repository_countries (repository integer, day integer, country integer, requests integer not null,
            primary key (repository, day, country)) without rowid;
        insert into repository_countries select repository, day, country, requests from repository_countries_by_day;
        drop table repository_countries_by_day;
        pragma user_version = 1;
    ";
    Connection::open(&database).unwrap().execute_batch(version_1).unwrap();
    let mut render = program();
    render.arg("render").arg("--database").arg(&database).arg("--output").arg(folder.path().join("site"));
    let output = render.output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(
            "is of version 1, which the next count brings to version 2; nothing is written until then"
        ),
        "{said}"
    );

    well(&count(&database, "a", std::slice::from_ref(&log)));
    assert_eq!(Figures::of(&database), before);
    append(&log, &lines(today));
    [&database, &fresh].iter().for_each(|database| well(&count(database, "a", std::slice::from_ref(&log))));
    assert_eq!(Figures::of(&database), Figures::of(&fresh));
    let tables = |database: &PathBuf| -> (i64, Vec<(String, Option<String>)>) {
        let connection = Connection::open(database).unwrap();
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let mut select = connection.prepare("select name, sql from sqlite_schema order by name").unwrap();
        let tables = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (version, tables.collect::<Result<_, _>>().unwrap())
    };
    assert_eq!(tables(&database), tables(&fresh));
}

#[test]
fn figures_are_kept_for_as_long_as_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    // The third of the newest days is that by which others are old.
    for days in [0, 1, 2, 32, 33, 399] {
        append(&log, &access(today() - days, "DE", "fedora-42"));
    }
    well(&count(&database, "s", std::slice::from_ref(&log)));
    assert_eq!(Figures::of(&database).countries.len(), 6);
    let mut command = program();
    command.args(["count", "--keep", "30d", "--source", "s", "--database"]).arg(&database).arg(&log);
    well(&command.output().unwrap());
    let mut expected = Figures::default();
    for days in [0, 1, 2, 32] {
        expected.asked(today() - days, "DE", "fedora-42", "x86_64");
    }
    assert_eq!(Figures::of(&database), expected);
}

#[test]
fn figures_of_many_repositories_are_added_to_those_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    let mut expected = Figures::default();
    // Some repositories are there already each time; rows are several times 64 and a rest, and fewer than 64.
    for repositories in [0..200, 150..1_000, 990..1_001] {
        for repository in repositories.map(|number| format!("fedora-{number}")) {
            for country in ["DE", "US", "DE"] {
                append(&log, &access(today(), country, &repository));
                expected.asked(today(), country, &repository, "x86_64");
            }
        }
        well(&count(&database, "s", std::slice::from_ref(&log)));
        assert_eq!(Figures::of(&database), expected);
    }
}

#[test]
fn a_log_that_has_lost_its_end_is_not_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    append(&log, &access(today(), "DE", "fedora-42").repeat(2000));
    well(&count(&database, "s", std::slice::from_ref(&log)));
    let length = fs::metadata(&log).unwrap().len();
    OpenOptions::new().write(true).open(&log).unwrap().set_len(length - 100).unwrap();
    let output = count(&database, "s", std::slice::from_ref(&log));
    assert_eq!((said(&output, "lines"), output.status.success()), (0, true));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("log: is shorter than what was counted of it"), "{errors}");
    append(&log, "\n");
    append(&log, &access(today(), "DE", "fedora-42").repeat(3));
    // What was cut in two is no line.
    assert_eq!(said(&count(&database, "s", &[log]), "lines"), 3);
}

#[test]
fn a_clock_that_is_wrong_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    append(&log, &access(today(), "DE", "fedora-42"));
    well(&count(&database, "s", std::slice::from_ref(&log)));
    // To a clock that is ahead the figures are old, and they stay.
    let old = folder.path().join("old");
    append(&old, &access(today() - 300, "DE", "fedora-42"));
    well(&count(&database, "s", &[old]));
    assert_eq!(Figures::of(&database).countries.len(), 2);
    // To a clock that is behind what comes last is of days to come; it waits, and nothing else does.
    append(&log, &access(today(), "DE", "fedora-42"));
    append(&log, &access(today() + 30, "DE", "fedora-42").repeat(2));
    for lines in [1, 0] {
        let output = count(&database, "s", std::slice::from_ref(&log));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(["lines", "waiting", "outside"].map(|key| said(&output, key)), [lines, 2, 0]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("of days to come at its end: 2; they wait"), "{errors}");
    }
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    if !Path::new(library).exists() {
        eprintln!("skipped: not installed: libfaketime");
        return;
    }
    let count_at = |time: &str| {
        let mut command = program();
        command.env("LD_PRELOAD", library).env("FAKETIME", time).env("TZ", "UTC");
        command.args(["count", "--json", "--source", "s", "--database"]).arg(&database).arg(&log);
        command.output().unwrap()
    };
    // Whatever it says, what was counted is known, and not forgotten.
    for (time, lines) in
        [("@1971-01-01 00:00:00", 0), ("+30d", 2), ("@1971-01-01 00:00:00", 0), ("+9000d", 0)]
    {
        let output = count_at(time);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(said(&output, "lines"), lines, "{time}");
    }
    append(&log, &access(today(), "DE", "fedora-42"));
    let output = count_at("+9000d");
    assert_eq!((said(&output, "lines"), said(&output, "outside")), (1, 0), "{output:?}");
    well(&count(&database, "s", std::slice::from_ref(&log)));
    let days = || -> Vec<(i64, i64)> {
        let countries = Figures::of(&database).countries.into_iter();
        countries.map(|((day, _), lines)| (day - today(), lines)).collect()
    };
    assert_eq!(days(), [(-300, 1), (0, 3), (30, 2)]);
    // A machine that starts with a clock of years to come writes lines of that day, and counts them. Nothing else is old then.
    append(&log, &access(today() + 9000, "DE", "fedora-42"));
    assert_eq!(said(&count_at("+9000d"), "lines"), 1);
    append(&log, &access(today(), "DE", "fedora-42"));
    let output = count(&database, "s", &[log]);
    assert_eq!(["lines", "waiting", "outside"].map(|key| said(&output, key)), [1, 0, 0], "{output:?}");
    assert_eq!(days(), [(-300, 1), (0, 4), (30, 2), (9000, 1)]);
}

#[test]
fn what_clients_send_beside_a_path_is_no_repository_and_names_that_nothing_has_go() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = (folder.path().join("db"), folder.path().join("log"));
    let of = |ago: i64, repo: &str, path: &str| {
        format!("{}T10:00:00Z - 200 mirrorlist country DE {repo} x86_64 {path}\n", date(today() - ago))
    };
    let line = |repo: &str, path: &str| of(0, repo, path);
    for ago in 1..3 {
        append(&log, &of(ago, "buy-now", "pub/epel"));
    }
    append(&log, &line("buy-now", "pub/epel"));
    append(&log, &line(&"long".repeat(1000), "-"));
    append(&log, &access(today(), "DE", "x"));
    let output = count(&database, "s", &[log]);
    assert!(output.status.success(), "{output:?}");
    let figures = Figures::of(&database);
    let repositories: Vec<&str> = figures.repository_archs.keys().map(|(name, ..)| &**name).collect();
    assert_eq!(repositories, ["long".repeat(32)]);
    let names = |database: &Path| -> i64 {
        let names = "select count(*) from names where name like 'long%' or name = 'old'";
        Connection::open(database).unwrap().query_row(names, [], |row| row.get(0)).unwrap()
    };
    let old = folder.path().join("old");
    append(&old, &access(today() - 300, "DE", "old"));
    let silent = folder.path().join("silent");
    append(&silent, &of(310, "gone", "-").replace(" 200 ", " 404 "));
    well(&count(&database, "t", std::slice::from_ref(&old)));
    well(&count(&database, "u", std::slice::from_ref(&silent)));
    assert_eq!(names(&database), 2);
    assert!(Figures::of(&database).outcomes.keys().any(|(day, ..)| *day == today() - 310));
    let mut command = program();
    command.args(["count", "--keep", "30d", "--source", "t", "--database"]).arg(&database).arg(&old);
    well(&command.output().unwrap());
    assert_eq!(names(&database), 1);
    // What is left has its names.
    let left = Figures::of(&database);
    assert_eq!(left.outcomes, figures.outcomes);
    assert_eq!(left.repository_archs, figures.repository_archs);
    // Of a day that has outcomes alone they go, and so do names that only they had.
    append(&silent, &of(320, "gone", "-").replace(" 200 ", " 404 ").replace("country", "continent"));
    let keep = |days: &str| {
        let mut command = program();
        command.args(["count", "--keep", days, "--source", "u", "--database"]).arg(&database).arg(&silent);
        well(&command.output().unwrap());
    };
    let continents = || -> i64 {
        let continents = "select count(*) from names where name = 'continent'";
        Connection::open(&database).unwrap().query_row(continents, [], |row| row.get(0)).unwrap()
    };
    keep("400d");
    assert_eq!((continents(), Figures::of(&database).outcomes.len()), (1, figures.outcomes.len() + 1));
    keep("30d");
    assert_eq!((continents(), Figures::of(&database).outcomes), (0, figures.outcomes));
}
