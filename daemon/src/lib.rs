//! The daemon, as a library so that tests and benches call the same code.
//!
//! - [`master`], [`worker`]: the processes;
//! - [`config`], [`listener`], [`cache_file`], [`channel`], [`log_file`], [`control`], [`sandbox`], [`counters`]: what
//!   they run with; [`sys`]: the unsafe, in one room;
//! - [`query`]: asks a daemon as a front end does.
//!
//! What is answered is none of its business: see the crate [`answer`].
pub mod cache_file;
pub mod channel;
pub mod config;
pub mod control;
pub mod counters;
pub mod listener;
pub mod log_file;
pub mod master;
pub mod query;
pub mod sandbox;
pub mod suspended;
pub mod sys;
pub mod worker;

pub use program::{failure, log};
