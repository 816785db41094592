//! The replay: goldens and oracle over HTTP, so that "compatible" is a test and not a claim.
//!
//! [`own`] starts our own service on many caches; [`under_test`] asks one that already runs, ours or another. Requests
//! are the goldens' and the oracle's, clients stand behind proxies, and every answer is held against the oracle's
//! model: the order of mirrors as far as chance leaves it open, everything else byte for byte. [`request`] writes a
//! request, [`http`] sends it, [`judge`] looks at the answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../../daemon/compiler/tests/golden/cache_toml.rs"]
mod cache_toml;
#[path = "../../../../daemon/compiler/tests/oracle/compare.rs"]
mod compare;
#[path = "../../../../daemon/compiler/tests/oracle/dice.rs"]
mod dice;
#[allow(dead_code, reason = "the program is asked without HTTP elsewhere")]
#[path = "../../../../daemon/compiler/tests/oracle/exchange.rs"]
mod exchange;
mod goldens;
mod http;
mod input_files;
mod judge;
#[allow(dead_code, reason = "the oracle uses more of it")]
#[path = "../../../../daemon/compiler/tests/oracle/model/mod.rs"]
mod model;
mod own;
#[allow(dead_code, reason = "the oracle uses more of it")]
#[path = "../../../../daemon/compiler/tests/oracle/random_hops.rs"]
mod random_hops;
#[path = "../../../../daemon/compiler/tests/oracle/random_request.rs"]
mod random_request;
#[path = "../../../../daemon/compiler/tests/oracle/random_world.rs"]
mod random_world;
mod request;
#[allow(dead_code, reason = "the goldens' replies are compared without HTTP elsewhere")]
#[path = "../../../../daemon/compiler/tests/golden/script.rs"]
mod script;
mod server;
#[path = "../../../../daemon/compiler/tests/oracle/setting.rs"]
mod setting;
#[allow(dead_code, reason = "the oracle uses more of it")]
#[path = "../../../../daemon/compiler/tests/oracle/tally.rs"]
mod tally;
mod under_test;
#[allow(dead_code, reason = "caches are compiled by the tool here")]
#[path = "../../../../daemon/compiler/tests/oracle/world.rs"]
mod world;

/// The version that the service says it has: all programs here have one.
const VERSION: &str = env!("CARGO_PKG_VERSION");
