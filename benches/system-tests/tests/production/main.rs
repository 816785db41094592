//! The service as it is run: behind the web servers of the examples, with the clients that people have.
//!
//! [`clients`] has real clients download through it, [`web`] tries the examples of web servers and of logrotate, and
//! [`deployment`] replays a large site. All of it happens on loopback addresses and in temporary folders, with servers
//! of the machine's packages that run without the rights of root and end with the test. A tool that is not installed
//! makes a test say so and do nothing, or fail where MIRRORLIST_REAL_CLIENTS=1 promises that all are there; 0 skips
//! all.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clients;
mod deployment;
mod support;
mod web;
