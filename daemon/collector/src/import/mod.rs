//! `mirrorlist-collect import`: files of mirrors from lists in other forms.
//!
//! [`almalinux`]: a folder of YAML files, one a mirror; [`list`]: URLs and countries, one a line. Each becomes a [`draft`], which is
//! written as TOML if `run` would take it. What has no place in it is said, mirror by mirror.

mod almalinux;
mod draft;
mod list;

use crate::{
    check::outputs::plain,
    config::{import::Options, site::Category},
    run::mirrors::{
        file::Reading,
        folder::{MOST, is_name, text},
        together::Networks,
    },
};
use draft::Draft;
use program::{
    failure::Failure,
    print::{counted, printed},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

/// Bytes that a source may have.
const LONGEST: u64 = 16 << 20;

/// What an import came to. The field names are those of the JSON form.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// Mirrors whose files were written.
    pub written: Vec<String>,
    /// Those that were not, and why.
    pub refused: BTreeMap<String, String>,
    /// Those whose files say what only mirrors may say that the option `trusted` names.
    pub trusted: Vec<String>,
    /// What was changed or left out, by mirror.
    pub notes: BTreeMap<String, Vec<String>>,
    /// Keys that have no place in a mirror's file, and how many files had them.
    pub dropped: BTreeMap<String, u64>,
}

/// Runs it and prints what it came to.
pub fn run(options: &Options) -> Result<(), Failure> {
    let summary = import(options)?;
    printed(options.json, &summary, || summary.to_string())
}

/// Makes the files.
pub fn import(options: &Options) -> Result<Summary, Failure> {
    let source = options.source.display();
    let cannot =
        |error: &dyn fmt::Display| Failure::config(format!("source {source}: cannot be read ({error})"));
    let mut summary = Summary::default();
    let is_folder = fs::metadata(&options.source).map_err(|error| cannot(&error))?.is_dir();
    let drafts = if is_folder {
        almalinux::drafts(options, &mut summary).map_err(|error| cannot(&error))?
    } else {
        let text = text(&options.source, LONGEST).map_err(|error| cannot(&error))?;
        list::drafts(&text, &options.category, &mut summary)
    };
    if drafts.is_empty() {
        return Err(cannot(&"there is no mirror in it"));
    }
    fs::create_dir_all(&options.folder).map_err(|error| {
        Failure::system(format!("folder {}: cannot be made ({error})", options.folder.display()))
    })?;
    let names = std::iter::once(&options.category).chain(options.module.iter().map(|(_, name)| name));
    let names: BTreeSet<&String> = names.collect();
    let categories: Vec<Category> = names
        .into_iter()
        .map(|name| Category { name: name.clone(), top: name.clone(), origin: None, marker: None })
        .collect();
    let there = fs::read_dir(&options.folder).into_iter().flatten().flatten();
    let there = there.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut there: BTreeMap<String, String> = there.map(|file| (file.to_ascii_lowercase(), file)).collect();
    let files = there.keys().filter(|file| file.ends_with(".toml")).cloned();
    let files: BTreeSet<String> = files.chain(drafts.iter().map(|draft| draft.file())).collect();
    if files.len() > MOST {
        let folder = options.folder.display();
        let count = files.len();
        return Err(Failure::config(format!(
            "source {source}: makes {count} mirrors in {folder}, and a run takes at most {MOST}; nothing is written"
        )));
    }
    let mut networks = Networks::default();
    for draft in drafts {
        put(draft, &options.folder, &categories, &mut there, &mut networks, &mut summary)?;
    }
    Ok(summary)
}

/// Writes the file of a mirror, if it would be taken and there is none.
fn put(
    draft: Draft,
    folder: &Path,
    categories: &[Category],
    there: &mut BTreeMap<String, String>,
    networks: &mut Networks,
    summary: &mut Summary,
) -> Result<(), Failure> {
    let Draft { name, notes, .. } = &draft;
    if !notes.is_empty() {
        summary.notes.insert(name.clone(), notes.clone());
    }
    if !is_name(name) {
        summary.refused.insert(name.clone(), "no name that a mirror can have".into());
        return Ok(());
    }
    let file = draft.file();
    let path = folder.join(&file);
    if let Some(like) = there.get(&file).filter(|like| **like != file) {
        let cause = format!("{like} is there already, of the same name in other letters");
        summary.refused.insert(name.clone(), cause);
        return Ok(());
    }
    let text = draft.to_toml();
    let read = |trusted: &BTreeSet<String>| Reading { categories, trusted }.read(name, &path, &text);
    let trusted = BTreeSet::from([name.clone()]);
    if let Err(failure) = read(&trusted).and_then(|described| networks.add(&described)) {
        summary.refused.insert(name.clone(), failure.to_string());
        return Ok(());
    }
    let made = File::options().write(true).create_new(true).open(&path);
    match made.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            summary.refused.insert(name.clone(), "its file is there already".into());
            return Ok(());
        }
        Err(error) => {
            return Err(Failure::system(format!("{}: cannot be written ({error})", path.display())));
        }
    }
    there.insert(file.clone(), file);
    if read(&BTreeSet::new()).is_err() {
        summary.trusted.push(name.clone());
    }
    summary.written.push(name.clone());
    Ok(())
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} written, {} refused",
            counted(self.written.len(), "file of a mirror", "files of mirrors"),
            counted(self.refused.len(), "mirror", "mirrors")
        )?;
        for (name, why) in &self.refused {
            writeln!(f, "  {}: {}", plain(name), plain(why))?;
        }
        if !self.trusted.is_empty() {
            writeln!(f, "to be named in the option trusted: {}", self.trusted.join(", "))?;
        }
        if !self.dropped.is_empty() {
            writeln!(f, "dropped, for a mirror's file has no such thing:")?;
        }
        for (key, count) in &self.dropped {
            writeln!(f, "  {}  {count}", plain(key))?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "changed or left out:")?;
        }
        for (name, notes) in &self.notes {
            notes.iter().try_for_each(|note| writeln!(f, "  {}: {}", plain(name), plain(note)))?;
        }
        Ok(())
    }
}
