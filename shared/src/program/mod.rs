//! What the installed programs do alike: messages, exit codes, options.
//!
//! Operators meet three programs and shall have to learn one way of speaking.

pub mod failure;
pub mod log;
pub mod options;
