//! Origins and aliases: those of the interchange file, and over them those of the site file.

use super::skipped::{InputTable, Reason, Skipped};
use cache::{
    inventory::{Inventory, Site},
    is_below,
    limits::MOST_ALIAS_STEPS,
};
use std::{collections::BTreeMap, mem};

/// Lays what the site file says over what the interchange file has said. What would then lead round and round is left out.
pub fn lay(site: &Site, inventory: &mut Inventory, skipped: &mut Skipped) {
    let given = mem::replace(&mut inventory.site, site.clone());
    let own = &mut inventory.site;
    for (top, url) in given.origins {
        if own.public_url.as_deref().is_some_and(|above| is_below(&url, above)) {
            skipped.add(InputTable::Origin, Reason::Loop, || format!("{top} = {url}"));
        } else {
            own.origins.entry(top).or_insert(url);
        }
    }
    for (name, path) in given.aliases {
        own.aliases.entry(name).or_insert(path);
    }
    // Each that is left out may be what another one led to.
    loop {
        let is_given = |name: &&String| !site.aliases.contains_key(*name);
        let endless: Vec<String> =
            own.aliases.keys().filter(|name| is_endless(&own.aliases, name)).cloned().collect();
        let of_file: Vec<&String> = endless.iter().filter(is_given).collect();
        let dropped: Vec<String> = match (endless.is_empty(), of_file.is_empty()) {
            (true, _) => return,
            (_, false) => of_file.into_iter().cloned().collect(),
            // One of the site file goes on and on by those of the other file, none of which does by itself.
            (_, true) => own.aliases.keys().filter(is_given).cloned().collect(),
        };
        if dropped.is_empty() {
            return;
        }
        for name in dropped {
            own.aliases.remove(&name);
            skipped.add(InputTable::Alias, Reason::Loop, || name);
        }
    }
}

fn is_endless(aliases: &BTreeMap<String, String>, name: &str) -> bool {
    let mut at = name.to_owned();
    for _ in 0..MOST_ALIAS_STEPS {
        let Some((_, to, rest)) = longest(aliases, &at) else { return false };
        at = format!("{to}{rest}");
    }
    longest(aliases, &at).is_some()
}

/// The longest alias at the beginning of a path, its target, and what follows it in the path.
pub fn longest<'a, 'p>(
    aliases: &'a BTreeMap<String, String>,
    path: &'p str,
) -> Option<(&'a String, &'a str, &'p str)> {
    let found = aliases.iter().filter_map(|(name, to)| Some((name, to.as_str(), below(path, name)?)));
    found.max_by_key(|(name, ..)| name.len())
}

/// What follows `above` in a path that is it or below it.
pub fn below<'p>(path: &'p str, above: &str) -> Option<&'p str> {
    path.strip_prefix(above).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn laid(origins: &[(&str, &str)], aliases: &[(&str, &str)], site: &Site) -> (Site, u64) {
        let mut inventory = Inventory::default();
        inventory.site.origins = pairs(origins);
        inventory.site.aliases = pairs(aliases);
        let mut skipped = Skipped::default();
        lay(site, &mut inventory, &mut skipped);
        let count = |table| skipped.count(table, Reason::Loop);
        (inventory.site, count(InputTable::Origin) + count(InputTable::Alias))
    }

    #[test]
    fn the_site_file_beats_the_interchange_file() {
        let site = Site {
            young: 7,
            public_url: Some("https://dl.example".into()),
            origins: pairs(&[("a", "https://own.example")]),
            aliases: pairs(&[("x", "a/x")]),
            ..Site::default()
        };
        let origins =
            [("a", "https://o.example/a"), ("b", "https://o.example/b"), ("c", "https://dl.example/c")];
        let (laid, skipped) = laid(&origins, &[("x", "b/x"), ("y", "b/y")], &site);
        assert_eq!(laid.origins, pairs(&[("a", "https://own.example"), ("b", "https://o.example/b")]));
        assert_eq!(laid.aliases, pairs(&[("x", "a/x"), ("y", "b/y")]));
        assert_eq!((laid.young, skipped), (7, 1));
    }

    #[test]
    fn aliases_that_have_no_end_are_left_out() {
        let none = Site::default();
        let (site, skipped) = laid(&[], &[("a", "b"), ("b", "c/x"), ("c", "a"), ("good", "else")], &none);
        assert_eq!((site.aliases, skipped), (pairs(&[("good", "else")]), 3));
        let own = Site { aliases: pairs(&[("a", "b")]), ..Site::default() };
        let (site, skipped) = laid(&[], &[("b", "a"), ("good", "else")], &own);
        assert_eq!((site.aliases, skipped), (pairs(&[("a", "b"), ("good", "else")]), 1));
        // Eight steps are enough for everybody; with the site's own there would be nine.
        let chain: Vec<(String, String)> = (0..8).map(|n| (format!("n{n}"), format!("n{}", n + 1))).collect();
        let chain: Vec<(&str, &str)> = chain.iter().map(|(name, to)| (&**name, &**to)).collect();
        assert_eq!(laid(&[], &chain, &none).1, 0);
        let own = Site { aliases: pairs(&[("first", "n0")]), ..Site::default() };
        assert_eq!(laid(&[], &chain, &own), (own.clone(), 8));
    }
}
