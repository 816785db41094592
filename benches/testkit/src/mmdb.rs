//! A writer of small MaxMind databases of countries, for tests and synthetic data.
//!
//! Just enough of the format (MaxMind DB 2.0, IPv6 tree with IPv4 at `::/96`, 32-bit records) for a reader of countries
//! to be tried with; real ones come from their publishers.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A database under construction.
#[derive(Debug)]
pub struct Database {
    nodes: Vec<[Slot; 2]>,
    data: Vec<u8>,
    built: u64,
}

/// A record: its offset in the data section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record(u32);

#[derive(Clone, Copy, Debug, Default)]
enum Slot {
    #[default]
    Empty,
    Node(u32),
    Data(u32),
}

impl Default for Database {
    fn default() -> Database {
        Database { nodes: vec![[Slot::Empty; 2]], data: Vec::new(), built: 0 }
    }
}

impl Database {
    /// Has it say that it was built at this time, in seconds since the epoch; 0, as at first: that it does not know.
    pub fn set_built(&mut self, time: u64) {
        self.built = time;
    }

    /// Stores a record with these country codes.
    pub fn record(&mut self, country: Option<&str>, registered_country: Option<&str>) -> Record {
        let record = Record(self.data.len() as u32);
        let parts = [("country", country), ("registered_country", registered_country)];
        let parts = parts.into_iter().filter_map(|(name, code)| Some((name, code?)));
        map(&mut self.data, parts.clone().count());
        for (name, code) in parts {
            string(&mut self.data, name);
            map(&mut self.data, 1);
            string(&mut self.data, "iso_code");
            string(&mut self.data, code);
        }
        record
    }

    /// Stores a record of other makers' databases: this text under this name.
    pub fn flat_record(&mut self, name: &str, text: &str) -> Record {
        let record = Record(self.data.len() as u32);
        map(&mut self.data, 1);
        string(&mut self.data, name);
        string(&mut self.data, text);
        record
    }

    /// Gives a network its record; a later network inside an earlier one makes a hole in it.
    pub fn insert_v6(&mut self, address: Ipv6Addr, length: u8, record: Record) {
        let (node, side) = self.slot(u128::from(address), length);
        self.nodes[node][side] = Slot::Data(record.0);
    }

    /// As [`Database::insert_v6`], at the place that the format has for IPv4.
    pub fn insert_v4(&mut self, address: Ipv4Addr, length: u8, record: Record) {
        self.insert_v6(Ipv6Addr::from(u128::from(u32::from(address))), 96 + length, record);
    }

    /// Shows the IPv4 tree again where IPv6 has names for IPv4 addresses, as real databases do.
    pub fn alias_v4(&mut self) {
        let (node, side) = self.slot(0, 96);
        let tree = self.nodes[node][side];
        for (start, length) in [(0xffff_u128 << 32, 96), (0x2002 << 112, 16), (0x2001 << 112, 32)] {
            let (node, side) = self.slot(start, length);
            self.nodes[node][side] = tree;
        }
    }

    /// The node and side of a prefix; records on the way move down to both sides.
    fn slot(&mut self, bits: u128, length: u8) -> (usize, usize) {
        let side = |depth: u8| (bits >> (127 - depth) & 1) as usize;
        let mut node = 0;
        for depth in 0..length.max(1) - 1 {
            node = match self.nodes[node][side(depth)] {
                Slot::Node(next) => next as usize,
                leaf => {
                    let next = self.nodes.len();
                    self.nodes.push([leaf; 2]);
                    self.nodes[node][side(depth)] = Slot::Node(next as u32);
                    next
                }
            };
        }
        (node, side(length.max(1) - 1))
    }

    /// The database file.
    pub fn encode(&self, database_type: &str) -> Vec<u8> {
        let count = self.nodes.len() as u32;
        let mut file = Vec::with_capacity(self.nodes.len() * 8 + self.data.len() + 512);
        for slot in self.nodes.iter().flatten() {
            let value = match slot {
                Slot::Empty => count,
                Slot::Node(node) => *node,
                Slot::Data(offset) => count + 16 + offset,
            };
            file.extend(value.to_be_bytes());
        }
        file.extend([0; 16]);
        file.extend(&self.data);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        map(&mut file, 9);
        for (name, value) in [
            ("record_size", 32),
            ("ip_version", 6),
            ("binary_format_major_version", 2),
            ("binary_format_minor_version", 0),
        ] {
            string(&mut file, name);
            file.extend([0b101 << 5 | 2, 0, value]);
        }
        string(&mut file, "node_count");
        file.push(0b110 << 5 | 4);
        file.extend(count.to_be_bytes());
        string(&mut file, "database_type");
        string(&mut file, database_type);
        string(&mut file, "languages");
        // An empty array and a 64-bit number without its leading zeros: types above 7 follow in a second byte, less 7.
        file.extend([0, 4]);
        string(&mut file, "build_epoch");
        let built = self.built.to_be_bytes();
        let built = &built[self.built.leading_zeros() as usize / 8..];
        file.extend([built.len() as u8, 2]);
        file.extend(built);
        string(&mut file, "description");
        map(&mut file, 0);
        file
    }
}

fn map(out: &mut Vec<u8>, entries: usize) {
    out.push(0b111 << 5 | entries as u8);
}

/// A string of less than 29 bytes; longer ones are cut.
fn string(out: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(28)];
    out.push(0b010 << 5 | bytes.len() as u8);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use cache::inventory::Inventory;
    use compiler::compile::{Cause, InputTable, Reason, Skipped, geoip};

    fn read(file: &[u8]) -> Result<(Vec<String>, Skipped), Cause> {
        let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
        geoip::import(file, &mut inventory, &mut skipped)?;
        Ok((inventory.geoip.iter().map(|(prefix, country)| format!("{prefix} {country}")).collect(), skipped))
    }

    fn sample() -> Database {
        let mut database = Database::default();
        let germany = database.record(Some("de"), Some("FR"));
        let registered = database.record(None, Some("CH"));
        database.insert_v4([192, 0, 2, 0].into(), 24, germany);
        database.insert_v4([198, 51, 100, 0].into(), 25, registered);
        database.insert_v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0].into(), 32, germany);
        database
    }

    const NETWORKS: [&str; 3] = ["192.0.2.0/24 DE", "198.51.100.0/25 CH", "2001:db8::/32 DE"];

    #[test]
    fn the_importer_reads_the_country_and_else_the_registered_one() {
        assert_eq!(read(&sample().encode("Test")).unwrap().0, NETWORKS);
    }

    #[test]
    fn aliases_of_the_ipv4_tree_are_not_read_as_ipv6() {
        let mut database = sample();
        database.alias_v4();
        assert_eq!(read(&database.encode("Test")).unwrap().0, NETWORKS);
    }

    #[test]
    fn a_network_inside_another_makes_a_hole_in_it() {
        let mut database = Database::default();
        let [outer, inner] = ["US", "CA"].map(|code| database.record(Some(code), None));
        database.insert_v4([10, 0, 0, 0].into(), 8, outer);
        database.insert_v4([10, 128, 0, 0].into(), 9, inner);
        assert_eq!(read(&database.encode("Test")).unwrap().0, ["10.0.0.0/9 US", "10.128.0.0/9 CA"]);
    }

    #[test]
    fn networks_without_a_country_are_skipped_and_counted() {
        let mut database = sample();
        let (nothing, broken) = (database.record(None, None), database.record(Some("Germany"), None));
        database.insert_v4([203, 0, 113, 0].into(), 24, nothing);
        database.insert_v4([203, 0, 112, 0].into(), 24, broken);
        let (networks, skipped) = read(&database.encode("Test")).unwrap();
        assert_eq!(networks, NETWORKS);
        assert_eq!(skipped.count(InputTable::Geoip, Reason::NoCountry), 1);
        assert_eq!(skipped.count(InputTable::Geoip, Reason::BadCountry), 1);
    }

    #[test]
    fn a_tree_whose_branches_lead_into_each_other_is_refused_and_not_walked_to_its_end() {
        // Both sides of every node lead to the next one: two to the power of sixty paths, to nothing or to a record.
        let nodes = (1..=60).map(|next| [Slot::Node(next); 2]).collect();
        let mut database = Database { nodes, ..Database::default() };
        let record = database.record(Some("de"), None);
        for end in [Slot::Empty, Slot::Data(record.0)] {
            database.nodes.truncate(60);
            database.nodes.push([end; 2]);
            let error = read(&database.encode("Test")).unwrap_err().to_string();
            assert!(error.ends_with("(branches of its tree lead into each other)"), "{error}");
        }
    }

    #[test]
    fn one_record_for_all_of_ipv4_takes_nothing_from_others() {
        let mut database = Database::default();
        let germany = database.record(Some("DE"), None);
        database.insert_v4([0, 0, 0, 0].into(), 0, germany);
        database.insert_v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0].into(), 32, germany);
        database.insert_v6([0x2002, 0, 0, 0, 0, 0, 0, 0].into(), 16, germany);
        let (networks, skipped) = read(&database.encode("Test")).unwrap();
        assert_eq!(networks, ["0.0.0.0/0 DE", "2001:db8::/32 DE", "2002::/16 DE"]);
        assert_eq!(skipped.total(), 0);
    }

    #[test]
    fn a_record_around_ipv4_is_that_of_ipv4_and_of_what_lies_beside_it() {
        let mut database = Database::default();
        let germany = database.record(Some("DE"), None);
        database.insert_v6([0; 8].into(), 94, germany);
        let (networks, _) = read(&database.encode("Test")).unwrap();
        assert_eq!(networks, ["0.0.0.0/0 DE", "::2:0:0/95 DE", "::1:0:0/96 DE"]);
    }

    #[test]
    fn records_of_other_makers_are_read_and_odd_ones_skipped() {
        let mut database = sample();
        let flat =
            [("country_code", "jp"), ("country", " US")].map(|(name, text)| database.flat_record(name, text));
        database.insert_v4([203, 0, 113, 0].into(), 25, flat[0]);
        database.insert_v4([203, 0, 113, 128].into(), 25, flat[1]);
        // A pointer behind the data, and a record that is no map.
        database.insert_v4([203, 0, 112, 0].into(), 24, Record(1 << 20));
        let text = Record(database.data.len() as u32);
        string(&mut database.data, "DE");
        database.insert_v4([203, 0, 111, 0].into(), 24, text);
        let (networks, skipped) = read(&database.encode("Test")).unwrap();
        let expected =
            [&NETWORKS[..2], &["203.0.113.0/25 JP", "203.0.113.128/25 US"], &NETWORKS[2..]].concat();
        assert_eq!(networks, expected);
        assert_eq!(skipped.count(InputTable::Geoip, Reason::BadRecord), 2);
        assert_eq!(skipped.total(), 2);
    }

    /// Trees of any shape: every address has the country that another reader finds for it.
    #[test]
    fn every_network_is_found_that_another_reader_finds() {
        use std::net::IpAddr;
        let mut state = 7_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for _ in 0..300 {
            let mut database = Database::default();
            let records = ["DE", "FR", "US"].map(|code| database.record(Some(code), None));
            let some_bits = |below: &mut dyn FnMut(u64) -> u64| {
                let top =
                    [0, 0, 0xffff << 32, 0x2002 << 112, 0x2001 << 112, 0x2001_0db8 << 96][below(6) as usize];
                // Few bits, so that networks meet.
                top | u128::from(below(4)) << [0, 8, 24, 30, 64, 90, 100, 126][below(8) as usize]
            };
            for _ in 0..1 + below(12) {
                let length = [0, 1, 16, 17, 32, 64, 80, 95, 96, 97, 104, 126, 128][below(13) as usize];
                let bits =
                    some_bits(&mut below) & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                database.insert_v6(bits.into(), length.max(1), records[below(3) as usize]);
            }
            // There is some network in any case.
            database.insert_v4([198, 51, 100, 0].into(), 24, records[0]);
            if below(3) == 0 {
                database.alias_v4();
            }
            let file = database.encode("Test");
            let reader = maxminddb::Reader::from_source(&file[..]).unwrap();
            let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
            geoip::import(&file, &mut inventory, &mut skipped).unwrap();
            assert_eq!(skipped.total(), 0);
            for _ in 0..200 {
                let bits = some_bits(&mut below);
                let v6 = std::net::Ipv6Addr::from(bits);
                let address = match v6.to_ipv4() {
                    Some(v4) => IpAddr::V4(v4),
                    None => IpAddr::V6(v6),
                };
                // An alias of the tree of IPv4 is left to the service, which unpacks such addresses.
                if matches!(v6.segments(), [0x2002, ..] | [0x2001, 0, ..]) {
                    continue;
                }
                let record: Option<maxminddb::geoip2::Country<'_>> =
                    reader.lookup(address).unwrap().decode().unwrap();
                let expected = record.and_then(|record| record.country.iso_code.map(str::to_owned));
                let inside = inventory.geoip.iter().filter(|(prefix, _)| prefix.contains(address));
                let found: Vec<String> = inside.map(|(_, country)| country.to_string()).collect();
                assert_eq!(found, Vec::from_iter(expected), "{address} in {:?}", inventory.geoip);
            }
        }
    }

    #[test]
    fn a_database_of_something_else_is_refused() {
        let mut database = Database::default();
        let nothing = database.record(None, None);
        database.insert_v4([192, 0, 2, 0].into(), 24, nothing);
        let error = read(&database.encode("Other-ASN")).unwrap_err().to_string();
        assert!(error.contains("type `Other-ASN`") && error.contains("GeoLite2-Country"), "{error}");
        let error = read(&sample().encode("Test")[..100]).unwrap_err().to_string();
        assert!(error.starts_with("not a usable MaxMind database ("), "{error}");
    }
}
