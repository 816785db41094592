//! From a listing to what is to be mirrored: which directories are in categories, which of them are repositories, what a
//! mirror is judged by. Pure: no file is read.

use super::{
    Error, hashes,
    listing::{Listed, NEWEST, Shown},
};
use crate::{
    config::{
        paths::is_below,
        site::{Category, GROUP, Pattern},
    },
    run::tree::{Directory, File},
};
use program::characters::is_hidden;
use regex::{Regex, RegexSet};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Names and architectures have so many bytes at most.
const LONGEST_NAME: usize = 200;

/// What there is.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// By path.
    pub directories: Vec<Directory>,
    /// By path.
    pub units: Vec<Unit>,
    /// By category, how many directories are listed.
    pub there: Vec<u64>,
    /// Files that say the hashes of those beside them: the directory, and their names.
    pub lists: Vec<(u32, Vec<String>)>,
}

/// What a mirror is judged by, before its index is read.
#[derive(Debug, PartialEq)]
pub struct Unit {
    pub path: String,
    pub category: u32,
    pub repository: Option<Found>,
    pub newest: Vec<File>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub name: String,
    pub arch: String,
    /// The full path of its index.
    pub index: String,
    /// The index as it is listed.
    pub listed: Listed,
    /// Whether it is not listed, and was there a while ago.
    pub is_gone: bool,
}

/// Tells which files a plan has to know of, by their names.
pub fn wanted(categories: &[Category], patterns: &[Pattern]) -> impl Fn(&str) -> bool + use<> {
    let markers = categories.iter().filter_map(|category| category.marker.as_deref());
    let names = patterns.iter().map(|pattern| &*pattern.index).chain(markers);
    let names = names.map(|path| path.rsplit('/').next().unwrap_or(path));
    // Whatever a group stands for.
    let regexes = names.map(|name| {
        let parts: Vec<String> = GROUP.split(name).map(regex::escape).collect();
        format!("^{}$", parts.join(".*"))
    });
    let set = RegexSet::new(regexes).unwrap_or_default();
    move |name| set.is_match(name) || hashes::is_list(name)
}

/// Puts it together; `full` makes the full path of one from the top of the tree, and `known` are indexes by which directories
/// are repositories though they are not listed, nor are maybe the directories. An error says what is ambiguous.
pub fn plan(
    shown: &[Shown<'_>],
    full: impl Fn(&str) -> String,
    categories: &[Category],
    patterns: &[Pattern],
    known: &BTreeSet<&str>,
) -> Result<Plan, Error> {
    let paths: Vec<String> = shown.iter().map(|shown| full(&shown.path)).collect();
    let at: HashMap<&str, usize> = paths.iter().map(String::as_str).zip(0..).collect();
    let category_of = |path: &str| {
        let above = categories.iter().enumerate().filter(|(_, category)| is_below(path, &category.top));
        above.max_by_key(|(_, category)| category.top.len()).map(|(number, _)| number as u32)
    };
    let in_categories: Vec<(usize, u32)> =
        paths.iter().enumerate().filter_map(|(number, path)| Some((number, category_of(path)?))).collect();

    let mut named: BTreeMap<(String, String), (&str, &Pattern)> = BTreeMap::new();
    let mut repositories: BTreeMap<&str, Found> = BTreeMap::new();
    for (number, _) in &in_categories {
        let path = &*paths[*number];
        let Some((pattern, found)) = repository(path, patterns, &at, shown) else { continue };
        let key = (found.name.clone(), found.arch.clone());
        for (what, text) in [("name", &found.name), ("arch", &found.arch)] {
            let is_odd = |c: char| is_hidden(c) || c.is_whitespace() || (what == "arch" && c == '+');
            if text.is_empty() || text.len() > LONGEST_NAME || text.contains(is_odd) {
                let (place, text, path) = (pattern.place.clone(), text.clone(), path.to_owned());
                return Err(Error::Name { place, what, text, path });
            }
        }
        if let Some((other, first)) = named.insert(key, (path, pattern)) {
            return Err(Error::Alike {
                paths: Box::new([other.to_owned(), path.to_owned()]),
                name: found.name,
                arch: found.arch,
                places: Box::new([first.place.clone(), pattern.place.clone()]),
            });
        }
        repositories.insert(path, found);
    }

    for (number, _) in &in_categories {
        let path = &*paths[*number];
        let gone = || {
            patterns
                .iter()
                .find_map(|pattern| missing(path, pattern).filter(|found| known.contains(&*found.index)))
        };
        if !repositories.contains_key(path)
            && let Some(found) = gone()
            && !named.contains_key(&(found.name.clone(), found.arch.clone()))
        {
            repositories.insert(path, found);
        }
    }

    let mut there = vec![0; categories.len()];
    in_categories.iter().for_each(|(_, category)| there[*category as usize] += 1);
    let listed =
        in_categories.iter().map(|(number, category)| (&*paths[*number], shown[*number].files, *category));
    let mut listed: Vec<(&str, &[Listed], u32)> = listed.collect();
    let indexes: HashSet<String> = repositories.values().map(|found| found.index.clone()).collect();
    for index in known.iter().filter(|index| !indexes.contains(**index)) {
        let gone = |path: &&str| !at.contains_key(path) && !repositories.contains_key(path);
        let found = steps_up(index).skip(1).filter(gone).find_map(|path| {
            let mut found = patterns.iter().filter_map(|pattern| missing(path, pattern));
            Some((path, found.find(|found| found.index == **index)?, category_of(path)?))
        });
        let Some((path, found, category)) = found else { continue };
        if named.contains_key(&(found.name.clone(), found.arch.clone())) {
            continue;
        }
        let inside = steps_up(index).skip(1).take_while(|step| step.len() >= path.len());
        let inside: Vec<&str> = inside.filter(|step| !at.contains_key(step)).collect();
        listed.extend(inside.into_iter().map(|step| (step, &[][..], category)));
        repositories.insert(path, found);
    }
    listed.sort_by_key(|(path, ..)| *path);
    // A repository may be in what has gone of another one.
    listed.dedup_by_key(|(path, ..)| *path);

    let mut plan = Plan { there, ..Plan::default() };
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    // Above comes before below.
    for (path, files, category) in &listed {
        let is_home =
            |above: &&str| repositories.contains_key(above) && category_of(above) == Some(*category);
        let home = steps_up(path).find(is_home).unwrap_or(*path);
        let units = &mut plan.units;
        let unit = *numbers.entry(home).or_insert_with(|| {
            units.push(Unit {
                path: home.to_owned(),
                category: *category,
                repository: repositories.get(home).cloned(),
                newest: Vec::new(),
            });
            units.len() as u32 - 1
        });
        let number = plan.directories.len() as u32;
        plan.directories.push(Directory { path: (*path).to_owned(), category: *category, unit });
        let lists: Vec<String> =
            files.iter().map(|file| &file.name).filter(|name| hashes::is_list(name)).cloned().collect();
        if !lists.is_empty() {
            plan.lists.push((number, lists));
        }
        let unit = &mut plan.units[unit as usize];
        // What stands beside an index is its own affair.
        let index =
            unit.repository.as_ref().and_then(|found| found.index.rsplit_once('/')).map(|(folder, _)| folder);
        let is_of_index = index.is_some_and(|folder| folder != unit.path && is_below(path, folder));
        if !is_of_index {
            let own = unit.repository.as_ref().map(|found| found.index.clone());
            let files = files.iter().take(NEWEST + 1).map(|file| File {
                path: format!("{path}/{}", file.name),
                size: Some(file.size),
                time: file.time,
                sha256: None,
            });
            unit.newest.extend(files.filter(|file| Some(&file.path) != own.as_ref()));
            unit.newest.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.path.cmp(&b.path)));
            unit.newest.truncate(NEWEST);
        }
    }
    Ok(plan)
}

/// A path, and those above it.
fn steps_up(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above))
}

/// What a directory is as a repository, by the first pattern that matches and whose index is there.
fn repository<'p>(
    path: &str,
    patterns: &'p [Pattern],
    at: &HashMap<&str, usize>,
    shown: &[Shown<'_>],
) -> Option<(&'p Pattern, Found)> {
    patterns.iter().find_map(|pattern| {
        let found = missing(path, pattern)?;
        let (folder, name) = found.index.rsplit_once('/')?;
        let files = shown[*at.get(folder)?].files;
        let listed = files.iter().find(|file| file.name == name)?.clone();
        Some((pattern, Found { listed, is_gone: false, ..found }))
    })
}

/// What a directory would be by this pattern if its index were there.
fn missing(path: &str, pattern: &Pattern) -> Option<Found> {
    let text = |template: &str| expanded(&pattern.path, path, template);
    let (name, arch, index) = (text(&pattern.name)?, text(&pattern.arch)?, text(&pattern.index)?);
    let index = format!("{path}/{index}");
    let listed = Listed { name: String::new(), size: 0, time: 0 };
    Some(Found { name, arch, index, listed, is_gone: true })
}

/// A template with what its groups are in a path; nothing if the pattern does not match.
fn expanded(pattern: &Regex, path: &str, template: &str) -> Option<String> {
    let mut text = String::new();
    pattern.captures(path)?.expand(template, &mut text);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::primary::listing::Listing;

    fn category(name: &str, top: &str) -> Category {
        Category { name: name.into(), top: top.into(), origin: None, marker: None }
    }

    fn pattern(path: &str, index: &str, name: &str, arch: &str) -> Pattern {
        let path = Regex::new(path).unwrap();
        let place = format!("FILE line {}", name.len());
        Pattern { path, index: index.into(), name: name.into(), arch: arch.into(), place }
    }

    fn made(
        files: &[(&str, u64)],
        links: &[(&str, &str)],
        categories: &[Category],
        patterns: &[Pattern],
    ) -> Result<Plan, Error> {
        let wanted = wanted(categories, patterns);
        let mut listing = Listing::new(&wanted);
        for (path, time) in files {
            for (at, _) in path.match_indices('/') {
                listing.directory(&path[..at])?;
            }
            listing.file(path, 5, *time);
        }
        links.iter().for_each(|(path, to)| listing.link(path, to));
        let shown = listing.shown()?;
        plan(
            &shown,
            |path| format!("pub/{path}").trim_end_matches('/').to_owned(),
            categories,
            patterns,
            &BTreeSet::new(),
        )
    }

    const REPOMD: &str = "repodata/repomd.xml";

    #[test]
    fn directories_belong_to_the_longest_top_and_to_the_nearest_repository() {
        let files = [
            ("e/9/os/repodata/repomd.xml", 50),
            ("e/9/os/repodata/primary.xml.gz", 51),
            ("e/9/os/Packages/a.rpm", 10),
            ("e/9/os/Packages/b.rpm", 30),
            ("e/9/os/Packages/deep/c.rpm", 20),
            ("e/9/os/TRANS", 5),
            ("e/9/os/addon/repodata/repomd.xml", 40),
            ("e/9/os/addon/x.rpm", 99),
            ("e/iso/d.iso", 7),
            ("e/iso/CHECKSUM", 8),
            ("e/alt/f", 1),
            ("other/f", 1),
        ];
        let categories = [category("E", "pub/e"), category("Alt", "pub/e/alt")];
        let patterns = [
            pattern(r"^pub/e/(?<v>\d)/os$", REPOMD, "e-$v", "x86_64"),
            pattern(r"^pub/e/(?<v>\d)/os/addon$", REPOMD, "addon-${v}", "x86_64"),
        ];
        let plan = made(&files, &[], &categories, &patterns).unwrap();
        let units: Vec<(&str, u32, Option<&str>, Vec<&str>)> = plan
            .units
            .iter()
            .map(|unit| {
                let name = unit.repository.as_ref().map(|found| &*found.name);
                let newest = unit.newest.iter().map(|file| file.path.rsplit_once('/').unwrap().1).collect();
                (&*unit.path, unit.category, name, newest)
            })
            .collect();
        assert_eq!(
            units,
            [
                ("pub/e", 0, None, vec![]),
                ("pub/e/9", 0, None, vec![]),
                ("pub/e/9/os", 0, Some("e-9"), vec!["b.rpm", "c.rpm", "a.rpm"]),
                ("pub/e/9/os/addon", 0, Some("addon-9"), vec!["x.rpm"]),
                ("pub/e/alt", 1, None, vec!["f"]),
                ("pub/e/iso", 0, None, vec!["CHECKSUM", "d.iso"]),
            ]
        );
        let of = |path: &str| {
            let directory = plan.directories.iter().find(|directory| directory.path == path).unwrap();
            &*plan.units[directory.unit as usize].path
        };
        assert_eq!(of("pub/e/9/os/Packages/deep"), "pub/e/9/os");
        assert_eq!(of("pub/e/9/os/repodata"), "pub/e/9/os");
        assert_eq!(of("pub/e/9/os/addon/repodata"), "pub/e/9/os/addon");
        assert!(!plan.directories.iter().any(|directory| directory.path.starts_with("pub/other")));
        assert!(plan.directories.is_sorted_by(|a, b| a.path < b.path));
        let found = plan.units[2].repository.as_ref().unwrap();
        assert_eq!((&*found.index, found.listed.time), ("pub/e/9/os/repodata/repomd.xml", 50));
        let (directory, names) = &plan.lists[0];
        assert_eq!(
            (&*plan.directories[*directory as usize].path, &names[..]),
            ("pub/e/iso", &["CHECKSUM".to_owned()][..])
        );
    }

    #[test]
    fn other_trees_have_other_indexes() {
        let files = [
            ("d/dists/stable/InRelease", 9),
            ("d/dists/stable/main/binary-amd64/Packages.gz", 8),
            ("a/extra/os/x86_64/extra.db", 7),
            ("a/extra/os/x86_64/p.pkg.tar.zst", 6),
        ];
        let patterns = [
            pattern(r"^pub/d/dists/(?<suite>\w+)$", "InRelease", "d-$suite", "all"),
            pattern(r"^pub/a/(?<repo>\w+)/os/(?<arch>\w+)$", "$repo.db", "$repo", "$arch"),
        ];
        let plan = made(&files, &[], &[category("D", "pub/d"), category("A", "pub/a")], &patterns).unwrap();
        let found: Vec<_> = plan.units.iter().filter_map(|unit| unit.repository.as_ref()).collect();
        let named: Vec<_> = found.iter().map(|found| (&*found.name, &*found.arch, &*found.index)).collect();
        assert_eq!(
            named,
            [
                ("extra", "x86_64", "pub/a/extra/os/x86_64/extra.db"),
                ("d-stable", "all", "pub/d/dists/stable/InRelease"),
            ]
        );
        let extra = plan.units.iter().find(|unit| unit.path.ends_with("/x86_64")).unwrap();
        assert_eq!(
            extra.newest.iter().map(|file| &*file.path).collect::<Vec<_>>(),
            ["pub/a/extra/os/x86_64/p.pkg.tar.zst"]
        );
    }

    #[test]
    fn the_first_pattern_wins_and_one_that_names_two_alike_is_an_error() {
        let files = [("e/9.1/os/repodata/repomd.xml", 1), ("e/9.2/os/repodata/repomd.xml", 2)];
        let categories = [category("E", "pub/e")];
        let by = |patterns: &[Pattern], links: &[(&str, &str)]| made(&files, links, &categories, patterns);
        let first = pattern(r"^pub/e/(?<v>9\.1)/os$", REPOMD, "special", "x86_64");
        let all = pattern(r"^pub/e/(?<v>[\d.]+)/os$", REPOMD, "e-$v", "x86_64");
        let plan = by(&[first, all], &[("e/9", "9.2")]).unwrap();
        let named: Vec<_> =
            plan.units.iter().filter_map(|unit| Some(&*unit.repository.as_ref()?.name)).collect();
        assert_eq!(named, ["special", "e-9.2", "e-9"]);
        let alike = pattern(r"^pub/e/(?<v>\d)\.\d/os$", REPOMD, "e-$v", "x86_64");
        assert_eq!(
            by(&[alike], &[]).unwrap_err().to_string(),
            "pub/e/9.1/os and pub/e/9.2/os would both be e-9 of x86_64; see the [[repository]] of FILE line 4"
        );
        let empty = pattern(r"^pub/e/9\.1(?<v>x)?/os$", REPOMD, "$v", "x86_64");
        let said = by(&[empty], &[]).unwrap_err().to_string();
        assert!(said.contains("yields the name `` for pub/e/9.1/os"), "{said}");
    }
}
