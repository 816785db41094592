//! Prints the licences and notices of all crates that the installed programs are linked from: for `make`, and for packagers.
//!
//! The argument is the bill of materials that `mirrorlistd-sbom` has printed, which says which crates these are. Texts are the
//! files that a crate brings along, also those of C code in it. One that several crates have is printed once, below their names.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How files with terms are called, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
/// What such files end with; others are sources that are called alike.
const ENDS: [&str; 5] = ["", "md", "txt", "mit", "apache"];

const HEAD: &str = "\
The programs of mirrorlistd are linked from the crates below, under the terms below. Which version and which sum each has is in
sbom.cdx.json beside this file. Rust's standard library is under MIT OR Apache-2.0; notices of its parts come with the compiler
as COPYRIGHT-library.html. Terms of mirrorlistd itself are in LICENSE; in the Debian package, copyright.
";

/// A rule between texts.
const RULE: &str = "--------------------------------------------------------------------------------";

fn main() -> Result<(), Box<dyn Error>> {
    let bill = env::args_os().nth(1).ok_or("usage: mirrorlistd-notices SBOM")?;
    let bill: Value = serde_json::from_slice(&fs::read(bill)?)?;
    let folders = folders()?;
    // By what is left of a text without its line ends: the text, and whose it is.
    let mut texts = BTreeMap::<String, (String, BTreeSet<String>)>::new();
    let mut without = Vec::new();
    let components = bill["components"].as_array().ok_or("the bill has no components")?;
    // What is not from crates.io is ours, or the standard library.
    for component in components
        .iter()
        .filter(|one| one["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/")))
    {
        let text = |key: &str| component[key].as_str().unwrap_or_default();
        let licence = component["licenses"][0]["expression"].as_str().unwrap_or_default();
        let named = format!("{} {} ({licence})", text("name"), text("version"));
        let folder = folders
            .get(&(text("name").to_owned(), text("version").to_owned()))
            .ok_or_else(|| format!("{named}: cargo knows no folder of it"))?;
        let files = notices(folder)?;
        if files.is_empty() {
            without.push(named.clone());
        }
        for file in files {
            let text = String::from_utf8_lossy(&fs::read(file)?).replace('\r', "");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            texts.entry(words).or_insert((text, BTreeSet::new())).1.insert(named.clone());
        }
    }
    let mut texts: Vec<_> = texts.into_values().collect();
    texts.sort_by(|one, other| one.1.cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
    print!("{HEAD}");
    if !without.is_empty() {
        println!(
            "\nWithout a text of their own, under the terms that their names have here:\n{}",
            without.join("\n")
        );
    }
    for (text, crates) in texts {
        println!(
            "\n{RULE}\n{}\n{RULE}\n\n{}",
            crates.into_iter().collect::<Vec<_>>().join("\n"),
            text.trim_end()
        );
    }
    Ok(())
}

/// Where the sources of each crate are, by name and version.
fn folders() -> Result<BTreeMap<(String, String), PathBuf>, Box<dyn Error>> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    let output = command.args(["metadata", "--locked", "--format-version=1"]).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let folder = |package: &Value| {
        let text = |key: &str| Some(package[key].as_str()?.to_owned());
        Some(((text("name")?, text("version")?), Path::new(&text("manifest_path")?).parent()?.to_owned()))
    };
    Ok(packages.iter().filter_map(folder).collect())
}

/// Files with terms, in a folder and all below it, in order.
fn notices(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            let end = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_lowercase();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if NAMES.iter().any(|one| name.starts_with(one)) && ENDS.contains(&end.as_str()) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
