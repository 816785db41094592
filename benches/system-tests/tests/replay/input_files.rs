//! The inputs of a test as files that the operator's tool can compile.

use crate::world::{GeoipSource, World};
use ipnetwork::IpNetwork;
use prost::Message;
use std::{fs, net::Ipv6Addr, path::Path};
use testkit::{inputs, mmdb::Database};

/// Writes the inputs into a folder, under the names that [`World::read`] looks for.
///
/// What it reads then may know fewer countries: a MaxMind database has no place for an IPv6 prefix that holds the one
/// in which it keeps IPv4, or the one of IPv4-mapped addresses.
pub fn write(world: &World, folder: &Path) {
    let file = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file can be written");
    fs::create_dir_all(folder).expect("a folder can be made");
    file(inputs::MIRRORMANAGER, &world.list.encode_to_vec());
    // The compiler refuses tables that hold nothing.
    for (name, text) in [(inputs::NETBLOCKS, &world.routes), (inputs::CONTINENTS, &world.continents)] {
        if !text.is_empty() {
            file(name, text.as_bytes());
        }
    }
    match &world.geoip {
        GeoipSource::Database(path) => {
            fs::copy(path, folder.join(inputs::GEOIP)).expect("the database can be copied");
        }
        GeoipSource::Prefixes(prefixes) => {
            // The reader refuses a database without countries.
            if let Some(database) = database(prefixes) {
                file(inputs::GEOIP, &database.encode("Test-Country"));
            }
        }
    }
}

/// A database of these prefixes, the shorter ones first, since later ones make holes in earlier ones.
fn database(prefixes: &[(String, String)]) -> Option<Database> {
    let parsed = prefixes.iter().map(|(prefix, country)| (prefix.parse().expect("a prefix"), country));
    let mut parsed: Vec<(IpNetwork, &String)> = parsed.filter(|(prefix, _)| has_a_place(prefix)).collect();
    parsed.sort_by_key(|(prefix, _)| prefix.prefix());
    let mut database = Database::default();
    for (prefix, country) in &parsed {
        let record = database.record(Some(country), None);
        match prefix {
            IpNetwork::V4(v4) => database.insert_v4(v4.network(), v4.prefix(), record),
            IpNetwork::V6(v6) => database.insert_v6(v6.network(), v6.prefix(), record),
        }
    }
    (!parsed.is_empty()).then_some(database)
}

fn has_a_place(prefix: &IpNetwork) -> bool {
    let IpNetwork::V6(v6) = prefix else { return true };
    let first_groups = v6.network().segments();
    !v6.contains(Ipv6Addr::UNSPECIFIED) && first_groups[..5] != [0; 5]
}
