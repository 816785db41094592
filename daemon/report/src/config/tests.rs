//! Flags, the file, the one over the other, and what is refused.

use super::*;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use std::{ffi::OsString, fs};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    logs: Logs,
}

fn load(arguments: &[&str]) -> Result<Count, String> {
    let arguments = ["count"].iter().chain(arguments).map(OsString::from);
    let config = options::flags(Command::command(), arguments)
        .and_then(|flags| Command::from_arg_matches(&flags).expect("flags are options").logs.settle(&flags));
    config.map_err(|failure| {
        assert_eq!(failure.fault, program::failure::Fault::Config);
        failure.to_string()
    })
}

/// What a file of this text says, in a folder with these logs; `DIR` is the folder.
fn load_file(text: &str, logs: &[&str], arguments: &[&str]) -> Result<Count, String> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    logs.iter().for_each(|log| fs::write(folder.path().join(log), "").unwrap());
    let file = folder.path().join("report.toml");
    fs::write(&file, text.replace("DIR", dir)).unwrap();
    let count = load(&[&["--config", file.to_str().unwrap()], arguments].concat());
    let bare = |path: PathBuf| path.strip_prefix(dir).map(PathBuf::from).unwrap_or(path);
    count.map_err(|error| error.replace(dir, "DIR")).map(|count| Count {
        sources: count
            .sources
            .into_iter()
            .map(|(source, logs)| (source, logs.into_iter().map(bare).collect()))
            .collect(),
        ..count
    })
}

const FILE: &str =
    "[statistics]\ndatabase = 'figures.db'\n[sources]\nb = ['DIR/access.log*', 'DIR/old']\na = 'DIR/*.gz'\n";
const LOGS: [&str; 5] = ["access.log", "access.log.1", "access.log.2.gz", "old", "other"];

fn expected() -> Count {
    let logs = |names: &[&str]| names.iter().map(PathBuf::from).collect();
    Count {
        database: "figures.db".into(),
        keep: 400,
        sources: vec![
            ("b".into(), logs(&["access.log", "access.log.1", "access.log.2.gz", "old"])),
            ("a".into(), logs(&["access.log.2.gz"])),
        ],
        json: false,
    }
}

#[test]
fn sources_are_taken_from_the_file_or_one_from_the_command_line() {
    assert_eq!(load_file(FILE, &LOGS, &[]), Ok(expected()));
    let one = vec![("c".into(), vec!["log".into()])];
    let given = load_file(FILE, &LOGS, &["--source", "c", "log", "--keep", "30d", "--json"]);
    assert_eq!(given, Ok(Count { keep: 30, sources: one.clone(), json: true, ..expected() }));
    let given = load(&["--database", "figures.db", "--source", "c", "log"]);
    assert_eq!(given, Ok(Count { sources: one, ..expected() }));
}

#[test]
fn what_is_missing_or_wrong_is_refused_with_its_place() {
    let no_database = "database: no file is named; give --database FILE, or --config FILE with database in its [statistics]";
    assert_eq!(load(&["--source", "c", "log"]), Err(no_database.into()));
    let nothing = load(&["--database", "figures.db"]).unwrap_err();
    assert!(nothing.starts_with("no log is named; give --source NAME LOG"), "{nothing}");
    let none = load_file("[statistics]\ndatabase = 'figures.db'\n", &[], &[]);
    assert_eq!(none, Ok(Count { sources: Vec::new(), ..expected() }));
    assert!(load(&["--database", "figures.db", "log"]).unwrap_err().contains("--source"));
    for (from, to, cause) in [
        (
            "'DIR/*.gz'",
            "1",
            "line 5: `a` in [sources]: expected logs as texts, such as [\"/var/log/mirrorlist/access.log*\"]",
        ),
        (
            "'DIR/*.gz'",
            "'***'",
            "line 5: `a` in [sources]: `***`: Pattern syntax error near position 2: wildcards are either regular `*` or recursive `**`",
        ),
        ("[sources]", "[source]", "line 3: unknown section `source`; did you mean `sources`?"),
        (
            "[sources]",
            "[count]\nkeep = '1h'\n[sources]",
            "line 4: invalid value '1h' for `keep`: expected a time from 1d to 3650d",
        ),
    ] {
        let expected = Err(format!("config DIR/report.toml {cause}"));
        assert_eq!(load_file(&FILE.replace(from, to), &LOGS, &[]), expected);
    }
}

#[derive(Parser)]
struct Rendering {
    #[command(flatten)]
    pages: Pages,
}

fn load_pages(text: &str, arguments: &[&str]) -> Result<Render, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let arguments = [&["render", "--config", file.path().to_str().unwrap()], arguments].concat();
    let flags = options::flags(Rendering::command(), arguments.into_iter().map(OsString::from));
    let render = flags.and_then(|flags| Rendering::from_arg_matches(&flags).unwrap().pages.settle(&flags));
    render.map_err(|failure| failure.to_string())
}

#[test]
fn what_is_of_mirrors_needs_a_cache_and_each_may_be_in_the_file_or_a_flag() {
    let start = "[statistics]\ndatabase = 'db'\n[pages]\noutput = 'site'\n";
    for key in ["suspended", "mirrors", "propagation"] {
        let (path, flag) = (Some(PathBuf::from("given")), format!("--{key}=given"));
        let of_cache = format!("{start}cache = 'cache'\n");
        for (text, arguments) in [
            (format!("{of_cache}{key} = 'given'\n"), &[][..]),
            (of_cache, &[&*flag]),
            (format!("{start}{key} = 'given'\n"), &["--cache=cache"]),
            (start.to_owned(), &["--cache=cache", &flag]),
        ] {
            let Render { suspended, mirrors, propagation, cache, .. } = load_pages(&text, arguments).unwrap();
            let given = match key {
                "suspended" => suspended,
                "mirrors" => mirrors,
                _ => propagation,
            };
            assert_eq!((given, cache), (path.clone(), Some("cache".into())), "{text} {arguments:?}");
        }
        let refused = load_pages(&format!("{start}{key} = 'given'\n"), &[]).unwrap_err();
        assert!(refused.starts_with(&format!("{key}: is of mirrors, and no cache ")), "{refused}");
    }
}

#[test]
fn the_example_file_is_taken_by_each_step_and_names_every_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/mirrorlist-report.toml");
    let example = fs::read_to_string(path).unwrap();
    // Defaults are commented out without a blank, so that prose is not taken for one.
    let is_default = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let uncommented: Vec<&str> =
        example.lines().map(|line| if is_default(&line) { &line[1..] } else { line }).collect();
    // What is not used as it is has a blank there; it is taken as well.
    let is_option = |line: &&str| {
        line.strip_prefix("# ")
            .and_then(|line| line.split_once(" = "))
            .is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
    };
    let all: Vec<&str> =
        uncommented.iter().map(|line| if is_option(line) { &line[2..] } else { *line }).collect();
    let pages = load_pages(&all.join("\n"), &[]).unwrap();
    assert!(pages.suspended.is_some() && pages.mirrors.is_some() && pages.propagation.is_some());
    assert!(pages.look.footer.is_some() && pages.look.colour.is_some() && !pages.look.links.is_empty());
    for text in [example.clone(), uncommented.join("\n")] {
        let text = text.replace("/var/log/mirrorlist", "DIR");
        let count = load_file(&text, &LOGS, &[]).unwrap();
        assert_eq!((count.keep, count.sources[0].0.as_str(), count.sources[0].1.len()), (400, "here", 3));
        assert_eq!(count.database, PathBuf::from("/var/lib/mirrorlist-report/statistics.db"));
        let render = load_pages(&text, &[]).unwrap();
        let output = "/var/lib/mirrorlist-report/site".into();
        let (title, cache) = ("Mirror statistics".into(), Some("/var/lib/mirrorlist/cache.mlc".into()));
        let (suspended, mirrors, propagation, look) = (None, None, None, Look::default());
        let database = count.database;
        assert_eq!(render, Render { database, output, title, cache, suspended, mirrors, propagation, look });
    }
    let (counting, rendering) = (Command::command(), Rendering::command());
    for (section, key) in options::keys(&counting).into_iter().chain(options::keys(&rendering)) {
        assert!(section.is_none() || example.contains(&format!("{key} = ")), "{key} is not in the example");
    }
    for line in example.lines().filter(is_default) {
        let (key, value) = line[1..].split_once(" = ").unwrap();
        let option = [&counting, &rendering]
            .into_iter()
            .flat_map(clap::Command::get_arguments)
            .find(|argument| argument.get_long() == Some(key))
            .unwrap();
        assert_eq!(option.get_default_values(), [value.trim_matches('"')], "{key}");
    }
}
