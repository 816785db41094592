//! What the installed programs do alike: messages, exit codes, options, talk with systemd.
//!
//! Operators meet four programs and shall have to learn one way of speaking.
#![forbid(unsafe_code)]

#[cfg(feature = "aside")]
pub mod aside;
pub mod characters;
pub mod failure;
pub mod files;
#[cfg(feature = "print")]
mod grouped;
pub mod log;
pub mod notify;
pub mod options;
pub mod passed;
#[cfg(feature = "print")]
pub mod print;
#[cfg(feature = "print")]
pub mod progress;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod signals;
pub mod socket_file;
pub mod tables;
mod version;

pub use version::version;
