//! `mirrorlist-collect run` asking mirrors: real servers on loopback, one for each mirror, on an address of its own.
//!
//! Runs are given their time, so that hours pass without anybody waiting; patience is short where a server stalls.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apart;
#[path = "../check/certificates.rs"]
mod certificates;
mod check_mirror;
mod faults;
mod kinds;
mod many;
mod newer;
mod polite;
mod primary;
mod real;
mod server;
mod site;
mod state;
mod status;
mod tls;
mod world;
