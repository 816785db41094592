//! The HTTP front end of mirrorlistd: turns HTTP into questions to the workers, and their answers into HTTP.
//!
//! In the order in which a request meets them:
//! - [`config`], [`server`], [`listen`], [`thread`], [`accept`]: the process, its threads, its sockets;
//! - [`sandbox`]: what the process gives up once they are open;
//! - [`connection`], [`clients`]: one client's connection, and how long it may last;
//! - [`request`], [`accepted`]: who asks for what, and what answers he takes;
//! - [`backend`]: the way to the workers and back;
//! - [`response`]: answers as HTTP.
//!
//! Beside them, for those who look after the service: [`counters`], [`admin`], [`watchdog`].
//!
//! No rule of the service is known here, and nothing of the cache. `sys` is the unsafe, in one room.

pub mod accept;
mod accepted;
pub mod admin;
pub mod backend;
pub mod clients;
pub mod config;
pub mod connection;
pub mod counters;
pub mod listen;
pub mod request;
pub mod response;
pub mod sandbox;
pub mod server;
mod sys;
pub mod thread;
pub mod watchdog;

use program::{failure, log};
