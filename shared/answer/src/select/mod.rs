//! From a request to the mirrors that answer it: what is asked, by whom, about which directory, which hosts and in
//! which order.
//!
//! Pure: no file, socket, clock or dice in here; chance comes in as an argument. In the order of a request: [`params`]
//! reads the query string, [`form`] names ways and forms, [`query`] resolves it against the cache, [`tiers`] collects hosts
//! by what [`reach`] has of each, [`order`] arranges them, [`repeats`] leaves out what an answer shows already.

pub mod client;
pub mod exclude;
pub mod explain;
pub mod file;
pub mod filters;
pub mod form;
pub mod ignored;
pub mod order;
pub mod params;
pub mod pick;
pub mod query;
pub mod reach;
pub mod repeats;
pub mod sticky;
pub mod target;
pub mod tiers;
