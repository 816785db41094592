//! From mirrors to bytes: a file per format.
//!
//! Pure: the time comes in as an argument, and what is rendered is appended to a buffer. [`fragments`] holds what does
//! not differ between requests; it is made once for each cache, before the fork.

/// The most bytes that an answer has: what a front end relays at once, and far more than any client reads.
///
/// Hosts beyond are left out, farthest first (SPEC.md §4).
pub const MOST_BYTES: usize = 1 << 20;

/// Cuts off what goes beyond `most`: at `before`, where the last host begins, or, if it is the first, behind the last line
/// of it that fits. So the nearest host is shown as far as it goes, and the others wholly or not at all.
fn cut(out: &mut Vec<u8>, most: usize, before: Option<usize>) {
    let last_line = || out[..most].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = before.unwrap_or_else(last_line);
    out.truncate(end);
}

pub mod apt;
pub mod escape;
pub mod examples;
pub mod fragments;
pub mod hash;
pub mod header;
pub mod help;
pub mod html;
pub mod json;
pub mod link_header;
pub mod links;
pub mod log_line;
pub mod metalink;
pub mod metalink4;
pub mod mirror;
pub mod mirrorlist;
pub mod near;
pub mod page;
pub mod places;
pub mod redirect;
pub mod refusal;
pub mod request_line;
pub mod unlisted;
pub mod url;
