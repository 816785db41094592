//! `MirrorListCache`: directories and who carries them.
//!
//! This is the bulk of the input (1.4 to 3 kB for each of 120,000 directories) and says little: most directories share
//! the carriers of many others, and all but a few of their hosts. The bytes that say who carries a directory are
//! fingerprinted, and only those not seen before are decoded; a fingerprint has 128 bits, so that two different ones
//! never meet by chance. Of the others, the same is done host by host.

use super::{
    fields::{Fields, Malformed, Value, numbers},
    fingerprint::{ByFingerprint, fingerprint, fingerprint_in},
    gathered::Gathered,
    names,
    stream::Stream,
    tables::{DIRECTORIES, damaged},
    urls::Urls,
};
use crate::compile::{
    error::Cause,
    skipped::{InputTable, Reason, Skipped},
};
use cache::{
    inventory::{Directory, Host, Inventory, Placement, Roster, SetPosition, top_of},
    limits::MOST_URLS,
};
use indexmap::Equivalent;
use std::{
    collections::HashMap,
    io::{Read, Seek},
};

const TABLE: InputTable = InputTable::MirrorList;

/// Sets of which something was skipped that are remembered: each takes some 700 bytes. Further ones are read each time.
const MOST_ODD: usize = 1 << 16;

/// Top directories whose directories have a roster of their own; sources have one for each category, a few dozen.
const MOST_ROSTERS: usize = 255;

/// Words of sets in all: what is more fits no cache.
const MOST_WORDS: usize = 1 << 26;

/// Reads directories, carrier sets, placements and the hosts that these name.
///
/// A host is known from here on if a directory names it, even without a URL. Of one directory given twice the last
/// counts.
pub fn import(
    stream: &mut Stream<impl Read + Seek>,
    urls: &Urls,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<(), Cause> {
    let mut carriers = Carriers::new(urls);
    let mut body = Vec::new();
    stream.rewind()?;
    while let Some((number, value)) = stream.next_field(|number| number == DIRECTORIES)? {
        let (DIRECTORIES, Value::Bytes(record)) = (number, value) else { continue };
        let head = Head::split(record, &mut body).map_err(|why| damaged(TABLE, why))?;
        let (path, subpath) = match (names::directory(head.directory), names::path(head.subpath)) {
            (Ok(path), Ok(subpath)) => (path, subpath),
            (Err(reason), _) | (_, Err(reason)) => {
                skipped.add(TABLE, reason, || String::from_utf8_lossy(head.directory).into_owned());
                continue;
            }
        };
        let roster = carriers.roster(top_of(&path, &subpath), inventory);
        let set = carriers.intern(&path, &body, roster, inventory, skipped)?;
        let directory = Directory { carriers: SetPosition { roster, set }, subpath };
        let (position, earlier) = inventory.directories.insert_full(path, directory);
        if earlier.is_some() {
            skipped.add(TABLE, Reason::Repeated, || {
                inventory.directories.get_index(position).map(|(path, _)| path.clone()).unwrap_or_default()
            });
        }
    }
    Ok(())
}

/// What differs from directory to directory.
#[derive(Default)]
struct Head<'a> {
    directory: &'a [u8],
    subpath: &'a [u8],
}

impl<'a> Head<'a> {
    /// Takes the directory's own fields out of a record and leaves those about its carriers in `body`.
    fn split(record: &'a [u8], body: &mut Vec<u8>) -> Result<Head<'a>, Malformed> {
        let mut head = Head::default();
        let mut fields = Fields(record);
        // Start of the carriers' fields that were passed but not yet copied.
        let mut run = record;
        body.clear();
        loop {
            let before = fields.0;
            let field = fields.next_field()?;
            match field {
                // Global, ByCountry, ByHostId.
                Some((2 | 4 | 6, _)) => continue,
                Some((1, Value::Bytes(directory))) => head.directory = directory,
                Some((3, Value::Bytes(subpath))) => head.subpath = subpath,
                Some((1 | 3, _)) => return Err(Malformed::WrongType),
                // ByCountryInternet2, OrderedMirrorList and what later versions may add.
                Some(_) | None => {}
            }
            body.extend_from_slice(&run[..run.len() - before.len()]);
            run = fields.0;
            if field.is_none() {
                return Ok(head);
            }
        }
    }
}

/// Carrier sets met so far.
struct Carriers<'a> {
    urls: &'a Urls,
    /// The rosters of top directories; the one of no name is for all further ones.
    rosters: HashMap<Option<String>, u32>,
    /// Words of all sets.
    words: usize,
    /// The position of each set, and what was skipped on the way to it, if anything was.
    seen: ByFingerprint<(u32, Option<Box<Skipped>>)>,
    /// Sets of which something was skipped.
    odd: usize,
    /// Pairs of `ByHostId` of which nothing was skipped, as [`Gathered::host`] takes them.
    hosts_seen: ByFingerprint<(u32, Option<u32>)>,
    gathered: Gathered,
    numbers: Vec<i64>,
    positions: Vec<u32>,
}

impl<'a> Carriers<'a> {
    fn new(urls: &'a Urls) -> Carriers<'a> {
        Carriers {
            urls,
            rosters: HashMap::new(),
            words: 0,
            seen: ByFingerprint::default(),
            odd: 0,
            hosts_seen: ByFingerprint::default(),
            gathered: Gathered::default(),
            numbers: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// The roster for the directories below a top directory, which have much the same carriers.
    fn roster(&mut self, top: Option<&str>, inventory: &mut Inventory) -> u32 {
        let top = top.map(str::to_owned);
        if let Some(roster) = self.rosters.get(&top) {
            return *roster;
        }
        let top = top.filter(|_| self.rosters.len() < MOST_ROSTERS);
        *self.rosters.entry(top).or_insert_with(|| {
            inventory.rosters.push(Roster::default());
            inventory.rosters.len() as u32 - 1
        })
    }

    /// The position in this roster of the carrier set that `body` describes.
    fn intern(
        &mut self,
        path: &str,
        body: &[u8],
        roster: u32,
        inventory: &mut Inventory,
        skipped: &mut Skipped,
    ) -> Result<u32, Cause> {
        let fingerprint = fingerprint_in(roster, body);
        if let Some((position, of_each)) = self.seen.get(&fingerprint) {
            of_each.iter().for_each(|of_each| skipped.merge(of_each));
            return Ok(*position);
        }
        let mut of_each = Skipped::default();
        self.gather(path, body, inventory, &mut of_each).map_err(|why| damaged(TABLE, why))?;
        let known = &mut inventory.rosters[roster as usize];
        let sets = known.sets.len();
        let position = self.gathered.carrier_set(path, (roster, known), &mut of_each);
        self.words += known.sets.get_index(sets).map_or(0, |set| set.len());
        if self.words > MOST_WORDS {
            let why = "its directories have more different sets of hosts than a cache holds";
            return Err(Cause::Refused(why.into()));
        }
        skipped.merge(&of_each);
        let odd = of_each.total() > 0;
        self.odd += usize::from(odd);
        if !odd || self.odd <= MOST_ODD {
            self.seen.insert(fingerprint, (position, odd.then(|| Box::new(of_each))));
        }
        Ok(position)
    }

    /// Takes the parts of a record that say who carries the directory.
    fn gather(
        &mut self,
        path: &str,
        body: &[u8],
        inventory: &mut Inventory,
        skipped: &mut Skipped,
    ) -> Result<(), Malformed> {
        let mut fields = Fields(body);
        while let Some(field) = fields.next_field()? {
            match field {
                (2, value) => self.gathered.public(value)?,
                (4, Value::Bytes(record)) => self.gathered.country(path, record, skipped)?,
                (6, Value::Bytes(record)) => self.host(path, record, inventory, skipped)?,
                _ => return Err(Malformed::WrongType),
            }
        }
        Ok(())
    }

    /// One pair of `ByHostId`: a host and the ids of its URLs.
    fn host(
        &mut self,
        path: &str,
        record: &[u8],
        inventory: &mut Inventory,
        skipped: &mut Skipped,
    ) -> Result<(), Malformed> {
        let fingerprint = fingerprint(record);
        if let Some(&(host, placement)) = self.hosts_seen.get(&fingerprint) {
            self.gathered.host(host, placement);
            return Ok(());
        }
        let skipped_before = skipped.total();
        let Some(id) = self.pair(record)? else {
            skipped.add(TABLE, Reason::NoKey, || path.to_owned());
            return Ok(());
        };
        let host = match inventory.hosts.get_index_of(&id) {
            Some(host) => host as u32,
            None => {
                let host = Host { bandwidth: 1, ..Host::default() };
                let position = inventory.hosts.insert_full(id, host).0 as u32;
                self.gathered.know(id, position);
                position
            }
        };
        self.positions.clear();
        for url in &self.numbers {
            match self.urls.get(url) {
                // Counted where the URL stands.
                Some(None) => {}
                Some(Some(position)) if self.positions.contains(position) => {
                    skipped.add(TABLE, Reason::Repeated, || format!("URL {url} of host {id} in {path}"));
                }
                Some(Some(_)) if self.positions.len() == MOST_URLS => {
                    skipped.add(TABLE, Reason::TooMany, || format!("URL {url} of host {id} in {path}"));
                }
                Some(&Some(position)) => self.positions.push(position),
                None => {
                    skipped.add(TABLE, Reason::UnknownUrl, || format!("URL {url} of host {id} in {path}"));
                }
            }
        }
        let placement = if self.positions.is_empty() {
            skipped.add(TABLE, Reason::NoUsableUrl, || format!("host {id} in {path}"));
            None
        } else {
            Some(place(host, &self.positions, inventory))
        };
        self.gathered.host(host, placement);
        // What was skipped has to be counted for each directory, so such a pair is read every time.
        if skipped.total() == skipped_before {
            self.hosts_seen.insert(fingerprint, (host, placement));
        }
        Ok(())
    }

    /// The key of a pair; its values are left in `numbers`.
    fn pair(&mut self, record: &[u8]) -> Result<Option<i64>, Malformed> {
        let mut id = None;
        self.numbers.clear();
        let mut fields = Fields(record);
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Number(number)) => id = Some(number.cast_signed()),
                (2, value) => numbers(value, &mut self.numbers)?,
                (1, _) => return Err(Malformed::WrongType),
                _ => {}
            }
        }
        Ok(id)
    }
}

/// The position of a placement, which is stored if it is new.
fn place(host: u32, urls: &[u32], inventory: &mut Inventory) -> u32 {
    let position = match inventory.placements.get_index_of(&Borrowed { host, urls }) {
        Some(position) => position,
        None => inventory.placements.insert_full(Placement { host, urls: urls.to_vec() }).0,
    };
    position as u32
}

/// A [`Placement`] that owns nothing, for the look-up; its hash is that of a placement, field by field.
#[derive(Hash)]
struct Borrowed<'a> {
    host: u32,
    urls: &'a [u32],
}

impl Equivalent<Placement> for Borrowed<'_> {
    fn equivalent(&self, placement: &Placement) -> bool {
        self.host == placement.host && self.urls == placement.urls
    }
}
