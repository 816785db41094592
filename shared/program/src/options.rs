//! Options: each is declared once, as a field from which clap makes a flag; a TOML file has the same under its flag's name.
//!
//! What a file says is taken for flags before those of the command line, so that clap alone knows values, ranges and
//! defaults. Options under a help heading stand in the file's section of that name; sections whose keys are free have no
//! flags ([`tables`](crate::tables)). Whatever is wrong is told in one line with its place; nothing is guessed.

use super::{
    failure::Failure,
    tables::{Entry, Keyed, Place, keyed},
};
use clap::{
    Arg, ArgMatches, Args, Command,
    builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser},
    parser::ValueSource,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fmt,
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    ops::RangeInclusive,
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use toml::de::{DeTable, DeValue};

/// Bytes that a file of options may have.
const LONGEST_FILE: u64 = 1024 * 1024;

/// The flag that names the file of options, and cannot stand in it.
const CONFIG: &str = "config";

/// Reads a program's arguments. `--help` and `--version` print and end the process, as flags do.
pub fn flags(command: Command, arguments: impl Iterator<Item = OsString>) -> Result<ArgMatches, Failure> {
    command.try_get_matches_from(arguments).map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        Failure::config(one_line(&error.to_string()))
    })
}

/// The options of `T`: what the flags of the program or its subcommand say, else what the file says that their `config`
/// names, else defaults.
pub fn read<T: Args>(flags: &ArgMatches) -> Result<T, Failure> {
    read_with(flags, &[]).map(|(options, _)| options)
}

/// The options of `T`, and what the file says in these sections, whose keys are free: sections in its order, and so are
/// their entries.
pub fn read_with<T: Args>(flags: &ArgMatches, free: &[&str]) -> Result<(T, Vec<Entry>), Failure> {
    read_beside(flags, free, &[])
}

/// The same, of a file in which other subcommands have theirs, too: what it says to these is checked, and not taken.
pub fn read_beside<T: Args>(
    mut flags: &ArgMatches,
    free: &[&str],
    others: &[Command],
) -> Result<(T, Vec<Entry>), Failure> {
    while let Some((_, inner)) = flags.subcommand() {
        flags = inner;
    }
    let command = command_of::<T>();
    let file = flags.get_one::<PathBuf>(CONFIG);
    let (mut said, entries) =
        file.map_or(Ok(Default::default()), |path| said_in(path, &command, free, others))?;
    let mut arguments = Vec::new();
    for option in command.get_arguments() {
        let id = option.get_id().as_str();
        let given = matches!(flags.try_contains_id(id), Ok(true))
            && flags.value_source(id) == Some(ValueSource::CommandLine);
        if given {
            let values = flags.get_raw(id).filter(|_| option.get_action().takes_values());
            arguments.extend(written(option, values.into_iter().flatten()));
        } else {
            arguments.extend(said.remove(id).into_iter().flatten());
        }
    }
    let matches = command.try_get_matches_from(arguments);
    let options = matches.and_then(|matches| T::from_arg_matches(&matches));
    let options = options.map_err(|error| Failure::config(one_line(&error.to_string())))?;
    Ok((options, entries))
}

/// The options of `T` when nothing is said.
pub fn defaults<T: Args>() -> T {
    let matches = command_of::<T>().try_get_matches_from([""; 0]);
    matches.and_then(|matches| T::from_arg_matches(&matches)).expect("defaults are values that are taken")
}

/// The keys that a file of options may have, with their sections.
pub fn keys(command: &Command) -> Vec<(Option<&str>, &str)> {
    of_files(command).filter_map(|option| Some((option.get_help_heading(), option.get_long()?))).collect()
}

/// A command that has the options of `T` and no others.
pub fn command_of<T: Args>() -> Command {
    let command = T::augment_args(Command::new("options")).no_binary_name(true);
    let mut command = command.disable_help_flag(true).disable_version_flag(true);
    command.build();
    command
}

fn of_files(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_of_files = |option: &&Arg| {
        option.get_action().takes_values() && !option.is_positional() && option.get_id() != CONFIG
    };
    command.get_arguments().filter(is_of_files)
}

/// An option as flags, one a value. Of an empty list the flag alone is left.
fn written<V: AsRef<OsStr>>(option: &Arg, values: impl IntoIterator<Item = V>) -> Vec<OsString> {
    if option.is_positional() {
        return values.into_iter().map(|value| value.as_ref().to_owned()).collect();
    }
    let flag = OsString::from(format!("--{}", option.get_long().unwrap_or_default()));
    let with = |value: V| [flag.as_os_str(), "=".as_ref(), value.as_ref()].into_iter().collect();
    let flags: Vec<OsString> = values.into_iter().map(with).collect();
    if flags.is_empty() { vec![flag] } else { flags }
}

/// What a file says: as flags, by the names of options, and in its sections with free keys.
type Said = (HashMap<String, Vec<OsString>>, Vec<Entry>);

fn said_in(path: &Path, command: &Command, free: &[&str], others: &[Command]) -> Result<Said, Failure> {
    let text = read_file(path).map_err(|error| {
        Failure::config(format!("config {}: {}", path.display(), one_line(&error.to_string())))
    })?;
    let place = Place::of(path, &text);
    let refused = |at: usize, cause: &str| place.refused(at, &one_line(cause));
    let table = DeTable::parse(&text).map_err(|error| match error.span() {
        Some(span) => refused(span.start, error.message()),
        None => Failure::config(format!("config {}: {}", path.display(), one_line(error.message()))),
    })?;
    let (mut said, mut entries) = (HashMap::new(), Vec::new());
    let mut take = |section, (at, key, value): Keyed<'_, '_>| {
        let is_meant = |option: &&Arg| stands_in(option, section) && has_key(option, key);
        let of_command = |command: &'_ Command| of_files(command).find(is_meant).cloned();
        let own = of_command(command).map(|option| (command, option));
        let is_own = own.is_some();
        let of_other = || others.iter().find_map(|other| Some((other, of_command(other)?)));
        let Some((command, option)) = own.or_else(of_other) else {
            return Err(refused(at, &misplaced(section, key, command)));
        };
        let flags = values(value).map(|values| written(&option, values)).ok_or_else(|| {
            let cause = format!(
                "value of type {} for `{key}`, expected text, a decimal number, or a list",
                value.type_str()
            );
            refused(at, &cause)
        })?;
        command.clone().try_get_matches_from(&flags).map_err(|error| {
            refused(at, &error.to_string().replace(&format!("'{option}'"), &format!("`{key}`")))
        })?;
        if is_own {
            said.insert(option.get_id().to_string(), flags);
        }
        Ok(())
    };
    for (at, name, value) in keyed(table.get_ref()) {
        if free.contains(&name)
            && let Some(inside) = place.section(name, value)
        {
            entries.extend(inside?);
            continue;
        }
        let DeValue::Table(inside) = value else {
            take(None, (at, name, value))?;
            continue;
        };
        let commands = std::iter::once(command).chain(others);
        let sections: Vec<&str> = commands.flat_map(of_files).filter_map(Arg::get_help_heading).collect();
        if !sections.contains(&name) {
            let known = sections.iter().chain(free).copied();
            return Err(refused(at, &format!("unknown section `{name}`{}", likely(name, known))));
        }
        keyed(inside).try_for_each(|entry| take(Some(name), entry))?;
    }
    Ok((said, entries))
}

/// The text of a file that is not longer than options can be. A pipe that nobody writes to is not waited for.
fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let is_pipe = file.metadata()?.file_type().is_fifo();
    if is_pipe {
        // Whoever has it open for writing may take his time.
        fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    }
    file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if is_pipe && text.is_empty() {
        return Err(io::Error::other("a pipe that nobody has written anything to"));
    }
    if text.len() as u64 > LONGEST_FILE {
        let cause = format!("longer than {LONGEST_FILE} bytes, which no file of options is");
        return Err(io::Error::other(cause));
    }
    Ok(text)
}

/// A value, or those of a list; `None` for what no option takes.
fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(values) => values.iter().map(|value| single(value.get_ref())).collect(),
        other => single(other).map(|value| vec![value]),
    }
}

fn single(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn stands_in(option: &Arg, section: Option<&str>) -> bool {
    option.get_help_heading() == section
}

fn has_key(option: &Arg, key: &str) -> bool {
    option.get_long() == Some(key)
}

/// Why a key may not stand in a section, or outside of all.
fn misplaced(section: Option<&str>, key: &str, command: &Command) -> String {
    let home = of_files(command).find(|option| has_key(option, key)).map(|option| option.get_help_heading());
    let hint = match home {
        Some(Some(home)) => format!("; it belongs in [{home}]"),
        Some(None) => "; it belongs above all sections".into(),
        None if of_files(command).any(|option| stands_in(option, Some(key))) => {
            format!("; write [{key}] above its options")
        }
        None => {
            let here = of_files(command).filter(|option| section.is_none() || stands_in(option, section));
            likely(key, here.filter_map(Arg::get_long))
        }
    };
    let place = section.map_or(String::new(), |section| format!(" in [{section}]"));
    format!("unknown option `{key}`{place}{hint}")
}

/// What to add to a complaint about an unknown name: the known one that it is most likely a slip of, if any is.
pub fn likely<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let name = name.replace('_', "-");
    let distances = known.into_iter().map(|known| (strsim::levenshtein(&name, known), known));
    let nearest = distances.min().filter(|(edits, known)| *edits <= known.len().div_ceil(3));
    nearest.map_or(String::new(), |(_, known)| format!("; did you mean `{known}`?"))
}

/// What a message of several paragraphs says before it turns to usage.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<&str> = lines.take_while(|line| !line.starts_with("Usage:")).collect();
    let said = said.join("; ").replace(":; ", ": ");
    said.trim_start_matches("error: ").replace("; For more information, try '--help'.", "")
}

/// What `--check` prints when nothing is wrong: what is well, in a line.
pub fn well(said: impl fmt::Display) -> Result<(), Failure> {
    match writeln!(io::stdout(), "well: {said}") {
        // Whoever closed the pipe has the exit code.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::system(format!("standard output: cannot be written ({error})")))
        }
        _ => Ok(()),
    }
}

/// Takes numbers of this range.
pub fn number(range: RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

/// Units of time and their seconds; the first that a text ends with is its unit.
const UNITS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Takes a time such as `500ms`, `2s`, `1.5m`, `1h` or `14d`, or a number of seconds; 0 among them, and up to ten years.
pub fn duration(text: &str) -> Result<Duration, Failure> {
    let of_unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, unit) = of_unit.unwrap_or((text, &1.0));
    let decimal = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| decimal).map(|number| number * unit);
    let seconds = seconds.filter(|seconds| *seconds <= 3650.0 * 86_400.0);
    let refused = || Failure::config("expected a time such as 500ms, 2s, 1m, 1h, 14d, or seconds");
    seconds.map(Duration::from_secs_f64).ok_or_else(refused)
}

/// Takes such a time, from a millisecond to a day.
pub fn limit(text: &str) -> Result<Duration, Failure> {
    let range = Duration::from_millis(1)..=Duration::from_secs(86_400);
    let refused = || Failure::config("expected a time from 1ms to 1d");
    duration(text).and_then(|limit| Some(limit).filter(|limit| range.contains(limit)).ok_or_else(refused))
}

/// Takes permissions of a socket file, such as `0660`.
pub fn mode(text: &str) -> Result<u32, Failure> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| Failure::config("not an octal mode such as 0660"))
}

/// Takes one of these names for its value.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    named: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    let value = |name: String| named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    PossibleValuesParser::new(named.iter().map(|(name, _)| *name))
        .try_map(move |name| value(name).ok_or_else(|| Failure::config("unknown")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, Parser};
    use std::fs;

    #[derive(Clone, Debug, Default, Parser, PartialEq)]
    struct Sample {
        #[arg(long, default_value_t = 1)]
        max_size: u16,
        #[arg(long, num_args = 0..=1, default_values = ["a", "b"])]
        name: Vec<String>,
        #[arg(long)]
        other: Vec<String>,
        #[arg(long, default_value = "0.5", value_parser = super::limit)]
        limit: Duration,
        #[arg(long)]
        config: Option<PathBuf>,
        #[arg(long)]
        check: bool,
    }

    /// What is said by a file of this text and by flags.
    fn said<T: Parser + Args>(text: &str, arguments: &[&str]) -> Result<T, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let arguments = [&["program", "--config", path], arguments].concat();
        let matches = flags(T::command(), arguments.into_iter().map(OsString::from));
        matches.and_then(|flags| read(&flags)).map_err(|failure| failure.to_string().replace(path, "FILE"))
    }

    fn refused<T: Parser + Args + std::fmt::Debug>(text: &str) -> String {
        said::<T>(text, &[]).unwrap_err().replacen("config FILE", "", 1)
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_the_default() {
        let sample = |text, flags: &[&str]| Sample { config: None, ..said(text, flags).unwrap() };
        let default = Sample::parse_from(["program"]);
        assert_eq!((sample("", &[]), defaults::<Sample>()), (default.clone(), default.clone()));
        assert_eq!((default.max_size, &default.name[..]), (1, &["a".to_owned(), "b".to_owned()][..]));
        let text = "max-size = 1_003\nname = ['c']\nother = 'd'\nlimit = 2\n";
        let limit = Duration::from_secs(2);
        let file =
            Sample { max_size: 1003, name: vec!["c".into()], other: vec!["d".into()], limit, ..default };
        assert_eq!(sample(text, &[]), file);
        let flags = sample(text, &["--max-size", "4", "--name", "e", "--name", "f", "--check"]);
        let name = vec!["e".into(), "f".into()];
        assert_eq!(flags, Sample { max_size: 4, name, check: true, ..file });
        // A list that may be empty is so when it is named with nothing in it.
        assert!(
            sample("name = []", &[]).name.is_empty() && sample("name = ['c']", &["--name"]).name.is_empty()
        );
    }

    #[test]
    fn what_is_wrong_in_a_file_is_told_with_its_line() {
        for (text, cause) in [
            ("\nmax_sise = 3", " line 2: unknown option `max_sise`; did you mean `max-size`?"),
            ("colour = 3", " line 1: unknown option `colour`"),
            ("config = 'x'", " line 1: unknown option `config`"),
            ("check = true", " line 1: unknown option `check`"),
            ("[one]", " line 1: unknown section `one`"),
            ("max-size = 1\nmax-size = 2", " line 2: duplicate key"),
            (
                "\n\nmax-size = 'big'",
                " line 3: invalid value 'big' for `max-size`: invalid digit found in string",
            ),
            ("max-size = 70000", " line 1: invalid value '70000' for `max-size`: 70000 is not in 0..=65535"),
            ("max-size = [1, 2]", " line 1: the argument `max-size` cannot be used multiple times"),
            (
                "max-size = 0x10",
                " line 1: value of type integer for `max-size`, expected text, a decimal number, or a list",
            ),
            (
                "other = true",
                " line 1: value of type boolean for `other`, expected text, a decimal number, or a list",
            ),
            ("other = []", " line 1: a value is required for `other` but none was supplied"),
            (
                "limit = nan",
                " line 1: invalid value 'nan' for `limit`: expected a time such as 500ms, 2s, 1m, 1h, 14d, or seconds",
            ),
            ("limit = 0.0", " line 1: invalid value '0.0' for `limit`: expected a time from 1ms to 1d"),
        ] {
            assert_eq!(refused::<Sample>(text), cause, "{text}");
        }
        // A wrong value is told even if a flag beats it.
        assert!(said::<Sample>("max-size = 'x'", &["--max-size", "3"]).is_err());
        assert_eq!(
            said::<Sample>("", &["--max-size", "x"]).unwrap_err(),
            "invalid value 'x' for '--max-size <MAX_SIZE>': invalid digit found in string"
        );
    }

    #[derive(Debug, Parser, PartialEq)]
    struct InSections {
        #[arg(long, help_heading = "one")]
        max_size: Option<u8>,
        #[arg(long, help_heading = "other")]
        colour: Option<String>,
        #[arg(long)]
        config: Option<PathBuf>,
    }

    #[test]
    fn keys_stand_in_their_sections() {
        let read = said::<InSections>("[other]\ncolour = 'red'\n[one]\nmax-size = 3", &[]).unwrap();
        assert_eq!((read.max_size, read.colour), (Some(3), Some("red".into())));
        assert_eq!(keys(&InSections::command()), [(Some("one"), "max-size"), (Some("other"), "colour")]);
        for (text, cause) in [
            ("\n[othre]\n", " line 2: unknown section `othre`; did you mean `other`?"),
            ("[hosts.\"mirror.example.org\"]\n", " line 1: unknown section `hosts`"),
            (
                "[other]\n\n[one]\nmax_sise = 3",
                " line 4: unknown option `max_sise` in [one]; did you mean `max-size`?",
            ),
            ("[one]\nmaximum = 3", " line 2: unknown option `maximum` in [one]"),
            ("[one]\ncolour = 3", " line 2: unknown option `colour` in [one]; it belongs in [other]"),
            ("colour = 3", " line 1: unknown option `colour`; it belongs in [other]"),
            ("color = 3", " line 1: unknown option `color`; did you mean `colour`?"),
            // The first one in the file, whatever the order of names.
            ("[z]\n[a]\n", " line 1: unknown section `z`"),
            ("one = 3", " line 1: unknown option `one`; write [one] above its options"),
            ("[[one]]", " line 1: unknown option `one`; write [one] above its options"),
        ] {
            assert_eq!(refused::<InSections>(text), cause, "{text}");
        }
    }

    #[test]
    fn what_a_file_says_to_other_subcommands_is_checked_and_not_taken() {
        let others = [command_of::<Sample>()];
        let read = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), text).unwrap();
            let path = file.path().to_str().unwrap();
            let arguments = ["program", "--config", path].into_iter().map(OsString::from);
            let flags = flags(InSections::command(), arguments).unwrap();
            let read = read_beside::<InSections>(&flags, &[], &others);
            let read = read.map(|(options, _)| options);
            read.map_err(|failure| failure.to_string().replace(path, "FILE"))
        };
        let taken = read("max-size = 7\nname = ['c']\n[one]\nmax-size = 3").unwrap();
        assert_eq!((taken.max_size, taken.colour), (Some(3), None));
        for (text, cause) in [
            ("\nmax-size = 'x'", "line 2: invalid value 'x' for `max-size`: invalid digit found in string"),
            ("mame = 'x'", "line 1: unknown option `mame`"),
            ("[one]\nname = 'x'", "line 2: unknown option `name` in [one]"),
        ] {
            assert_eq!(read(text).unwrap_err(), format!("config FILE {cause}"), "{text}");
        }
    }

    #[test]
    fn a_pipe_is_read_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let said = read_file(&pipe).unwrap_err().to_string();
        assert_eq!(said, "a pipe that nobody has written anything to");
        // Open for both, it has a writer, and what was written stays.
        let mut writer = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        writer.write_all(b"max-size = 3").unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || read_file(&pipe)
        });
        // The reader has an own end once it is done or has it open; only then may this one go.
        while fs::read_dir("/proc/self/fd")
            .unwrap()
            .flatten()
            .filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == pipe))
            .count()
            < 2
            && !reader.is_finished()
        {
            std::thread::yield_now();
        }
        drop(writer);
        assert_eq!(reader.join().unwrap().unwrap(), "max-size = 3");
    }

    #[test]
    fn a_file_that_never_ends_is_refused() {
        let refused = said_in(Path::new("/dev/zero"), &Sample::command(), &[], &[]).unwrap_err();
        let said = "config /dev/zero: longer than 1048576 bytes, which no file of options is";
        assert_eq!(refused.to_string(), said);
    }

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, milliseconds) in [
            ("0", 0),
            ("2", 2000),
            ("0.25", 250),
            ("2s", 2000),
            ("500ms", 500),
            ("1m", 60_000),
            ("1.5h", 5_400_000),
            ("14d", 1_209_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "ms", "-1", "+1", "1e3", "2 s", "2x", "1m30s", "nan", "inf", "3651d", "1.2.3"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!([limit("1ms").is_ok(), limit("1d").is_ok(), limit("0").is_ok()], [true, true, false]);
        assert!(limit("25h").is_err());
    }

    #[test]
    fn a_mode_is_octal() {
        assert_eq!(mode("0640"), Ok(0o640));
        assert!(mode("0888").is_err() && mode("1777").is_err());
    }
}
