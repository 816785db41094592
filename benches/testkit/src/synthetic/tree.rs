//! The directories of a cache, one after the other: exactly as many as were asked for, parents before children.

use super::{
    Options,
    repositories::{CATEGORIES, Repositories, Repository},
};
use std::collections::BTreeMap;

/// A directory, and what decides who carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its path.
    pub path: String,
    /// The number of its product line.
    pub category: usize,
    /// Its part in the tree.
    pub kind: Kind,
}

/// What a directory is in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Above repositories: every host of the category has it.
    Parent,
    /// The top of a repository.
    Top,
    /// A repository's metadata; with fewer hosts than the top where it is stale.
    Repodata,
    /// Repodata that no host of the top carries.
    Elsewhere,
    /// Below a repository's top.
    Inner,
    /// Carried by nobody.
    Empty,
}

/// Folders that need escaping in a URL, in XML, or in both; each in `pub/alt`.
pub const ODD_NAMES: [&str; 14] = [
    "libstdc++",
    "a^b~c",
    "x y",
    "100%",
    "%41 is not A",
    "ünï/cødé/鏡",
    "R&D #1?",
    "it's \"quoted\"",
    "<angle> & co",
    "semi;colon=1",
    "-- dashes --",
    "]]>",
    "gtk+/repodata",
    "..dots..",
];

/// All directories of the cache.
pub fn directories(options: &Options, repositories: &Repositories) -> impl Iterator<Item = Directory> {
    let fixed = fixed(repositories);
    let left = options.directories.saturating_sub(fixed.len());
    let (each, more) = match repositories.rows.len() {
        0 => (0, 0),
        count => (left / count, left % count),
    };
    let rows = repositories.rows.clone();
    let repositories = rows.into_iter().enumerate().flat_map(move |(number, row)| {
        (0..each + usize::from(number < more)).map(move |position| inside(&row, position))
    });
    fixed.into_iter().chain(repositories)
}

/// Parents of repositories, odd names, and the trees of odd repositories.
fn fixed(repositories: &Repositories) -> Vec<Directory> {
    let mut parents = BTreeMap::new();
    for (number, category) in CATEGORIES.iter().enumerate() {
        parents.insert(category.top.to_owned(), number);
    }
    for row in &repositories.rows {
        let mut path = row.directory.as_str();
        while let Some((parent, _)) =
            path.rsplit_once('/').filter(|(parent, _)| parent.len() > CATEGORIES[row.category].top.len())
        {
            parents.insert(parent.to_owned(), row.category);
            path = parent;
        }
    }
    // A repository may lie above another one; it is a top then, not a parent.
    for row in &repositories.rows {
        parents.remove(&row.directory);
    }
    let parents =
        parents.into_iter().map(|(path, category)| Directory { path, category, kind: Kind::Parent });
    let odd = ODD_NAMES.map(|name| (name, Kind::Inner)).into_iter().chain([
        ("gtk+", Kind::Top),
        ("no repodata", Kind::Top),
        ("stale", Kind::Top),
        ("stale/repodata", Kind::Elsewhere),
        ("nobody", Kind::Empty),
        ("nobody/repodata", Kind::Empty),
    ]);
    let odd = odd.map(|(name, kind)| Directory { path: format!("pub/alt/{name}"), category: 4, kind });
    parents.chain(odd).collect()
}

/// The directory at this position of a repository's tree, of which there are as many as one likes.
fn inside(row: &Repository, position: usize) -> Directory {
    const FIRST: [&str; 9] = [
        "repodata",
        "Packages",
        "images",
        "images/pxeboot",
        "EFI",
        "EFI/BOOT",
        "LiveOS",
        "drpms",
        "isolinux",
    ];
    const LETTERS: &[u8; 36] = b"pgmlckrsaxbtjfodnehviwquzy0123456789";
    let (rest, kind) = match position {
        0 => return Directory { path: row.directory.clone(), category: row.category, kind: Kind::Top },
        1 => (FIRST[0].to_owned(), Kind::Repodata),
        2..10 => (FIRST[position - 1].to_owned(), Kind::Inner),
        10..46 => (format!("Packages/{}", char::from(LETTERS[position - 10])), Kind::Inner),
        _ => {
            let letter = char::from(LETTERS[position % LETTERS.len()]);
            (format!("Packages/{letter}/{letter}{}", word(position - 46)), Kind::Inner)
        }
    };
    Directory { path: format!("{}/{rest}", row.directory), category: row.category, kind }
}

/// A pronounceable word for each number.
fn word(mut number: usize) -> String {
    const SYLLABLES: [&str; 20] = [
        "ka", "lo", "mi", "re", "tu", "so", "ne", "vi", "pa", "do", "zu", "fe", "ha", "jo", "li", "qua",
        "by", "xe", "wo", "gi",
    ];
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number /= SYLLABLES.len();
        if number == 0 {
            return word;
        }
    }
}
