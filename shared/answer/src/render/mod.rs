//! From mirrors to bytes: a file per format.
//!
//! Pure: the time comes in as an argument, and what is rendered is appended to a buffer. [`fragments`] holds what does
//! not differ between requests; it is made once for each cache, before the fork.

/// The most bytes that an answer has: what a front end relays at once, and far more than any client reads.
///
/// Hosts beyond are left out, farthest first (spec.md §4).
pub const MOST_BYTES: usize = 1 << 20;

pub mod escape;
pub mod fragments;
pub mod header;
pub mod log_line;
pub mod metalink;
pub mod mirrorlist;
pub mod redirect;
pub mod refusal;
pub mod url;
