//! `cargo demo`: what it adds to the sample, and what it tells those who try it.

pub mod figures;
pub mod guide;
pub mod repository;
mod web;
