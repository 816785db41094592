//! MirrorManager's mirrorlist cache, as the file that MirrorManager writes and others read: the interchange file.
//!
//! `mirrorlist.proto` beside this crate describes it for people, [`message`] for prost, which reads it. [`mod@write`] writes
//! it record by record, so that nobody has to hold it, and [`read`] reads it so. Facts that MirrorManager has no field for
//! are in fields from 1000 on, which other readers pass over.
#![forbid(unsafe_code)]

pub mod message;
pub mod read;
pub mod write;
