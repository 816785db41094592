//! Paths of the redirector over a small world: what public reports complain of in others, and the rules beside.
//!
//! Each test that keeps a report names it. Sources: SPEC.md §13.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod forms;
mod links;
mod paths;
mod schemes;
mod sticky;
