//! A mirror of an answer under way: which host, why it is there, and how much of it is shown.

use cache::PlacementId;
use wire::Tier;

/// A listed host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The host and its URLs.
    pub placement: PlacementId,
    /// Its position in the directory's set.
    pub position: u32,
    /// Whether it is in the directory's `Global`.
    pub public: bool,
    /// Why it is listed.
    pub tier: Tier,
    /// In the netblock tier: the length of the prefix that brought it here; else 0.
    pub length: u8,
    /// Whether some of its URLs are in [`Candidates::hidden`](super::tiers::Candidates::hidden).
    pub partial: bool,
}
