//! What tests, benches and the demo feed the service with, and how they run it.
//!
//! - [`synthetic`]: Fedora-like caches of any size, seeded.
//! - [`sample`]: the demo's dozen invented mirrors; [`mirrors`]: the same as servers that answer or are dead.
//! - [`web`]: a web server for whatever else is to be asked.
//! - [`mmdb`]: a writer of small country databases, for both.
//! - [`inputs`]: from such inputs to a cache.
//! - [`postgres`]: a real PostgreSQL with the tables of MirrorManager.
//! - [`browser`]: a Chromium that looks at pages.
//! - [`stack`]: daemon and front end, built and running.
//! - [`load`]: load on them, every answer checked; [`process`]: what it cost them.
#![forbid(unsafe_code)]

pub mod browser;
pub mod inputs;
pub mod load;
pub mod mirrors;
pub mod mmdb;
pub mod postgres;
pub mod process;
pub mod sample;
pub mod stack;
pub mod synthetic;
pub mod web;
