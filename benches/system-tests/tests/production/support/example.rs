//! The examples in `systemd/examples`, with names and places of the machine replaced and nothing else.

use std::{fmt::Display, fs, path::Path};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/examples");

/// The text of an example.
#[derive(Clone, Debug)]
pub struct Example(String);

impl Example {
    pub fn read(name: &str) -> Example {
        Example(fs::read_to_string(Path::new(FOLDER).join(name)).unwrap())
    }

    /// The same with `to` everywhere that `from` was; it must have been there.
    pub fn with(self, from: &str, to: impl Display) -> Example {
        assert!(self.0.contains(from), "the example has no `{from}`: {}", self.0);
        Example(self.0.replace(from, &to.to_string()))
    }

    /// The same with the line that begins with `active` left out and the one that is `alternative` behind a `#` put to
    /// use.
    pub fn with_alternative(self, active: &str, alternative: &str) -> Example {
        let commented = format!("#{alternative}");
        let (mut text, mut found) = (String::new(), (false, false));
        for line in self.0.lines() {
            let content = line.trim_start();
            if content.starts_with(active) {
                found.0 = true;
            } else if content.starts_with(&commented) {
                found.1 = true;
                text += &line.replacen('#', "", 1);
                text += "\n";
            } else {
                text = text + line + "\n";
            }
        }
        assert_eq!(found, (true, true), "the example has no `{active}` with `{commented}`: {}", self.0);
        Example(text)
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// The words after `name` on the line of the comment that has it.
    pub fn words_after(&self, name: &str) -> impl Iterator<Item = &str> {
        let line = self.0.lines().find_map(|line| Some(line.strip_prefix("# ")?.split_once(name)?.1));
        line.unwrap().split_ascii_whitespace()
    }
}
