//! What hosts are chosen by beside their tiers, into arrays of their own: rings around countries, places, families, whom
//! hosts are for.

use super::{WriteError, Writer, hosts::HostOrder, limit};
use crate::{
    Families, Only,
    inventory::{Host, put},
    limits::MOST_RING_WORDS,
    place::Place,
    schema::{AvoidRow, ONLY_CONTINENT, ONLY_COUNTRY, PlaceRow, RINGS},
};
use std::collections::BTreeSet;

/// How far the rings around a country reach, in kilometres.
const REACH_KM: [f64; RINGS] = [1000.0, 2000.0, 4000.0];

impl Writer<'_> {
    pub(super) fn choice(&mut self, order: &HostOrder) -> Result<(), WriteError> {
        let mut hosts: Vec<&Host> = self.inventory.hosts.values().collect();
        for (position, host) in self.inventory.hosts.values().enumerate() {
            hosts[order.number(position)] = host;
        }
        self.facts(&hosts);
        self.avoided();
        self.exclusive(order);
        self.rings(&hosts)
    }

    fn facts(&mut self, hosts: &[&Host]) {
        if hosts.iter().any(|host| host.place.is_some()) {
            let unknown = [i16::MIN, 0];
            let row = |host: &&Host| {
                let [latitude, longitude] = host.place.map_or(unknown, Place::hundredths);
                PlaceRow { latitude, longitude }
            };
            self.schema.host_place = hosts.iter().map(row).collect();
        }
        if hosts.iter().any(|host| host.families != Families::UNKNOWN) {
            self.schema.host_families = hosts.iter().map(|host| host.families.bits()).collect();
        }
        if hosts.iter().any(|host| host.only != Only::Everyone) {
            let flags = |host: &&Host| match host.only {
                Only::Everyone => 0,
                Only::Continent => ONLY_CONTINENT,
                Only::Country => ONLY_COUNTRY,
            };
            self.schema.host_flags = hosts.iter().map(flags).collect();
        }
    }

    /// Countries that the cache names nowhere else have no clients and no hosts.
    fn avoided(&mut self) {
        for (client, avoided) in &self.inventory.choice.avoid {
            let number = |country| self.countries.binary_search(country).ok().map(|at| at as u16);
            let Some(client) = number(client) else { continue };
            let rows = avoided.iter().filter_map(number).map(|host| AvoidRow { client, host });
            let rows: Vec<AvoidRow> = rows.collect();
            self.schema.avoid.extend(rows);
        }
    }

    fn exclusive(&mut self, order: &HostOrder) {
        let inventory = self.inventory;
        let mut bits = Vec::new();
        let mut at = 0;
        // In the order in which netblocks were written.
        let mut prefixes: Vec<_> = inventory.netblocks.iter().collect();
        prefixes.sort_by_key(|(prefix, _)| (prefix.network(), prefix.prefix()));
        for (prefix, hosts) in prefixes {
            mark(&mut bits, &mut at, order, hosts, inventory.exclusive_netblocks.get(prefix));
        }
        self.schema.netblock_exclusive = whole(bits, at);
        let (mut bits, mut at) = (Vec::new(), 0);
        for (number, hosts) in &inventory.asn_hosts {
            mark(&mut bits, &mut at, order, hosts, inventory.exclusive_asns.get(number));
        }
        self.schema.asn_exclusive = whole(bits, at);
    }

    fn rings(&mut self, hosts: &[&Host]) -> Result<(), WriteError> {
        let choice = &self.inventory.choice;
        if choice.near_hosts == 0 {
            return Ok(());
        }
        let words = hosts.len().div_ceil(32);
        let all = self.countries.len() * RINGS * words;
        limit("words of rings around countries", all, MOST_RING_WORDS)?;
        self.schema.near_hosts.push(choice.near_hosts);
        self.schema.rings.reserve_exact(all);
        let place = |host: &&Host| host.place.or_else(|| Place::of(host.country?));
        let places: Vec<Option<Place>> = hosts.iter().map(place).collect();
        for country in &self.countries {
            let (point, neighbours) = (Place::of(*country), choice.neighbours.get(country));
            let km: Vec<f64> = hosts
                .iter()
                .zip(&places)
                .map(|(host, place)| match (host.country, neighbours) {
                    (Some(other), _) if other == *country => f64::INFINITY,
                    (Some(other), Some(said)) if said.never.contains(&other) => f64::INFINITY,
                    (other, Some(said)) if !said.named.is_empty() => {
                        if other.is_some_and(|other| said.named.contains(&other)) {
                            0.0
                        } else {
                            f64::INFINITY
                        }
                    }
                    _ => point.zip(*place).map_or(f64::INFINITY, |(point, place)| point.km(place)),
                })
                .collect();
            for reach in REACH_KM {
                let from = self.schema.rings.len();
                self.schema.rings.resize(from + words, 0);
                for (host, _) in km.iter().enumerate().filter(|(_, km)| **km <= reach) {
                    self.schema.rings[from + host / 32] |= 1 << (host % 32);
                }
            }
        }
        Ok(())
    }
}

/// Sets the bits of the exclusive ones among hosts whose numbers stand in their array from `at` on.
fn mark(
    bits: &mut Vec<u32>,
    at: &mut usize,
    order: &HostOrder,
    hosts: &BTreeSet<u32>,
    exclusive: Option<&BTreeSet<u32>>,
) {
    let exclusive = exclusive.map(|hosts| order.numbers(hosts)).unwrap_or_default();
    for number in order.numbers(hosts) {
        if exclusive.binary_search(&number).is_ok() {
            put(*at, bits);
        }
        *at += 1;
    }
}

/// A bit for each of so many, unless none is set.
fn whole(mut bits: Vec<u32>, of: usize) -> Vec<u32> {
    if !bits.is_empty() {
        bits.resize(of.div_ceil(32), 0);
    }
    bits
}
