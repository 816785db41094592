//! Options as they are written: flags, and a TOML file whose keys are the flags' names, flat or in sections.
//!
//! Whatever is wrong is told in one line with its place; nothing is guessed.

use super::failure::Failure;
use clap::Parser;
use serde::{Deserialize, de::IntoDeserializer as _};
use std::{ffi::OsString, fs::File, io::Read as _, path::Path};
use toml::de::{DeTable, DeValue};

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

/// A section of a file of options, and the keys that may stand in it.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// What stands in brackets above it.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
}

/// Reads the options of a file whose keys are `keys`.
pub fn file<T: for<'de> Deserialize<'de>>(path: &Path, keys: &[&str]) -> Result<T, Failure> {
    parsed(path, |text| parse(text, keys))
}

/// Reads the options of a file all of whose keys stand in one of `sections`.
pub fn file_of_sections<T: for<'de> Deserialize<'de>>(
    path: &Path,
    sections: &[Section],
) -> Result<T, Failure> {
    parsed(path, |text| parse_sections(text, sections))
}

fn parsed<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Failure> {
    read(path)
        .and_then(|text| parse(&text))
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
    parse_known(text, |table| {
        let unknown = |name: &str| {
            (!keys.contains(&name)).then(|| format!("unknown option `{name}`{}", likely(name, keys)))
        };
        first_of(table, |name, _| unknown(name))
    })
}

/// Reads options from the text of a file of sections. An error begins with ` line N: `.
fn parse_sections<T: for<'de> Deserialize<'de>>(text: &str, sections: &[Section]) -> Result<T, String> {
    parse_known(text, |table| {
        first_of(table, |name, value| outside(name, value, sections)).or_else(|| {
            sections.iter().find_map(|section| match table.get(section.name)?.get_ref() {
                DeValue::Table(inside) => first_of(inside, |name, _| misplaced(name, *section, sections)),
                _ => None,
            })
        })
    })
}

/// Why a name may not stand at the top of a file of sections; nothing if it is that of a section.
fn outside(name: &str, value: &DeValue<'_>, sections: &[Section]) -> Option<String> {
    if sections.iter().any(|section| section.name == name) {
        return None;
    }
    if matches!(value, DeValue::Table(_)) {
        let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
        return Some(format!("unknown section `{name}`{}", likely(name, &names)));
    }
    Some(match sections.iter().find(|section| section.keys.contains(&name)) {
        Some(home) => format!("option `{name}` stands in no section; it belongs in [{}]", home.name),
        None => format!("unknown option `{name}`{}", likely(name, &all_keys(sections))),
    })
}

/// Why a key may not stand in a section; nothing if it may.
fn misplaced(name: &str, section: Section, sections: &[Section]) -> Option<String> {
    if section.keys.contains(&name) {
        return None;
    }
    let hint = match sections.iter().find(|section| section.keys.contains(&name)) {
        Some(home) => format!("; it belongs in [{}]", home.name),
        None => likely(name, section.keys),
    };
    Some(format!("unknown option `{name}` in [{}]{hint}", section.name))
}

fn all_keys(sections: &[Section]) -> Vec<&'static str> {
    sections.iter().flat_map(|section| section.keys).copied().collect()
}

/// A complaint about a key, and where in the text it stands.
type Complaint = (usize, String);

/// The complaint about a table's keys that comes first in the file.
fn first_of<'i>(
    table: &DeTable<'i>,
    complain: impl Fn(&str, &DeValue<'i>) -> Option<String>,
) -> Option<Complaint> {
    let complaints = table
        .iter()
        .filter_map(|(key, value)| Some((key.span().start, complain(key.get_ref(), value.get_ref())?)));
    complaints.min_by_key(|(at, _)| *at)
}

/// Reads options from a file's text, of which `unknown` knows what should not be there.
fn parse_known<T: for<'de> Deserialize<'de>>(
    text: &str,
    unknown: impl FnOnce(&DeTable<'_>) -> Option<Complaint>,
) -> Result<T, String> {
    let line = |at: usize| 1 + text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count();
    let complain = |error: toml::de::Error| {
        let place = error.span().map_or(String::new(), |span| format!(" line {}", line(span.start)));
        format!("{place}: {}", one_line(error.message()))
    };
    let table = DeTable::parse(text).map_err(complain)?;
    if let Some((at, cause)) = unknown(table.get_ref()) {
        return Err(format!(" line {}: {cause}", line(at)));
    }
    T::deserialize(table.into_deserializer()).map_err(complain)
}

/// What to add to a complaint about an unknown name: the known one that it is most likely a slip of, if any is.
pub fn likely(name: &str, known: &[&str]) -> String {
    let name = name.replace('_', "-");
    let distances = known.iter().map(|known| (strsim::levenshtein(&name, known), *known));
    let nearest = distances.min().filter(|(edits, known)| *edits <= known.len().div_ceil(3));
    nearest.map_or(String::new(), |(_, known)| format!("; did you mean `{known}`?"))
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

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct InSections {
        one: Option<Sample>,
        other: Option<Sample>,
    }

    const SECTIONS: [Section; 2] = [
        Section { name: "one", keys: &["max-size"] },
        Section { name: "other", keys: &["max-size", "colour"] },
    ];

    #[test]
    fn keys_stand_in_their_sections() {
        let read = parse_sections::<InSections>("[other]\nmax-size = 3", &SECTIONS).unwrap();
        assert_eq!(read, InSections { one: None, other: Some(Sample { max_size: Some(3) }) });
        assert_eq!(parse_sections("", &SECTIONS), Ok(InSections::default()));
    }

    #[test]
    fn unknown_sections_and_keys_are_refused_with_their_line_and_the_likely_ones() {
        let refused = |text| parse_sections::<InSections>(text, &SECTIONS).unwrap_err();
        for (text, cause) in [
            ("\n[othre]\n", " line 2: unknown section `othre`; did you mean `other`?"),
            ("[hosts.\"mirror.example.org\"]\n", " line 1: unknown section `hosts`"),
            (
                "[one]\n\n[other]\nmax_sise = 3",
                " line 4: unknown option `max_sise` in [other]; did you mean `max-size`?",
            ),
            ("[one]\nmaximum = 3", " line 2: unknown option `maximum` in [one]"),
            ("[one]\ncolour = 3", " line 2: unknown option `colour` in [one]; it belongs in [other]"),
            ("colour = 3", " line 1: option `colour` stands in no section; it belongs in [other]"),
            ("color = 3", " line 1: unknown option `color`; did you mean `colour`?"),
            // The first one in the file, whatever the order of names.
            ("[z]\n[a]\n", " line 1: unknown section `z`"),
        ] {
            assert_eq!(refused(text), cause);
        }
        for text in ["one = 3", "[[one]]"] {
            let error = refused(text);
            assert!(error.starts_with(" line 1: "), "{error}");
        }
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
