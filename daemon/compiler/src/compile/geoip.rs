//! Countries of address ranges, from a MaxMind DB such as GeoLite2-Country.
//!
//! IPv4 is taken from `::/96`, where such files keep it; the places where they show the same tree again (`2002::/16`,
//! `::ffff:0:0/96`, `2001::/32`) are left out, since the service itself unpacks such addresses.

mod tree;

use super::{
    error::Cause,
    form,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::Inventory;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;
use std::{collections::HashMap, net::IpAddr};
use tree::{Tree, Within};
use wire::code::Country;

/// A tree has one network more than nodes; more only where it shows some again, as it does those of IPv4 a few times.
const NETWORKS_PER_NODE: u64 = 16;

/// Where files show the tree of IPv4 again: the first address, and how many bits of it count.
const ALIASES: [(u128, u8); 3] = [
    (0xffff << 32, 96),      // ::ffff:0:0/96, IPv4-mapped
    (0x2002 << 112, 16),     // 2002::/16, 6to4
    (0x2001_0000 << 96, 32), // 2001::/32, Teredo
];

/// What MaxMind's own databases say of a network.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country: Option<Nation<'a>>,
    #[serde(borrow)]
    registered_country: Option<Nation<'a>>,
    country_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Nation<'a> {
    iso_code: Option<&'a str>,
}

/// What others' databases say, where `country` is the code itself.
#[derive(Deserialize)]
struct FlatRecord<'a> {
    country: Option<&'a str>,
    country_code: Option<&'a str>,
}

/// Reads the networks of a database into [`Inventory::geoip`].
///
/// A network's country is `country.iso_code`, or `registered_country.iso_code` where there is none; in databases of
/// other makers `country` or `country_code`. A record of another shape is skipped and counted. A database that has no
/// country anywhere is refused. Cost: each record is decoded once, however many networks share it.
pub fn import(bytes: &[u8], inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    // A database is only taken for another kind of file when it is none.
    let database = Reader::from_source(bytes)
        .map_err(|error| form::refuse_other(bytes).err().unwrap_or_else(|| refused(error)))?;
    let metadata = database.metadata();
    let tree = Tree::new(bytes, metadata.node_count as usize, metadata.record_size, metadata.ip_version == 4)
        .filter(|tree| {
            let most = NETWORKS_PER_NODE * (u64::from(metadata.node_count) + 1);
            tree.paths().is_some_and(|paths| paths <= most)
        })
        .ok_or_else(|| {
            let why = "not a usable MaxMind database (branches of its tree lead into each other)";
            Cause::Refused(why.into())
        })?;
    let before = inventory.geoip.len();
    let mut countries: HashMap<usize, Result<Country, Reason>> = HashMap::new();
    for Within { first, length, record } in tree.networks(&ALIASES) {
        let networks = networks(first, length, tree.is_v4());
        let Some(some) = networks.first() else { continue };
        let country = *countries.entry(record).or_insert_with(|| country(&database, some.network()));
        match country {
            Ok(country) => inventory.geoip.extend(networks.iter().map(|network| (*network, country))),
            Err(reason) => skipped.add(InputTable::Geoip, reason, || some),
        }
    }
    if inventory.geoip.len() == before {
        let kind = &database.metadata().database_type;
        return Err(Cause::Refused(format!(
            "no network in it has a country.iso_code (type `{}`); expected a country database such as GeoLite2-Country",
            kind.escape_debug()
        )));
    }
    inventory.geoip.shrink_to_fit();
    Ok(())
}

/// When a database was built, in seconds since the epoch, if it says so.
pub fn build_time(bytes: &[u8]) -> Option<u64> {
    let database = Reader::from_source(bytes).ok()?;
    Some(database.metadata().build_epoch).filter(|time| *time > 0)
}

/// The networks that an end of the tree stands for.
///
/// One that reaches around `::/96` holds all of IPv4, and IPv6 addresses on either side of what is IPv4's: then these
/// are the pieces.
fn networks(first: u128, length: u8, is_v4: bool) -> Vec<IpNetwork> {
    let v4 = |bits: u128, length: u8| Ipv4Network::new((bits as u32).into(), length).ok().map(IpNetwork::V4);
    let v6 = |bits: u128, length: u8| Ipv6Network::new(bits.into(), length).ok().map(IpNetwork::V6);
    if is_v4 {
        return v4(first >> 96, length).into_iter().collect();
    }
    match length.checked_sub(96) {
        Some(length) if first >> 32 == 0 => v4(first, length).into_iter().collect(),
        None if first == 0 => {
            let beside = (length..96).map(|at| v6(1 << (127 - at), at + 1));
            std::iter::once(v4(0, 0)).chain(beside).flatten().collect()
        }
        _ => v6(first, length).into_iter().collect(),
    }
}

/// The country of the network that contains an address.
fn country(database: &Reader<&[u8]>, address: IpAddr) -> Result<Country, Reason> {
    let found = database.lookup(address).map_err(|_| Reason::BadRecord)?;
    let code = match found.decode::<Record<'_>>() {
        Ok(record) => record.and_then(|record| {
            let nations = [record.country, record.registered_country].into_iter().flatten();
            let mut codes = nations.map(|nation| nation.iso_code).chain([record.country_code]);
            codes.find_map(given)
        }),
        Err(_) => {
            let record = found.decode::<FlatRecord<'_>>().map_err(|_| Reason::BadRecord)?;
            record.and_then(|record| [record.country, record.country_code].into_iter().find_map(given))
        }
    };
    Country::parse(code.ok_or(Reason::NoCountry)?.as_bytes()).ok_or(Reason::BadCountry)
}

/// A text that is not empty.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(text::trim_str).filter(|text| !text.is_empty())
}

fn refused(error: MaxMindDbError) -> Cause {
    Cause::Refused(format!("not a usable MaxMind database ({error})"))
}
