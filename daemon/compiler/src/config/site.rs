//! The sections of the site file whose keys are free: which there are, and what reads each.
//!
//! A section is a file beside this one: from its entries to what the inventory keeps of it, or a failure that leads to the
//! entry's line.

use super::{aliases, countries, hosts, origins};
use crate::{compile::facts::Facts, failure::Failure};
use cache::inventory::{Choice, Site};
use program::tables::Entry;
use std::collections::BTreeMap;

/// Sections whose keys are free.
pub const SECTIONS: [&str; 5] = ["aliases", "avoid", "hosts", "neighbours", "origins"];

/// Adds what these entries say.
pub fn read(entries: &[Entry], site: &mut Site) -> Result<(), Failure> {
    site.origins = origins::read(of(entries, "origins"), site.public_url.as_deref())?;
    site.aliases = aliases::read(of(entries, "aliases"))?;
    Ok(())
}

/// What these entries say of the choice among hosts, and of hosts by name.
pub fn choice(entries: &[Entry], near_hosts: u32) -> Result<(Choice, BTreeMap<String, Facts>), Failure> {
    let neighbours = countries::neighbours(of(entries, "neighbours"))?;
    let avoid = countries::avoid(of(entries, "avoid"))?;
    Ok((Choice { near_hosts, neighbours, avoid }, hosts::read(of(entries, "hosts"))?))
}

/// The entries of one section, in the order of the file.
fn of<'e>(entries: &'e [Entry], section: &'static str) -> impl Iterator<Item = &'e Entry> {
    entries.iter().filter(move |entry| entry.section == section)
}
