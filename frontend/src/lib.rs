//! The HTTP front end of mirrorlistd: turns HTTP into questions to the workers, and their answers into HTTP.
//!
//! In the order in which a request meets them:
//! - [`config`], [`server`], [`listen`], [`accept`]: the process, its threads, its sockets;
//! - [`connection`], [`stream`], [`head`], [`clients`]: one client's connection, what may come over it, how long it may
//!   last;
//! - [`request`]: who asks for what;
//! - [`backend`]: the way to the workers and back;
//! - [`response`]: answers as HTTP.
//!
//! No rule of the service is known here, and nothing of the cache.
#![forbid(unsafe_code)]

pub mod accept;
pub mod backend;
pub mod clients;
pub mod config;
pub mod connection;
pub mod head;
pub mod listen;
pub mod request;
pub mod response;
pub mod server;
pub mod stream;

use shared::program::{failure, log};
