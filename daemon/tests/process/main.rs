//! The daemon as a process: the built program, driven over its real socket and with real signals.
//!
//! Each file is a side of it: start and end, connections, supervision, reload, access log, the system around it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod connections;
mod lines;
mod reload;
mod start_and_stop;
mod supervision;
mod support;
mod surroundings;
