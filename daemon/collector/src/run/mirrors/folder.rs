//! The folder of mirrors: a file each, `NAME.toml`.
//!
//! A file that cannot be read, or says something wrong, neither ends a run nor takes its mirror out: the mirror stays as its
//! last good text had it, and that is said until the file is mended. A file that is gone takes its mirror along. What files may not
//! say together is told by [`super::together`].

use super::file::{Described, Reading};
use program::{characters::is_hidden, failure::Failure};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Bytes that a file may have.
const LONGEST: u64 = 64 << 10;

/// Mirrors that there may be.
pub const MOST: usize = 20_000;

/// Characters of a name.
const LONGEST_NAME: usize = 100;

/// What is in the folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// By name: what its file says, and the text.
    pub good: BTreeMap<String, (Described, String)>,
    /// By name: what is wrong with its file.
    pub wrong: BTreeMap<String, Failure>,
}

/// Reads the folder, each file by itself. An error if there is no mirror in it, or it cannot be read.
pub fn read(folder: &Path, reading: &Reading<'_>) -> Result<Folder, Failure> {
    let shown = folder.display();
    let cannot = |error: io::Error| Failure::config(format!("mirrors {shown}: cannot be read ({error})"));
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let file = entry.map_err(cannot)?.file_name();
        let is_meant =
            file.as_encoded_bytes().ends_with(b".toml") && !file.as_encoded_bytes().starts_with(b".");
        if !is_meant {
            continue;
        }
        let name = name(&file.to_string_lossy()).unwrap_or_default();
        files.entry(name).or_default().push(folder.join(&file));
        if files.len() > MOST {
            return Err(Failure::config(format!("mirrors {shown}: more than {MOST} files")));
        }
    }
    if files.is_empty() {
        let cause = "not one NAME.toml is in it; without mirrors there is nothing to do";
        return Err(Failure::config(format!("mirrors {shown}: {cause}")));
    }
    let mut found = Folder::default();
    for (name, paths) in files {
        match one(&name, &paths, reading) {
            Ok(good) => drop(found.good.insert(name, good)),
            Err(failure) => drop(found.wrong.insert(name, failure)),
        }
    }
    Ok(found)
}

/// Reads one file, wherever it lies, by the rules of those in the folder.
pub fn read_one(path: &Path, reading: &Reading<'_>) -> Result<Described, Failure> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(name) = name(&file) else {
        let cause = "expected NAME.toml, the name being the mirror's";
        return Err(Failure::config(format!("config {}: {cause}", path.display())));
    };
    Ok(one(&name, &[path.to_owned()], reading)?.0)
}

/// The mirror's name by that of its file.
fn name(file: &str) -> Option<String> {
    file.strip_suffix(".toml").map(str::to_ascii_lowercase)
}

fn one(name: &str, paths: &[PathBuf], reading: &Reading<'_>) -> Result<(Described, String), Failure> {
    let path = &paths[0];
    let shown = path.display().to_string();
    // A name may be anything, and turn the line around in which it stands.
    let shown: String =
        shown.chars().flat_map(|c| if is_hidden(c) { c.escape_debug().collect() } else { vec![c] }).collect();
    let refused = |cause: &str| Failure::config(format!("config {shown}: {cause}"));
    if let Some(other) = paths.get(1) {
        let other = other.file_name().unwrap_or_default().to_string_lossy();
        return Err(refused(&format!("{other} is of the same name, in other letters")));
    }
    if !is_name(name) {
        return Err(refused(
            "its name is the mirror's: expected letters, digits, dots, hyphens and underscores",
        ));
    }
    let text = text(path, LONGEST).map_err(|error| refused(&format!("cannot be read ({error})")))?;
    Ok((reading.read(name, path, &text)?, text))
}

/// Whether a mirror can be called so wherever its name is shown.
pub fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// The text of a regular file of at most so many bytes.
pub fn text(path: &Path, longest: u64) -> io::Result<String> {
    // A pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::other(format!("longer than {longest} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::site::Category;
    use nix::{sys::stat::Mode, unistd::mkfifo};
    use std::{collections::BTreeSet, os::unix::fs::symlink};

    const TEXT: &str = "[urls]\nA = ['https://m.example/a']\n";

    fn read_at(path: &Path) -> Result<Folder, Failure> {
        let category = Category { name: "A".into(), top: "a".into(), origin: None, marker: None };
        read(path, &Reading { categories: &[category], trusted: &BTreeSet::new() })
    }

    #[test]
    fn what_cannot_be_read_is_told_of_its_mirror_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("moc\u{202e}lmot.toml"), TEXT).unwrap();
        for name in ["good.example.toml", "Upper.Example.toml", "one.toml", "ONE.toml", "a b.toml", "-x.toml"]
        {
            fs::write(at(name), TEXT.replace("m.example", &name.replace(' ', "-"))).unwrap();
        }
        fs::write(at("target"), TEXT).unwrap();
        fs::write(at("latin.toml"), b"# \xe4\n").unwrap();
        fs::write(at("long.toml"), vec![b'#'; LONGEST as usize + 1]).unwrap();
        fs::write(at("wrong.toml"), "country = 'DE'\nurl = 'x'\n").unwrap();
        mkfifo(&at("pipe.toml"), Mode::S_IRWXU).unwrap();
        fs::create_dir(at("folder.toml")).unwrap();
        symlink("gone", at("gone.toml")).unwrap();
        symlink("target", at("link.toml")).unwrap();
        // Nobody's business.
        for name in ["README.md", ".hidden.toml", "good.example.toml~"] {
            fs::write(at(name), "no TOML").unwrap();
        }
        let Folder { good, wrong } = read_at(folder.path()).unwrap();
        assert_eq!(
            good.keys().map(String::as_str).collect::<Vec<_>>(),
            ["good.example", "link", "upper.example"]
        );
        assert_eq!(good["link"].1, TEXT);
        let shown = folder.path().display().to_string();
        let said: Vec<String> =
            wrong.values().map(|failure| failure.to_string().replace(&shown, "F")).collect();
        assert_eq!(wrong.len(), 10, "{said:?}");
        for (name, cause) in [
            ("-x", "config F/-x.toml: its name is the mirror's: expected letters"),
            ("a b", "config F/a b.toml: its name is the mirror's"),
            ("moc\u{202e}lmot", "config F/moc\\u{202e}lmot.toml: its name is the mirror's"),
            ("folder", "config F/folder.toml: cannot be read (not a regular file)"),
            ("gone", "config F/gone.toml: cannot be read (No such file or directory (os error 2))"),
            ("latin", "config F/latin.toml: cannot be read (not UTF-8)"),
            ("long", "config F/long.toml: cannot be read (longer than 65536 bytes)"),
            ("one", "is of the same name, in other letters"),
            ("pipe", "config F/pipe.toml: cannot be read (not a regular file)"),
            ("wrong", "config F/wrong.toml line 2: `url`: unknown; did you mean `urls`?"),
        ] {
            let said = wrong[name].to_string().replace(&shown, "F");
            assert!(said.contains(cause), "{name}: {said}");
        }
    }

    #[test]
    fn a_file_by_itself_is_read_by_the_same_rules() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let category = Category { name: "A".into(), top: "a".into(), origin: None, marker: None };
        let (categories, trusted) = ([category], BTreeSet::new());
        let read = |path: &Path| read_one(path, &Reading { categories: &categories, trusted: &trusted });
        for name in ["Good.example.toml", "a b.toml", "GOOD", "x.toml.toml"] {
            fs::write(at(name), TEXT).unwrap();
        }
        fs::write(at("long.toml"), vec![b'#'; LONGEST as usize + 1]).unwrap();
        mkfifo(&at("pipe.toml"), Mode::S_IRWXU).unwrap();
        symlink("/dev/zero", at("zero.toml")).unwrap();
        assert_eq!(read(&at("Good.example.toml")).unwrap().mirror.name, "good.example");
        assert_eq!(read(&at("x.toml.toml")).unwrap().mirror.name, "x.toml");
        for (name, cause) in [
            ("a b.toml", "its name is the mirror's"),
            ("GOOD", "expected NAME.toml"),
            ("long.toml", "longer than 65536 bytes"),
            ("pipe.toml", "not a regular file"),
            ("zero.toml", "not a regular file"),
        ] {
            let said = read(&at(name)).unwrap_err().to_string();
            assert!(said.contains(cause), "{name}: {said}");
        }
    }

    #[test]
    fn a_folder_without_mirrors_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "").unwrap();
        let said = read_at(folder.path()).unwrap_err().to_string();
        assert!(
            said.ends_with("not one NAME.toml is in it; without mirrors there is nothing to do"),
            "{said}"
        );
        let said = read_at(&folder.path().join("gone")).unwrap_err().to_string();
        assert!(said.contains("cannot be read (No such file"), "{said}");
    }
}
