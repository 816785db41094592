//! Metalinks of the goldens, against the schema of RFC 5854: xmllint is the judge.

use crate::FOLDER;
use std::{fs, path::Path, process::Command};

#[test]
fn metalinks_are_valid_by_the_schema_of_the_rfc() {
    let schema = Path::new(FOLDER).join("../../../../shared/data/metalink4.rng");
    if !schema.exists() || Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("skipped: neither {} nor xmllint (libxml2-utils) may be missing", schema.display());
        return;
    }
    let replies = fs::read_to_string(Path::new(FOLDER).join("format-metalink4/reply")).expect("a golden");
    let folder = tempfile::tempdir().expect("a folder");
    let documents: Vec<&str> = replies.split("<?xml").skip(1).collect();
    assert!(!documents.is_empty());
    for document in documents {
        let end = document.find("</metalink>").expect("an end") + "</metalink>".len();
        let file = folder.path().join("document.meta4");
        fs::write(&file, format!("<?xml{}\n", &document[..end])).expect("a file");
        let judged = Command::new("xmllint").arg("--noout").arg("--relaxng").args([&schema, &file]).output();
        let judged = judged.expect("xmllint runs");
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
    }
}
