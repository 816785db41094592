//! `[aliases]`: other names of paths, and the paths that are meant.

use super::paths::{is_below, path};
use program::{failure::Failure, tables::Entry};
use std::collections::BTreeMap;

/// Aliases that a path is led through at most: a cache has no more, see `cache::limits`.
const MOST_ALIAS_STEPS: usize = 8;

/// Aliases; what leads round and round is refused, as whoever compiles them would.
pub fn read<'e>(entries: impl Iterator<Item = &'e Entry>) -> Result<BTreeMap<String, String>, Failure> {
    let (mut aliases, mut places) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let (name, to) = (path(entry, &entry.key)?, path(entry, entry.text()?)?);
        if name.is_empty() || to.is_empty() || is_below(&to, &name) {
            return Err(entry.refused(format_args!("`{to}` is `{name}` itself or below it, or nothing")));
        }
        if aliases.insert(name.clone(), to).is_some() {
            return Err(entry.refused("there is an alias of that path already"));
        }
        places.insert(name, entry);
    }
    for (name, entry) in &places {
        let (mut at, mut steps) = (name.clone(), 0);
        let next =
            |at: &str| aliases.keys().filter(|alias| is_below(at, alias)).max_by_key(|alias| alias.len());
        while let Some(alias) = next(&at) {
            if steps == MOST_ALIAS_STEPS {
                let line = next(&aliases[name]).map_or(*entry, |second| places[second]).line();
                return Err(entry.refused(format_args!(
                    "with line {line} it takes more than {MOST_ALIAS_STEPS} steps, or has no end"
                )));
            }
            at = format!("{}{}", aliases[alias], &at[alias.len()..]);
            steps += 1;
        }
    }
    Ok(aliases)
}
