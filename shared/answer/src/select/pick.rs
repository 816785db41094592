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
    /// How many of its URLs are not shown, for an earlier host shows them; see
    /// [`Candidates::hidden`](super::tiers::Candidates::hidden).
    pub hidden: u8,
}
