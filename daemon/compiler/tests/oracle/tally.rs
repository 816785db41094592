//! What was asked: a test that only ever saw errors would prove nothing.

use crate::model::Expected;
use std::collections::BTreeMap;

/// How often each kind of answer was expected.
#[derive(Debug, Default)]
pub struct Tally {
    pub by_status: BTreeMap<u16, u64>,
    pub by_tier: BTreeMap<&'static str, u64>,
    pub by_kind: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn count(&mut self, expected: &Expected) {
        *self.by_status.entry(expected.status).or_default() += 1;
        *self.by_tier.entry(expected.tier.name()).or_default() += 1;
        *self.by_kind.entry(expected.kind.name()).or_default() += 1;
    }

    pub fn add(&mut self, other: &Tally) {
        other.by_status.iter().for_each(|(key, count)| *self.by_status.entry(*key).or_default() += count);
        other.by_tier.iter().for_each(|(key, count)| *self.by_tier.entry(key).or_default() += count);
        other.by_kind.iter().for_each(|(key, count)| *self.by_kind.entry(key).or_default() += count);
    }

    /// How many answers there were.
    pub fn total(&self) -> u64 {
        self.by_status.values().sum()
    }
}
