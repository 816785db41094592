//! Countries of address ranges, from a MaxMind DB such as GeoLite2-Country.
//!
//! IPv4 is taken from `::/96`, where such files keep it; the places where they show the same tree again (`2002::/16`,
//! `::ffff:0:0/96`, `2001::/32`) are left out, since the service itself unpacks such addresses.

mod tree;

use super::{
    error::Cause,
    skipped::{Place, Reason, Skipped},
};
use cache::inventory::Inventory;
use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;
use std::collections::HashMap;
use wire::code::Country;

/// A tree has one network more than nodes; more only where it shows some again, as it does those of IPv4 a few times.
const NETWORKS_PER_NODE: u64 = 16;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country: Option<Nation<'a>>,
    #[serde(borrow)]
    registered_country: Option<Nation<'a>>,
}

#[derive(Deserialize)]
struct Nation<'a> {
    iso_code: Option<&'a str>,
}

/// Reads the networks of a database into [`Inventory::geoip`].
///
/// A network's country is `country.iso_code`, or `registered_country.iso_code` where there is none. A database that has
/// neither anywhere is refused. Cost: each record is decoded once, however many networks share it.
pub fn import(bytes: &[u8], inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    let database = Reader::from_source(bytes).map_err(refused)?;
    let mut countries: HashMap<usize, Result<Country, Reason>> = HashMap::new();
    let before = inventory.geoip.len();
    let metadata = database.metadata();
    let networks = tree::paths(bytes, metadata.node_count as usize, metadata.record_size);
    let most = NETWORKS_PER_NODE * (u64::from(metadata.node_count) + 1);
    if networks.is_none_or(|networks| networks > most) {
        let why = "not a usable MaxMind database (branches of its tree lead into each other)";
        return Err(Cause::Refused(why.into()));
    }
    for found in database.networks(WithinOptions::default()).map_err(refused)? {
        let found = found.map_err(refused)?;
        let Some(offset) = found.offset() else { continue };
        let country = match countries.get(&offset) {
            Some(&country) => country,
            None => {
                let country =
                    found.decode().map_err(refused)?.as_ref().map_or(Err(Reason::NoCountry), country);
                countries.insert(offset, country);
                country
            }
        };
        let network = found.network().map_err(refused)?;
        match country {
            Ok(country) => inventory.geoip.push((network, country)),
            Err(reason) => skipped.add(Place::Geoip, reason, || network),
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

fn country(record: &Record<'_>) -> Result<Country, Reason> {
    fn code<'a>(nation: &Option<Nation<'a>>) -> Option<&'a str> {
        nation.as_ref().and_then(|nation| nation.iso_code)
    }
    let code = code(&record.country).or_else(|| code(&record.registered_country)).ok_or(Reason::NoCountry)?;
    Country::parse(code.as_bytes()).ok_or(Reason::BadCountry)
}

fn refused(error: MaxMindDbError) -> Cause {
    Cause::Refused(format!("not a usable MaxMind database ({error})"))
}
