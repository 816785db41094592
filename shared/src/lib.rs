//! What the programs of mirrorlistd have in common.
//!
//! - [`cache`]: the immutable cache file: its schema, how it is written, opened, checked and asked.
//! - [`wire`]: frames and messages between front end and workers, as bytes and values; no sockets.
//! - [`net`]: client addresses and the forwarded header.
//! - [`program`]: messages, exit codes and options of the installed programs.
//! - [`code`] and [`scheme`]: the two small vocabularies that all of these use.
#![forbid(unsafe_code)]

pub mod cache;
pub mod code;
pub mod net;
pub mod program;
pub mod scheme;
pub mod wire;
