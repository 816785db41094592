//! MirrorManager's mirrorlist cache, as the file that MirrorManager writes and others read.
//!
//! [`message`] describes it: what stands there can be decoded and encoded by prost.
#![forbid(unsafe_code)]

pub mod message;
