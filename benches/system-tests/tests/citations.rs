//! What code and documents point at is there: sections of the specification, what documents link to, tests that they name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The texts below a folder that may cite something, with their paths. What is built lies elsewhere.
fn texts(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                texts(&path, found);
            }
        } else if name.ends_with(".rs") || name.ends_with(".md") || name == "request" {
            found.push((path.clone(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    texts(&root(), &mut found);
    assert!(found.len() > 300, "only {} texts", found.len());
    found
}

/// What is written for people.
fn documents() -> Vec<(PathBuf, String)> {
    all().into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md")).collect()
}

/// The numbers of sections that a text cites: what follows `SPEC.md` or `spec`, such as ` §4, §11`.
fn cited(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for word in ["SPEC.md", "spec"] {
        for (at, _) in text.match_indices(word) {
            let mut rest = text[at + word.len()..].trim_start_matches([' ', ',', '(']);
            while let Some(after) = rest.strip_prefix('§') {
                let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                numbers.extend(digits.parse::<u32>());
                rest = after[digits.len()..].trim_start_matches([' ', ',']);
            }
        }
    }
    numbers
}

#[test]
fn every_section_that_is_cited_is_there() {
    let specification = fs::read_to_string(root().join("shared/answer/SPEC.md")).unwrap();
    let is_there = |number: &u32| specification.contains(&format!("\n## {number}. "));
    let mut count = 0;
    for (path, text) in all() {
        for number in cited(&text) {
            count += 1;
            assert!(is_there(&number), "{}: SPEC.md has no section {number}", path.display());
        }
    }
    assert!(count > 100, "only {count} citations are found");
    assert!(!is_there(&99) && cited(&format!("as in SPEC.md §2, §{} and spec (§3)", 99)) == [2, 99, 3]);
}

/// The anchors of a document: its headings in the form that links have, and those that it sets itself.
fn anchors(text: &str) -> Vec<String> {
    let of_heading = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    let headings = text.lines().filter(|line| line.starts_with('#')).map(of_heading);
    let own = text
        .match_indices("<a id=\"")
        .map(|(at, word)| text[at + word.len()..].split('"').next().unwrap_or_default().to_owned());
    headings.chain(own).collect()
}

#[test]
fn what_documents_link_to_is_there() {
    let mut count = 0;
    for (path, text) in documents() {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(file.exists(), "{}: links to {target}, which is not there", path.display());
            // Sources are not, so that their paths stand in backquotes.
            let is_installed = file
                .extension()
                .is_some_and(|end| ["md", "svg", "png", "json"].iter().any(|one| end == *one));
            assert!(is_installed, "{}: links to {target}, which is not installed with it", path.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&file).unwrap());
                assert!(
                    there.iter().any(|one| one == anchor),
                    "{}: {target}: no such section",
                    path.display()
                );
            }
        }
    }
    assert!(count > 30, "only {count} links are found");
}

/// Documents name tests as proof: words in backquotes, of many parts, that are neither metrics nor keys.
#[test]
fn tests_that_documents_name_are_there() {
    let sources: String = all()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| end == "rs"))
        .map(|(_, text)| text)
        .collect();
    let mut count = 0;
    for (path, text) in documents() {
        for word in text.split('`').skip(1).step_by(2) {
            let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if is_name && word.matches('_').count() >= 3 && !word.starts_with("mirrorlist_") {
                count += 1;
                let there = sources.contains(&format!("fn {word}("));
                assert!(there, "{}: names {word}, which is no test", path.display());
            }
        }
    }
    assert!(count > 30, "only {count} names are found");
}
