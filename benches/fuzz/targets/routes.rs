//! The routing table, plain or packed: any bytes are read or refused, and what was read makes tables that pass every
//! check and find each route.
#![no_main]

use cache::{View, inventory::Inventory};
use compiler::compile::{Skipped, routes};
use fuzz::sample::written;
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

fuzz_target!(|bytes: &[u8]| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    if routes::import(bytes, &mut inventory, &mut skipped).is_err() {
        return;
    }
    for row in skipped.rows() {
        assert!(!row.to_string().contains('\n'), "{row}");
    }
    for (prefix, _) in &inventory.routes {
        assert_eq!(prefix.ip(), prefix.network(), "host bits in {prefix}");
        assert!(prefix.prefix() > 0);
    }
    // To write a whole cache takes long: it is done for a part of the inputs.
    if !inventory.routes.is_empty() && xxh3_64(bytes) % 16 == 0 {
        inventory.routes.truncate(64);
        finds_them(inventory);
    }
});

/// Every network's first address has the ASN of the longest prefix around it.
fn finds_them(mut inventory: Inventory) {
    // An ASN without a host has no number, and a cache without a directory is none.
    compiler::compile::mirrormanager::import(HOST, &mut inventory, &mut Skipped::default()).expect("a host");
    inventory.asn_hosts.extend(inventory.routes.iter().filter_map(|(_, asn)| Some(((*asn)?, [0].into()))));
    let bytes = written(&inventory).expect("few enough of everything");
    let view = View::check(&bytes).expect("what is written passes every check");
    for (network, _) in &inventory.routes {
        let address = network.network();
        let around = inventory.routes.iter().filter(|(prefix, _)| prefix.contains(address));
        let expected = around.max_by_key(|(prefix, _)| prefix.prefix()).and_then(|(_, asn)| *asn);
        let found = view.class(address).asn.map(|asn| view.asn_number(asn));
        assert_eq!(found, expected, "{address}");
    }
}

/// A MirrorManager cache of one host (1) with one URL (2) and one directory (`a`).
const HOST: &[u8] = b"\x22\x0c\x08\x02\x12\x08http://a\x82\x01\x09\x0a\x01a\x32\x04\x08\x01\x10\x02";
