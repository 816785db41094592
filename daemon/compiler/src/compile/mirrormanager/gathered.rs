//! What one record of `MirrorListCache` says about its carriers, gathered until it is complete and then put together.
//!
//! The parts of a record refer to each other and may come in any order; [`Gathered::carrier_set`] is where they meet.

use super::{
    fingerprint::ById,
    tables::{Fields, Value, WRONG_TYPE, numbers},
};
use crate::compile::{
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::CarrierSet;
use wire::code::Country;

const TABLE: InputTable = InputTable::MirrorList;

/// The parts of one record; its buffers outlive the record.
#[derive(Default)]
pub struct Gathered {
    /// `Global`: host ids.
    public: Vec<i64>,
    /// `ByCountry`, pair by pair: countries and host ids.
    by_country: Vec<(Country, i64)>,
    /// `ByHostId`: hosts and their placements, `None` without a usable URL.
    hosts: Vec<(u32, Option<u32>)>,
    numbers: Vec<i64>,
    /// The positions of all hosts met so far.
    known: ById<u32>,
    /// By position: what this record says of the host.
    slots: Vec<Slot>,
    /// Counts the records; slots of another one are as good as empty.
    record: u32,
}

/// What one record says of a host.
#[derive(Clone, Copy, Default)]
struct Slot {
    record: u32,
    placement: Option<u32>,
    public: bool,
}

impl Gathered {
    /// Tells the position of a host's id, once.
    pub fn know(&mut self, id: i64, host: u32) {
        self.known.insert(id, host);
        self.slots.resize(self.slots.len().max(host as usize + 1), Slot::default());
    }

    /// A part of `Global`.
    pub fn public(&mut self, value: Value<'_>) -> Result<(), String> {
        numbers(value, &mut self.public)
    }

    /// One pair of `ByHostId`, by position of host and placement.
    pub fn host(&mut self, host: u32, placement: Option<u32>) {
        self.hosts.push((host, placement));
    }

    /// One pair of `ByCountry`: a country and its hosts.
    pub fn country(&mut self, path: &str, record: &[u8], skipped: &mut Skipped) -> Result<(), String> {
        let mut key: &[u8] = b"";
        self.numbers.clear();
        let mut fields = Fields(record);
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Bytes(country)) => key = country,
                (2, value) => numbers(value, &mut self.numbers)?,
                (1, _) => return Err(WRONG_TYPE.into()),
                _ => {}
            }
        }
        match Country::parse(text::trim(key)) {
            Some(country) => self.by_country.extend(self.numbers.iter().map(|&host| (country, host))),
            None => {
                skipped
                    .add(TABLE, Reason::BadCountry, || format!("{} in {path}", String::from_utf8_lossy(key)));
            }
        }
        Ok(())
    }

    /// Puts the parts together, in the order that makes equal sets compare equal, and forgets them.
    pub fn carrier_set(&mut self, path: &str, skipped: &mut Skipped) -> CarrierSet {
        self.record += 1;
        let mut set = CarrierSet::default();
        self.mark_hosts(path, skipped);
        self.mark_public(path, skipped);
        for (host, _) in self.hosts.drain(..) {
            let slot = self.slots[host as usize];
            set.members.extend(slot.placement.map(|placement| (placement, slot.public)));
        }
        set.members.sort_unstable();
        // A host given twice was gathered twice, both times with its last placement.
        set.members.dedup();
        self.group(path, &mut set, skipped);
        set
    }

    fn mark_hosts(&mut self, path: &str, skipped: &mut Skipped) {
        for &(host, placement) in &self.hosts {
            let slot = &mut self.slots[host as usize];
            if slot.record == self.record {
                let id = || self.known.iter().find(|(_, known)| **known == host).map_or(0, |(id, _)| *id);
                skipped.add(TABLE, Reason::Repeated, || format!("host {} in {path}", id()));
            }
            *slot = Slot { record: self.record, placement, public: false };
        }
    }

    fn mark_public(&mut self, path: &str, skipped: &mut Skipped) {
        for id in self.public.drain(..) {
            let slot = self.known.get(&id).map(|host| &mut self.slots[*host as usize]);
            match slot.filter(|slot| slot.record == self.record && slot.placement.is_some()) {
                Some(slot) if slot.public => {
                    skipped.add(TABLE, Reason::Repeated, || format!("host {id} of Global in {path}"));
                }
                Some(slot) => slot.public = true,
                None => skipped.add(TABLE, Reason::NotACarrier, || format!("host {id} of Global in {path}")),
            }
        }
    }

    /// Fills the set's groups: countries in order, each with its placements in order, each once.
    fn group(&mut self, path: &str, set: &mut CarrierSet, skipped: &mut Skipped) {
        self.by_country.sort_unstable();
        let mut last = None;
        for (country, id) in self.by_country.drain(..) {
            if last.replace((country, id)) == Some((country, id)) {
                skipped.add(TABLE, Reason::Repeated, || format!("host {id} of {country} in {path}"));
                continue;
            }
            let slot = self.known.get(&id).map(|host| self.slots[*host as usize]);
            let Some(placement) =
                slot.filter(|slot| slot.record == self.record).and_then(|slot| slot.placement)
            else {
                skipped.add(TABLE, Reason::NotACarrier, || format!("host {id} of {country} in {path}"));
                continue;
            };
            match set.groups.last_mut() {
                Some((last, group)) if *last == country => group.push(placement),
                _ => set.groups.push((country, vec![placement])),
            }
        }
        for (_, group) in &mut set.groups {
            group.sort_unstable();
        }
    }
}
