//! What code and documents point at is there: sections of the specification, and files that documents link to.
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
    assert!(!is_there(&12) && cited(&format!("as in SPEC.md §2, §{} and spec (§3)", 12)) == [2, 12, 3]);
}

#[test]
fn files_that_documents_link_to_are_there() {
    let mut count = 0;
    for (path, text) in all().into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md"))
    {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            count += 1;
            let file = path.parent().unwrap().join(target);
            assert!(file.exists(), "{}: links to {target}, which is not there", path.display());
        }
    }
    println!("{count} links");
}
