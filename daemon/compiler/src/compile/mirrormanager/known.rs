//! `Host`, our own field: what is known of hosts beyond MirrorManager's tables.

use super::tables::Tables;
use crate::compile::{
    error::Cause,
    facts::{Facts, Network},
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::{Families, Only, inventory::Inventory, place::Place};
use interchange::message::Host;
use std::collections::BTreeMap;

const TABLE: InputTable = InputTable::Host;

/// Reads what is known of the hosts that a directory names. What is odd of a host is left out, the rest counts.
pub fn read(
    tables: &Tables,
    inventory: &Inventory,
    skipped: &mut Skipped,
) -> Result<BTreeMap<i64, Facts>, Cause> {
    let mut known = BTreeMap::new();
    for record in tables.decoded(TABLE) {
        let host: Host = record?;
        let Some(id) = host.id else {
            skipped.add(TABLE, Reason::NoKey, || "");
            continue;
        };
        // MirrorManager has many that carry nothing, so that they are no surprise.
        if inventory.hosts.contains_key(&id) && known.insert(id, facts(id, &host, skipped)).is_some() {
            skipped.add(TABLE, Reason::Repeated, || id);
        }
    }
    Ok(known)
}

fn facts(id: i64, host: &Host, skipped: &mut Skipped) -> Facts {
    let mut odd = |what: &str| skipped.add(TABLE, Reason::BadFact, || format!("{what} of host {id}"));
    let mut facts = Facts { up_to_date: host.up_to_date, ..Facts::default() };
    if let (Some(latitude), Some(longitude)) = (host.latitude, host.longitude) {
        facts.place = Place::new(latitude, longitude);
        if facts.place.is_none() {
            odd("place");
        }
    }
    for family in &host.families {
        let known = facts.families.unwrap_or_default();
        match family {
            4 => facts.families = Some(known.with(Families::V4)),
            6 => facts.families = Some(known.with(Families::V6)),
            _ => odd("family"),
        }
    }
    for network in &host.exclusive {
        match std::str::from_utf8(network).ok().and_then(Network::parse) {
            Some(network) => facts.exclusive.push(network),
            None => odd("exclusive network"),
        }
    }
    match host.only.as_deref().map(text::trim) {
        None | Some(b"") => {}
        Some(b"country") => facts.only = Some(Only::Country),
        Some(b"continent") => facts.only = Some(Only::Continent),
        Some(_) => odd("only"),
    }
    match host.weight {
        Some(0) => odd("weight"),
        weight => facts.weight = weight,
    }
    facts
}
