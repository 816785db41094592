//! The country database: any bytes are read or refused, within bounds.
#![no_main]

use cache::inventory::Inventory;
use compiler::compile::{Skipped, geoip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    let outcome = geoip::import(bytes, &mut inventory, &mut skipped);
    if let Err(cause) = outcome {
        assert!(!cause.to_string().contains('\n'), "{cause}");
    }
    // A network is a leaf of the tree, a node takes six bytes at least, and branches may share some of them.
    assert!(inventory.geoip.len() <= 16 * (bytes.len() / 6 + 1), "{} networks", inventory.geoip.len());
});
