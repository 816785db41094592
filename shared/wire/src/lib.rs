//! What front end and workers say to each other over a stream socket.
//!
//! A connection is a sequence of frames: a 16-byte header ([`FrameHeader`]) and a payload that is one [`Message`]. The
//! worker speaks first and at once (HELLO); the other side sends requests, as many at a time as it likes, and the worker
//! replies in any order, each reply with the id of its request. All numbers are little-endian. shared/README.md, "The
//! wire", is the description for who writes another client.
//!
//! This crate turns bytes into values and back. It touches no socket, and it is total: any bytes give a value or a
//! [`WireError`].
//!
//! Beside it what both sides must spell alike: client addresses ([`net`]) and countries ([`code`]).
#![forbid(unsafe_code)]

pub mod code;
mod counters;
mod frame;
mod head;
mod message;
pub mod net;

pub use counters::{Counter, Counters, Key, OTHER_STATUS, Outcome, Unit, encode_counters};
pub use frame::{
    Frame, FrameHeader, HEADER_LEN, MAX_REPLY, MAX_REQUEST, MAX_URI, VERSION, WireError, next_frame,
};
pub use head::{Kind, ReplyHead, Tier};
pub use message::{
    Accept, Hello, MAX_SLOTS, Message, Method, REPLY_HEAD_LEN, REQUEST_HEAD_LEN, Reply, ReplyStart, Request,
    UrlScheme, encode_goaway, encode_hello, encode_ping, encode_pong, encode_request,
};
