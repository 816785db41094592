//! MirrorManager2's mirrorlist cache, a protobuf message, as input.
//!
//! [`import`] reads as its own table of contents: split the message into its tables, then take them in the order in
//! which they need each other, so that the order in the file does not matter. The file is read twice for that, and
//! never in memory as a whole. What each table means is in the file
//! named after it; the messages themselves are in [`interchange`], for whoever writes such files.

mod carriers;
mod details;
mod fields;
mod fingerprint;
mod gathered;
mod given;
mod hosts;
mod known;
pub(crate) mod names;
mod repositories;
mod stream;
mod tables;
#[cfg(test)]
mod tests;
pub(crate) mod urls;

use super::{
    error::Cause,
    facts,
    policy::Policy,
    skipped::{InputTable, Reason, Skipped},
};
use cache::inventory::Inventory;
use std::io::{Cursor, Read, Seek};
use stream::Stream;
use tables::Tables;

/// Reads a whole cache into `inventory`, as if the site had no wishes of its own; see [`import_under`].
pub fn import(bytes: &[u8], inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    import_under(&Policy::default(), Cursor::new(bytes), inventory, skipped)
}

/// Reads what a site's policy leaves of a whole cache into `inventory`.
///
/// Odd records are skipped and counted. A message that is cut short or damaged is an error, and what `inventory` then
/// holds means nothing. [`Inventory::continents`] from elsewhere must be there already: this cache's corrections are
/// laid over them.
pub fn import_under(
    policy: &Policy,
    file: impl Read + Seek,
    inventory: &mut Inventory,
    skipped: &mut Skipped,
) -> Result<(), Cause> {
    let mut stream = Stream::new(file)?;
    let tables = Tables::read(&mut stream)?;
    inventory.source_time = tables.time;
    let urls = urls::import(&tables, policy, inventory, skipped)?;
    inventory.directories.reserve(tables.directories);
    carriers::import(&mut stream, &urls, inventory, skipped)?;
    details::import(&tables, inventory, skipped)?;
    repositories::import(&tables, inventory, skipped)?;
    hosts::import(&tables, inventory, skipped)?;
    given::read(&tables, inventory, skipped)?;
    let known = known::read(&tables, inventory, skipped)?;
    for name in facts::lay(&known, &policy.hosts, inventory) {
        skipped.add(InputTable::SiteHost, Reason::UnknownHost, || name);
    }
    Ok(())
}
