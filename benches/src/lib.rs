//! What tests, benches and the demo feed the service with.
//!
//! - [`synthetic`]: Fedora-like caches of any size, seeded.
//! - [`sample`]: the demo's dozen invented mirrors.
//! - [`mmdb`]: a writer of small country databases, for both.
//! - [`inputs`]: from such inputs to a cache.
//! - [`stack`]: daemon and front end, built and running.
//! - [`functions`]: the functions that an answer is made of, to be timed and counted.
//! - [`load`]: load on them, every answer checked; [`process`]: what it cost them.
//! - [`contest`]: the service beside [`yardsticks`] (nginx, bare hyper, an echo), to be asked in turn by [`measure`].
//! - [`footprint`]: what processes come to in memory; [`moments`]: how long one waits;
//!   [`chart`], [`machine`]: how figures are shown.
#![forbid(unsafe_code)]

pub mod chart;
pub mod contest;
pub mod footprint;
pub mod functions;
pub mod inputs;
pub mod load;
pub mod machine;
pub mod measure;
pub mod mmdb;
pub mod moments;
pub mod process;
pub mod sample;
pub mod stack;
pub mod synthetic;
pub mod yardsticks;
