//! The sections of the site file whose keys are free: which there are, and what reads each.
//!
//! A section is a file beside this one: from its entries to what the inventory keeps of it, or a failure that leads to the
//! entry's line.

use super::{aliases, origins};
use crate::failure::Failure;
use cache::inventory::Site;
use program::tables::Entry;

/// Sections whose keys are free.
pub const SECTIONS: [&str; 2] = ["aliases", "origins"];

/// Adds what these entries say.
pub fn read(entries: &[Entry], site: &mut Site) -> Result<(), Failure> {
    site.origins = origins::read(of(entries, "origins"), site.public_url.as_deref())?;
    site.aliases = aliases::read(of(entries, "aliases"))?;
    Ok(())
}

/// The entries of one section, in the order of the file.
fn of<'e>(entries: &'e [Entry], section: &'static str) -> impl Iterator<Item = &'e Entry> {
    entries.iter().filter(move |entry| entry.section == section)
}
