//! The daemon as a process: the built program, driven over its real socket and with real signals.
//!
//! Each file is a side of it: start and end, connections, who may make them, supervision, reload, who reads a cache for
//! that and for suspended URLs, access log, counters, the redirector's draw, the operator's orders and questions, the service manager, the system around it, a limit of file sizes,
//! socket files, life as process 1 of a container, the sandbox around workers, and what one that was
//! taken over can do to its master.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod callers;
mod connections;
mod control;
mod counters;
mod escape;
mod file_size_limit;
mod loader;
mod process_one;
mod query;
mod redirector;
mod reload;
mod sandbox;
mod service_manager;
mod socket_files;
mod start_and_stop;
mod strangers;
mod supervision;
mod support;
mod surroundings;
mod suspended;
mod taken_over;
