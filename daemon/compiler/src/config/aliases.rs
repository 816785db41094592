//! `[aliases]`: other names of paths, and the paths that are meant.

use crate::{
    compile::{
        paths,
        site::{below, longest},
    },
    failure::Failure,
};
use cache::limits::MOST_ALIAS_STEPS;
use program::tables::Entry;
use std::collections::BTreeMap;

/// Reads them; what leads round and round is refused with both lines.
pub fn read<'e>(entries: impl Iterator<Item = &'e Entry>) -> Result<BTreeMap<String, String>, Failure> {
    let mut aliases = BTreeMap::new();
    let mut lines: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in entries {
        let refused = |cause: Failure| entry.refused(cause);
        let name = paths::directory(&entry.key).map_err(refused)?;
        let path = paths::directory(entry.text()?).map_err(refused)?;
        if below(&path, &name).is_some() {
            return Err(entry.refused(format_args!("`{path}` is `{name}` itself or below it")));
        }
        if let Some(other) = lines.insert(name.clone(), entry) {
            let line = other.line();
            return Err(entry.refused(format_args!("line {line} has an alias of that path, too")));
        }
        aliases.insert(name, path);
    }
    for (name, path) in &aliases {
        let (mut at, mut second) = (path.clone(), None);
        // The alias itself is a step.
        for _ in 1..MOST_ALIAS_STEPS {
            let Some((next, to, rest)) = longest(&aliases, &at) else { break };
            second = second.or(Some(next));
            at = format!("{to}{rest}");
        }
        if longest(&aliases, &at).is_some() {
            let other = lines[second.unwrap_or(name)].line();
            let steps =
                format!("with line {other} it takes more than {MOST_ALIAS_STEPS} steps, or has no end");
            return Err(lines[name].refused(steps));
        }
    }
    Ok(aliases)
}
