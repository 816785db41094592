//! What `--version` says.

use crate::cache::FORMAT;
use std::sync::LazyLock;

/// Version, commit and the cache format that this build reads and writes, such as
/// `1.2.0 (commit 0123456789ab, cache format 3)`.
///
/// A debug build says that it is one in place of the commit.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        format!("{} ({}, cache format {FORMAT})", env!("CARGO_PKG_VERSION"), env!("MIRRORLIST_SOURCE"))
    });
    &TEXT
}
