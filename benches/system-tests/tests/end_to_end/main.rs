//! The whole service from its clients' side: real sockets, the built programs, every answer checked.
//!
//! What each part does by itself is tested beside the part; here is what only shows when all of them run together.
//! `support` holds the compiled sample, a client that speaks HTTP byte by byte, and load in the background.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accepting;
mod addresses;
mod ages;
mod answers;
mod connections;
mod dead_mirrors;
mod demo;
mod faults;
mod filter;
mod help;
mod interleaved;
mod large;
mod logs;
mod looks;
mod operator;
mod page;
mod python;
mod redirects;
mod reload;
mod statistics;
mod support;
mod synthetic;
