//! The manual pages say what the programs take: every option and key, no other, with the right default and choices.
//!
//! A page is read as mdoc(7): `.It Fl` begins an option, `.It Ic` a key, `.It Ar` an argument; `Default:` and the line
//! after it are the default.

use super::{TOP, found, or_promised, outcome};
use clap::Command;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process,
};

/// A page, and the commands that it describes: the section of each, the program first.
fn pages() -> [(&'static str, Command); 5] {
    let built = |mut command: Command| {
        command.build();
        command
    };
    [
        ("mirrorlistd.8", built(daemon::config::command())),
        ("mirrorlist-http.8", built(frontend::config::command())),
        ("mirrorlist-cache.1", built(compiler::tool::command())),
        ("mirrorlist-collect.1", built(collector::command::command())),
        ("mirrorlist-report.1", built(report::command::command())),
    ]
}

/// What is said of an option, a key or an argument.
#[derive(Debug, Default, PartialEq)]
struct Entry {
    /// More than one of a list.
    default: Vec<String>,
    choices: BTreeSet<String>,
}

type Entries = BTreeMap<String, Entry>;

fn path(page: &str) -> PathBuf {
    PathBuf::from(TOP).join("systemd/man").join(page)
}

fn read(page: &str) -> String {
    fs::read_to_string(path(page)).unwrap()
}

/// What a page says, by section; of a subsection the name is enough.
fn described(page: &str) -> BTreeMap<String, Entries> {
    let text = read(page);
    let mut sections: BTreeMap<String, Entries> = BTreeMap::new();
    let (mut section, mut names) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [".Sh" | ".Ss", ..] => {
                section = words[1..].join(" ");
                names.clear();
            }
            [".It", "Fl" | "Ic", ..] | [".It", "Ar", _] => {
                names = names_of(&words[1..]);
                let entries = sections.entry(section.clone()).or_default();
                for name in &names {
                    let twice = entries.insert(name.clone(), Entry::default());
                    assert_eq!(twice, None, "{page}: {section}: {name} is described twice");
                }
            }
            [".El"] | [".It", ..] => names.clear(),
            _ => {}
        }
        for name in &names {
            let entry = sections.get_mut(&section).and_then(|entries| entries.get_mut(name)).unwrap();
            if let [".Cm", choice, ..] = words[..] {
                entry.choices.insert(choice.to_owned());
            }
        }
        if line == "Default:" {
            let values = values(&mut lines);
            for name in &names {
                let entry = sections.get_mut(&section).and_then(|entries| entries.get_mut(name)).unwrap();
                entry.default.clone_from(&values);
            }
        }
    }
    sections
}

/// Values, each behind a macro on a line of its own, with commas or `and` between them.
fn values<'a>(lines: &mut (impl Iterator<Item = &'a str> + Clone)) -> Vec<String> {
    let mut values = Vec::new();
    loop {
        let line = lines.next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        // Several words that are one value stand in quotes.
        values.extend(line.split('"').nth(1).or(words.get(1).copied()).map(ToOwned::to_owned));
        let and = lines.clone().next() == Some("and");
        if and {
            lines.next();
        }
        if !and && words.last() != Some(&",") {
            return values;
        }
    }
}

/// The names on an `.It` line: long options with their dashes, keys, arguments. Short options go with their long ones.
fn names_of(words: &[&str]) -> Vec<String> {
    match words {
        ["Ar", name] => vec![(*name).to_owned()],
        ["Ic", key, ..] => vec![(*key).to_owned()],
        _ => flags(words).into_iter().collect(),
    }
}

/// Long options in a line of words.
fn flags(words: &[&str]) -> BTreeSet<String> {
    let pairs = words.windows(2).filter(|pair| pair[0].ends_with("Fl"));
    pairs.filter_map(|pair| Some(format!("--{}", pair[1].strip_prefix('-')?))).collect()
}

/// What a command takes; help for a command of a program goes without saying.
fn taken(command: &Command, is_program: bool) -> Entries {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let said = arguments.filter(|argument| is_program || argument.get_id() != "help");
    said.map(|argument| {
        let name = match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_value_names().unwrap()[0].to_string(),
        };
        (name, entry(argument))
    })
    .collect()
}

fn entry(argument: &clap::Arg) -> Entry {
    if !argument.get_action().takes_values() {
        return Entry::default();
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let own = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
    let in_help = help.split_once("[default: ").and_then(|(_, rest)| rest.strip_suffix(']'));
    let in_help = in_help.map(|said| match said.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        // That a list is empty unless something is given goes without saying.
        Some("") => Vec::new(),
        Some(list) => list.split(", ").map(|value| value.trim_matches('"').to_owned()).collect(),
        None => vec![said.to_owned()],
    });
    let choices = argument.get_possible_values();
    Entry {
        default: in_help.unwrap_or_else(|| own.collect()),
        choices: choices.iter().map(|choice| choice.get_name().to_owned()).collect(),
    }
}

/// Fails if the two differ. A page may emphasise more words than the choices.
fn compare(place: &str, described: &Entries, taken: &Entries) {
    let names = |entries: &Entries| entries.keys().cloned().collect::<BTreeSet<_>>();
    let (here, there) = (names(described), names(taken));
    let missing: Vec<_> = there.difference(&here).collect();
    let unheard_of: Vec<_> = here.difference(&there).collect();
    assert!(
        missing.is_empty() && unheard_of.is_empty(),
        "{place}: not described: {missing:?}; described, but not taken: {unheard_of:?}"
    );
    for (name, taken) in taken {
        let described = &described[name];
        assert_eq!(described.default, taken.default, "{place}: default of {name}, described and real");
        assert!(described.choices.is_superset(&taken.choices), "{place}: {name} takes {:?}", taken.choices);
    }
}

#[test]
fn pages_describe_every_option_and_no_other() {
    for (page, command) in pages() {
        let sections = described(page);
        let nothing = Entries::new();
        let own = sections.get("OPTIONS").or_else(|| sections.get("DESCRIPTION")).unwrap_or(&nothing);
        compare(page, own, &taken(&command, true));
        let mut known = taken(&command, true);
        for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = subcommand.get_name();
            let taken = taken(subcommand, false);
            compare(&format!("{page}: {name}"), sections.get(name).unwrap_or(&nothing), &taken);
            known.extend(taken);
        }
        for line in read(page).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            for flag in flags(&words) {
                assert!(known.contains_key(&flag), "{page}: {flag} is mentioned and not taken: {line}");
            }
        }
    }
}

#[test]
fn the_page_of_the_configuration_describes_every_key_and_no_other() {
    let sections = described("mirrorlist.toml.5");
    let command = compiler::tool::command();
    let build = command.find_subcommand("build").unwrap();
    let collector = collector::command::command();
    let of_collector =
        ["database", "run", "check"].map(|name| collector.find_subcommand(name).unwrap().clone());
    let programs = [
        ("KEYS OF THE DAEMON", vec![daemon::config::command()]),
        ("KEYS OF THE FRONT END", vec![frontend::config::command()]),
        ("", vec![build.clone()]),
        // One file is for all of these.
        ("KEYS OF THE COLLECTOR", of_collector.into()),
    ];
    for (place, commands) in programs {
        let mut keys: BTreeMap<String, Entries> = BTreeMap::new();
        for mut command in commands {
            let options = taken(&command, false);
            command.build();
            for (section, key) in program::options::keys(&command) {
                let option = &options[&format!("--{key}")];
                let entry = Entry { default: option.default.clone(), choices: option.choices.clone() };
                let section = section.map_or(place.to_owned(), |section| format!("[{section}]"));
                keys.entry(section).or_default().insert(key.to_owned(), entry);
            }
        }
        for (section, keys) in keys {
            compare(&format!("mirrorlist.toml.5, {section}"), &sections[&section], &keys);
        }
    }
}

#[test]
fn tools_that_print_pages_have_nothing_to_say_against_them() {
    let all = fs::read_dir(path("")).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<PathBuf> = all.collect();
    // One for each program, and one for the configuration of all.
    assert_eq!(all.len(), pages().len() + 1);
    let tools = [
        ("groff", &["-ww", "-mdoc", "-Tutf8"][..], false),
        ("mandoc", &["-T", "lint", "-W", "warning"][..], true),
    ];
    for (tool, arguments, silent) in tools {
        if !or_promised(found(tool).is_some(), &format!("not installed: {tool}")) {
            continue;
        }
        for page in &all {
            let output = process::Command::new(tool).args(arguments).arg(page).output().unwrap();
            let said = String::from_utf8_lossy(if silent { &output.stdout } else { &output.stderr });
            assert!(output.status.success() && said.is_empty(), "{tool}: {said}");
        }
    }
    // So that silence means something.
    if found("mandoc").is_some() {
        let broken = tempfile::NamedTempFile::new().unwrap();
        fs::write(broken.path(), read("mirrorlistd.8").replace(".Bl -tag", ".Bl -tog")).unwrap();
        let (said, _) = outcome(process::Command::new("mandoc").args(["-T", "lint"]).arg(broken.path()));
        assert!(said.contains("tog"), "{said}");
    }
}
