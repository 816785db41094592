//! The report: what people want to know of the service, told from what it leaves behind. Nothing of it is on the path of
//! a request.
//!
//! [`command`]: `mirrorlist-report` and its subcommands; [`config`]: what they are told; [`count`]: logs into figures;
//! [`look`]: what an operator wants on every page; [`statistics`]: the database that holds them; [`render`]: figures into pages.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod count;
pub mod look;
pub mod render;
pub mod statistics;
