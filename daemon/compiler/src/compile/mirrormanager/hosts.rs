//! What the source says about hosts beyond their directories: country, weight, whom they are for, and which networks,
//! ASNs and locations they stand near. Also the two tables about clients' countries and continents.
//!
//! Only hosts that a directory names count; the rest is skipped, so that every position refers to a host of the
//! inventory.

use super::{names, tables::Tables};
use crate::compile::{
    error::Cause,
    prefix,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::{Host, Inventory};
use interchange::message::{IntInt, IntInts, IntString, IntStrings, StringInts, StringString};
use ipnetwork::IpNetwork;
use std::collections::BTreeSet;
use wire::code::{Continent, Country};

/// Reads the small tables; [`Inventory::hosts`] must be complete.
pub fn import(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    countries(tables, inventory, skipped)?;
    bandwidths(tables, inventory, skipped)?;
    allowed_countries(tables, inventory, skipped)?;
    locations(tables, inventory, skipped)?;
    asns(tables, inventory, skipped)?;
    netblocks(tables, inventory, skipped)?;
    country_overrides(tables, inventory, skipped)?;
    continents(tables, inventory, skipped)
}

fn countries(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::HostCountry) {
        let IntString { key, value } = record?;
        let Some(host) = host(InputTable::HostCountry, key, inventory, skipped) else { continue };
        let value = value.unwrap_or_default();
        match Country::parse(text::trim(&value)) {
            Some(country) => host.country = Some(country),
            None => skipped.add(InputTable::HostCountry, Reason::BadCountry, || {
                String::from_utf8_lossy(&value).into_owned()
            }),
        }
    }
    Ok(())
}

fn bandwidths(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::HostBandwidth) {
        let IntInt { key, value } = record?;
        let Some(host) = host(InputTable::HostBandwidth, key, inventory, skipped) else { continue };
        host.bandwidth = u32::try_from(value.unwrap_or(1).clamp(1, u32::MAX.into())).unwrap_or(u32::MAX);
    }
    Ok(())
}

fn allowed_countries(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::HostCountryAllowed) {
        let IntStrings { key, value } = record?;
        let Some(host) = host(InputTable::HostCountryAllowed, key, inventory, skipped) else { continue };
        // A list of which nothing can be read still restricts: better to no one than to everyone.
        let mut allowed = BTreeSet::new();
        for code in &value {
            match Country::parse(text::trim(code)) {
                Some(country) => {
                    allowed.insert(country);
                }
                None => {
                    let example = || String::from_utf8_lossy(code).into_owned();
                    skipped.add(InputTable::HostCountryAllowed, Reason::BadCountry, example);
                }
            }
        }
        host.countries_allowed = Some(allowed);
    }
    Ok(())
}

fn locations(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::Location) {
        let StringInts { key, value } = record?;
        let key = key.unwrap_or_default();
        match names::name(&key) {
            Ok(name) => {
                let hosts = positions(InputTable::Location, &value, inventory, skipped);
                if inventory.locations.insert(name.to_owned(), hosts).is_some() {
                    skipped.add(InputTable::Location, Reason::Repeated, || name);
                }
            }
            Err(reason) => {
                skipped.add(InputTable::Location, reason, || String::from_utf8_lossy(&key).into_owned());
            }
        }
    }
    inventory.locations.retain(|_, hosts| !hosts.is_empty());
    Ok(())
}

fn asns(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::HostAsn) {
        let IntInts { key, value } = record?;
        let Some(asn) = key.and_then(|asn| u32::try_from(asn).ok()) else {
            skipped.add(InputTable::HostAsn, Reason::BadAsn, || {
                key.map_or("no key".into(), |key| key.to_string())
            });
            continue;
        };
        let hosts = positions(InputTable::HostAsn, &value, inventory, skipped);
        if inventory.asn_hosts.insert(asn, hosts).is_some() {
            skipped.add(InputTable::HostAsn, Reason::Repeated, || asn);
        }
    }
    inventory.asn_hosts.retain(|_, hosts| !hosts.is_empty());
    Ok(())
}

/// Netblocks that are equal once host bits are masked are joined.
fn netblocks(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::HostNetblock) {
        let StringInts { key, value } = record?;
        let Some(prefix) = prefix_of(InputTable::HostNetblock, &key.unwrap_or_default(), skipped) else {
            continue;
        };
        let hosts = positions(InputTable::HostNetblock, &value, inventory, skipped);
        if !hosts.is_empty() {
            if prefix::is_wide(&prefix) {
                skipped.note(InputTable::HostNetblock, Reason::WidePrefix, || {
                    format!("{prefix} of hosts {value:?}")
                });
            }
            inventory.netblocks.entry(prefix).or_default().extend(hosts);
        }
    }
    Ok(())
}

fn country_overrides(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::NetblockCountry) {
        let StringString { key, value } = record?;
        let Some(prefix) = prefix_of(InputTable::NetblockCountry, &key.unwrap_or_default(), skipped) else {
            continue;
        };
        let value = value.unwrap_or_default();
        let Some(country) = Country::parse(text::trim(&value)) else {
            let example = || format!("{prefix} = {}", String::from_utf8_lossy(&value));
            skipped.add(InputTable::NetblockCountry, Reason::BadCountry, example);
            continue;
        };
        if prefix::is_wide(&prefix) {
            skipped.note(InputTable::NetblockCountry, Reason::WidePrefix, || format!("{prefix} = {country}"));
        }
        if inventory.country_overrides.insert(prefix, country).is_some() {
            skipped.add(InputTable::NetblockCountry, Reason::Repeated, || prefix);
        }
    }
    Ok(())
}

fn continents(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for record in tables.decoded(InputTable::ContinentRedirect) {
        let StringString { key, value } = record?;
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        match (Country::parse(text::trim(&key)), Continent::parse(text::trim(&value))) {
            (Some(country), Some(continent)) => {
                inventory.continents.insert(country, continent);
            }
            (country, _) => {
                let reason = if country.is_none() { Reason::BadCountry } else { Reason::BadContinent };
                skipped.add(InputTable::ContinentRedirect, reason, || {
                    format!("{} = {}", String::from_utf8_lossy(&key), String::from_utf8_lossy(&value))
                });
            }
        }
    }
    Ok(())
}

/// The host of a record, if a directory names it.
fn host<'a>(
    table: InputTable,
    key: Option<i64>,
    inventory: &'a mut Inventory,
    skipped: &mut Skipped,
) -> Option<&'a mut Host> {
    let Some(id) = key else {
        skipped.add(table, Reason::NoKey, || "");
        return None;
    };
    let host = inventory.hosts.get_mut(&id);
    if host.is_none() {
        skipped.add(table, Reason::UnknownHost, || id);
    }
    host
}

/// The positions of the hosts that a directory names.
fn positions(table: InputTable, ids: &[i64], inventory: &Inventory, skipped: &mut Skipped) -> BTreeSet<u32> {
    let mut positions = BTreeSet::new();
    for id in ids {
        match inventory.hosts.get_index_of(id) {
            Some(position) => {
                if !positions.insert(position as u32) {
                    skipped.add(table, Reason::Repeated, || format!("host {id}"));
                }
            }
            None => skipped.add(table, Reason::UnknownHost, || id),
        }
    }
    positions
}

/// A prefix for which a host or a country is preferred. One that contains everyone says nothing of anybody.
fn prefix_of(table: InputTable, key: &[u8], skipped: &mut Skipped) -> Option<IpNetwork> {
    let prefix = std::str::from_utf8(key).ok().and_then(prefix::parse);
    let reason = match &prefix {
        None => Reason::BadPrefix,
        Some(prefix) if prefix.prefix() == 0 => Reason::DefaultRoute,
        Some(_) => return prefix,
    };
    skipped.add(table, reason, || text::lossy(key));
    None
}
