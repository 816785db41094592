//! The collector: where the facts come from that the cache is compiled from. The only program with a network.
//!
//! [`command`]: `mirrorlist-collect` and its subcommands; [`config`]: what they are told; [`connection`]: how a
//! database is spoken to; [`database`]: MirrorManager's PostgreSQL into the interchange file.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod connection;
pub mod database;
mod progress;
