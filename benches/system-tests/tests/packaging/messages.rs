//! The manual pages explain what the programs log: each message stands in DIAGNOSTICS of its program's page.
//!
//! Messages are found in the sources, as the text of every call that logs. Of each text the longest piece between two
//! placeholders must stand in the page, word for word: what is put in is different each time. A message that consists
//! of placeholders is checked by what its parts come from, see [`PARTS`].

use super::TOP;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Sources, and the pages that explain what they log.
const SOURCES: [(&str, &[&str]); 6] = [
    ("daemon/src", &["mirrorlistd.8"]),
    ("daemon/compiler/src", &["mirrorlist-cache.1"]),
    ("daemon/collector/src", &["mirrorlist-collect.1"]),
    ("daemon/report/src", &["mirrorlist-report.1"]),
    ("frontend/src", &["mirrorlist-http.8"]),
    ("shared/program/src", &["mirrorlistd.8", "mirrorlist-http.8"]),
];

/// What logs a message. The last is the front end's own, which logs seldom.
const CALLS: [&str; 4] = ["log::error(", "log::warning(", "log::info(", ".complain("];

/// Calls that hand on what was written elsewhere.
const HANDED_ON: [&str; 3] = ["log::error(&failure)", "log::warning(large)", "log::warning(complaint)"];

/// Pieces shorter than this say nothing.
const SHORTEST: usize = 7;

/// Messages without such a piece.
const COMPOSED: [&str; 5] = [
    "worker {}: {failure}; ending",
    "{name} {path}: {loss}; {cause}",
    "{name}: {count} {more}{lines} lost ({cause}); {next}",
    "{row}; {consequence}",
    "workers: {said}",
];

/// Sources of such messages, and of parts that matter to the operator: literals whose longest piece must stand in the
/// page, too.
const PARTS: [(&str, &str, &str); 20] = [
    ("mirrorlistd.8", "daemon/src/master/supervisor/action.rs", "lost before it was ready"),
    ("mirrorlistd.8", "daemon/src/listener.rs", "something else has been put in its place"),
    ("mirrorlistd.8", "daemon/src/listener.rs", "its file is gone"),
    ("mirrorlistd.8", "daemon/src/listener.rs", "cannot be bound anew ({cause}), trying again every second"),
    ("mirrorlistd.8", "daemon/src/listener.rs", "nobody can connect until that is removed"),
    ("mirrorlistd.8", "daemon/src/listener.rs", "nobody can connect until its socket unit is restarted"),
    ("mirrorlistd.8", "shared/program/src/sandbox.rs", "seccomp filter and landlock (ABI {abi}) are active"),
    (
        "mirrorlistd.8",
        "shared/program/src/sandbox.rs",
        "only the seccomp filter is active, landlock is not ({cause})",
    ),
    ("mirrorlistd.8", "daemon/src/master/supervisor/action.rs", "not ready within {limit} s"),
    ("mirrorlistd.8", "daemon/src/master/supervisor/action.rs", "its workers keep failing"),
    (
        "mirrorlistd.8",
        "daemon/src/master/loader.rs",
        "the process that read it was lost ({status}; out of memory?)",
    ),
    ("mirrorlistd.8", "daemon/src/master.rs", "not read, for no process could be started ({cause})"),
    ("mirrorlistd.8", "daemon/src/log_file.rs", "requests are answered all the same"),
    ("mirrorlistd.8", "daemon/src/log_file.rs", "writing again"),
    ("mirrorlistd.8", "daemon/src/worker/peers.rs", "is not listed in the option peer"),
    ("mirrorlist-http.8", "frontend/src/accept.rs", "none is accepted until one closes"),
    ("mirrorlist-http.8", "frontend/src/backend/end.rs", "its option peer may not let our user in"),
    ("mirrorlist-cache.1", "daemon/compiler/src/tool/large.rs", "the farthest hosts are left out of it"),
    ("mirrorlist-cache.1", "daemon/compiler/src/compile/skipped.rs", "version without a readable hash"),
    ("mirrorlist-cache.1", "daemon/compiler/src/compile/skipped.rs", "prefix wider than a /8 (IPv6: a /16)"),
];

/// The text of DIAGNOSTICS as a reader sees it: macros and quotes taken away, blanks one each.
fn diagnostics(page: &str) -> String {
    let text = fs::read_to_string(Path::new(TOP).join("systemd/man").join(page)).unwrap();
    let (_, section) =
        text.split_once("\n.Sh DIAGNOSTICS\n").unwrap_or_else(|| panic!("{page}: no DIAGNOSTICS"));
    let section = section.split("\n.Sh ").next().unwrap_or_default();
    spaced(&section.lines().map(rendered).collect::<Vec<_>>().join(" "))
}

/// A line of a page without its macros; what `Ns` stands between is joined.
fn rendered(line: &str) -> String {
    let Some(line) = line.strip_prefix('.') else { return line.to_owned() };
    let is_macro = |word: &str| matches!(word.as_bytes(), [first, second] if first.is_ascii_uppercase() && second.is_ascii_lowercase());
    let mut text = String::new();
    let mut join = true;
    // Every other piece is in quotes, where nothing is a macro.
    for (at, piece) in line.split('"').enumerate() {
        let words = if at % 2 == 1 { vec![piece] } else { piece.split_whitespace().collect() };
        for word in words {
            if at % 2 == 0 && is_macro(word) {
                join |= word == "Ns";
                continue;
            }
            // Signs by themselves belong to what is before them.
            if !join && !matches!(word, ":" | ";" | "," | "." | ")") {
                text.push(' ');
            }
            text.push_str(word);
            join = false;
        }
    }
    text
}

/// With one blank between words.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rust sources below a folder of the repository, without those of tests.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(TOP).join(folder)];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
                "tests" | "tests.rs" => {}
                _ if entry.is_dir() => folders.push(entry),
                name if name.ends_with(".rs") => found.push(entry),
                _ => {}
            }
        }
    }
    found
}

/// What a source says before its tests, if it has any.
fn product(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

/// The calls in a source that log: each from its name to the parenthesis that closes it.
fn calls(text: &str) -> Vec<&str> {
    let begins = CALLS.iter().flat_map(|call| text.match_indices(call));
    begins
        .map(|(begin, call)| {
            let rest = &text[begin..];
            let (mut depth, mut quoted, mut escaped) = (0, false, false);
            let end = rest[call.len() - 1..].char_indices().find(|(_, sign)| {
                match sign {
                    _ if escaped => escaped = false,
                    '\\' if quoted => escaped = true,
                    '"' => quoted = !quoted,
                    '(' if !quoted => depth += 1,
                    ')' if !quoted => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            let (end, _) =
                end.unwrap_or_else(|| panic!("a call without an end: {}", rest.lines().next().unwrap()));
            &rest[..call.len() + end]
        })
        .collect()
}

/// The first string of a call, lines that are continued joined.
fn literal(call: &str) -> Option<String> {
    let (_, rest) = call.split_once('"')?;
    let mut escaped = false;
    let end = rest.find(|sign| match sign {
        _ if escaped => {
            escaped = false;
            false
        }
        '\\' => {
            escaped = true;
            false
        }
        _ => sign == '"',
    })?;
    Some(spaced(&rest[..end].replace("\\\n", " ")))
}

/// The longest piece of a message between two placeholders, without signs at its ends.
fn longest_piece(message: &str) -> &str {
    let pieces = message.split('{').map(|part| part.split_once('}').map_or(part, |(_, after)| after));
    let trimmed = pieces.map(|piece| piece.trim_matches([' ', ':', ';', ',', '(', ')', '`']));
    trimmed.max_by_key(|piece| piece.len()).unwrap_or_default()
}

#[test]
fn pages_explain_every_message_that_is_logged() {
    let mut missing = Vec::new();
    let mut composed = BTreeSet::new();
    let mut seen = 0;
    for (folder, pages) in SOURCES {
        for source in sources(folder) {
            let text = product(&source);
            for call in calls(&text) {
                let Some(message) = literal(call) else {
                    assert!(HANDED_ON.contains(&call), "{}: what does this log? {call}", source.display());
                    continue;
                };
                seen += 1;
                let piece = longest_piece(&message);
                if piece.len() < SHORTEST || COMPOSED.contains(&&message[..]) {
                    composed.insert(message);
                    continue;
                }
                let absent = pages.iter().filter(|page| !diagnostics(page).contains(piece));
                let source = source.strip_prefix(TOP).unwrap();
                missing.extend(absent.map(|page| format!("{page}: `{message}` of {}", source.display())));
            }
        }
    }
    for (page, source, literal) in PARTS {
        let text = spaced(&product(&Path::new(TOP).join(source)).replace("\\\n", " "));
        assert!(text.contains(literal), "{source} no longer says `{literal}`");
        if !diagnostics(page).contains(longest_piece(literal)) {
            missing.push(format!("{page}: `{literal}` of {source}"));
        }
    }
    assert!(missing.is_empty(), "not explained in DIAGNOSTICS:\n{}", missing.join("\n"));
    assert_eq!(composed, COMPOSED.map(str::to_owned).into(), "messages without a piece to look for");
    // So that silence means something.
    assert!(seen > 40, "only {seen} messages were found in the sources");
}
