//! Fingerprints of records: 128 bits, so that two different records never have the same by chance.
//!
//! (By intent they may: whoever writes the input could then only confuse his own cache.)

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

/// The fingerprint of a record's bytes.
pub fn fingerprint(record: &[u8]) -> u128 {
    xxh3_128(record)
}

/// The fingerprint of a record's bytes, another one for each of these numbers.
pub fn fingerprint_in(number: u32, record: &[u8]) -> u128 {
    xxh3_128_with_seed(record, number.into())
}

/// Something remembered by fingerprint.
pub type ByFingerprint<T> = HashMap<u128, T, BuildHasherDefault<Quick>>;

/// Something remembered by the source's id.
pub type ById<T> = HashMap<i64, T, BuildHasherDefault<Quick>>;

/// A quick hasher for keys that are one number: millions of look-ups feel the difference.
#[derive(Default)]
pub struct Quick(u64);

impl Hasher for Quick {
    /// A fingerprint is spread evenly already.
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    /// Two numbers that are small: the first is spread over what the second has left.
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(32) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
