//! The load generator: many connections, every answer checked.
//!
//! [`questions`] makes requests and knows what must come back, `connection` speaks HTTP (or frames) on one connection,
//! [`run`] drives them all from one thread. A run is bounded in requests and in time, and goes to loopback or a socket
//! file only.

mod connection;
pub mod questions;
mod run;

pub use connection::Speech;
pub use run::{Outcome, Plan, Target, run, run_in};
