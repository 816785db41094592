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
    let uncommented = uncommented.join("\n");
    assert_eq!(load_file(&uncommented, &[]), load_file(&example, &[]));
    let commands = [command_of::<Options>(), command_of::<check::Options>(), command_of::<run::Options>()];
    for (section, key) in commands.iter().flat_map(options::keys) {
        let file: toml::Table = uncommented.parse().unwrap();
        let keys = section.map_or(Some(&file), |section| file[section].as_table()).unwrap();
        assert!(keys.contains_key(key), "{key} is not in the example");
    }
    let mut section = None;
    for line in example.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = Some(name.trim_end_matches(']'));
        }
        let Some((key, value)) = line[usize::from(is_default(line))..].split_once(" = ") else { continue };
        let options = commands.iter().flat_map(clap::Command::get_arguments);
        let mut options = options.filter(|option| option.get_help_heading() == section);
        let option = options.find(|option| option.get_long() == Some(key));
        // Those without a default stand there with what they may look like.
        if let (true, Some([default])) = (is_default(line), option.map(|option| option.get_default_values()))
        {
            assert_eq!(*default, value.trim_matches('"'), "{key}");
        }
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
            "config FILE line 4: invalid value '0' for `lock-timeout`: expected a time from 1ms to 1d".into(),
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

#[derive(Parser)]
struct Checking {
    #[command(flatten)]
    options: check::Options,
}

fn load_check(text: &str, arguments: &[&str]) -> Result<check::Config, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let arguments = [&["check", "--config", path], arguments].concat();
    let flags = options::flags(Checking::command(), arguments.iter().map(OsString::from)).unwrap();
    let config = Checking::from_arg_matches(&flags).unwrap().options.settle(&flags);
    config.map_err(|failure| failure.to_string().replace(path, "FILE"))
}

#[test]
fn a_check_needs_somebody_to_be_reached_and_has_defaults_for_the_rest() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/mirrorlist-collect.toml");
    let example = fs::read_to_string(path).unwrap();
    let absent = "contact: no address for mirrors' admins is named; give --contact TEXT, or --config FILE with contact in it";
    assert_eq!(load_check(&example, &[]).unwrap_err(), absent);
    let config = load_check(&example, &["--contact", "me@example.org"]).unwrap();
    assert_eq!(config.state, PathBuf::from("/var/lib/mirrorlist-collect/state.db"));
    assert_eq!(config.interchange(), PathBuf::from("/var/lib/mirrorlist-collect/out/mirrorlist.proto-cache"));
    assert!(config.allow_addresses.is_empty() && config.control.is_none() && config.propagation.is_empty());
    let file = "contact = 'x'\noutput = '/o'\nallow-addresses = ['10.0.0.0/8', '::1']\n\
                [check]\ncontrol = 'https://dl.example.org/'\npropagation = ['a-1+b']\n";
    let config = load_check(file, &["--output", "/p"]).unwrap();
    assert_eq!(config.interchange(), PathBuf::from("/p/mirrorlist.proto-cache"));
    assert_eq!(config.allow_addresses.len(), 2);
    assert_eq!(
        (config.control.unwrap().as_str(), &config.propagation[..]),
        ("https://dl.example.org/", &["a-1+b".to_owned()][..])
    );
}

#[test]
fn what_is_wrong_with_a_check_is_told_with_file_line_and_key() {
    for (file, cause) in [
        ("contact = ''", "line 1: invalid value '' for `contact`: expected a URL or an address of e-mail"),
        (
            "contact = \"a\\nb\"",
            "line 1: invalid value 'a; b' for `contact`: expected a URL or an address of e-mail",
        ),
        (
            "contact = 'x'\nallow-addresses = ['10.0.0.0/40']",
            "line 2: invalid value '10.0.0.0/40' for `allow-addresses`",
        ),
        (
            "[check]\ncontrol = 'ftp://a/b'",
            "line 2: invalid value 'ftp://a/b' for `control`: expected an https or http URL",
        ),
        (
            "[check]\npropagation = ['fedora-42']",
            "line 2: invalid value 'fedora-42' for `propagation`: expected a prefix",
        ),
        (
            "[check]\ncontact = 'x'",
            "line 2: unknown option `contact` in [check]; it belongs above all sections",
        ),
        ("[chekc]", "line 1: unknown section `chekc`; did you mean `check`?"),
        // What is for others is checked, too.
        ("[database]\nlock-timeout = 0", "line 2: invalid value '0' for `lock-timeout`"),
    ] {
        let said = load_check(file, &[]).unwrap_err();
        assert!(said.starts_with(&format!("config FILE {cause}")), "{said}");
    }
    let many: Vec<String> = (0..21).map(|n| format!("'a-{n}+b'")).collect();
    let said = load_check(&format!("contact = 'x'\n[check]\npropagation = [{}]", many.join(", ")), &[]);
    assert_eq!(said.unwrap_err(), "propagation: more than 20 repositories, which an hour has no rounds for");
}

#[derive(Parser)]
struct Running {
    #[command(flatten)]
    options: run::Options,
}

#[test]
fn the_example_file_says_what_there_is_to_be_mirrored_once_it_is_uncommented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/mirrorlist-collect.toml");
    let example = fs::read_to_string(path).unwrap();
    let load = |text: &str, arguments: &[&str]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let arguments = [&["run", "--config", path], arguments].concat();
        let flags = options::flags(Running::command(), arguments.iter().map(OsString::from)).unwrap();
        let config = Running::from_arg_matches(&flags).unwrap().options.settle(&flags);
        config.map_err(|failure| failure.to_string().replace(path, "FILE"))
    };
    let said = load(&example, &["--contact", "me@example.org"]).unwrap_err();
    assert!(said.starts_with("config FILE: no [primary]: "), "{said}");
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let lines = example.lines().map(|line| if is_default(line) { &line[1..] } else { line });
    let whole: Vec<&str> = lines.collect();
    let config = load(&whole.join("\n"), &[]).unwrap();
    let primary = config.site.primary.as_ref().unwrap();
    assert_eq!((primary.keep_previous, primary.keep_older), (3 * 86_400, 4 * 86_400));
    assert_eq!((config.site.categories.len(), config.site.repositories.len()), (1, 1));
    assert_eq!((config.mirrors, config.trusted.len()), (PathBuf::from("/etc/mirrorlist/mirrors.d"), 0));

    let mirror = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/examples/mirror.example.net.toml");
    let text = fs::read_to_string(mirror).unwrap();
    let read = |text: &str, trusted: &[&str]| {
        let trusted = trusted.iter().map(|name| (*name).to_owned()).collect();
        let reading =
            crate::run::mirrors::file::Reading { categories: &config.site.categories, trusted: &trusted };
        reading.read("mirror.example.net", mirror.as_ref(), text)
    };
    assert!(read(&text, &[]).is_ok());
    let lines = text.lines().map(|line| if is_default(line) { &line[1..] } else { line });
    let whole: Vec<&str> = lines.collect();
    assert!(read(&whole.join("\n"), &["mirror.example.net"]).unwrap().mirror.up_to_date);
    let said = read(&whole.join("\n"), &[]).unwrap_err().to_string();
    assert!(said.contains("`up-to-date`: is only for mirrors that the option trusted names"), "{said}");
}
