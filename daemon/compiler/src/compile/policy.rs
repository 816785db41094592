//! What a site wants of its cache beside what its sources say.

use cache::scheme::Schemes;

/// A site's wishes; without any, all that the sources say counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// URLs of these schemes are left out, as if the source did not have them.
    pub exclude_protocols: Schemes,
}
