//! From mirrors to bytes: a file per format.
//!
//! Pure: the time comes in as an argument, and what is rendered is appended to a buffer. [`fragments`] holds what does
//! not differ between requests; it is made once for each cache, before the fork.

pub mod escape;
pub mod fragments;
pub mod header;
pub mod log_line;
pub mod metalink;
pub mod mirrorlist;
pub mod redirect;
pub mod refusal;
pub mod url;
