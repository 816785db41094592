//! `cargo demo`: the distribution that it serves, its statistics, and what it tells those who try it.

pub mod distribution;
pub mod figures;
pub mod guide;
