//! The compiler and the operator's tool around it, as a library so that tests and benches call the same code.
//!
//! [`compile`]: MirrorManager's files into an inventory; [`config`]: what a build is told; [`tool`]: `mirrorlist-cache`.
#![forbid(unsafe_code)]

pub mod compile;
pub mod config;
pub mod tool;

use program::{failure, log};
