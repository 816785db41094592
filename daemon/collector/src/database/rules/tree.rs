//! The tree: which category a directory belongs to, and where below the category's top it is.
//!
//! A directory in several categories belongs to the one with the longest top (of equal ones, that with the lowest number):
//! a host's URL leads to the top of one category, and a file of MirrorManager's form has one rest of the path for all.

use crate::database::{
    directories::Directories,
    rows::Category,
    skipped::{Reason, Skipped},
};
use std::collections::HashMap;

/// A category, by its position among those that have a top.
#[derive(Debug)]
struct Top<'a> {
    id: i32,
    path: &'a str,
}

/// Where a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The position of its category.
    pub category: u32,
    /// Its own among the directories of that category.
    pub position: u32,
}

/// Directories and their categories.
#[derive(Debug)]
pub struct Tree<'a> {
    directories: &'a Directories,
    tops: Vec<Top<'a>>,
    categories: HashMap<i32, Option<u32>>,
    places: Vec<Option<Place>>,
}

impl<'a> Tree<'a> {
    /// Begins with the categories alone.
    pub fn new(categories: &[Category], directories: &'a Directories, skipped: &mut Skipped) -> Tree<'a> {
        let mut tree = Tree {
            directories,
            tops: Vec::new(),
            categories: HashMap::new(),
            places: vec![None; directories.len()],
        };
        for category in categories {
            let top = category.top.and_then(|top| directories.name(top));
            let position = top.map(|path| {
                tree.tops.push(Top { id: category.id, path });
                tree.tops.len() as u32 - 1
            });
            if position.is_none() {
                skipped.add("category", Reason::NoTop, || category.id);
            }
            tree.categories.insert(category.id, position);
        }
        tree
    }

    /// Takes a row of `category_directory`.
    pub fn add(&mut self, category: i32, directory: i32, skipped: &mut Skipped) {
        let table = "category_directory";
        let (Some(category), Some(at)) =
            (self.categories.get(&category), self.directories.position(directory))
        else {
            skipped.add(table, Reason::Dangling, || format!("{category}, {directory}"));
            return;
        };
        // Of a category without a top it was said already.
        let Some(category) = *category else { return };
        let (top, path) =
            (&self.tops[category as usize], self.directories.name(directory).unwrap_or_default());
        if below(top.path, path).is_none() {
            skipped.add(table, Reason::OutsideCategory, || format!("{path} in category {}", top.id));
            return;
        }
        let place = &mut self.places[at as usize];
        if let Some(earlier) = place.replace(Place { category, position: 0 }) {
            let other = &self.tops[earlier.category as usize];
            if (other.path.len(), top.id) > (top.path.len(), other.id) {
                *place = Some(earlier);
            }
            skipped.add(table, Reason::SeveralCategories, || path);
        }
    }

    /// Ends it: directories are numbered within their categories. How many each has, by position of the category.
    pub fn number(&mut self) -> Vec<u32> {
        let mut counts = vec![0; self.tops.len()];
        for place in self.places.iter_mut().flatten() {
            let count = &mut counts[place.category as usize];
            place.position = *count;
            *count += 1;
        }
        counts
    }

    /// The position of a category that has a top.
    pub fn category(&self, id: i32) -> Option<u32> {
        self.categories.get(&id).copied().flatten()
    }

    /// Whether there is such a category, with or without a top.
    pub fn knows(&self, id: i32) -> bool {
        self.categories.contains_key(&id)
    }

    /// Where a directory is, if it exists and is in a category.
    pub fn place(&self, directory: i32) -> Option<Option<Place>> {
        Some(self.places[self.directories.position(directory)? as usize])
    }

    /// Every directory that is in a category: its path, the rest of it after the top, its place. In order.
    pub fn placed(&self) -> impl Iterator<Item = (&str, &str, Place)> {
        self.directories.names().zip(&self.places).filter_map(|(path, place)| {
            let place = (*place)?;
            let rest = below(self.tops[place.category as usize].path, path)?;
            Some((path, rest, place))
        })
    }
}

/// The rest of a path below another one, itself included; an empty top is above everything.
fn below<'a>(top: &str, path: &'a str) -> Option<&'a str> {
    if top.is_empty() || path == top {
        return Some(&path[top.len()..]);
    }
    path.strip_prefix(top)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_path_is_what_follows_the_top() {
        for (top, path, rest) in [
            ("pub/a", "pub/a", Some("")),
            ("pub/a", "pub/a/b/c", Some("b/c")),
            ("pub/a", "pub/ab", None),
            ("pub/a", "pub", None),
            ("pub/a", "elsewhere/b", None),
            ("", "pub/a", Some("pub/a")),
            ("", "", Some("")),
            // A letter of two bytes where the top ends.
            ("pub/", "pub\u{e4}x", None),
        ] {
            assert_eq!(below(top, path), rest, "{top} {path}");
        }
    }

    #[test]
    fn the_longest_top_counts_whatever_the_order_of_rows() {
        let mut directories = Directories::default();
        for (id, name) in [(1, "pub"), (2, "pub/a"), (3, "pub/a/b"), (4, "other")] {
            directories.add(id, name.into());
        }
        let categories = [(10, Some(1)), (11, Some(2)), (12, Some(2)), (13, None), (14, Some(99))];
        let categories = categories.map(|(id, top)| Category { id, top });
        for rows in [[(10, 3), (11, 3), (12, 3), (11, 4)], [(12, 3), (11, 3), (10, 3), (11, 4)]] {
            let mut skipped = Skipped::default();
            let mut tree = Tree::new(&categories, &directories, &mut skipped);
            rows.iter().for_each(|(category, directory)| tree.add(*category, *directory, &mut skipped));
            assert_eq!(tree.number(), [0, 1, 0]);
            assert_eq!(tree.place(3), Some(Some(Place { category: 1, position: 0 })));
            assert_eq!((tree.place(4), tree.place(5)), (Some(None), None));
            assert_eq!(
                tree.placed().collect::<Vec<_>>(),
                [("pub/a/b", "b", tree.place(3).unwrap().unwrap())]
            );
            let count = |table, reason| skipped.count(table, reason);
            assert_eq!(count("category", Reason::NoTop), 2);
            assert_eq!(count("category_directory", Reason::SeveralCategories), 2);
            assert_eq!(count("category_directory", Reason::OutsideCategory), 1);
        }
    }
}
