//! Flags, the file, the one over the other, and what is refused.

use super::*;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use std::{ffi::OsString, fs, io::Write as _};

#[derive(Parser)]
struct Reading {
    #[command(flatten)]
    options: Options,
}

/// URL, output, time-outs, in words.
fn load(arguments: &[&str]) -> Result<(String, String, u64, u64), String> {
    let flags = options::flags(Reading::command(), ["database"].iter().chain(arguments).map(OsString::from));
    let config = flags.and_then(|flags| {
        Reading::from_arg_matches(&flags).expect("flags are options").options.settle(&flags)
    });
    let config = config.map_err(|failure| {
        assert_eq!(failure.fault, program::failure::Fault::Config);
        failure.to_string()
    })?;
    let times = (config.lock_timeout.as_secs(), config.statement_timeout.as_secs());
    Ok((config.url.to_string(), config.output.display().to_string(), times.0, times.1))
}

fn load_file(text: &str, arguments: &[&str]) -> Result<(String, String, u64, u64), String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    load(&[&["--config", path], arguments].concat()).map_err(|error| error.replace(path, "FILE"))
}

/// A file that says only what it has to.
const LEAST: &str = "[database]\nurl = 'postgres://mm@db/mm'\noutput = 'list'\n";

fn least() -> (String, String, u64, u64) {
    ("db/mm".into(), "list".into(), 10, 300)
}

#[test]
fn the_example_file_names_what_is_needed_and_the_help_and_it_every_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/mirrorlist-collect.toml");
    let example = fs::read_to_string(path).unwrap();
    let expected = (
        "/run/postgresql/mirrormanager2".into(),
        "/var/lib/mirrorlist-collect/out/mirrorlist.proto-cache".into(),
        10,
        300,
    );
    assert_eq!(load_file(&example, &[]), Ok(expected));
    // Defaults are commented out without a blank, so that prose is not taken for one.
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let uncommented: Vec<&str> =
        example.lines().map(|line| if is_default(line) { &line[1..] } else { line }).collect();
    assert_eq!(load_file(&uncommented.join("\n"), &[]), load_file(&example, &[]));
    let command = Reading::command();
    for (section, key) in options::keys(&command) {
        assert_eq!(section, Some("database"));
        assert!(example.contains(&format!("{key} = ")), "{key} is not in the example");
    }
    for line in example.lines().filter(|line| is_default(line)) {
        let (key, value) = line[1..].split_once(" = ").unwrap();
        let option = command.get_arguments().find(|argument| argument.get_long() == Some(key)).unwrap();
        assert_eq!(option.get_default_values(), [value], "{key}");
    }
}

#[test]
fn flags_suffice_and_beat_the_file_one_by_one() {
    assert_eq!(load(&["--url", "postgres://mm@db/mm", "--output", "list"]), Ok(least()));
    assert_eq!(load_file(LEAST, &[]), Ok(least()));
    let file = format!("{LEAST}lock-timeout = 20\nstatement-timeout = 30\n");
    let given = load_file(&file, &["--url", "postgres://mm@other/mm", "--statement-timeout", "40"]);
    assert_eq!(given, Ok(("other/mm".into(), "list".into(), 20, 40)));
}

#[test]
fn what_is_unknown_missing_or_wrong_is_refused() {
    let absent = |key: &str, what: &str, value: &str| {
        format!(
            "{key}: no {what} is named; give --{key} {value}, or --config FILE with {key} in its [database]"
        )
    };
    for (file, cause) in [
        (String::new(), absent("url", "database", "URL")),
        ("[database]\nurl = 'postgres://mm@db/mm'".into(), absent("output", "file", "FILE")),
        (
            LEAST.replace("'list'", "''"),
            "config FILE line 3: a value is required for `output` but none was supplied".into(),
        ),
        (LEAST.replace("postgres:", "mysql:"), "url: is no postgres:// URL".into()),
        (
            format!("{LEAST}lock-timeout = 0"),
            "config FILE line 4: invalid value '0' for `lock-timeout`: expected seconds from 0.001 to 86400"
                .into(),
        ),
        (
            format!("{LEAST}lock_timeout = 1"),
            "config FILE line 4: unknown option `lock_timeout` in [database]; did you mean `lock-timeout`?"
                .into(),
        ),
    ] {
        assert_eq!(load_file(&file, &[]), Err(cause));
    }
    let error = load(&["--url", "postgres://mm:secret@db/mm", "--output", "list"]).unwrap_err();
    assert!(error.starts_with("url: a password on the command line") && !error.contains("secret"), "{error}");
    assert_eq!(
        load_file(&LEAST.replace("mm@", "mm:secret@"), &[]),
        Ok(least()),
        "a file may be for few to read"
    );
}
