//! `mirrorlist-collect run`: a site that has a folder of mirrors and a tree that they copy, and nothing else.
//!
//! [`crawl`]: asking mirrors; [`mirrors`]: the mirrors, as their files describe them; [`tree`]: what they should have; [`verdicts`]: who has what of
//! it.

pub mod crawl;
pub mod mirrors;
pub mod tree;
pub mod verdicts;
