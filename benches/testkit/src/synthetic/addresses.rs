//! Address space: netblocks of hosts, the routing table, countries of networks, and the tables that correct them.
//!
//! AS numbers are of the private range (RFC 6996); which address belongs to whom is thrown with dice.

use super::{
    Dice, Options,
    countries::{COUNTRIES, country},
};
use crate::mmdb::Database;
use interchange::{
    message::StringString,
    write::{self, Writer},
};
use ipnetwork::{Ipv4Network, Ipv6Network};
use rand::{RngExt as _, seq::IndexedRandom as _};
use std::{
    collections::HashMap,
    io::{self, BufWriter, Write},
    net::{Ipv4Addr, Ipv6Addr},
};

/// The first AS number.
const FIRST_ASN: i64 = 4_200_000_000;
/// How many AS numbers there are.
const ASNS: i64 = 20_000;

/// An AS number; a few of them are drawn again and again.
pub fn asn(dice: &mut Dice) -> i64 {
    let share: f64 = dice.random();
    FIRST_ASN + (share * share * share * ASNS as f64) as i64
}

/// One to five netblocks of a host: IPv4 and IPv6, some nested, some with host bits or without a length.
pub fn near_host(dice: &mut Dice) -> Vec<String> {
    let (v4, v6) = (u32::from(slash16(dice)) | dice.random_range(0..1 << 16), v6_start(dice));
    let length = dice.random_range(18..=24);
    let mut netblocks = vec![v4_text(v4, length)];
    if dice.random_bool(0.3) {
        netblocks.push(v4_text(v4, length + dice.random_range(1..=4)));
    }
    if dice.random_bool(0.2) {
        netblocks.push(format!("{}/{}", Ipv4Addr::from(v4 | 1), length - 1));
    }
    if dice.random_bool(0.1) {
        netblocks.push(Ipv4Addr::from(v4).to_string());
    }
    if dice.random_bool(0.4) {
        netblocks.push(v6_text(v6, [29, 32, 44, 48, 64].choose(dice).copied().unwrap_or(48)));
    }
    netblocks
}

/// `NetblockCountryCache`: nested, in lower case, and broken once each.
pub fn overrides(options: &Options, records: &mut Writer<impl Write>) -> io::Result<()> {
    let mut dice = options.dice("overrides");
    let mut rows = vec![
        ("198.18.0.0/15".to_owned(), "US"),
        ("198.18.4.0/22".to_owned(), "de"),
        ("198.18.4.128/25".to_owned(), "CZ"),
        ("2001:db8::/32".to_owned(), "FR"),
        ("2001:db8:42::/48".to_owned(), "BR"),
        ("not a prefix".to_owned(), "US"),
        ("198.51.100.0/24".to_owned(), "Atlantis"),
    ];
    for _ in 0..20 {
        let start = u32::from(slash16(&mut dice));
        rows.push((v4_text(start, 16), country(&mut dice)));
        rows.push((v4_text(start | 0x1200, dice.random_range(20..=28)), country(&mut dice)));
    }
    for (prefix, country) in rows {
        records.add(
            &write::NETBLOCK_COUNTRY,
            &StringString { key: Some(prefix.into()), value: Some(country.into()) },
        )?;
    }
    Ok(())
}

/// `CountryContinentRedirectCache`.
pub fn continent_redirects(records: &mut Writer<impl Write>) -> io::Result<()> {
    for (country, continent) in [("IL", "EU"), ("am", "EU"), ("JO", "EU")] {
        records.add(
            &write::CONTINENT_REDIRECT,
            &StringString { key: Some(country.into()), value: Some(continent.into()) },
        )?;
    }
    Ok(())
}

/// The continents as CSV, quoted here and there; one country with mirrors is missing.
pub fn continents(out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(out, "\"country\",\"continent\"")?;
    for (number, (country, continent, _)) in COUNTRIES.iter().enumerate().filter(|(_, row)| row.0 != "IS") {
        let quote = if number % 10 == 3 { "\"" } else { "" };
        writeln!(out, "{quote}{country}{quote},{quote}{continent}{quote}")?;
    }
    writeln!(out, "JO,AS\nA1,--")?;
    out.flush()
}

/// The routing table: a route for most of the address space and more specific ones inside of it.
pub fn netblocks(options: &Options, out: impl Write) -> io::Result<()> {
    let mut dice = options.dice("netblocks");
    let mut out = BufWriter::new(out);
    writeln!(out, "# synthetic routing table, seed {}\n0.0.0.0/0 {FIRST_ASN}", options.seed)?;
    for start in v4_starts(options) {
        if dice.random_bool(0.75) {
            writeln!(out, "{} {}", v4_text(start, 16), asn(&mut dice))?;
        }
        for _ in 0..dice.random_range(0..4) {
            let inside = start | dice.random_range(0..1 << 16);
            writeln!(out, "{} {}", v4_text(inside, dice.random_range(17..=24)), asn(&mut dice))?;
        }
    }
    for start in v6_starts(options) {
        writeln!(out, "{} {}", v6_text(start, 32), asn(&mut dice))?;
        let inside = start | u128::from(dice.random::<u16>()) << 80;
        writeln!(out, "{} {}", v6_text(inside, dice.random_range(40..=48)), asn(&mut dice))?;
    }
    out.flush()
}

/// The countries of the address space, as a MaxMind database with the usual aliases of its IPv4 tree.
pub fn geoip(options: &Options) -> Vec<u8> {
    let mut dice = options.dice("geoip");
    let mut database = Database::default();
    let mut records = HashMap::new();
    let mut record = |database: &mut Database, code: &'static str| {
        *records.entry(code).or_insert_with(|| database.record(Some(code), None))
    };
    let registered_only = database.record(None, Some("CH"));
    for start in v4_starts(options) {
        if dice.random_bool(0.1) {
            for part in 0..16 {
                let place = record(&mut database, country(&mut dice));
                database.insert_v4(Ipv4Addr::from(start | part << 12), 20, place);
            }
        } else if dice.random_bool(0.95) {
            let place = if dice.random_bool(0.01) {
                registered_only
            } else {
                record(&mut database, country(&mut dice))
            };
            database.insert_v4(Ipv4Addr::from(start), 16, place);
        }
    }
    for start in v6_starts(options) {
        let place = record(&mut database, country(&mut dice));
        database.insert_v6(Ipv6Addr::from(start), 32, place);
    }
    database.alias_v4();
    database.encode("Synthetic-Country")
}

/// Unicast /16s: all of them for a large cache, every sixteenth for a small one.
fn v4_starts(options: &Options) -> impl Iterator<Item = u32> {
    let step = if options.directories < 10_000 { 16 } else { 1 };
    (0x0100..0xe000_u32).step_by(step).map(|high| high << 16).filter(|start| start >> 24 != 127)
}

/// /32s of the global IPv6 space.
fn v6_starts(options: &Options) -> impl Iterator<Item = u128> {
    let step = if options.directories < 10_000 { 256 } else { 16 };
    (0x2400_0000..0x2404_0000_u128).step_by(step).map(|high| high << 96)
}

fn slash16(dice: &mut Dice) -> Ipv4Addr {
    Ipv4Addr::from(dice.random_range(0x0100..0xe000_u32) << 16)
}

fn v6_start(dice: &mut Dice) -> u128 {
    dice.random_range(0x2400_0000..0x2404_0000_u128) << 96 | u128::from(dice.random::<u32>()) << 64
}

fn v4_text(start: u32, length: u8) -> String {
    let prefix = Ipv4Network::new_checked(Ipv4Addr::from(start), length);
    prefix
        .map_or_else(|| Ipv4Addr::from(start).to_string(), |prefix| format!("{}/{length}", prefix.network()))
}

fn v6_text(start: u128, length: u8) -> String {
    let prefix = Ipv6Network::new_checked(Ipv6Addr::from(start), length);
    prefix
        .map_or_else(|| Ipv6Addr::from(start).to_string(), |prefix| format!("{}/{length}", prefix.network()))
}
