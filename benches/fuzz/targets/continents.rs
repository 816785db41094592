//! The continents: any bytes are read or refused, and every line is a country or counted as skipped.
#![no_main]

use cache::inventory::Inventory;
use compiler::compile::{Skipped, continents};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    if continents::import(bytes, &mut inventory, &mut skipped).is_err() {
        return;
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    assert!(inventory.continents.len() + skipped.total() as usize <= lines);
    for row in skipped.rows() {
        assert!(!row.to_string().contains('\n'), "{row}");
    }
});
