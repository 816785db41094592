//! `mirrorlist-collect database` as a program, on a real PostgreSQL that each test starts for itself.
//!
//! Where PostgreSQL is not installed, the tests say so and do nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod model;
mod odd;
mod program;
mod random;
mod sample;
mod tls;
mod world;
