//! What is in the tree, wherever that is known from: directories, files and links, put together as mirrors show them.
//!
//! Of each directory only so many files are kept as somebody looks at. A link to a directory inside of the tree is that
//! directory once more, and so is one to a file if its name is wanted; one that leads around or out of it is nothing. What not everybody may read, and what begins with a
//! dot, mirrors do not have.

use super::Error;
use program::characters::is_hidden;
use std::collections::{BTreeMap, BTreeSet};

/// Directories that there may be, links counted as what they lead to.
pub const MOST_DIRECTORIES: usize = 2_000_000;

/// Links that are gone through on the way to where one leads, as the system counts them.
const MOST_LINKS: u32 = 40;

/// Directories are so deep at most; what is deeper is left out, and told.
const DEEPEST: usize = 100;

/// Files that are kept of a directory, but for those of [`Wanted`]; of one with more only the newest.
const KEPT: usize = 32;
/// The newest files, which mirrors are asked for.
pub const NEWEST: usize = 3;

/// Bytes of a path, as in the interchange file.
const LONGEST_PATH: usize = 1024;

/// A file of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// When it was changed, in seconds since the epoch.
    pub time: u64,
}

/// Which files are kept in any case, by their names.
pub type Wanted<'a> = &'a dyn Fn(&str) -> bool;

#[derive(Debug, Default)]
struct Folder {
    parent: usize,
    below: BTreeMap<String, Below>,
    /// What is below as a directory: directories, and links to them.
    leads: Vec<(String, usize)>,
    files: Vec<Listed>,
    is_whole: bool,
}

#[derive(Debug)]
enum Below {
    Folder(usize),
    Link(String),
}

/// The tree as it was listed.
pub struct Listing<'a> {
    folders: Vec<Folder>,
    wanted: Wanted<'a>,
    /// Names of files that links of wanted names lead to.
    targets: BTreeSet<String>,
    /// What was left out for its name, and an example.
    pub odd: (u64, Option<String>),
}

/// A directory as mirrors have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown<'l> {
    /// Its path from the top of the tree, without slashes at its ends.
    pub path: String,
    /// Its files that were kept, newest first.
    pub files: &'l [Listed],
    /// Whether these are all.
    pub is_whole: bool,
}

impl<'a> Listing<'a> {
    /// One of an empty tree.
    pub fn new(wanted: Wanted<'a>) -> Listing<'a> {
        let top = Folder { is_whole: true, ..Folder::default() };
        Listing { folders: vec![top], wanted, targets: BTreeSet::new(), odd: (0, None) }
    }

    /// Adds a directory. Those above it have to be there, or it is none that anybody sees.
    pub fn directory(&mut self, path: &str) -> Result<(), Error> {
        let Some((parent, name)) = self.place(path) else { return Ok(()) };
        if self.folders[parent].below.contains_key(name) {
            return Ok(());
        }
        if self.folders.len() >= MOST_DIRECTORIES {
            return Err(Error::Directories);
        }
        let number = self.folders.len();
        self.folders.push(Folder { parent, is_whole: true, ..Folder::default() });
        self.folders[parent].below.insert(name.to_owned(), Below::Folder(number));
        Ok(())
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, size: u64, time: u64) {
        let Some((parent, name)) = self.place(path) else { return };
        let folder = &mut self.folders[parent];
        folder.files.push(Listed { name: name.to_owned(), size, time });
        if folder.files.len() > 2 * KEPT {
            prune(folder, &|name| (self.wanted)(name) || self.targets.contains(name));
        }
    }

    /// Adds a link, which leads to another path from where it is. Before the files of its directory, if that can be: the one
    /// that it leads to is kept of many then.
    pub fn link(&mut self, path: &str, to: &str) {
        let Some((parent, name)) = self.place(path) else { return };
        if (self.wanted)(name) || self.targets.contains(name) {
            self.targets.insert(to.rsplit('/').next().unwrap_or(to).to_owned());
        }
        self.folders[parent].below.entry(name.to_owned()).or_insert_with(|| Below::Link(to.to_owned()));
    }

    /// The directory that a path is in, and its name there; nothing for what mirrors do not have.
    fn place<'p>(&mut self, path: &'p str) -> Option<(usize, &'p str)> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || name.starts_with('.') {
            return None;
        }
        let is_deep = path.bytes().filter(|byte| *byte == b'/').count() >= DEEPEST;
        if is_deep || path.len() > LONGEST_PATH || path.chars().any(is_hidden) {
            self.odd.0 += 1;
            self.odd.1.get_or_insert_with(|| path.escape_debug().take(200).collect());
            return None;
        }
        let mut at = 0;
        for step in above.split('/').filter(|step| !step.is_empty()) {
            match self.folders[at].below.get(step) {
                Some(Below::Folder(number)) => at = *number,
                _ => return None,
            }
        }
        Some((at, name))
    }

    /// All directories, as mirrors show them, by path.
    pub fn shown(&mut self) -> Result<Vec<Shown<'_>>, Error> {
        for folder in &mut self.folders {
            if folder.files.len() > KEPT {
                prune(folder, &|name| (self.wanted)(name) || self.targets.contains(name));
            }
            sort(&mut folder.files);
        }
        // Once for each link, however often its directory is shown.
        for number in 0..self.folders.len() {
            let below = self.folders[number].below.iter();
            let leads = below.filter_map(|(name, below)| {
                let next = match below {
                    Below::Folder(next) => Some(*next),
                    Below::Link(to) => self.resolve(number, to, &mut { MOST_LINKS }),
                };
                Some((name.clone(), next?))
            });
            self.folders[number].leads = leads.collect();
        }
        let linked: Vec<(usize, Listed)> =
            (0..self.folders.len()).flat_map(|number| self.linked(number)).collect();
        for (number, file) in linked {
            let files = &mut self.folders[number].files;
            if !files.iter().any(|other| other.name == file.name) {
                files.push(file);
                sort(files);
            }
        }
        let (mut shown, mut visits) = (Vec::new(), 0);
        self.walk(0, String::new(), &mut Vec::new(), &mut shown, &mut visits)?;
        shown.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(shown)
    }

    fn walk<'l>(
        &'l self,
        number: usize,
        path: String,
        above: &mut Vec<usize>,
        shown: &mut Vec<Shown<'l>>,
        visits: &mut usize,
    ) -> Result<(), Error> {
        *visits += 1;
        if *visits > MOST_DIRECTORIES {
            return Err(Error::Links);
        }
        // A link to a directory that it is in would go on for ever.
        if above.contains(&number) || above.len() > DEEPEST || path.len() > LONGEST_PATH {
            return Ok(());
        }
        let folder = &self.folders[number];
        above.push(number);
        for (name, next) in &folder.leads {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            self.walk(*next, path, above, shown, visits)?;
        }
        above.pop();
        shown.push(Shown { path, files: &folder.files, is_whole: folder.is_whole });
        Ok(())
    }

    /// The files of a directory that are links with wanted names.
    fn linked(&self, number: usize) -> impl Iterator<Item = (usize, Listed)> + use<'_, 'a> {
        let links = self.folders[number].below.iter().filter(|(name, _)| (self.wanted)(name));
        links.filter_map(move |(name, below)| match below {
            Below::Folder(_) => None,
            Below::Link(to) => {
                let file = self.resolve_file(number, to, &mut { MOST_LINKS })?;
                Some((number, Listed { name: name.clone(), ..file.clone() }))
            }
        })
    }

    /// The file that a link leads to, if it is one inside of the tree that was kept.
    fn resolve_file(&self, from: usize, to: &str, left: &mut u32) -> Option<&Listed> {
        *left = left.checked_sub(1)?;
        let (at, name) = match to.rsplit_once('/') {
            Some(("", _)) => return None,
            Some((above, name)) => (self.resolve(from, above, left)?, name),
            None => (from, to),
        };
        let folder = &self.folders[at];
        let file = folder.files.iter().find(|file| file.name == name);
        file.or_else(|| match folder.below.get(name)? {
            Below::Folder(_) => None,
            Below::Link(to) => self.resolve_file(at, to, left),
        })
    }

    /// The directory that a link leads to, if it is one inside of the tree; `left` are the links that may be gone through.
    fn resolve(&self, from: usize, to: &str, left: &mut u32) -> Option<usize> {
        if to.starts_with('/') {
            return None;
        }
        // Of the whole way, not of its depth: a few links with thousands of steps each would have no end.
        *left = left.checked_sub(1)?;
        let mut at = from;
        for step in to.split('/') {
            at = match step {
                "" | "." => at,
                // Above the top is out of the tree.
                ".." if at == 0 => return None,
                ".." => self.folders[at].parent,
                step => match self.folders[at].below.get(step)? {
                    Below::Folder(number) => *number,
                    Below::Link(to) => self.resolve(at, to, left)?,
                },
            };
        }
        Some(at)
    }
}

fn sort(files: &mut [Listed]) {
    files.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.name.cmp(&b.name)));
}

/// Keeps the newest files, and those that are wanted.
fn prune(folder: &mut Folder, wanted: Wanted<'_>) {
    folder.is_whole = false;
    sort(&mut folder.files);
    let mut newest = 0;
    folder.files.retain(|file| {
        if wanted(&file.name) {
            return true;
        }
        newest += 1;
        newest <= NEWEST
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(listing: &mut Listing<'_>) -> Vec<String> {
        listing.shown().unwrap().into_iter().map(|shown| shown.path).collect()
    }

    #[test]
    fn a_link_is_what_it_leads_to_and_one_that_leads_around_or_out_is_nothing() {
        let mut listing = Listing::new(&|_| false);
        for path in ["9.8", "9.8/os", "9.8/os/a", "x"] {
            listing.directory(path).unwrap();
        }
        for (path, to) in [
            ("9", "9.8"),
            ("latest", "9"),
            ("x/same", "../9.8/./os"),
            ("x/up", ".."),
            ("x/self", "self"),
            ("x/one", "two"),
            ("x/two", "one"),
            ("x/out", "../../etc"),
            ("x/root", "/9.8"),
            ("x/gone", "nothing"),
            ("9.8/os/a/loop", "../../../9.8"),
        ] {
            listing.link(path, to);
        }
        listing.file("9.8/os/a/f", 1, 2);
        let expected = [
            "",
            "9",
            "9.8",
            "9.8/os",
            "9.8/os/a",
            "9/os",
            "9/os/a",
            "latest",
            "latest/os",
            "latest/os/a",
            "x",
            "x/same",
            "x/same/a",
            "x/same/a/loop",
        ];
        assert_eq!(paths(&mut listing), expected);
        let all = listing.shown().unwrap();
        assert_eq!(all.iter().filter(|shown| shown.files.len() == 1).count(), 4);
    }

    #[test]
    fn a_link_of_a_wanted_name_is_the_file_that_it_leads_to() {
        let mut listing = Listing::new(&|name| ["core.db", "repomd.xml"].contains(&name));
        for path in ["r", "other"] {
            listing.directory(path).unwrap();
        }
        for (path, to) in [
            ("r/core.db", "core.db.tar.gz"),
            ("r/latest", "core.db.tar.gz"),
            ("other/core.db", "../r/./core.db"),
            ("repomd.xml", "/etc/passwd"),
            ("other/repomd.xml", "../../repomd.xml"),
            ("r/repomd.xml", "repomd.xml"),
        ] {
            listing.link(path, to);
        }
        listing.file("r/core.db.tar.gz", 7, 8);
        (0..1000).for_each(|n| listing.file(&format!("r/p{n:04}"), n, 9 + n));
        for _ in 0..2 {
            let shown = listing.shown().unwrap();
            let of = |path: &str| {
                let shown = shown.iter().find(|shown| shown.path == path).unwrap();
                shown.files.iter().map(|file| (&*file.name, file.size, file.time)).collect::<Vec<_>>()
            };
            assert_eq!(of("other"), [("core.db", 7, 8)]);
            assert!(of("r").ends_with(&[("core.db", 7, 8), ("core.db.tar.gz", 7, 8)]), "{:?}", of("r"));
            assert_eq!(of(""), []);
        }
    }

    #[test]
    fn links_are_counted_over_the_whole_way() {
        let mut listing = Listing::new(&|_| false);
        listing.directory("d").unwrap();
        listing.directory("d/sub").unwrap();
        let many = |name: &str, count| [name].repeat(count).join("/");
        for (name, to) in [("e", ".".to_owned()), ("f", many("e", 1000)), ("g", many("f", 1000))] {
            listing.link(&format!("d/{name}"), &to);
        }
        listing.link("d/h", &many("g", 1000));
        listing.link("d/near", &format!("{}/sub", many("e", 39)));
        listing.link("d/far", &format!("{}/sub", many("e", 40)));
        assert_eq!(paths(&mut listing), ["", "d", "d/near", "d/sub"]);
    }

    #[test]
    fn what_nobody_has_is_left_out() {
        let mut listing = Listing::new(&|_| false);
        listing.directory("a").unwrap();
        // Its parent was not listed, for not everybody may read it.
        listing.directory("secret/b").unwrap();
        listing.file("secret/f", 1, 1);
        listing.directory(".snapshot").unwrap();
        listing.file("a/.f.x7Yz", 1, 1);
        listing.directory("a/b\nc").unwrap();
        listing.directory(&format!("a/{}", "d".repeat(1100))).unwrap();
        assert_eq!(paths(&mut listing), ["", "a"]);
        assert!(listing.shown().unwrap().iter().all(|shown| shown.files.is_empty()));
        assert_eq!(listing.odd, (2, Some("a/b\\nc".into())));
        listing.directory("a/moc\u{202e}lmot").unwrap();
        listing.file("a/gnp\u{2066}.exe", 1, 1);
        assert_eq!((listing.odd.0, paths(&mut listing)), (4, vec![String::new(), "a".into()]));
        // Deep ones are as deep as links may lead.
        let deep = |count: usize| vec!["a"; count].join("/");
        (1..105).for_each(|count| listing.directory(&deep(count)).unwrap());
        assert_eq!((listing.odd.0, paths(&mut listing).len()), (8, 101));
    }

    #[test]
    fn of_many_files_the_newest_are_kept_and_those_that_are_wanted() {
        let mut listing = Listing::new(&|name| name == "repomd.xml");
        for n in 0..1000 {
            listing.file(&format!("f{n:04}"), n, n % 500);
        }
        listing.file("repomd.xml", 1, 1);
        (0..1000).for_each(|n| listing.file(&format!("g{n:04}"), n, 0));
        let shown = listing.shown().unwrap();
        let names: Vec<&str> = shown[0].files.iter().map(|file| &*file.name).collect();
        assert_eq!((names, shown[0].is_whole), (vec!["f0499", "f0999", "f0498", "repomd.xml"], false));
        let mut listing = Listing::new(&|_| false);
        (0..KEPT as u64).for_each(|n| listing.file(&format!("f{n}"), n, n));
        assert_eq!(listing.shown().unwrap()[0].files.len(), KEPT);
    }
}
