//! Hosts, their URLs, and the sets of hosts that carry directories.

use super::{WriteError, Writer, limit};
use crate::scheme::Schemes;
use crate::{
    inventory::{CarrierSet, Placement},
    limits::{MOST_EXTRAS, MOST_HOSTS, MOST_URLS},
    schema::{
        ExtraRow, GroupRow, HostRow, NO_COORDINATE, NO_COUNTRY, NONE, PUBLIC, PlacementRow, SetRow, UrlRow,
    },
};
use std::collections::{BTreeMap, BTreeSet};
use wire::code::Country;

/// The numbers that hosts and placements have in the file, by their position in the inventory.
pub(super) struct HostOrder {
    hosts: Vec<u32>,
    placements: Vec<u32>,
}

impl HostOrder {
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
                latitude: NO_COORDINATE,
                longitude: NO_COORDINATE,
                flags: 0,
            };
            self.schema.hosts.push(row);
            self.schema.allowed.extend(allowed);
        }
        for url in &inventory.urls {
            let text = self.string(&url.text);
            self.schema.urls.push(UrlRow { text, scheme: url.scheme as u8, families: 0, flags: 0 });
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
                reserved: [0; 3],
            });
            self.schema.placement_urls.extend(&placement.urls);
        }
        self.schema.host_placements.resize(self.inventory.hosts.len() + 1, placements.len() as u32);
        limit("URLs of placements", self.schema.placement_urls.len(), NONE as usize)
    }

    /// Writes the sets in the inventory's order.
    pub(super) fn carrier_sets(&mut self, order: &HostOrder) -> Result<(), WriteError> {
        for set in &self.inventory.carrier_sets {
            self.open_set();
            limit("hosts of one directory", set.members.len(), MOST_HOSTS)?;
            self.members(set, order)?;
        }
        self.open_set();
        limit("members of carrier sets", self.schema.members.len(), NONE as usize)
    }

    fn open_set(&mut self) {
        self.schema.sets.push(SetRow {
            members: self.schema.members.len() as u32,
            groups: self.schema.groups.len() as u32,
            extras: self.schema.extras.len() as u32,
        });
    }

    fn members(&mut self, set: &CarrierSet, order: &HostOrder) -> Result<(), WriteError> {
        let mut countries: BTreeMap<u32, BTreeSet<Country>> = BTreeMap::new();
        for (country, placements) in &set.groups {
            for placement in placements {
                countries.entry(*placement).or_default().insert(*country);
            }
        }
        let none = BTreeSet::new();
        let of = |placement: u32| countries.get(&placement).unwrap_or(&none);
        let mut members = set.members.clone();
        members.sort_by_key(|(placement, _)| {
            let first = of(*placement).first();
            (first.is_none(), first.copied(), order.placements[*placement as usize])
        });
        let mut lengths: BTreeMap<Country, u16> = set.groups.iter().map(|group| (group.0, 0)).collect();
        let mut extras: Vec<ExtraRow> = Vec::new();
        for (position, (placement, public)) in members.iter().enumerate() {
            let mut theirs = of(*placement).iter();
            if let Some(first) = theirs.next() {
                *lengths.entry(*first).or_default() += 1;
            }
            extras.extend(
                theirs.map(|code| ExtraRow { country: self.country(*code), member: position as u16 }),
            );
            let placement = order.placements[*placement as usize];
            self.schema.members.push(if *public { placement | PUBLIC } else { placement });
        }
        limit("further countries of the hosts of one directory", extras.len(), MOST_EXTRAS)?;
        extras.sort_by_key(|extra| (extra.country, extra.member));
        self.schema.extras.extend(extras);
        let groups = lengths.iter().map(|(code, len)| GroupRow { country: self.country(*code), len: *len });
        let groups: Vec<GroupRow> = groups.collect();
        self.schema.groups.extend(groups);
        Ok(())
    }
}
