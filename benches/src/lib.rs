//! What benches measure with; what they feed the service with, and how they run it, is in [`testkit`].
//!
//! - [`beginning`]: the programs and the cache that most of them begin with.
//! - [`functions`]: the functions that an answer is made of, to be timed and counted.
//! - [`contest`]: the service beside [`yardsticks`] (nginx, bare hyper, an echo), to be asked in turn by [`measure`].
//! - [`footprint`]: what processes come to in memory; [`moments`]: how long one waits;
//!   [`chart`], [`machine`]: how figures are shown.
//! - [`ab`]: the load generator of MirrorManager's own test.
//! - [`demo`]: what `cargo demo` serves and says.
#![forbid(unsafe_code)]

pub mod ab;
pub mod beginning;
pub mod chart;
pub mod contest;
pub mod demo;
pub mod footprint;
pub mod functions;
pub mod machine;
pub mod measure;
pub mod moments;
pub mod yardsticks;
