//! Daemon.
pub mod access_log;
pub mod answer;
pub mod cache_file;
pub mod compile;
pub mod config;
pub mod control;
pub mod generation;
pub mod listener;
pub mod master;
pub mod notify;
pub mod render;
pub mod select;
pub mod sys;
pub mod tool;
pub mod worker;

pub use shared::program::{failure, log};
