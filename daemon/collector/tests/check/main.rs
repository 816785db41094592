//! `mirrorlist-collect check` against real servers on loopback, one for each mirror.
//!
//! Rounds are given their time, so that hours pass without anybody waiting; patience is short where a server stalls.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod certificates;
mod faults;
mod program;
mod rounds;
mod server;
mod spread;
mod tls;
mod world;
mod year;
