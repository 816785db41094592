//! The collector's own memory: one SQLite file that nobody else opens.
//!
//! Short transactions with a rollback journal, so that a process killed at any moment leaves the state before or the one
//! after. Its form has a number; an older one is brought up at the start, a later one refused. What each command keeps in
//! it: [`rounds`] of `check`; of `run` the [`tree`], and every [`mirror`].

pub mod mirror;
pub mod rounds;
pub mod tree;

use program::failure::Failure;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// The file's mark among SQLite's files, which its first form sets: "mlcs".
const APPLICATION: u32 = 0x6d6c_6373;

/// How long to wait for another command that is writing.
const PATIENCE: Duration = Duration::from_secs(10);

/// What brings the state from each form to the next one: the first makes an empty file to one of form 1.
const FORMS: [&str; 7] = [
    include_str!("1.sql"),
    include_str!("2.sql"),
    include_str!("3.sql"),
    include_str!("4.sql"),
    include_str!("5.sql"),
    include_str!("6.sql"),
    include_str!("7.sql"),
];

/// The state, open.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

/// That this command runs here alone. Ends with the process, or when it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud: a child process that is just being made would have the descriptor for a moment longer.
        let _ = self.file.unlock();
    }
}

impl Store {
    /// Opens the state, or begins one.
    pub fn open(path: &Path) -> Result<Store, Failure> {
        Store::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens a state that is there, to look at it.
    pub fn open_to_read(path: &Path) -> Result<Store, Failure> {
        let is_there = path.try_exists().map_err(|error| {
            let path = path.display();
            Failure::system(format!(
                "state {path}: cannot be looked at ({error}); ask as root, or as the collector's user"
            ))
        })?;
        if !is_there {
            let path = path.display();
            return Err(Failure::cache(format!("state {path}: is not there; no round has been yet")));
        }
        // To be written as well, if we may: what a killed round has left half done is taken back by whoever comes next.
        Store::with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn with(path: &Path, flags: OpenFlags) -> Result<Store, Failure> {
        let failed = |error| failure(path, &error);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let mut store = Store { connection, path: path.to_owned() };
        let (application, form, is_empty) = store.marks().map_err(failed)?;
        let known = FORMS.len() as u32;
        if application != APPLICATION && !is_empty {
            let path = path.display();
            return Err(Failure::cache(format!(
                "state {path}: is another program's; name the right file, or one that is not there yet"
            )));
        }
        if form > known {
            let path = path.display();
            return Err(Failure::cache(format!(
                "state {path}: form {form}, this version reads {known}; install the version that wrote it, or move \
                 the file away to begin without what it remembers"
            )));
        }
        match form < known {
            false => {}
            true if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) => store.bring_up().map_err(failed)?,
            true => {
                let path = path.display();
                return Err(Failure::cache(format!(
                    "state {path}: form {form}, which the next round brings up to {known}"
                )));
            }
        }
        Ok(store)
    }

    /// Whose file it is, its form, and whether there is nothing in it, all at one moment.
    fn marks(&self) -> rusqlite::Result<(u32, u32, bool)> {
        let sql = "select application_id, user_version, not exists (select * from sqlite_schema)
            from pragma_application_id, pragma_user_version";
        self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    fn bring_up(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Another command may have been faster.
        let form: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        for (sql, number) in FORMS.iter().zip(1_u32..).skip(form as usize) {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", number)?;
        }
        transaction.commit()
    }

    /// Makes one transaction: all of it, or nothing.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let behavior = TransactionBehavior::Immediate;
        let written = self.connection.transaction_with_behavior(behavior).and_then(|transaction| {
            let made = change(&transaction)?;
            transaction.commit()?;
            Ok(made)
        });
        written.map_err(|error| failure(&self.path, &error))
    }

    fn read<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        look(&self.connection).map_err(|error| failure(&self.path, &error))
    }
}

/// What SQLite says, as an operator reads it.
fn failure(path: &Path, error: &rusqlite::Error) -> Failure {
    use rusqlite::ErrorCode;
    let path = path.display();
    let hint = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another command has been writing for long"
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "; put a backup in its place, or move it away to begin without what it remembers"
        }
        Some(ErrorCode::ReadOnly) => {
            "; a round was killed while it wrote: ask as the user whom rounds run as, or after the next one"
        }
        Some(ErrorCode::CannotOpen) if has_no_descriptor() => {
            "; this process has as many files open as it may: raise LimitNOFILE= of its unit, or ulimit -n"
        }
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => "; is the disk full?",
        _ => "",
    };
    Failure::system(format!("state {path}: {error}{hint}"))
}

/// Whether nothing can be opened any longer, which SQLite does not tell.
fn has_no_descriptor() -> bool {
    let error = File::open("/dev/null").err().and_then(|error| error.raw_os_error());
    // EMFILE and ENFILE.
    error.is_some_and(|error| matches!(error, 23 | 24))
}

/// Sees to it that `command` runs once at a time beside a state.
pub fn lock(state: &Path, command: &str) -> Result<Lock, Failure> {
    let mut path = state.as_os_str().to_owned();
    path.push(format!(".{command}.lock"));
    let path = PathBuf::from(path);
    let cannot = |error: std::io::Error| Failure::system(format!("lock {}: {error}", path.display()));
    // A pipe in its place would be waited for.
    if path.metadata().is_ok_and(|about| !about.is_file()) {
        return Err(cannot(std::io::Error::other("not a regular file")));
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o640).open(&path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { file }),
        Err(TryLockError::WouldBlock) => {
            let path = path.display();
            Err(Failure::unavailable(format!("lock {path}: another {command} is running; this one ends")))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use program::failure::Fault;
    use std::fs;

    #[test]
    fn a_state_of_a_later_form_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        drop(Store::open(&path).unwrap());
        assert_eq!(Store::open(&path).unwrap().marks().unwrap(), (APPLICATION, FORMS.len() as u32, false));
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = fs::read(&path).unwrap();
        for open in [Store::open, Store::open_to_read] {
            let failure = open(&path).unwrap_err();
            assert_eq!(failure.fault, Fault::Cache);
            let said = failure.to_string();
            assert!(
                said.contains(&format!(
                    "form 99, this version reads {}; install the version that wrote it",
                    FORMS.len()
                )),
                "{said}"
            );
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_state_is_told_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        assert!(Store::open_to_read(&path).unwrap_err().to_string().contains("no round has been yet"));
        assert!(!path.exists());
        fs::write(&path, "a text that is long enough to be taken for the head of a database or so it seems")
            .unwrap();
        let said = Store::open(&path).unwrap_err().to_string();
        assert!(said.contains("not a database; put a backup in its place"), "{said}");
        let said = Store::open_to_read(&path.join("state.db")).unwrap_err().to_string();
        assert!(said.contains("cannot be looked at (Not a directory"), "{said}");
    }

    #[test]
    fn the_file_of_another_program_is_refused_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statistics.db");
        for (mark, form) in [(0x6d6c_7270_u32, 1_u32), (0, 0)] {
            let other = Connection::open(&path).unwrap();
            other
                .execute_batch("drop table if exists names; create table names (name text not null)")
                .unwrap();
            other.pragma_update(None, "application_id", mark).unwrap();
            other.pragma_update(None, "user_version", form).unwrap();
            drop(other);
            let before = fs::read(&path).unwrap();
            for open in [Store::open, Store::open_to_read] {
                let failure = open(&path).unwrap_err();
                assert_eq!(failure.fault, Fault::Cache);
                assert!(
                    failure.to_string().contains("is another program's; name the right file"),
                    "{failure}"
                );
            }
            assert_eq!(fs::read(&path).unwrap(), before);
        }
    }

    /// As a process leaves them that is killed between its writes: the file half written, the journal beside it.
    #[test]
    fn a_killed_round_is_taken_back_by_whoever_looks() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("state.db"), folder.path().join("copy.db"));
        let journal = |of: &Path| of.with_extension("db-journal");
        let store = Store::open(&path).unwrap();
        let insert = "insert into host (name) values (?)";
        store.connection.execute(insert, ["before"]).unwrap();
        // With hardly any memory SQLite writes pages before the transaction ends.
        store.connection.execute_batch("pragma cache_size = 1; pragma cache_spill = 1; begin").unwrap();
        for _ in 0..1000 {
            store.connection.execute(insert, ["half ".repeat(100)]).unwrap();
        }
        fs::copy(journal(&path), journal(&copy)).unwrap();
        fs::copy(&path, &copy).unwrap();
        assert!(fs::metadata(&copy).unwrap().len() > 100_000);
        let seen = Store::open_to_read(&copy).unwrap();
        assert_eq!(seen.names().unwrap().into_values().collect::<Vec<_>>(), ["before"]);
        assert!(!journal(&copy).exists());
    }

    #[test]
    fn a_command_runs_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let first = lock(&path, "check").unwrap();
        let failure = lock(&path, "check").unwrap_err();
        assert!(failure.to_string().contains("another check is running; this one ends"), "{failure}");
        let other = lock(&path, "run").unwrap();
        drop((first, other));
        lock(&path, "check").unwrap();
    }
}
