//! What a site wants of its cache beside what its sources say.

use super::facts::Facts;
use cache::scheme::Schemes;
use std::collections::BTreeMap;

/// A site's wishes; without any, all that the sources say counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// URLs of these schemes are left out, as if the source did not have them.
    pub exclude_protocols: Schemes,
    /// What is known of hosts, by the name in their URLs.
    pub hosts: BTreeMap<String, Facts>,
}
