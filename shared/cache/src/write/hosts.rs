//! Hosts, their URLs, and the sets of hosts that carry directories.

use super::{WriteError, Writer, limit};
use crate::scheme::Schemes;
use crate::{
    file::MOST_PAYLOAD,
    inventory::{Carrier, Placement},
    limits::{MOST_EXTRAS, MOST_HOSTS, MOST_URLS},
    schema::{
        ExtraRow, GroupRow, HostRow, NO_COUNTRY, NONE, PUBLIC, PlacementRow, RosterRow, UrlRow, stride,
    },
};
use indexmap::IndexSet;
use std::collections::{BTreeMap, BTreeSet};
use wire::code::Country;

/// What words of sets may take: more fit no file.
const MOST_WORDS: usize = MOST_PAYLOAD as usize / 4;

/// The numbers that hosts and placements have in the file, by their position in the inventory.
pub(super) struct HostOrder {
    hosts: Vec<u32>,
    placements: Vec<u32>,
}

impl HostOrder {
    /// The number of the host at a position of the inventory.
    pub(super) fn number(&self, position: usize) -> usize {
        self.hosts[position] as usize
    }

    /// The numbers of these hosts, ascending.
    pub(super) fn numbers(&self, positions: &BTreeSet<u32>) -> Vec<u32> {
        let mut numbers: Vec<u32> = positions.iter().map(|position| self.hosts[*position as usize]).collect();
        numbers.sort_unstable();
        numbers
    }
}

impl Writer<'_> {
    /// Writes hosts, URLs and placements. Hosts are ordered by country, then id, so that those who are asked for
    /// together lie together.
    pub(super) fn hosts(&mut self) -> Result<HostOrder, WriteError> {
        let inventory = self.inventory;
        let mut positions: Vec<usize> = (0..inventory.hosts.len()).collect();
        positions.sort_by_key(|at| {
            let (id, host) = inventory.hosts.get_index(*at).expect("a position of the table");
            (host.country.is_none(), host.country, *id)
        });
        let mut order = HostOrder {
            hosts: vec![NONE; inventory.hosts.len()],
            placements: vec![NONE; inventory.placements.len()],
        };
        for (number, position) in positions.iter().enumerate() {
            order.hosts[*position] = number as u32;
            let (id, host) = inventory.hosts.get_index(*position).expect("a position of the table");
            let allowed: Vec<u16> =
                host.countries_allowed.iter().flatten().map(|code| self.country(*code)).collect();
            let row = HostRow {
                id: *id,
                bandwidth: host.bandwidth.max(1),
                allowed_start: match host.countries_allowed {
                    Some(_) => self.schema.allowed.len() as u32,
                    None => NONE,
                },
                allowed_len: allowed.len() as u16,
                country: host.country.map_or(NO_COUNTRY, |code| self.country(code)),
                padding: 0,
            };
            self.schema.hosts.push(row);
            self.schema.allowed.extend(allowed);
        }
        for url in &inventory.urls {
            let text = self.string(&url.text);
            self.schema.urls.push(UrlRow { text, scheme: url.scheme as u8, padding: [0; 3] });
        }
        self.placements(&mut order)?;
        Ok(order)
    }

    fn placements(&mut self, order: &mut HostOrder) -> Result<(), WriteError> {
        let placements = &self.inventory.placements;
        let mut positions: Vec<usize> = (0..placements.len()).collect();
        positions.sort_by_key(|at| {
            let Placement { host, urls } = &placements[*at];
            (order.hosts[*host as usize], urls)
        });
        for (number, position) in positions.iter().enumerate() {
            order.placements[*position] = number as u32;
            let placement = &placements[*position];
            limit("URLs of one host for one tree", placement.urls.len(), MOST_URLS)?;
            let host = order.hosts[placement.host as usize];
            while self.schema.host_placements.len() <= host as usize {
                self.schema.host_placements.push(number as u32);
            }
            let schemes: Schemes =
                placement.urls.iter().map(|url| self.inventory.urls[*url as usize].scheme).collect();
            self.schema.placements.push(PlacementRow {
                host,
                urls_start: self.schema.placement_urls.len() as u32,
                schemes: schemes.bits(),
                padding: [0; 3],
            });
            self.schema.placement_urls.extend(&placement.urls);
        }
        self.schema.host_placements.resize(self.inventory.hosts.len() + 1, placements.len() as u32);
        limit("URLs of placements", self.schema.placement_urls.len(), NONE as usize)
    }

    /// Writes rosters and their sets in the inventory's order.
    pub(super) fn rosters(&mut self, order: &HostOrder) -> Result<(), WriteError> {
        let mut sets = 0;
        for roster in &self.inventory.rosters {
            self.open_roster(sets);
            let members = self.members(&roster.carriers, order)?;
            let stride = stride(roster.carriers.len());
            limit("words of carrier sets", self.schema.bits.len() + stride * roster.sets.len(), MOST_WORDS)?;
            for set in &roster.sets {
                let from = self.schema.bits.len();
                self.schema.bits.resize(from + stride, 0);
                let bits = &mut self.schema.bits[from..];
                for (at, word) in set.iter().enumerate() {
                    let mut left = *word;
                    while left != 0 {
                        let member = members[at * 32 + left.trailing_zeros() as usize] as usize;
                        bits[member / 32] |= 1 << (member % 32);
                        left &= left - 1;
                    }
                }
            }
            sets += roster.sets.len() as u32;
        }
        self.open_roster(sets);
        Ok(())
    }

    fn open_roster(&mut self, sets: u32) {
        self.schema.rosters.push(RosterRow {
            members: self.schema.members.len() as u32,
            groups: self.schema.groups.len() as u32,
            extras: self.schema.extras.len() as u32,
            sets,
            bits: self.schema.bits.len() as u32,
        });
    }

    /// Writes the members of a roster; their positions in it.
    fn members(&mut self, carriers: &IndexSet<Carrier>, order: &HostOrder) -> Result<Vec<u32>, WriteError> {
        limit("hosts of the directories of one category", carriers.len(), MOST_HOSTS)?;
        let mut sorted: Vec<(usize, &Carrier)> = carriers.iter().enumerate().collect();
        let key = |carrier: &Carrier| {
            let first = carrier.countries.first().copied();
            (first.is_none(), first, order.placements[carrier.placement as usize])
        };
        sorted.sort_by(|(_, a), (_, b)| (key(a), a).cmp(&(key(b), b)));
        let mut positions = vec![0; sorted.len()];
        let mut lengths: BTreeMap<Country, u16> = BTreeMap::new();
        let mut extras: Vec<ExtraRow> = Vec::new();
        for (member, (at, carrier)) in sorted.into_iter().enumerate() {
            positions[at] = member as u32;
            let mut countries = carrier.countries.iter();
            if let Some(first) = countries.next() {
                *lengths.entry(*first).or_default() += 1;
            }
            for country in countries {
                lengths.entry(*country).or_default();
                extras.push(ExtraRow { country: self.country(*country), member: member as u16 });
            }
            let placement = order.placements[carrier.placement as usize];
            self.schema.members.push(if carrier.public { placement | PUBLIC } else { placement });
        }
        limit("further countries of the hosts of one category", extras.len(), MOST_EXTRAS)?;
        extras.sort_by_key(|extra| (extra.country, extra.member));
        self.schema.extras.extend(extras);
        let groups = lengths.iter().map(|(code, len)| GroupRow { country: self.country(*code), len: *len });
        let groups: Vec<GroupRow> = groups.collect();
        self.schema.groups.extend(groups);
        Ok(positions)
    }
}
