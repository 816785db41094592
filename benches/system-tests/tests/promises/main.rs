//! The seventeen promises of the service, each put to the test with the built programs under load.
//!
//! A test has the number of its promise. Each prints the figures that it saw as a row of a table, and asserts no wall
//! time but the bounds that its promise names, ten times wider. `MIRRORLIST_LONG=1` makes a long run of it: a
//! thousand reloads, a thousand killed workers, ten minutes of both, ten million requests. `support` holds the service, the
//! load and the figures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod caches;
mod everything;
mod failing_starts;
mod hostile;
mod limits;
mod memory;
mod reloads;
mod restarts;
mod scarcity;
mod soak;
mod support;
mod workers;
