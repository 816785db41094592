//! The database of figures: SQLite, in one file.
//!
//! A log's figures and how far it was read are written together or not at all, so that no line is counted twice or lost,
//! whatever happens meanwhile. Days are those of UTC, counted from 1970-01-01. Nothing of a client but its country is kept.

mod figures;

use crate::count::log::{Hash, Mark};
pub use figures::{Asked, Days, Figures, OfRepository, known};
use program::failure::Failure;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior, params,
    params_from_iter,
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// The tables' version, as the file names it.
const VERSION: i64 = 2;

/// The file's mark among SQLite's files: "mlrp".
const APPLICATION: i64 = 0x6d6c_7270;

/// How long to wait for another program that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Names of repositories and architectures that are told apart; further ones have none, for clients may send any. Those of a
/// real service are some thousands.
const MOST_NAMES: i64 = 100_000;

/// Rows that are written together.
const TOGETHER: usize = 64;

/// `requests` is a number of requests; countries, repositories, architectures, kinds and tiers are names.
const TABLES: &str = "
    create table names (id integer primary key, name text not null unique);
    create table countries (day integer, country integer, requests integer not null,
        primary key (day, country)) without rowid;
    create table repository_archs (repository integer, day integer, arch integer, requests integer not null,
        primary key (repository, day, arch)) without rowid;
    create table outcomes (day integer, kind integer, status integer, tier integer, requests integer not null,
        primary key (day, kind, status, tier)) without rowid;
    create table logs (id integer primary key, source text not null, form text not null, offset integer not null,
        head blob not null, tail blob not null, device integer not null, file integer not null, seen integer not null);
    create index logs_by_source on logs (source);
";

/// Requests for repositories by country: what is new is of the last days, so it comes to the table's end.
const LARGEST_TABLE: &str = "
    create table repository_countries_by_day (day integer, repository integer, country integer,
        requests integer not null, primary key (day, repository, country)) without rowid;
";

/// Version 1 had another table for that, with the repository first. What comes of it has another name, so that a process of an older
/// version that has the file open fails and changes nothing. Without an order nothing has to be sorted beside the file.
const OF_VERSION_1: &str = "
    insert into repository_countries_by_day (day, repository, country, requests)
        select day, repository, country, requests from repository_countries;
    drop table repository_countries;
";

/// The database, open.
#[derive(Debug)]
pub struct Statistics {
    path: PathBuf,
    connection: Connection,
}

/// A change of the database, of which nothing stays unless it is committed.
#[derive(Debug)]
pub struct Change<'s> {
    path: &'s Path,
    transaction: Transaction<'s>,
    /// How many names there are, once that was asked.
    names: Cell<Option<i64>>,
}

/// What requests for a repository are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The client's country.
    Country,
    /// The architecture.
    Arch,
}

/// A log that was read before.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// The name of its form.
    pub form: String,
    /// How far it was read.
    pub mark: Mark,
    /// The file's device and number when it was last seen.
    pub file: (u64, u64),
    /// The day on which that was, or a later one that it has figures of.
    pub seen: i32,
}

/// The newest days that there are figures of, at most as many as it takes to believe them: a machine whose clock is years ahead
/// for a while writes lines of a day or two, and they must not make all others old.
#[derive(Clone, Debug, Default)]
pub struct Newest(BTreeSet<i32>);

impl Newest {
    /// Days that it takes.
    const DAYS: usize = 3;

    /// There are figures of a day.
    pub fn note(&mut self, day: i32) {
        self.0.insert(day);
        if self.0.len() > Newest::DAYS {
            self.0.pop_first();
        }
    }

    /// The day by which others are old; `None` if there are too few.
    pub fn day(&self) -> Option<i32> {
        self.0.first().copied().filter(|_| self.0.len() == Newest::DAYS)
    }
}

impl Statistics {
    /// Opens the file, or makes it.
    ///
    /// An error when it is something else, of a later version, or cannot be written.
    pub fn open(path: &Path) -> Result<Statistics, Failure> {
        let mut statistics = Statistics::connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        statistics.migrate(true)?;
        Ok(statistics)
    }

    /// Opens the file, which has to be there and of this version.
    pub fn read(path: &Path) -> Result<Statistics, Failure> {
        if path.metadata().is_ok_and(|there| there.len() > 0) {
            let mut statistics = Statistics::connect(path, OpenFlags::empty())?;
            statistics.migrate(false)?;
            return Ok(statistics);
        }
        Err(Failure::config(format!(
            "database {}: is not there, or empty; count a log first, or name the right file",
            path.display()
        )))
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Statistics, Failure> {
        // SQLite gives names such as `:memory:` a meaning of its own, and none that begins with a folder.
        let place = Path::new(".").join(path);
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(place, flags).and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "synchronous", "full")?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| refused(path, error))?;
        Ok(Statistics { path: path.to_owned(), connection })
    }

    fn migrate(&mut self, converts: bool) -> Result<(), Failure> {
        let path = self.path.clone();
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let state = || {
            let tables = "select count(*) from sqlite_schema";
            let tables: i64 = self.connection.query_row(tables, [], |row| row.get(0))?;
            Ok((number("application_id")?, number("user_version")?, tables))
        };
        match state().map_err(|error| refused(&path, error))? {
            (APPLICATION, VERSION, _) => Ok(()),
            (APPLICATION, 1, _) if converts => {
                let change = self.change()?;
                change.run(|transaction| {
                    // Another program may have done it while this one waited.
                    if transaction.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 1
                    {
                        transaction.execute_batch(&[LARGEST_TABLE, OF_VERSION_1].concat())?;
                        transaction.pragma_update(None, "user_version", VERSION)?;
                    }
                    Ok(())
                })?;
                change.commit()
            }
            (APPLICATION, 1, _) => Err(Failure::config(format!(
                "database {}: is of version 1, which the next count brings to version {VERSION}; nothing is written until \
                 then, run mirrorlist-report count",
                path.display()
            ))),
            (APPLICATION, later, _) if later > VERSION => Err(Failure::config(format!(
                "database {}: is of version {later}, this program knows {VERSION}; use the program that made it, or a \
                 later one",
                path.display()
            ))),
            (0, 0, 0) => {
                let change = self.change()?;
                change.run(|transaction| {
                    transaction.execute_batch(&[TABLES, LARGEST_TABLE].concat())?;
                    transaction.pragma_update(None, "application_id", APPLICATION)?;
                    transaction.pragma_update(None, "user_version", VERSION)
                })?;
                change.commit()
            }
            _ => Err(Failure::config(format!(
                "database {}: is another program's; name a file that is not there yet, or the right one",
                path.display()
            ))),
        }
    }

    /// Begins a change; others that want to make one wait.
    pub fn change(&mut self) -> Result<Change<'_>, Failure> {
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(|error| refused(&self.path, error))?;
        Ok(Change { path: &self.path, transaction, names: Cell::new(None) })
    }
}

impl Change<'_> {
    /// Makes all of the change stay.
    pub fn commit(self) -> Result<(), Failure> {
        self.transaction.commit().map_err(|error| refused(self.path, error))
    }

    fn run<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Failure> {
        work(&self.transaction).map_err(|error| refused(self.path, error))
    }

    /// The logs of a source that were read before.
    pub fn known(&self, source: &str) -> Result<Vec<Known>, Failure> {
        self.run(|transaction| {
            let select =
                "select id, form, offset, head, tail, device, file, seen from logs where source = ? order by id";
            let mut select = transaction.prepare_cached(select)?;
            let known = select.query_map([source], |row| {
                Ok(Known {
                    id: row.get(0)?,
                    form: row.get(1)?,
                    mark: Mark {
                        offset: row.get::<_, i64>(2)? as u64,
                        head: row.get::<_, Hash>(3)?,
                        tail: row.get::<_, Hash>(4)?,
                    },
                    // SQLite's numbers have a sign.
                    file: (row.get::<_, i64>(5)? as u64, row.get::<_, i64>(6)? as u64),
                    seen: row.get(7)?,
                })
            })?;
            known.collect()
        })
    }

    /// Notes how far a log was read, a new one if it has no number yet; it was seen on this day. Its number.
    pub fn note(
        &self,
        id: Option<i64>,
        source: &str,
        form: &str,
        mark: &Mark,
        file: (u64, u64),
        today: i32,
    ) -> Result<i64, Failure> {
        self.run(|transaction| {
            let insert = "insert or replace into logs values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
            let (device, number, offset) = (file.0 as i64, file.1 as i64, mark.offset as i64);
            let row = params![id, source, form, offset, mark.head, mark.tail, device, number, today];
            transaction.prepare_cached(insert)?.execute(row)?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// The number of a name; 0, which no name has, beyond so many that they cannot be a service's own, unless the name is of
    /// a kind of which there are `few`.
    pub fn name(&self, name: &str, few: bool) -> Result<i64, Failure> {
        self.run(|transaction| {
            let mut select = transaction.prepare_cached("select id from names where name = ?")?;
            if let Some(id) = select.query_row([name], |row| row.get(0)).optional()? {
                return Ok(id);
            }
            let known = match self.names.get() {
                Some(known) => known,
                None => transaction.query_row("select count(*) from names", [], |row| row.get(0))?,
            };
            self.names.set(Some(known));
            if known >= MOST_NAMES && !few {
                return Ok(0);
            }
            self.names.set(Some(known + 1));
            transaction.prepare_cached("insert into names (name) values (?)")?.execute([name])?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// Adds answered requests of a country.
    pub fn add_country(&self, day: i32, country: i64, requests: u64) -> Result<(), Failure> {
        self.run(|transaction| {
            let add = "insert into countries values (?, ?, ?)
                on conflict do update set requests = requests + excluded.requests";
            let row = params![day, country, requests as i64];
            transaction.prepare_cached(add)?.execute(row).map(drop)
        })
    }

    /// Adds answered requests for repositories by country or by architecture: each row has what the table's key has, and how
    /// many there are. Rows are written the faster the more of them are in the order of the key.
    pub fn add_of_repositories(&self, of: Of, rows: &[([i64; 3], u64)]) -> Result<(), Failure> {
        self.run(|transaction| {
            let table = match of {
                Of::Country => "repository_countries_by_day (day, repository, country, requests)",
                Of::Arch => "repository_archs (repository, day, arch, requests)",
            };
            for rows in rows.chunks(TOGETHER) {
                let values = vec!["(?, ?, ?, ?)"; rows.len()].join(", ");
                let add = format!(
                    "insert into {table} values {values}
                    on conflict do update set requests = requests + excluded.requests"
                );
                let values = rows
                    .iter()
                    .flat_map(|([one, two, three], requests)| [*one, *two, *three, *requests as i64]);
                transaction.prepare_cached(&add)?.execute(params_from_iter(values))?;
            }
            Ok(())
        })
    }

    /// Adds requests by how they went.
    pub fn add_outcome(
        &self,
        day: i32,
        kind: i64,
        status: u16,
        tier: i64,
        requests: u64,
    ) -> Result<(), Failure> {
        self.run(|transaction| {
            let add = "insert into outcomes values (?, ?, ?, ?, ?)
                on conflict do update set requests = requests + excluded.requests";
            let row = params![day, kind, status, tier, requests as i64];
            transaction.prepare_cached(add)?.execute(row).map(drop)
        })
    }

    /// The last days with figures.
    pub fn newest(&self) -> Result<Newest, Failure> {
        self.run(|transaction| {
            let before = "select max(day) from (select max(day) as day from countries where day < ?1
                union all select max(day) from outcomes where day < ?1)";
            let mut before = transaction.prepare_cached(before)?;
            let mut newest = Newest::default();
            let mut next = i32::MAX;
            while newest.day().is_none()
                && let Some(day) = before.query_row([next], |row| row.get(0))?
            {
                newest.note(day);
                next = day;
            }
            Ok(newest)
        })
    }

    /// Forgets what was more than so many days before the third newest day that has figures, logs that nobody has seen since among
    /// it, and names that nothing has. What the clock says does not matter: it may be wrong, and so may lines of a day or two.
    pub fn forget(&self, keep: i32) -> Result<(), Failure> {
        let Some(newest) = self.newest()?.day() else { return Ok(()) };
        self.run(|transaction| {
            let before = newest.saturating_sub(keep);
            transaction.execute("delete from logs where seen < ?", [before])?;
            let of = |table| transaction.execute(&format!("delete from {table} where day < ?"), [before]);
            // A day of a repository is one of a country too. The table of architectures has no index by day, so that to delete
            // from it reads all of it; most counts need not.
            let (asked, outcomes) = (of("countries")?, of("outcomes")?);
            if asked > 0 {
                of("repository_countries_by_day")?;
                of("repository_archs")?;
            }
            if asked + outcomes == 0 {
                return Ok(());
            }
            // The largest table has no country that `countries` lacks, and no repository that `repository_archs` lacks.
            let unused = "delete from names where id not in (select country from countries
                union select repository from repository_archs union select arch from repository_archs
                union select kind from outcomes union select tier from outcomes)";
            transaction.execute(unused, []).map(drop)
        })
    }
}

/// What the database refused, for an operator.
fn refused(path: &Path, error: rusqlite::Error) -> Failure {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::unavailable(format!(
            "database {path}: another program has been writing for {} s; nothing is changed, try again when it is done",
            BUSY.as_secs()
        )),
        Some(ErrorCode::NotADatabase) => Failure::config(format!(
            "database {path}: is no SQLite database; name a file that is not there yet, or the right one"
        )),
        Some(ErrorCode::DatabaseCorrupt) => Failure::system(format!(
            "database {path}: is damaged ({error}); put the last copy in its place, or remove it and count all logs anew"
        )),
        _ => Failure::system(format!("database {path}: {error}; nothing is changed")),
    }
}
