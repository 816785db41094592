//! What `run` keeps of the tree: versions of indexes, the size of it all, numbers of mirrors and URLs, and what their
//! files said when they were good.

use super::Store;
use crate::run::{tree::Version, versions::Known};
use program::failure::Failure;
use rusqlite::{OptionalExtension as _, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Its size as it was listed when it was read, in bytes.
    pub size: u64,
    /// Its time as it was listed, in seconds since the epoch.
    pub time: u64,
    /// For how many runs in a row its repository has had no index.
    pub missed: u32,
    /// Its versions, the current one first.
    pub versions: Vec<Known>,
}

/// Indexes, by their full paths.
pub type Indexes = BTreeMap<String, Index>;

/// What is known of a list of hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashList {
    /// Its size as it was listed when it was read, in bytes; 0 if it is read again in any case.
    pub size: u64,
    /// Its time as it was listed, in seconds since the epoch.
    pub time: u64,
    /// Its lines that say something.
    pub said: String,
}

/// Lists of hashes, by their full paths.
pub type HashLists = BTreeMap<String, HashList>;

/// How large it all was when it was believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// When, in seconds since the epoch.
    pub time: u64,
    /// Directories in categories.
    pub directories: u64,
    /// Those of each category.
    pub by_category: BTreeMap<String, u64>,
    /// Repositories with an index.
    pub repositories: u64,
    /// Files of mirrors.
    pub mirrors: u64,
}

/// How many mirrors were listed when that was believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// For something.
    pub mirrors: u64,
    /// For something of each category.
    pub by_category: BTreeMap<String, u64>,
    /// Lists in a row that were not believed since.
    pub refused: u64,
}

/// The text of a mirror's file when it was good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// When it was read last, in seconds since the epoch.
    pub time: u64,
    /// The text.
    pub text: String,
}

/// What a run leaves of the tree and of the mirrors.
#[derive(Debug)]
pub struct Kept<'a> {
    /// How large it is.
    pub size: Size,
    /// Before it.
    pub before: &'a Indexes,
    /// Indexes from now on.
    pub indexes: &'a Indexes,
    /// By name, the texts of files that are good.
    pub texts: &'a BTreeMap<&'a str, &'a str>,
    /// URLs that are to have numbers.
    pub urls: &'a BTreeSet<&'a str>,
}

/// Numbers that stay from run to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// By the mirror's name.
    pub hosts: BTreeMap<String, i64>,
    /// By URL.
    pub urls: BTreeMap<String, i64>,
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl Store {
    /// What is known of indexes.
    pub fn indexes(&self) -> Result<Indexes, Failure> {
        self.read(|connection| {
            let mut indexes = Indexes::new();
            let mut statement = connection.prepare("select path, size, time, missed from tree_index")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (size, time) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
                indexes.insert(row.get(0)?, Index { size, time, missed: row.get(3)?, versions: Vec::new() });
            }
            let sql = "select path, since, time, size, md5, sha1, sha256, sha512 from tree_version \
                       order by path, place, since desc, sha256";
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let version = Version {
                    time: unsigned(row.get(2)?),
                    size: unsigned(row.get(3)?),
                    md5: row.get(4)?,
                    sha1: row.get(5)?,
                    sha256: row.get(6)?,
                    sha512: row.get(7)?,
                };
                let known = Known { since: unsigned(row.get(1)?), version };
                indexes.entry(row.get(0)?).or_default().versions.push(known);
            }
            Ok(indexes)
        })
    }

    /// What is known of lists of hashes.
    pub fn lists(&self) -> Result<HashLists, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select path, size, time, said from tree_list")?;
            let rows = statement.query_map([], |row| {
                let (size, time) = (unsigned(row.get(1)?), unsigned(row.get(2)?));
                Ok((row.get(0)?, HashList { size, time, said: row.get(3)? }))
            })?;
            rows.collect()
        })
    }

    /// Keeps lists of hashes, of which these were there before.
    pub fn keep_lists(&mut self, before: &HashLists, lists: &HashLists) -> Result<(), Failure> {
        if before == lists {
            return Ok(());
        }
        self.write(|transaction| {
            for path in before.keys().filter(|path| !lists.contains_key(*path)) {
                transaction.execute("delete from tree_list where path = ?", [path])?;
            }
            let sql = "insert or replace into tree_list (path, size, time, said) values (?, ?, ?, ?)";
            let mut statement = transaction.prepare(sql)?;
            for (path, list) in lists {
                if before.get(path) != Some(list) {
                    let HashList { size, time, said } = list;
                    statement.execute(params![path, integer(*size), integer(*time), said])?;
                }
            }
            Ok(())
        })
    }

    /// How large it all was the last time.
    pub fn size(&self) -> Result<Option<Size>, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select name, directories from tree_category")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            let by_category: BTreeMap<String, u64> = rows.collect::<rusqlite::Result<_>>()?;
            let sql = "select time, directories, mirrors, repositories from tree_size";
            let row = connection.query_row(sql, [], |row| {
                let number = |at| row.get(at).map(unsigned);
                let (time, directories, mirrors, repositories) =
                    (number(0)?, number(1)?, number(2)?, number(3)?);
                Ok(Size { time, directories, by_category, repositories, mirrors })
            });
            row.optional()
        })
    }

    /// How many mirrors were listed the last time; none before the first time.
    pub fn listed(&self) -> Result<Listed, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select name, listed from tree_category")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
            let by_category = rows.collect::<rusqlite::Result<_>>()?;
            let sql = "select listed, refused from tree_size";
            let row = connection.query_row(sql, [], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))));
            let (mirrors, refused) = row.optional()?.unwrap_or((0, 0));
            Ok(Listed { mirrors, by_category, refused })
        })
    }

    /// Keeps how many mirrors are listed, beside the tree, which was kept before.
    pub fn keep_listed(&mut self, listed: &Listed) -> Result<(), Failure> {
        self.write(|transaction| {
            let sql = "update tree_size set listed = ?, refused = ?";
            transaction.execute(sql, [listed.mirrors, listed.refused].map(integer))?;
            for (name, count) in &listed.by_category {
                let sql = "update tree_category set listed = ? where name = ?";
                transaction.execute(sql, params![integer(*count), name])?;
            }
            Ok(())
        })
    }

    /// By name, what mirrors' files said when they were good.
    pub fn texts(&self) -> Result<BTreeMap<String, Text>, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select name, time, text from tree_host")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get(0)?, Text { time: unsigned(row.get(1)?), text: row.get(2)? }))
            })?;
            rows.collect()
        })
    }

    /// Forgets what the files of all but these mirrors said: who is removed does not come back by a file that is wrong. Their
    /// numbers stay.
    pub fn forget_texts(&mut self, present: &BTreeSet<&str>) -> Result<(), Failure> {
        let known = self.texts()?;
        let gone = known.iter().filter(|(name, of)| !of.text.is_empty() && !present.contains(&***name));
        let gone: Vec<&String> = gone.map(|(name, _)| name).collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut statement = transaction.prepare("update tree_host set text = '' where name = ?")?;
            gone.into_iter().try_for_each(|name| statement.execute([name]).map(drop))
        })
    }

    /// Keeps indexes, of which these were there before.
    pub fn keep_indexes(&mut self, before: &Indexes, indexes: &Indexes) -> Result<(), Failure> {
        self.write(|transaction| keep(transaction, before, indexes))
    }

    /// Keeps all that in one transaction.
    pub fn keep_tree(&mut self, kept: &Kept<'_>) -> Result<Numbers, Failure> {
        self.write(|transaction| {
            let Size { time, directories, ref by_category, repositories, mirrors } = kept.size;
            // What was listed the last time stays.
            let sql = "insert into tree_size (id, time, directories, mirrors, repositories) \
                       values (1, ?1, ?2, ?3, ?4) \
                       on conflict (id) do update set time = ?1, directories = ?2, mirrors = ?3, repositories = ?4";
            transaction.execute(sql, [time, directories, mirrors, repositories].map(integer))?;
            forget_categories(transaction, by_category)?;
            for (name, directories) in by_category {
                let sql = "insert into tree_category (name, directories) values (?1, ?2) \
                           on conflict (name) do update set directories = ?2";
                transaction.execute(sql, params![name, integer(*directories)])?;
            }
            keep(transaction, kept.before, kept.indexes)?;
            let sql = "insert into tree_host (name, number, time, text) \
                       values (?1, (select coalesce(max(number), 0) + 1 from tree_host), ?2, ?3) \
                       on conflict (name) do update set time = ?2, text = ?3 where text <> ?3";
            let mut statement = transaction.prepare(sql)?;
            for (name, text) in kept.texts {
                statement.execute(params![name, integer(time), text])?;
            }
            let sql = "insert or ignore into tree_url (url, number) \
                       values (?, (select coalesce(max(number), 0) + 1 from tree_url))";
            let mut statement = transaction.prepare(sql)?;
            for url in kept.urls {
                statement.execute([url])?;
            }
            Ok(Numbers {
                hosts: numbers(transaction, "select name, number from tree_host")?,
                urls: numbers(transaction, "select url, number from tree_url")?,
            })
        })
    }
}

/// Forgets all categories but these.
fn forget_categories(transaction: &Transaction<'_>, present: &BTreeMap<String, u64>) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare("select name from tree_category")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    for name in names.iter().filter(|name| !present.contains_key(*name)) {
        transaction.execute("delete from tree_category where name = ?", [name])?;
    }
    Ok(())
}

fn numbers(transaction: &Transaction<'_>, sql: &str) -> rusqlite::Result<BTreeMap<String, i64>> {
    let mut statement = transaction.prepare(sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn keep(transaction: &Transaction<'_>, before: &Indexes, indexes: &Indexes) -> rusqlite::Result<()> {
    for (path, _) in before.iter().filter(|(path, _)| !indexes.contains_key(*path)) {
        forget(transaction, path)?;
    }
    for (path, index) in indexes {
        if before.get(path) != Some(index) {
            forget(transaction, path)?;
            remember(transaction, path, index)?;
        }
    }
    Ok(())
}

fn forget(transaction: &Transaction<'_>, path: &str) -> rusqlite::Result<()> {
    transaction.execute("delete from tree_index where path = ?", [path])?;
    transaction.execute("delete from tree_version where path = ?", [path])?;
    Ok(())
}

fn remember(transaction: &Transaction<'_>, path: &str, index: &Index) -> rusqlite::Result<()> {
    let sql = "insert into tree_index (path, size, time, missed) values (?, ?, ?, ?)";
    transaction.execute(sql, params![path, integer(index.size), integer(index.time), index.missed])?;
    let sql = "insert into tree_version (path, place, sha256, since, time, size, md5, sha1, sha512) \
               values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (place, Known { since, version }) in index.versions.iter().enumerate() {
        let Version { time, size, md5, sha1, sha256, sha512 } = version;
        let (since, time, size) = (integer(*since), integer(*time), integer(*size));
        statement.execute(params![path, place as i64, sha256, since, time, size, md5, sha1, sha512])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(hash: &str, since: &[u64]) -> Index {
        let versions = since.iter().map(|since| Known {
            since: *since,
            version: Version { time: 5, size: 6, sha256: format!("{hash}{since}"), ..Version::default() },
        });
        Index { size: 1, time: 2, missed: 1, versions: versions.collect() }
    }

    fn size() -> Size {
        let by_category = BTreeMap::from([("A".into(), 5), ("B".into(), 3)]);
        Size { time: 7, directories: 8, by_category, repositories: 2, mirrors: 9 }
    }

    fn keep(
        store: &mut Store,
        before: &Indexes,
        indexes: &Indexes,
        texts: &[(&str, &str)],
        urls: &[&str],
    ) -> Numbers {
        let kept = Kept {
            size: size(),
            before,
            indexes,
            texts: &texts.iter().copied().collect(),
            urls: &urls.iter().copied().collect(),
        };
        store.keep_tree(&kept).unwrap()
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let mut store = Store::open(&path).unwrap();
        assert_eq!((store.size().unwrap(), store.indexes().unwrap()), (None, Indexes::new()));
        let first = Indexes::from([("a".into(), index("a", &[9, 4])), ("b".into(), index("b", &[3]))]);
        keep(&mut store, &Indexes::new(), &first, &[], &[]);
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.indexes().unwrap(), first);
        assert_eq!(store.size().unwrap(), Some(size()));
        let second = Indexes::from([("a".into(), index("x", &[11, 4])), ("c".into(), index("c", &[1]))]);
        keep(&mut store, &first, &second, &[], &[]);
        assert_eq!(store.indexes().unwrap(), second);
    }

    #[test]
    fn lists_of_hashes_are_kept_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("state.db")).unwrap();
        let list = |time, said: &str| HashList { size: 7, time, said: said.into() };
        let first = HashLists::from([("a".into(), list(1, "x")), ("b".into(), list(2, ""))]);
        let second = HashLists::from([("b".into(), list(3, "y")), ("c".into(), list(2, "z"))]);
        assert_eq!(store.lists().unwrap(), HashLists::new());
        let mut before = HashLists::new();
        for lists in [first, second.clone(), second] {
            store.keep_lists(&before, &lists).unwrap();
            assert_eq!(store.lists().unwrap(), lists);
            before = lists;
        }
    }

    #[test]
    fn what_was_listed_stays_whatever_becomes_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("state.db")).unwrap();
        assert_eq!(store.listed().unwrap(), Listed::default());
        let none = Indexes::new();
        keep(&mut store, &none, &none, &[], &[]);
        let listed = |a: u64, b: u64| Listed {
            mirrors: a + b,
            by_category: BTreeMap::from([("A".into(), a), ("B".into(), b)]),
            refused: b,
        };
        assert_eq!(store.listed().unwrap(), listed(0, 0));
        store.keep_listed(&listed(5, 3)).unwrap();
        keep(&mut store, &none, &none, &[], &[]);
        assert_eq!((store.listed().unwrap(), store.size().unwrap()), (listed(5, 3), Some(size())));
        let (texts, urls) = (BTreeMap::new(), BTreeSet::new());
        let by_category = BTreeMap::from([("B".into(), 1), ("C".into(), 2)]);
        let size = Size { by_category: by_category.clone(), ..size() };
        store.keep_tree(&Kept { size, before: &none, indexes: &none, texts: &texts, urls: &urls }).unwrap();
        assert_eq!(store.size().unwrap().unwrap().by_category, by_category);
        let left = BTreeMap::from([("B".into(), 3), ("C".into(), 0)]);
        assert_eq!(store.listed().unwrap(), Listed { mirrors: 8, by_category: left, refused: 3 });
    }

    #[test]
    fn which_version_is_the_current_one_is_not_told_by_times() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("state.db")).unwrap();
        // The clock was set back before the current one was found, and two were found within a second.
        let mut versions = index("a", &[4, 9]);
        versions.versions.insert(1, Known { since: 4, ..index("0", &[3]).versions[0].clone() });
        let indexes = Indexes::from([("a".into(), versions)]);
        keep(&mut store, &Indexes::new(), &indexes, &[], &[]);
        assert_eq!(store.indexes().unwrap(), indexes);
    }

    #[test]
    fn numbers_stay_and_are_never_given_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("state.db")).unwrap();
        let none = Indexes::new();
        let numbers = keep(&mut store, &none, &none, &[("b", "B"), ("c", "C")], &["u", "v"]);
        assert_eq!(numbers.hosts, BTreeMap::from([("b".into(), 1), ("c".into(), 2)]));
        let numbers = keep(&mut store, &none, &none, &[("a", "A"), ("c", "D")], &["t", "v"]);
        assert_eq!(numbers.hosts, BTreeMap::from([("a".into(), 3), ("b".into(), 1), ("c".into(), 2)]));
        assert_eq!(numbers.urls, BTreeMap::from([("t".into(), 3), ("u".into(), 1), ("v".into(), 2)]));
        let texts = store.texts().unwrap();
        assert_eq!((&*texts["b"].text, &*texts["c"].text), ("B", "D"));
    }
}
