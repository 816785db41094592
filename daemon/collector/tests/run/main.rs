//! `mirrorlist-collect run`: files of mirrors, and a primary as a folder, by a real rsync daemon and by a list of files.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod faults;
mod files;
mod import;
mod kinds;
mod program;
mod world;
