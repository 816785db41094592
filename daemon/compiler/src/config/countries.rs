//! `[neighbours]` and `[avoid]`: what countries are to each other beside distances.

use crate::failure::Failure;
use cache::inventory::Neighbours;
use program::tables::{Entry, Value};
use std::collections::{BTreeMap, BTreeSet};
use wire::code::Country;

/// Reads `[neighbours]`: a country's, `-CC` for one whose hosts are never near it.
pub fn neighbours<'e>(
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<BTreeMap<Country, Neighbours>, Failure> {
    let mut all = BTreeMap::new();
    for entry in entries {
        let mut neighbours = Neighbours::default();
        for text in texts(entry)? {
            match text.strip_prefix('-') {
                Some(never) => neighbours.never.insert(country(entry, never)?),
                None => neighbours.named.insert(country(entry, text)?),
            };
        }
        if let Some(both) = neighbours.named.intersection(&neighbours.never).next() {
            return Err(entry.refused(format_args!("{both} is named as a neighbour and as none")));
        }
        once(&mut all, entry, neighbours)?;
    }
    Ok(all)
}

/// Reads `[avoid]`: countries whose hosts are kept from the clients of the one that is the key.
pub fn avoid<'e>(
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<BTreeMap<Country, BTreeSet<Country>>, Failure> {
    let mut all = BTreeMap::new();
    for entry in entries {
        let avoided = texts(entry)?.into_iter().map(|text| country(entry, text));
        let avoided = avoided.collect::<Result<_, _>>()?;
        once(&mut all, entry, avoided)?;
    }
    Ok(all)
}

fn once<T>(all: &mut BTreeMap<Country, T>, entry: &Entry, value: T) -> Result<(), Failure> {
    match all.insert(country(entry, &entry.key)?, value) {
        None => Ok(()),
        Some(_) => Err(entry.refused("the section has this country already, perhaps by another code")),
    }
}

fn country(entry: &Entry, text: &str) -> Result<Country, Failure> {
    Country::parse(text.as_bytes())
        .ok_or_else(|| entry.refused(format_args!("`{text}` is no country code of two letters")))
}

/// The texts of a list.
pub fn texts(entry: &Entry) -> Result<Vec<&str>, Failure> {
    let expected = || entry.refused("expected a list of texts, such as [\"AE\", \"QA\"]");
    let Value::List(values) = &entry.value else { return Err(expected()) };
    let text = |value: &'_ Value| match value {
        Value::Text(_) => Ok(()),
        _ => Err(expected()),
    };
    values.iter().try_for_each(text)?;
    Ok(values
        .iter()
        .filter_map(|value| if let Value::Text(text) = value { Some(&text[..]) } else { None })
        .collect())
}
