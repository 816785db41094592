//! What the fuzz targets share.
//!
//! - [`sample`]: the tests' sample as a cache, to ask questions of;
//! - [`asked`]: a request out of a target's bytes;
//! - [`forge`]: caches that somebody has changed;
//! - [`judge`]: what every answer must be like, whatever was asked.
//!
//! A target fails by panicking. How they are built and run, and what the switches are for, is in `.ci/fuzz`.
#![forbid(unsafe_code)]

pub mod asked;
pub mod forge;
pub mod judge;
pub mod sample;
