//! Who has what of the tree.

use std::collections::{BTreeMap, BTreeSet};

/// What a run knows of all mirrors when it ends, earlier runs' findings with its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// By the mirror's name.
    pub mirrors: BTreeMap<String, OfMirror>,
    /// [Units](crate::run::tree::Unit) of which mirrors have a later version than the tree, by their places in it.
    pub newer: BTreeSet<u32>,
}

/// What is known of a mirror.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OfMirror {
    /// Whether it is good for the [unit](crate::run::tree::Unit) at the same place of the tree.
    pub has: Vec<bool>,
    /// URLs that are left out of the list though the mirror is not, such as https with an expired certificate; whole
    /// base URLs of categories.
    pub bad_urls: Vec<String>,
}
