//! Options as they are written: flags, and a flat TOML file whose keys are the flags' names.
//!
//! Whatever is wrong is told in one line with its place; nothing is guessed.

use super::failure::Failure;
use clap::Parser;
use serde::{Deserialize, de::IntoDeserializer as _};
use std::{ffi::OsString, fs::File, io::Read as _, path::Path};
use toml::de::DeTable;

/// Bytes that a file of options may have.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Reads a program's arguments. `--help` and `--version` print and end the process, as flags do.
pub fn flags<F: Parser>(arguments: impl Iterator<Item = OsString>) -> Result<F, Failure> {
    F::try_parse_from(arguments).map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        Failure::config(one_line(&error.to_string()))
    })
}

/// Reads the options of a file whose keys are `keys`.
pub fn file<T: for<'de> Deserialize<'de>>(path: &Path, keys: &[&str]) -> Result<T, Failure> {
    read(path)
        .and_then(|text| parse(&text, keys))
        .map_err(|cause| Failure::config(format!("config {}{cause}", path.display())))
}

/// The text of a file that is not longer than options can be.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| format!(": {error}"))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!(": longer than {LONGEST_FILE} bytes, which no file of options is"));
    }
    String::from_utf8(bytes).map_err(|_| ": not UTF-8".into())
}

/// Reads options from a file's text. An error begins with ` line N: `.
pub fn parse<T: for<'de> Deserialize<'de>>(text: &str, keys: &[&str]) -> Result<T, String> {
    let line = |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count();
    let complain = |error: toml::de::Error| {
        let place = error.span().map_or(String::new(), |span| format!(" line {}", line(span.start)));
        format!("{place}: {}", one_line(error.message()))
    };
    let table = DeTable::parse(text).map_err(complain)?;
    for key in table.get_ref().keys() {
        let name = key.get_ref().as_ref();
        if !keys.contains(&name) {
            let hint =
                nearest(name, keys).map_or(String::new(), |known| format!("; did you mean `{known}`?"));
            return Err(format!(" line {}: unknown option `{name}`{hint}", line(key.span().start)));
        }
    }
    T::deserialize(table.into_deserializer()).map_err(complain)
}

/// The known key that `name` is most likely a slip of.
fn nearest<'k>(name: &str, keys: &[&'k str]) -> Option<&'k str> {
    let name = name.replace('_', "-");
    let distances = keys.iter().map(|key| (strsim::levenshtein(&name, key), *key));
    distances.min().filter(|(edits, key)| *edits <= key.len().div_ceil(3)).map(|(_, key)| key)
}

/// What a message of several paragraphs says before it turns to usage.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<&str> = lines.take_while(|line| !line.starts_with("Usage:")).collect();
    let said = said.join("; ");
    said.trim_start_matches("error: ").replace("; For more information, try '--help'.", "")
}

/// Reads permissions of a socket file, such as `0660`.
pub fn mode(name: &str, given: Option<&str>, default: u32) -> Result<u32, String> {
    let Some(text) = given else { return Ok(default) };
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("{name}: `{text}` is not an octal mode such as 0660"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Sample {
        max_size: Option<u8>,
    }

    #[test]
    fn keys_are_those_of_the_flags() {
        assert_eq!(parse("max-size = 3", &["max-size"]), Ok(Sample { max_size: Some(3) }));
        assert_eq!(parse("", &["max-size"]), Ok(Sample { max_size: None }));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_likely_one() {
        let refused = |text| parse::<Sample>(text, &["max-size", "other"]).unwrap_err();
        assert_eq!(refused("\nmax_sise = 3"), " line 2: unknown option `max_sise`; did you mean `max-size`?");
        assert_eq!(refused("colour = 3"), " line 1: unknown option `colour`");
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_line() {
        let error = parse::<Sample>("\n\nmax-size = 'big'", &["max-size"]).unwrap_err();
        assert!(error.starts_with(" line 3: "), "{error}");
    }

    #[test]
    fn a_file_that_never_ends_is_refused() {
        let refused = file::<Sample>(Path::new("/dev/zero"), &["max-size"]).unwrap_err();
        let said = "config /dev/zero: longer than 1048576 bytes, which no file of options is";
        assert_eq!(refused.to_string(), said);
    }

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(mode("m", Some("0640"), 0), Ok(0o640));
        assert_eq!(mode("m", None, 0o600), Ok(0o600));
        assert!(mode("m", Some("0888"), 0).is_err());
        assert!(mode("m", Some("1777"), 0).is_err());
    }
}
