//! What `--version` says.

use std::sync::OnceLock;

/// Version, commit and the cache format that a program reads or writes, if it knows any, such as
/// `1.2.0 (commit 0123456789ab, cache format 4)`.
///
/// A debug build says that it is one in place of the commit.
pub fn version(format: Option<u32>) -> &'static str {
    // There is one format in a process.
    static WITH_FORMAT: OnceLock<String> = OnceLock::new();
    match format {
        Some(format) => WITH_FORMAT.get_or_init(|| {
            format!("{} ({}, cache format {format})", env!("CARGO_PKG_VERSION"), env!("MIRRORLIST_SOURCE"))
        }),
        None => concat!(env!("CARGO_PKG_VERSION"), " (", env!("MIRRORLIST_SOURCE"), ")"),
    }
}
