//! `Origin` and `Alias`, our own fields: where the originals of trees are, and other names of paths.

use super::{names, tables::Tables};
use crate::compile::{
    error::Cause,
    paths,
    skipped::{InputTable, Reason, Skipped},
    text,
};
use cache::inventory::Inventory;
use interchange::message::StringString;

/// Reads them into the inventory's site, over which that of the site file is to be laid.
pub fn read(tables: &Tables, inventory: &mut Inventory, skipped: &mut Skipped) -> Result<(), Cause> {
    for table in [InputTable::Origin, InputTable::Alias] {
        for record in tables.decoded(table) {
            let StringString { key, value } = record?;
            let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
            let (into, pair) = if table == InputTable::Origin {
                (&mut inventory.site.origins, origin(&key, &value))
            } else {
                (&mut inventory.site.aliases, alias(&key, &value))
            };
            match pair {
                Ok((key, value)) => {
                    if into.insert(key.clone(), value).is_some() {
                        skipped.add(table, Reason::Repeated, || key);
                    }
                }
                Err(reason) => {
                    skipped.add(table, reason, || format!("{} = {}", text::lossy(&key), text::lossy(&value)));
                }
            }
        }
    }
    Ok(())
}

fn origin(key: &[u8], value: &[u8]) -> Result<(String, String), Reason> {
    let url = std::str::from_utf8(text::trim(value)).ok().and_then(paths::web_url);
    Ok((names::path(key)?, url.ok_or(Reason::BadUrl)?))
}

fn alias(key: &[u8], value: &[u8]) -> Result<(String, String), Reason> {
    Ok((names::directory(key)?, names::directory(value)?))
}
