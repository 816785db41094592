//! What is known of a mirror: of its units, its categories and its URLs.
//!
//! A unit's finding lasts until the mirror is asked again. What cannot be found out counts as missed; what was good
//! stays so until it has been missed more than [`PATIENCE`] times in a row, by itself or with its category. Pure.

use crate::check::seconds::HOUR;
use serde::Serialize;
use std::collections::BTreeMap;

/// Runs in a row for which what was good stays so without an answer.
pub const PATIENCE: u8 = 3;

/// Seconds for which a later version than ours is believed; by then we should have it.
pub const NEWER: u64 = 6 * HOUR;

/// What was found of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It is as it should be.
    Current,
    /// It is an earlier version that is good still.
    Kept,
    /// It is later than what is known.
    Newer,
    /// It is not there.
    Absent,
    /// It is something else: an old version, a wrong size, a page.
    Wrong,
}

impl Verdict {
    /// All, by their numbers in the state.
    pub const ALL: [Verdict; 6] =
        [Verdict::Unknown, Verdict::Current, Verdict::Kept, Verdict::Newer, Verdict::Absent, Verdict::Wrong];

    /// Whether clients get there what they look for.
    pub fn is_good(self) -> bool {
        matches!(self, Verdict::Current | Verdict::Kept | Verdict::Newer)
    }

    /// Whether it is expected to become another one soon, when the mirror catches up.
    pub fn is_passing(self) -> bool {
        matches!(self, Verdict::Kept | Verdict::Newer | Verdict::Wrong)
    }
}

/// A unit's number in the state, and its revision. The order is that of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub id: u32,
    /// Its revision.
    pub revision: u32,
}

/// What is known of a unit. Times are in seconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What was found.
    pub verdict: Verdict,
    /// Since when it is good, or is not.
    pub since: u64,
    /// When it was asked for last.
    pub asked: u64,
    /// Which revision of the unit it was compared with; 0 if it was never found out.
    pub revision: u32,
    /// The beginning of the hash of a [`Verdict::Kept`] version; since when it is newer, in seconds, of one that is or was so
    /// for too long; else 0.
    pub found: u64,
    /// Runs in a row in which it could not be found out.
    pub missed: u8,
    /// The last answer, where it is not simply good.
    pub why: String,
}

impl Known {
    /// Whether clients are led there for it.
    pub fn is_good(&self) -> bool {
        self.verdict.is_good() && self.missed <= PATIENCE
    }

    /// Counts another run in which it was not found out.
    pub fn miss(&mut self) {
        self.missed = self.missed.saturating_add(1).min(PATIENCE + 1);
    }
}

/// What is known of one category of a mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfCategory {
    /// Runs in a row in which it did not answer.
    pub missed: u8,
    /// Since when it does not, in seconds since the epoch, if it does not.
    pub since: u64,
    /// Why.
    pub why: String,
}

impl OfCategory {
    /// Whether what was good in it still counts.
    pub fn is_in(&self) -> bool {
        self.missed <= PATIENCE
    }
}

/// What is known of a base URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfUrl {
    /// Runs in a row in which it did not answer.
    pub missed: u8,
    /// Whether clients cannot use it whatever they try: bad TLS, or it leads to something else.
    pub is_bad: bool,
    /// Whether it has never said what it has, so that nothing that is known was found there.
    pub is_unproven: bool,
    /// Since when it is not well, in seconds since the epoch, if it is not.
    pub since: u64,
    /// When it was asked last.
    pub asked: u64,
    /// Why.
    pub why: String,
}

impl OfUrl {
    /// Whether clients are led to it.
    pub fn is_in(&self) -> bool {
        !self.is_bad && self.missed <= PATIENCE
    }
}

/// All that is known of a mirror.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When it was asked last.
    pub asked: u64,
    /// Until when it wants not to be asked.
    pub pause_until: u64,
    /// By name.
    pub categories: BTreeMap<String, OfCategory>,
    /// By base URL.
    pub urls: BTreeMap<String, OfUrl>,
    /// By number of the unit.
    pub units: BTreeMap<u32, Known>,
}
