//! What a site wants of its cache beside what its sources say.

use super::Input;
use cache::scheme::Schemes;

/// A site's wishes; without any, all that the sources say counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// URLs of these schemes are left out, as if the source did not have them.
    pub exclude_protocols: Schemes,
    /// How old inputs may be.
    pub max_ages: MaxAges,
}

/// The ages, in seconds, beyond which inputs are told to be too old; 0 for never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAges([u64; Input::ALL.len()]);

impl MaxAges {
    /// How old an input may be; 0 for any age.
    pub fn of(&self, input: Input) -> u64 {
        self.0[input as usize]
    }

    /// Sets how old an input may be.
    pub fn set(&mut self, input: Input, seconds: u64) {
        self.0[input as usize] = seconds;
    }
}

impl Default for MaxAges {
    /// MirrorManager makes its cache every hour; routes and countries of addresses change within months, continents do
    /// not.
    fn default() -> MaxAges {
        const DAY: u64 = 86_400;
        let mut ages = MaxAges([0; Input::ALL.len()]);
        ages.set(Input::Mirrormanager, DAY);
        ages.set(Input::Netblocks, 30 * DAY);
        ages.set(Input::Geoip, 30 * DAY);
        ages
    }
}
