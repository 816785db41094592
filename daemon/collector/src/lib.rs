//! The collector: where the facts come from that the cache is compiled from. The only program that connects to other
//! machines.
//!
//! [`command`]: `mirrorlist-collect` and its subcommands; [`config`]: what they are told; [`connection`]: how a
//! database is spoken to; [`database`]: MirrorManager's PostgreSQL into the interchange file; [`check`]: whether mirrors
//! answer; [`run`]: a folder of mirrors and the tree that they copy; [`import`]: such a folder from other lists;
//! [`http`]: how they are asked; [`store`]: what is remembered; [`status`]: what of that is shown.
#![forbid(unsafe_code)]

pub mod check;
pub mod command;
pub mod config;
pub mod connection;
pub mod database;
pub mod http;
pub mod import;
pub mod run;
pub mod status;
pub mod store;
mod tls;

pub use program::progress;
