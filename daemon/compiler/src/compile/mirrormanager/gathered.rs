//! What one record of `MirrorListCache` says about its carriers, gathered until it is complete and then put together.
//!
//! The parts of a record refer to each other and may come in any order; [`Gathered::carrier_set`] is where they meet.
//! That happens a hundred times and more for each of 120,000 directories: a host that is as it was in the directory before
//! costs one look-up.

use super::{
    fields::{Fields, Malformed, Value, numbers},
    fingerprint::{ById, Quick},
};
use crate::compile::{
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::{Carrier, Roster, put};
use std::{collections::HashMap, hash::BuildHasherDefault};
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
    /// Hosts that stand for several countries, and their further ones: position, country, id.
    further: Vec<(u32, Country, i64)>,
    /// By roster and host: the carrier that it was last.
    placed: HashMap<(u32, u32), Placed, BuildHasherDefault<Quick>>,
    bits: Vec<u32>,
}

/// What one record says of a host.
#[derive(Clone, Copy, Default)]
struct Slot {
    record: u32,
    placement: Option<u32>,
    public: bool,
    /// The first country that it stands for.
    country: Option<Country>,
    /// Whether there are further ones.
    several: bool,
}

/// A carrier of one country at most, and its position in its roster.
#[derive(Clone, Copy)]
struct Placed {
    placement: u32,
    public: bool,
    country: Option<Country>,
    position: usize,
}

impl Gathered {
    /// Tells the position of a host's id, once.
    pub fn know(&mut self, id: i64, host: u32) {
        self.known.insert(id, host);
        self.slots.resize(self.slots.len().max(host as usize + 1), Slot::default());
    }

    /// A part of `Global`.
    pub fn public(&mut self, value: Value<'_>) -> Result<(), Malformed> {
        numbers(value, &mut self.public)
    }

    /// One pair of `ByHostId`, by position of host and placement.
    pub fn host(&mut self, host: u32, placement: Option<u32>) {
        self.hosts.push((host, placement));
    }

    /// One pair of `ByCountry`: a country and its hosts.
    pub fn country(&mut self, path: &str, record: &[u8], skipped: &mut Skipped) -> Result<(), Malformed> {
        let mut key: &[u8] = b"";
        self.numbers.clear();
        let mut fields = Fields(record);
        while let Some(field) = fields.next_field()? {
            match field {
                (1, Value::Bytes(country)) => key = country,
                (2, value) => numbers(value, &mut self.numbers)?,
                (1, _) => return Err(Malformed::WrongType),
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

    /// Puts the parts together and forgets them; the set's position in its roster, which is the one of this number.
    pub fn carrier_set(
        &mut self,
        path: &str,
        (number, roster): (u32, &mut Roster),
        skipped: &mut Skipped,
    ) -> u32 {
        self.record += 1;
        self.mark_hosts(path, skipped);
        self.mark_public(path, skipped);
        self.mark_countries(path, skipped);
        self.bits.clear();
        // A host given twice was gathered twice, both times with its last placement.
        for (host, _) in std::mem::take(&mut self.hosts).drain(..) {
            let Slot { placement: Some(placement), public, country, several, .. } = self.slots[host as usize]
            else {
                continue;
            };
            let known = self.placed.get(&(number, host)).filter(|known| {
                !several && (known.placement, known.public, known.country) == (placement, public, country)
            });
            let position = match known {
                Some(known) => known.position,
                None => {
                    let countries = self.countries(host);
                    let carrier = Carrier { placement, public, countries };
                    let position = roster.carriers.insert_full(carrier).0;
                    if !several {
                        let placed = Placed { placement, public, country, position };
                        self.placed.insert((number, host), placed);
                    }
                    position
                }
            };
            put(position, &mut self.bits);
        }
        roster.intern(&self.bits)
    }

    /// The countries that a host of this record stands for, ascending.
    fn countries(&self, host: u32) -> Vec<Country> {
        let slot = self.slots[host as usize];
        let from = self.further.partition_point(|further| further.0 < host);
        let further = self.further[from..].iter().take_while(|further| further.0 == host);
        let mut countries: Vec<Country> = slot.country.into_iter().chain(further.map(|one| one.1)).collect();
        countries.sort_unstable();
        countries
    }

    fn mark_hosts(&mut self, path: &str, skipped: &mut Skipped) {
        for &(host, placement) in &self.hosts {
            let slot = &mut self.slots[host as usize];
            if slot.record == self.record {
                let id = || self.known.iter().find(|(_, known)| **known == host).map_or(0, |(id, _)| *id);
                skipped.add(TABLE, Reason::Repeated, || format!("host {} in {path}", id()));
            }
            *slot = Slot { record: self.record, placement, ..Slot::default() };
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

    /// Gives each host its countries, each once.
    fn mark_countries(&mut self, path: &str, skipped: &mut Skipped) {
        self.further.clear();
        for (country, id) in self.by_country.drain(..) {
            let host = self.known.get(&id).copied();
            let slot = host.map(|host| (host, &mut self.slots[host as usize]));
            match slot.filter(|(_, slot)| slot.record == self.record && slot.placement.is_some()) {
                None => {
                    skipped.add(TABLE, Reason::NotACarrier, || format!("host {id} of {country} in {path}"));
                }
                Some((_, Slot { country: first @ None, .. })) => *first = Some(country),
                Some((_, slot)) if slot.country == Some(country) => {
                    skipped.add(TABLE, Reason::Repeated, || format!("host {id} of {country} in {path}"));
                }
                Some((host, slot)) => {
                    slot.several = true;
                    self.further.push((host, country, id));
                }
            }
        }
        self.further.sort_unstable();
        self.further.dedup_by(|(host, country, id), before| {
            let again = (*host, *country) == (before.0, before.1);
            if again {
                skipped.add(TABLE, Reason::Repeated, || format!("host {id} of {country} in {path}"));
            }
            again
        });
    }
}
