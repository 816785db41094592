//! Paths as a configuration has them.

use program::{characters::is_hidden, failure::Failure, tables::Entry};

/// A path without slashes at its ends; empty for the top of all.
pub fn path(entry: &Entry, text: &str) -> Result<String, Failure> {
    let steps: Vec<&str> = text.split('/').filter(|step| !step.is_empty()).collect();
    if steps.iter().any(|step| matches!(*step, "." | "..")) || text.chars().any(is_hidden) {
        let text = text.escape_debug();
        return Err(entry
            .refused(format_args!("`{text}` is no path: it has `.`, `..` or a character that is not seen")));
    }
    Ok(steps.join("/"))
}

/// Whether a path is another one or below it.
pub fn is_below(path: &str, above: &str) -> bool {
    above.is_empty() || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path from a directory, with groups of a pattern or without.
pub fn inner_path(entry: &Entry, text: &str) -> Result<String, Failure> {
    if text.starts_with('/') {
        return Err(
            entry.refused(format_args!("`{text}` begins with `/`: expected a path from its directory"))
        );
    }
    path(entry, text)
}
