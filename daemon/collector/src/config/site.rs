//! What there is to be mirrored: the sections `[primary]`, `[[category]]`, `[[repository]]` and `[aliases]`.
//!
//! Whatever is wrong is told with the line. Patterns are checked with the names that they are to yield, so that none of
//! these is empty for a slip.

use super::{
    aliases,
    paths::{inner_path, path},
};
use program::{
    characters::is_hidden,
    failure::Failure,
    options::{duration, likely},
    tables::Entry,
};
use regex::Regex;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};
use url::Url;

/// The sections.
pub const SECTIONS: [&str; 4] = ["aliases", "category", "primary", "repository"];

/// What the sections say.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Where the tree is.
    pub primary: Option<Primary>,
    /// Parts of it that mirrors copy.
    pub categories: Vec<Category>,
    /// How repositories are found in it.
    pub repositories: Vec<Pattern>,
    /// Other names of paths, and the paths that are meant.
    pub aliases: BTreeMap<String, String>,
}

/// Where the tree is that mirrors copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Primary {
    /// How it is known what is in it.
    pub listing: Listing,
    /// Where its files are read.
    pub contents: Contents,
    /// What stands before its paths in the names of directories, without slashes at the ends.
    pub prefix: String,
    /// So long, in seconds, the version of an index before the current one is good.
    pub keep_previous: u64,
    /// So old, in seconds, an earlier version may be.
    pub keep_older: u64,
}

/// How it is known what is in the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Listing {
    /// By walking through it.
    Walk(PathBuf),
    /// By asking an rsync daemon.
    Rsync(Url),
    /// By a list in the tree, with a path from its top.
    List(String),
}

/// Where files of the tree are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// On this machine.
    Path(PathBuf),
    /// Over HTTP.
    Web(Url),
}

/// A part of the tree that mirrors copy or leave out as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// Its name, which mirrors' files use.
    pub name: String,
    /// The path of its topmost directory.
    pub top: String,
    /// Where its originals are.
    pub origin: Option<String>,
    /// A file below its top that says how old a copy is.
    pub marker: Option<String>,
}

/// How repositories are found.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What the path of a directory looks like.
    pub path: Regex,
    /// Its index, a path from the directory; with groups of the pattern.
    pub index: String,
    /// The repository's name; with groups of the pattern.
    pub name: String,
    /// Its architecture; with groups of the pattern.
    pub arch: String,
    /// Where it stands, for messages.
    pub place: String,
}

/// A group in what a pattern is to yield.
pub static GROUP: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$(?:\{(\w+)\}|(\w+))").expect("the pattern is one"));

impl Site {
    /// Reads the entries of all sections.
    pub fn read(entries: &[Entry]) -> Result<Site, Failure> {
        let of = |section: &'static str| entries.iter().filter(move |entry| entry.section == section);
        let mut site = Site::default();
        let primary: Vec<Entry> = of("primary").cloned().collect();
        if let Some(first) = primary.first() {
            site.primary = Some(read_primary(first, &primary)?);
        }
        for entry in of("category") {
            let category = category(entry)?;
            let at = |key: &str| entry.table().map_or(entry, |inside| find(inside, key).unwrap_or(entry));
            if site.categories.iter().any(|other| other.name == category.name) {
                return Err(
                    at("name").refused(format_args!("there is a category `{}` already", category.name))
                );
            }
            if site.categories.iter().any(|other| other.top == category.top) {
                return Err(
                    at("top").refused(format_args!("there is a category of `{}` already", category.top))
                );
            }
            site.categories.push(category);
        }
        site.repositories = of("repository").map(pattern).collect::<Result<_, _>>()?;
        site.aliases = aliases::read(of("aliases"))?;
        Ok(site)
    }

    /// This, if there is all of it that a run needs.
    pub fn complete(self, file: &Path) -> Result<Site, Failure> {
        let file = file.display();
        if self.primary.is_none() {
            let cause = "no [primary]: it says where the tree is that mirrors copy";
            return Err(Failure::config(format!("config {file}: {cause}")));
        }
        if self.categories.is_empty() {
            let cause = "no [[category]]: it says which part of the tree mirrors copy";
            return Err(Failure::config(format!("config {file}: {cause}")));
        }
        Ok(self)
    }
}

/// A table's entries, by key.
struct Keys<'e> {
    at: &'e Entry,
    entries: &'e [Entry],
}

impl<'e> Keys<'e> {
    /// An error for keys that are none of these.
    fn new(at: &'e Entry, entries: &'e [Entry], known: &[&str]) -> Result<Keys<'e>, Failure> {
        for entry in entries {
            if !known.contains(&&*entry.key) {
                return Err(unknown(entry, known));
            }
        }
        Ok(Keys { at, entries })
    }

    fn find(&self, key: &str) -> Option<&'e Entry> {
        find(self.entries, key)
    }

    fn text(&self, key: &str) -> Result<Option<&'e str>, Failure> {
        let Some(entry) = self.find(key) else { return Ok(None) };
        match entry.text()? {
            "" => Err(entry.refused("there is nothing in it")),
            text => Ok(Some(text)),
        }
    }

    fn needed(&self, key: &str) -> Result<&'e str, Failure> {
        self.text(key)?.ok_or_else(|| {
            Failure::config(format!("config {}: [[{}]] has no `{key}`", self.at.place(), self.at.section))
        })
    }

    fn seconds(&self, key: &str, default: u64) -> Result<u64, Failure> {
        let (Some(entry), Some(text)) = (self.find(key), self.text(key)?) else { return Ok(default) };
        duration(text).map(|time| time.as_secs()).map_err(|cause| entry.refused(cause))
    }
}

fn find<'e>(entries: &'e [Entry], key: &str) -> Option<&'e Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// A failure for a key that nothing is known of.
pub fn unknown(entry: &Entry, known: &[&str]) -> Failure {
    let hint = likely(&entry.key, known.iter().copied());
    let hint = if hint.is_empty() { format!("; there are {}", known.join(", ")) } else { hint };
    entry.refused(format_args!("unknown{hint}"))
}

const DAY: u64 = 86_400;

fn read_primary(first: &Entry, entries: &[Entry]) -> Result<Primary, Failure> {
    let known = ["path", "rsync", "checksum-base", "file-list", "prefix", "keep-previous", "keep-older"];
    let keys = Keys::new(first, entries, &known)?;
    let refused = |key: &str, cause: &str| keys.find(key).unwrap_or(first).refused(cause);
    let url = |key: &str, schemes: &[&str]| -> Result<Option<Url>, Failure> {
        let Some(text) = keys.text(key)? else { return Ok(None) };
        let url = Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok();
        let is_good = |url: &Url| {
            schemes.contains(&url.scheme())
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.query().is_none()
                && url.fragment().is_none()
                && url.password().is_none()
        };
        let expected = format!("`{text}` is no {} URL of a host and a path", schemes.join(" or "));
        Ok(Some(url.filter(is_good).ok_or_else(|| refused(key, &expected))?))
    };
    let base = url("checksum-base", &["https", "http"])?;
    let rsync = url("rsync", &["rsync"])?;
    let list = match keys.text("file-list")? {
        Some(text) => Some(path(keys.find("file-list").unwrap_or(first), text)?),
        None => None,
    };
    let folder = keys.text("path")?.map(PathBuf::from);
    if let (Some(folder), true) = (&folder, rsync.is_some() || base.is_some()) {
        let other = if rsync.is_some() { "rsync" } else { "checksum-base" };
        return Err(refused(other, &format!("the tree is read at path {} already", folder.display())));
    }
    if rsync.is_some() && list.is_some() {
        return Err(refused("file-list", "the listing comes by rsync already"));
    }
    let listing = match (&folder, rsync, list) {
        (_, _, Some(list)) => Listing::List(list),
        (_, Some(url), _) => Listing::Rsync(url),
        (Some(folder), ..) => Listing::Walk(folder.clone()),
        (None, None, None) => {
            let cause = "expected path, or rsync and checksum-base, or file-list and checksum-base";
            return Err(refused("checksum-base", cause));
        }
    };
    let contents = match (folder, base) {
        (Some(folder), _) => Contents::Path(folder),
        (None, Some(base)) => Contents::Web(base),
        (None, None) => {
            let cause = "checksum-base is needed beside it: the URL of the same tree, where indexes are read";
            return Err(refused(
                if matches!(listing, Listing::List(_)) { "file-list" } else { "rsync" },
                cause,
            ));
        }
    };
    let prefix = match keys.find("prefix") {
        Some(entry) => path(entry, entry.text()?)?,
        None => String::new(),
    };
    Ok(Primary {
        listing,
        contents,
        prefix,
        keep_previous: keys.seconds("keep-previous", 3 * DAY)?,
        keep_older: keys.seconds("keep-older", 4 * DAY)?,
    })
}

fn category(entry: &Entry) -> Result<Category, Failure> {
    let keys = Keys::new(entry, entry.table()?, &["name", "top", "origin", "marker"])?;
    let at = |key: &str| keys.find(key).unwrap_or(entry);
    let origin = keys.text("origin")?;
    let origin = origin.map(|text| text.trim_end_matches('/'));
    if let Some(text) = origin {
        let is_good = |url: &Url| {
            ["https", "http"].contains(&url.scheme()) && url.query().is_none() && url.fragment().is_none()
        };
        if !Url::parse(text).is_ok_and(|url| is_good(&url)) {
            let cause = format_args!("`{text}` is no https or http URL of a host and a path").to_string();
            return Err(at("origin").refused(cause));
        }
    }
    let name = keys.needed("name")?;
    if name.chars().any(is_hidden) {
        return Err(
            at("name").refused("expected a name without control characters and such as turn a text around")
        );
    }
    let top = path(at("top"), keys.needed("top")?)?;
    if top.is_empty() {
        return Err(at("top").refused("expected a directory's path, such as pub/example"));
    }
    let marker = keys.text("marker")?.map(|text| inner_path(at("marker"), text)).transpose()?;
    Ok(Category { name: name.to_owned(), top, origin: origin.map(str::to_owned), marker })
}

fn pattern(entry: &Entry) -> Result<Pattern, Failure> {
    let keys = Keys::new(entry, entry.table()?, &["path", "index", "name", "arch"])?;
    let at = |key: &str| keys.find(key).unwrap_or(entry);
    let regex = Regex::new(keys.needed("path")?).map_err(|error| {
        let said = error.to_string();
        let cause = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        at("path").refused(format_args!("no regular expression: {cause}"))
    })?;
    let yielded = |key: &str, text: &str| {
        let groups: Vec<&str> = regex.capture_names().flatten().collect();
        for found in GROUP.captures_iter(text) {
            let name = found.get(1).or(found.get(2)).map_or("", |group| group.as_str());
            let is_numbered = name.parse().is_ok_and(|number: usize| number < regex.captures_len());
            if !is_numbered && !groups.contains(&name) {
                let hint = likely(name, groups.iter().copied());
                return Err(at(key).refused(format_args!("`path` has no group `{name}`{hint}")));
            }
        }
        Ok(text.to_owned())
    };
    let index = inner_path(at("index"), keys.text("index")?.unwrap_or("repodata/repomd.xml"))?;
    Ok(Pattern {
        index: yielded("index", &index)?,
        name: yielded("name", keys.needed("name")?)?,
        arch: yielded("arch", keys.needed("arch")?)?,
        path: regex,
        place: entry.place(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};
    use program::options;
    use std::ffi::OsString;

    #[derive(Parser)]
    struct Nothing {
        #[arg(long)]
        config: Option<PathBuf>,
    }

    fn read(text: &str) -> Result<Site, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let arguments = ["x", "--config", path].into_iter().map(OsString::from);
        let flags = options::flags(Nothing::command(), arguments).unwrap();
        let read = options::read_with::<Nothing>(&flags, &SECTIONS);
        let site = read.and_then(|(Nothing { config: _ }, entries)| Site::read(&entries));
        site.map_err(|failure| failure.to_string().replace(path, "FILE"))
    }

    #[test]
    fn the_three_kinds_of_primary_are_told_apart() {
        let primary = |text: &str| read(&format!("[primary]\n{text}")).unwrap().primary.unwrap();
        let base = || Contents::Web(Url::parse("https://p.example/pub/").unwrap());
        let local = primary("path = '/srv/pub'\nprefix = '/pub/'");
        assert_eq!(local.listing, Listing::Walk("/srv/pub".into()));
        assert_eq!((local.contents, &*local.prefix), (Contents::Path("/srv/pub".into()), "pub"));
        assert_eq!((local.keep_previous, local.keep_older), (3 * DAY, 4 * DAY));
        let rsync = primary(
            "rsync = 'rsync://p.example/pub'\nchecksum-base = 'https://p.example/pub'\nkeep-previous = '0'\nkeep-older = '12h'",
        );
        assert_eq!(rsync.listing, Listing::Rsync(Url::parse("rsync://p.example/pub/").unwrap()));
        assert_eq!((rsync.contents, rsync.keep_previous, rsync.keep_older), (base(), 0, 43_200));
        let list = primary("file-list = 'fullfiletimelist-pub'\nchecksum-base = 'https://p.example/pub'");
        assert_eq!((list.listing, list.contents), (Listing::List("fullfiletimelist-pub".into()), base()));
        let list = primary("file-list = '/lists/all'\npath = '/srv'");
        assert_eq!(list.listing, Listing::List("lists/all".into()));
        assert_eq!(list.contents, Contents::Path("/srv".into()));
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_key() {
        let chain =
            |aliases: usize| (0..aliases).map(|at| format!("a{at} = 'a{}'\n", at + 1)).collect::<String>();
        assert_eq!(read(&format!("[aliases]\n{}", chain(8))).unwrap().aliases.len(), 8);
        let group = "[[repository]]\npath = '^(?<version>\\d)$'\narch = 'x'\n";
        for (text, cause) in [
            ("[primary]\npaht = '/srv'", "2: `paht` in [primary]: unknown; did you mean `path`?"),
            ("[primary]\npath = 3", "2: `path` in [primary]: value of type number, expected text"),
            ("[primary]\npath = ''", "2: `path` in [primary]: there is nothing in it"),
            (
                "[primary]\nrsync = 'rsync://p.example/pub'",
                "2: `rsync` in [primary]: checksum-base is needed beside it",
            ),
            (
                "[primary]\nrsync = 'http://p.example'",
                "2: `rsync` in [primary]: `http://p.example` is no rsync URL",
            ),
            (
                "[primary]\npath = '/a'\nrsync = 'rsync://a/b'",
                "3: `rsync` in [primary]: the tree is read at path /a already",
            ),
            (
                "[primary]\nprefix = 'x'",
                "2: `prefix` in [primary]: expected path, or rsync and checksum-base, or",
            ),
            (
                "[primary]\npath = '/a'\nkeep-older = 'long'",
                "3: `keep-older` in [primary]: expected a time such as",
            ),
            ("[[category]]\nname = 'A'", "config FILE line 1: [[category]] has no `top`"),
            ("[[category]]\nname = 'A'\ntop = '../x'", "3: `top` in [category]: `../x` is no path"),
            (
                "[[category]]\nname = 'A'\ntop = 'a'\norigin = 'ftp://x'",
                "4: `origin` in [category]: `ftp://x` is no https or http URL",
            ),
            (
                "[[category]]\nname = 'A'\ntop = 'a'\n[[category]]\nname = 'A'\ntop = 'b'",
                "5: `name` in [category]: there is a category `A` already",
            ),
            (
                "[[category]]\nname = 'A'\ntop = 'a'\n[[category]]\nname = 'B'\ntop = '/a/'",
                "6: `top` in [category]: there is a category of `a` already",
            ),
            (
                "[[category]]\nname = 'A\u{202e}B'\ntop = 'a'",
                "2: `name` in [category]: expected a name without",
            ),
            (
                "[[category]]\nname = 'A'\ntop = 'a\u{202e}b'",
                "3: `top` in [category]: `a\\u{202e}b` is no path",
            ),
            (
                "[[category]]\nname = 'A'\ntop = 'a'\nmarker = '/etc/TIME'",
                "4: `marker` in [category]: `/etc/TIME` begins with `/`: expected a path from its directory",
            ),
            (
                "[[repository]]\npath = 'a'\nindex = '/etc/passwd'\nname = 'a'\narch = 'b'",
                "3: `index` in [repository]: `/etc/passwd` begins with `/`",
            ),
            (
                "[[repository]]\npath = '('\nname = 'a'\narch = 'b'",
                "2: `path` in [repository]: no regular expression: ",
            ),
            (
                &format!("{group}name = 'a-$verson'"),
                "4: `name` in [repository]: `path` has no group `verson`; did you mean `version`?",
            ),
            (&format!("{group}name = 'a-$2'"), "4: `name` in [repository]: `path` has no group `2`"),
            ("[aliases]\na = 'a/b'", "2: `a` in [aliases]: `a/b` is `a` itself or below it"),
            (
                "[aliases]\na = 'b'\n\nb = 'a/c'",
                "2: `a` in [aliases]: with line 4 it takes more than 8 steps, or has no end",
            ),
            (
                &format!("[aliases]\n{}", chain(9)),
                "2: `a0` in [aliases]: with line 3 it takes more than 8 steps",
            ),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
        assert!(read(&format!("{group}name = 'a-$version-${{version}}-$1'")).is_ok());
    }

    #[test]
    fn a_run_needs_a_primary_and_a_category() {
        let said = |text: &str| read(text).unwrap().complete(Path::new("FILE")).unwrap_err().to_string();
        assert!(said("").starts_with("config FILE: no [primary]: "));
        assert!(said("[primary]\npath = '/srv'").starts_with("config FILE: no [[category]]: "));
    }
}
