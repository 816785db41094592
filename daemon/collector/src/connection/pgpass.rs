//! `~/.pgpass`, PostgreSQL's own file of passwords (libpq-pgpass): `HOST:PORT:DATABASE:USER:PASSWORD` a line.
//!
//! `PGPASSFILE` names another one. The first line that matches counts; `*` matches anything, a backslash takes the
//! meaning from a colon or a backslash.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// What a line has to match. Of a UNIX socket the host is `localhost`.
#[derive(Debug)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
}

/// Why the file of passwords is not used.
#[derive(Debug, Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("password file {}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    /// Passwords in it are not only its owner's.
    #[error("password file {}: others than its owner may use it: chmod 0600", path.display())]
    Shared { path: PathBuf },
}

/// The password for a database, if there is a file and a line for it.
///
/// An error when there is a file that others may read, or that cannot be read.
pub fn password(target: &Target) -> Result<Option<String>, Unusable> {
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    let Some(path) = named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pgpass"))) else {
        return Ok(None);
    };
    read(&path, target)
}

fn read(path: &Path, target: &Target) -> Result<Option<String>, Unusable> {
    let unreadable = |cause| Unusable::Unreadable { path: path.to_owned(), cause };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        return Err(Unusable::Shared { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.lines().find_map(|line| of_line(line, target)))
}

/// The password of a line, if it is for this target.
fn of_line(line: &str, target: &Target) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let [host, port, database, user, password] = &fields[..] else { return None };
    let wanted = [&target.host, &target.port.to_string(), &target.database, &target.user];
    let matches = |(given, wanted): (&String, &String)| given == "*" || given == wanted;
    [host, port, database, user].into_iter().zip(wanted).all(matches).then(|| password.clone())
}

/// The fields between colons, the meaning of backslashes applied. The fifth is all that is left.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        let last = fields.len() - 1;
        match sign {
            '\\' => fields[last].extend(signs.next()),
            ':' if last < 4 => fields.push(String::new()),
            other => fields[last].push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn target() -> Target {
        Target { host: "db".into(), port: 5432, database: "mm".into(), user: "reader".into() }
    }

    #[test]
    fn the_first_line_that_matches_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let found = |text: &str| {
            fs::write(file.path(), text).unwrap();
            read(file.path(), &target()).unwrap()
        };
        assert_eq!(found("db:5432:mm:reader:one\n*:*:*:*:two\n"), Some("one".into()));
        assert_eq!(found("#db:5432:mm:reader:one\ndb:5433:*:*:x\n*:*:*:*:two\n"), Some("two".into()));
        assert_eq!(found(r"db:*:mm:reader:a\:b\\c:d"), Some(r"a:b\c:d".into()));
        assert_eq!(found("other:*:*:*:x\ntoo:few\n\n"), None);
    }

    #[test]
    fn one_that_others_may_read_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(file.path(), &target()).unwrap_err().to_string().contains("chmod 0600"));
        assert_eq!(read(Path::new("/nonexistent/.pgpass"), &target()).unwrap(), None);
    }
}
