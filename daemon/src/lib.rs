//! The daemon and the operator's tool, as a library so that tests and benches call the same code.
//!
//! - [`answer`]: the whole service as one pure function, over [`select`] (which mirrors) and [`render`] (which bytes);
//! - [`master`], [`generation`], [`worker`]: the processes; [`config`], [`listener`], [`cache_file`], [`control`],
//!   [`access_log`], [`operator`], [`sandbox`], [`tally`]: what they run with; [`sys`]: the unsafe, in one room;
//! - [`compile`]: MirrorManager's files into an inventory; [`tool`]: `mirrorlist-cache`.
pub mod access_log;
pub mod answer;
pub mod cache_file;
pub mod compile;
pub mod config;
pub mod control;
pub mod generation;
pub mod listener;
pub mod master;
pub mod operator;
pub mod render;
pub mod rules;
pub mod sandbox;
pub mod select;
pub mod sys;
pub mod tally;
pub mod tool;
pub mod worker;

pub use program::{failure, log};
