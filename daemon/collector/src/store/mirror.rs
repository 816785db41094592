//! What `run` keeps of mirrors: the units that they are judged by, and a packed record of each mirror.
//!
//! A record is written as a whole when its mirror's visit has ended, in a transaction of its own: a run that is killed loses the
//! visits under way and nothing else. Of 10,000 units a record takes some 10 KB.

use super::Store;
use crate::run::crawl::known::{Known, Numbered, OfCategory, OfUrl, Record, Verdict};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use program::failure::Failure;
use prost::Message as _;
use rusqlite::{OptionalExtension as _, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
};

/// Bytes of texts that a record may have: mirrors have a say in them.
const LONGEST_TEXTS: usize = 256 << 10;

/// Path, category and repository, by the unit's number.
pub type Units = BTreeMap<u32, (String, String, Option<String>)>;

/// A unit, as the state has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// Its path.
    pub path: String,
    /// Its category's name.
    pub category: String,
    /// `NAME+ARCH` of a repository.
    pub repository: Option<String>,
    /// What it is; another value is another revision. Empty if there is nothing in it to ask for.
    pub content: Vec<u8>,
}

/// A record as bytes, columns beside each other, which packs well.
#[derive(Clone, PartialEq, prost::Message)]
struct Packed {
    #[prost(uint64, tag = "1")]
    asked: u64,
    #[prost(uint64, tag = "2")]
    pause_until: u64,
    #[prost(message, repeated, tag = "3")]
    categories: Vec<PackedPart>,
    #[prost(message, repeated, tag = "4")]
    urls: Vec<PackedPart>,
    /// Texts that units share; the first is empty.
    #[prost(string, repeated, tag = "5")]
    texts: Vec<String>,
    /// From one unit's number to the next one's.
    #[prost(uint32, repeated, tag = "6")]
    steps: Vec<u32>,
    /// Verdict, and how often it was missed.
    #[prost(uint32, repeated, tag = "7")]
    verdicts: Vec<u32>,
    #[prost(uint32, repeated, tag = "8")]
    revisions: Vec<u32>,
    /// In seconds before the record was asked for.
    #[prost(int64, repeated, tag = "9")]
    asked_before: Vec<i64>,
    #[prost(int64, repeated, tag = "10")]
    good_since: Vec<i64>,
    #[prost(uint32, repeated, tag = "11")]
    whys: Vec<u32>,
    #[prost(uint64, repeated, tag = "12")]
    found: Vec<u64>,
}

/// A category or a URL.
#[derive(Clone, PartialEq, prost::Message)]
struct PackedPart {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    missed: u32,
    #[prost(bool, tag = "3")]
    is_bad: bool,
    #[prost(uint64, tag = "4")]
    since: u64,
    #[prost(uint64, tag = "5")]
    asked: u64,
    #[prost(string, tag = "6")]
    why: String,
    #[prost(bool, tag = "7")]
    is_unproven: bool,
}

impl Store {
    /// Brings the units up to those of the tree, whose order is kept: new ones get numbers, those that have gone go.
    pub fn settle_units(&mut self, units: &[UnitRow]) -> Result<Vec<Numbered>, Failure> {
        self.write(|transaction| {
            let mut statement = transaction.prepare("select path, id, revision, content from mirror_unit")?;
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))))?
                .collect::<Result<_, _>>()?;
            let mut before: BTreeMap<String, (u32, u32, Vec<u8>)> = rows;
            let mut numbers = Vec::with_capacity(units.len());
            for UnitRow { path, category, repository, content } in units {
                let number = match before.remove(path) {
                    None => {
                        let sql = "insert into mirror_unit (path, category, repository, revision, content)
                            values (?, ?, ?, 1, ?) returning id";
                        let values = params![path, category, repository, content];
                        let id = transaction.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
                        Numbered { id, revision: 1 }
                    }
                    Some((id, revision, there)) => {
                        let revision = revision + u32::from(there != *content);
                        let sql = "update mirror_unit set category = ?2, repository = ?3, revision = ?4, content = ?5
                            where id = ?1 and (category, repository, revision) is not (?2, ?3, ?4)";
                        let values = params![id, category, repository, revision, content];
                        transaction.prepare_cached(sql)?.execute(values)?;
                        Numbered { id, revision }
                    }
                };
                numbers.push(number);
            }
            for (id, ..) in before.values() {
                transaction.prepare_cached("delete from mirror_unit where id = ?")?.execute([id])?;
            }
            Ok(numbers)
        })
    }

    /// The units that mirrors can be asked for.
    pub fn units(&self) -> Result<Units, Failure> {
        self.read(|connection| {
            let sql = "select id, path, category, repository from mirror_unit where length(content) > 0";
            let mut statement = connection.prepare(sql)?;
            statement
                .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))))?
                .collect()
        })
    }

    /// What is known of a mirror; nothing of one that is new, or whose record nobody can read.
    pub fn record(&self, mirror: &str) -> Result<Record, Failure> {
        let bytes = self.read(|connection| {
            let mut statement =
                connection.prepare_cached("select known from mirror_record where name = ?")?;
            statement.query_row([mirror], |row| row.get::<_, Vec<u8>>(0)).optional()
        })?;
        Ok(bytes.and_then(|bytes| unpacked(&bytes)).unwrap_or_default())
    }

    /// Keeps what is known of some mirrors, all of it or nothing.
    pub fn keep_records<'r>(
        &mut self,
        records: impl IntoIterator<Item = (&'r str, &'r Record)>,
        now: u64,
    ) -> Result<(), Failure> {
        self.write(|transaction| {
            for (name, record) in records {
                let sql = "insert into mirror_record (name, seen, known) values (?1, ?2, ?3)
                    on conflict do update set seen = excluded.seen, known = excluded.known";
                transaction.prepare_cached(sql)?.execute(params![name, now.cast_signed(), packed(record)])?;
            }
            Ok(())
        })
    }

    /// Remembers that these mirrors are there, and forgets those that have not been since a time.
    pub fn settle_mirrors(&mut self, present: &BTreeSet<&str>, now: u64, before: u64) -> Result<(), Failure> {
        self.write(|transaction| {
            for name in present {
                let sql = "update mirror_record set seen = ? where name = ?";
                transaction.prepare_cached(sql)?.execute(params![now.cast_signed(), name])?;
            }
            let sql = "delete from mirror_record where seen < ?";
            transaction.execute(sql, [before.cast_signed()]).map(drop)
        })
    }

    /// Names of mirrors of which something is known.
    pub fn mirrors(&self) -> Result<Vec<String>, Failure> {
        self.read(|connection| {
            let mut statement = connection.prepare("select name from mirror_record order by name")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The number of the last run, and its figures as JSON.
    pub fn last_run(&self) -> Result<Option<(u64, String)>, Failure> {
        self.read(|connection| {
            let sql = "select number, figures from mirror_run";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
            connection.query_row(sql, [], row).optional()
        })
    }

    /// Keeps the figures of a run.
    pub fn keep_run(&mut self, number: u64, figures: &str) -> Result<(), Failure> {
        self.write(|transaction| {
            let sql = "insert or replace into mirror_run (id, number, figures) values (1, ?, ?)";
            transaction.execute(sql, params![number.cast_signed(), figures]).map(drop)
        })
    }
}

fn packed(record: &Record) -> Vec<u8> {
    let mut packed = Packed { asked: record.asked, pause_until: record.pause_until, ..Packed::default() };
    let categories = record.categories.iter().map(|(name, of)| PackedPart {
        name: name.clone(),
        missed: u32::from(of.missed),
        since: of.since,
        why: of.why.clone(),
        ..PackedPart::default()
    });
    packed.categories = categories.collect();
    let urls = record.urls.iter().map(|(name, of)| PackedPart {
        name: name.clone(),
        missed: u32::from(of.missed),
        is_bad: of.is_bad,
        since: of.since,
        asked: of.asked,
        why: of.why.clone(),
        is_unproven: of.is_unproven,
    });
    packed.urls = urls.collect();
    let mut texts: BTreeMap<&str, u32> = [("", 0)].into();
    packed.texts.push(String::new());
    let (mut length, mut last) = (0, 0);
    for (id, known) in &record.units {
        let next = texts.len() as u32;
        let is_known = texts.contains_key(&*known.why);
        let why = match is_known || length + known.why.len() <= LONGEST_TEXTS {
            true => *texts.entry(&known.why).or_insert(next),
            false => 0,
        };
        if why == next {
            length += known.why.len();
            packed.texts.push(known.why.clone());
        }
        packed.steps.push(id - last);
        last = *id;
        packed.verdicts.push(known.verdict as u32 | u32::from(known.missed) << 4);
        packed.revisions.push(known.revision);
        packed.asked_before.push(record.asked.cast_signed() - known.asked.cast_signed());
        packed.good_since.push(record.asked.cast_signed() - known.since.cast_signed());
        packed.whys.push(why);
        packed.found.push(known.found);
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&packed.encode_to_vec());
    encoder.finish().unwrap_or_default()
}

fn unpacked(bytes: &[u8]) -> Option<Record> {
    let mut whole = Vec::new();
    ZlibDecoder::new(bytes).read_to_end(&mut whole).ok()?;
    let packed = Packed::decode(&*whole).ok()?;
    let before = |seconds: i64| (packed.asked.cast_signed() - seconds).cast_unsigned();
    let mut record = Record { asked: packed.asked, pause_until: packed.pause_until, ..Record::default() };
    for part in packed.categories {
        let of = OfCategory { missed: part.missed as u8, since: part.since, why: part.why };
        record.categories.insert(part.name, of);
    }
    for part in packed.urls {
        let PackedPart { name, missed, is_bad, since, asked, why, is_unproven } = part;
        record.urls.insert(name, OfUrl { missed: missed as u8, is_bad, is_unproven, since, asked, why });
    }
    let mut id = 0_u32;
    for (at, step) in packed.steps.iter().enumerate() {
        id = id.checked_add(*step)?;
        let verdict = *packed.verdicts.get(at)?;
        let known = Known {
            verdict: *Verdict::ALL.get((verdict & 0xf) as usize)?,
            missed: (verdict >> 4) as u8,
            revision: *packed.revisions.get(at)?,
            asked: before(*packed.asked_before.get(at)?),
            since: before(*packed.good_since.get(at)?),
            found: *packed.found.get(at)?,
            why: packed.texts.get(*packed.whys.get(at)? as usize)?.clone(),
        };
        record.units.insert(id, known);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn unit(path: &str, content: u8) -> UnitRow {
        let (path, category) = (path.to_owned(), "Linux".to_owned());
        UnitRow { path, category, repository: Some("os+x86_64".into()), content: vec![content] }
    }

    fn store(folder: &Path) -> Store {
        Store::open(&folder.join("state.db")).unwrap()
    }

    #[test]
    fn a_number_is_never_given_again_and_a_revision_goes_up_with_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let first = store.settle_units(&[unit("a", 1), unit("b", 1)]).unwrap();
        assert_eq!(first.iter().map(|number| number.revision).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(store.settle_units(&[unit("a", 1), unit("b", 1)]).unwrap(), first);
        let second = store.settle_units(&[unit("c", 1), unit("a", 2)]).unwrap();
        assert_eq!(second[1], Numbered { id: first[0].id, revision: 2 });
        assert!(second[0].id > first[1].id);
        let third = store.settle_units(&[unit("b", 1), unit("a", 2)]).unwrap();
        assert!(third[0].id > second[0].id && third[1] == second[1]);
        assert_eq!(store.units().unwrap().len(), 2);
    }

    #[test]
    fn a_record_is_what_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let mut record = Record { asked: 1_800_000_000, pause_until: 5, ..Record::default() };
        record.categories.insert("Linux".into(), OfCategory { missed: 2, since: 7, why: "gone".into() });
        let url =
            OfUrl { missed: 1, is_bad: true, is_unproven: true, since: 7, asked: 9, why: "expired".into() };
        record.urls.insert("https://a/".into(), url);
        for id in 1..1000_u32 {
            let known = Known {
                verdict: Verdict::ALL[id as usize % 6],
                since: 1_800_000_000 - u64::from(id) * 3600,
                asked: if id == 7 { 0 } else { 1_800_000_000 + u64::from(id) },
                revision: id,
                found: if id % 6 == 2 { u64::MAX - u64::from(id) } else { 0 },
                missed: (id % 5) as u8,
                why: format!("status {}", id % 3),
            };
            record.units.insert(id * 3, known);
        }
        assert_eq!(store.record("a").unwrap(), Record::default());
        store.keep_records([("a", &record), ("b", &Record::default())], 100).unwrap();
        assert_eq!(store.record("a").unwrap(), record);
        assert_eq!(store.mirrors().unwrap(), ["a", "b"]);
        store.settle_mirrors(&["b"].into(), 300, 200).unwrap();
        assert_eq!(store.mirrors().unwrap(), ["b"]);
        assert_eq!(unpacked(b"no record"), None);
    }

    #[test]
    fn texts_of_mirrors_make_a_record_no_longer_than_they_may() {
        let mut record = Record::default();
        for id in 0..20_000 {
            let known = Known { why: format!("{id} {}", "x".repeat(150)), ..Known::default() };
            record.units.insert(id, known);
        }
        let texts: usize =
            unpacked(&packed(&record)).unwrap().units.values().map(|known| known.why.len()).sum();
        assert!((1..=LONGEST_TEXTS).contains(&texts), "{texts}");
    }
}
