//! The units as systemd itself judges them, and as the programs that they start do. Nothing is booted.
//!
//! Needs systemd-analyze; without it the tests say so and do nothing, or fail where MIRRORLIST_REAL_CLIENTS=1 promises
//! that it is there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use interchange::message::MirrorList;
use nix::unistd::geteuid;
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};
use testkit::{
    inputs, sample,
    stack::{self, Programs},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd");

/// Services, and the exposure that each may have: ten times the number that systemd-analyze prints.
const SERVICES: [(&str, &str); 8] = [
    ("mirrorlistd.service", "8"),
    ("mirrorlist-http.service", "15"),
    ("mirrorlist-cache.service", "8"),
    ("mirrorlist-collect.service", "20"),
    ("mirrorlist-run.service", "20"),
    ("mirrorlist-check.service", "20"),
    ("mirrorlist-suspended.service", "8"),
    ("mirrorlist-report.service", "8"),
];

/// Whether to go on: a tool is there.
fn has(tool: &str) -> bool {
    let found = on_path(tool).is_some();
    let promised = env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == "1");
    assert!(found || !promised, "not installed: {tool}");
    if !found {
        eprintln!("skipped: not installed: {tool}");
    }
    found
}

fn on_path(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

/// Every unit of ours.
fn units() -> Vec<PathBuf> {
    let is_unit = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("service" | "socket" | "path" | "timer"))
    };
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut units: Vec<PathBuf> = files.filter(is_unit).collect();
    units.sort();
    units
}

/// A machine's file system as it is after an installation, as far as units name it.
fn installed() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let programs = Programs::build().unwrap();
    let (bin, system) = (root.path().join("usr/bin"), root.path().join("usr/lib/systemd/system"));
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&system).unwrap();
    symlink("usr/bin", root.path().join("bin")).unwrap();
    for program in [
        programs.daemon,
        programs.frontend,
        programs.cache,
        stack::collector().unwrap(),
        stack::report().unwrap(),
    ] {
        fs::hard_link(&program, bin.join(program.file_name().unwrap()))
            .or_else(|_| fs::copy(&program, bin.join(program.file_name().unwrap())).map(drop))
            .unwrap();
    }
    for tool in ["sh", "systemctl"] {
        fs::copy(on_path(tool).unwrap(), bin.join(tool)).unwrap();
    }
    let stock = ["/usr/lib/systemd/system/.", "/lib/systemd/system/."];
    let stock = stock.into_iter().find(|folder| Path::new(folder).is_dir()).unwrap();
    let copied = Command::new("cp").args(["-a", stock]).arg(&system).status().unwrap();
    assert!(copied.success());
    for unit in units() {
        fs::copy(&unit, system.join(unit.file_name().unwrap())).unwrap();
    }
    root
}

fn analyze(root: &Path, arguments: &[&str], units: &[&str]) -> Output {
    let root = format!("--root={}", root.display());
    Command::new("systemd-analyze").args(arguments).arg(root).args(units).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn systemd_has_nothing_to_say_against_the_units() {
    if !has("systemd-analyze") {
        return;
    }
    let root = installed();
    let units = units();
    let names: Vec<&str> = units.iter().map(|unit| unit.file_name().unwrap().to_str().unwrap()).collect();
    let output = analyze(root.path(), &["verify", "--man=no"], &names);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    // So that silence means something.
    let unit = root.path().join("usr/lib/systemd/system/mirrorlistd.service");
    fs::remove_file(root.path().join("usr/bin/mirrorlistd")).unwrap();
    fs::write(&unit, fs::read_to_string(&unit).unwrap() + "\n[Service]\nUnheardOf=yes\n").unwrap();
    let output = said(&analyze(root.path(), &["verify", "--man=no"], &["mirrorlistd.service"]));
    assert!(output.contains("UnheardOf") && output.contains("/usr/bin/mirrorlistd"), "{output}");
}

#[test]
fn services_are_confined() {
    if !has("systemd-analyze") {
        return;
    }
    let root = installed();
    for (service, most) in SERVICES {
        let threshold = format!("--threshold={most}");
        let output =
            analyze(root.path(), &["security", "--offline=true", "--no-pager", &threshold], &[service]);
        let report = said(&output);
        assert!(output.status.success() && report.contains("Overall exposure level"), "{report}");
    }
}

#[test]
fn users_and_folders_that_units_name_are_made() {
    if !has("systemd-sysusers") || !has("systemd-tmpfiles") {
        return;
    }
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give folders to their owners");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let option = format!("--root={}", root.path().display());
    for (tool, more, file) in [
        ("systemd-sysusers", None, "sysusers.d/mirrorlist.conf"),
        ("systemd-tmpfiles", Some("--create"), "tmpfiles.d/mirrorlist.conf"),
    ] {
        let file = Path::new(FOLDER).join(file);
        let output = Command::new(tool).args(more).arg(&option).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    assert!(root.path().join("var/lib/mirrorlist/input").is_dir());
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let groups = fs::read_to_string(root.path().join("etc/group")).unwrap();
    let is_user = |name: &str| users.lines().any(|line| line.split(':').next() == Some(name));
    for unit in units() {
        let text = fs::read_to_string(&unit).unwrap();
        for name in text.lines().filter_map(|line| line.strip_prefix("User=")) {
            assert!(is_user(name), "{}: {name}", unit.display());
        }
        for name in text.lines().filter_map(|line| line.strip_prefix("SocketGroup=")) {
            let group = groups.lines().find(|line| line.split(':').next() == Some(name)).unwrap();
            assert!(
                group.split(':').nth(3).unwrap().split(',').any(|user| user == "mirrorlist-http"),
                "{group}"
            );
        }
    }
}

/// What a unit says under a key.
fn setting(unit: &str, key: &str) -> String {
    let text = fs::read_to_string(Path::new(FOLDER).join(unit)).unwrap().replace("\\\n", " ");
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{unit} says nothing of {key}")).into()
}

/// A service without a limit could take the whole machine's memory; one whose limit the manual does not name is raised by nobody.
#[test]
fn services_have_a_limit_of_memory_that_the_manual_names() {
    let manual = fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    for (service, _) in SERVICES {
        let limit = setting(service, "MemoryMax");
        let number: u64 = limit.trim_end_matches(['M', 'G']).parse().unwrap();
        let megabytes = if limit.ends_with('G') { number * 1024 } else { number };
        assert!((256..=4096).contains(&megabytes), "{service}: {limit}");
        assert!(manual.contains(&format!("`MemoryMax={limit}`")), "{service}: {limit}");
    }
    // Or the end of one worker would be that of all.
    assert_eq!(setting("mirrorlistd.service", "OOMPolicy"), "continue");
}

/// The command that a unit has under a key, with the built program and with paths of the machine replaced.
fn command(unit: &str, key: &str, program: &Path, replaced: &[(&str, &Path)]) -> Command {
    let line = setting(unit, key);
    let mut words = line.split_ascii_whitespace();
    assert_eq!(Path::new(words.next().unwrap()).file_name(), program.file_name(), "{unit}");
    let mut command = Command::new(program);
    for word in words {
        let hit = replaced.iter().find_map(|(from, to)| Some((word.strip_prefix(from)?, *to)));
        match hit {
            Some((rest, to)) => command.arg(format!("{}{rest}", to.display())),
            None => command.arg(word),
        };
    }
    command
}

/// Puts the compiler's example file into `folder`, as that of a machine whose state is there too.
fn compilers_example(folder: &Path) {
    let example = fs::read_to_string(Path::new(FOLDER).join("mirrorlist-cache.toml")).unwrap();
    let example = example.replace("/var/lib/mirrorlist", folder.to_str().unwrap());
    fs::write(folder.join("mirrorlist-cache.toml"), example).unwrap();
}

#[test]
fn the_commands_of_the_units_are_understood() {
    let programs = Programs::build().unwrap();
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("input")).unwrap();
    sample::write(&state.path().join("input")).unwrap();
    // Of now, or it would be too old.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let list = MirrorList { time: Some(now), ..sample::mirror_list() };
    let mirrormanager = state.path().join("input").join(inputs::MIRRORMANAGER);
    assert!(mirrormanager.is_file());
    fs::write(mirrormanager, list.encode_to_vec()).unwrap();
    compilers_example(state.path());
    let places = [("/etc/mirrorlist", state.path())];
    let output = command("mirrorlist-cache.service", "ExecStart", &programs.cache, &places).output().unwrap();
    assert!(output.status.success() && !said(&output).contains("warning"), "{}", said(&output));

    let cache = state.path().join("cache.mlc");
    let places = [("/var/lib/mirrorlist", state.path()), ("/etc/mirrorlist", Path::new(FOLDER))];
    let mut daemon = command("mirrorlistd.service", "ExecStart", &programs.daemon, &places);
    let output = daemon.arg("--check").arg("--cache").arg(&cache).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let mut frontend = command("mirrorlist-http.service", "ExecStart", &programs.frontend, &places);
    let output = frontend.arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_reload_finds_the_daemon_or_says_that_there_is_none() {
    let programs = Programs::build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let control = folder.path().join("control");
    fs::write(folder.path().join("mirrorlistd.toml"), format!("control = {control:?}")).unwrap();
    let places = [("/etc/mirrorlist", folder.path())];
    let reload = |unit, key| command(unit, key, &programs.daemon, &places).output().unwrap();
    let output = reload("mirrorlistd.service", "ExecReload");
    assert_eq!(output.status.code(), Some(69), "{}", said(&output));
    assert!(said(&output).contains(control.to_str().unwrap()), "{}", said(&output));
    // The compiler need not find one, but it says so.
    let output = reload("mirrorlist-cache.service", "ExecStartPost");
    assert!(output.status.success() && said(&output).contains("nothing is reloaded"), "{}", said(&output));
}

#[test]
fn a_cache_that_the_daemon_does_not_take_is_compiled_anew_before_it_starts() {
    let programs = Programs::build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    fs::create_dir(state.join("input")).unwrap();
    sample::write(&state.join("input")).unwrap();
    let (cache, config) = (state.join("cache.mlc"), state.join("mirrorlistd.toml"));
    fs::write(&config, format!("cache = {cache:?}")).unwrap();
    compilers_example(state);
    // A service manager that can start one unit.
    let compile = setting("mirrorlist-cache.service", "ExecStart")
        .replace("/usr/bin/mirrorlist-cache", programs.cache.to_str().unwrap())
        .replace("/etc/mirrorlist", state.to_str().unwrap());
    let systemctl = state.join("systemctl");
    let script = format!("#!/bin/sh\n[ \"$*\" = 'start mirrorlist-cache.service' ] && exec {compile}\n");
    fs::write(&systemctl, script).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let line = setting("mirrorlistd.service", "ExecStartPre");
    // The user is there once the package is installed.
    let as_user = "/usr/bin/setpriv --reuid=mirrorlist --regid=mirrorlist --init-groups --no-new-privs ";
    assert!(line.contains(as_user), "{line}");
    let line = line
        .replace(as_user, "")
        .replace("/usr/bin/mirrorlistd", programs.daemon.to_str().unwrap())
        .replace("/bin/systemctl", systemctl.to_str().unwrap())
        .replace("/etc/mirrorlist", state.to_str().unwrap())
        .replace("$$", "$");
    let prepare = || {
        let line = line.strip_prefix("-+").unwrap();
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        (output.status.success(), said(&output))
    };
    let is_taken = || {
        let mut check = Command::new(&programs.daemon);
        check.args(["--check", "--config"]).arg(&config).status().unwrap().success()
    };
    // There is none at first, then one of another format.
    assert!(prepare().0 && is_taken());
    let mut bytes = fs::read(&cache).unwrap();
    bytes[8] ^= 0xff;
    fs::remove_file(&cache).unwrap();
    fs::write(&cache, &bytes).unwrap();
    let (_, said) = prepare();
    assert!(said.contains("format") && is_taken(), "{said}");
    // A good one stays, and a mistake in the configuration is not the compiler's to mend.
    let good = fs::metadata(&cache).unwrap().ino();
    assert!(prepare().0);
    assert_eq!(fs::metadata(&cache).unwrap().ino(), good);
    fs::remove_file(&cache).unwrap();
    fs::write(&config, "cash = 3").unwrap();
    let (_, said) = prepare();
    assert!(said.contains("unknown option `cash`") && !cache.exists(), "{said}");
}

#[test]
fn inputs_that_the_compiler_reads_are_watched_and_its_cache_is_the_daemons() {
    let read = |name: &str| fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    let example: toml::Table = read("mirrorlist-cache.toml").parse().unwrap();
    let mut inputs: BTreeMap<&str, &str> = example["inputs"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(key, path)| (&**key, path.as_str().unwrap()))
        .collect();
    let output = inputs.remove("output").unwrap();
    let unit = read("mirrorlist-cache.path");
    let watched: BTreeSet<&str> = unit.lines().filter_map(|line| line.strip_prefix("PathChanged=")).collect();
    assert_eq!(watched, inputs.into_values().collect());
    assert_eq!(watched.len(), 4);
    assert!(read("mirrorlistd.toml").contains(&format!("\n#cache = \"{output}\"\n")), "{output}");
    // Which is all that says where they are.
    let service = read("mirrorlist-cache.service");
    let settings = service.lines().filter(|line| !line.starts_with('#'));
    for line in settings {
        assert!(!line.contains("/input/") && !line.contains(output), "{line}");
    }
}

#[test]
fn front_ends_look_for_the_daemon_where_its_socket_unit_listens() {
    let socket = fs::read_to_string(Path::new(FOLDER).join("mirrorlistd.socket")).unwrap();
    let path = socket.lines().find_map(|line| line.strip_prefix("ListenStream=")).unwrap();
    for (example, key) in [("mirrorlistd.toml", "socket"), ("mirrorlist-http.toml", "daemon")] {
        let text = fs::read_to_string(Path::new(FOLDER).join(example)).unwrap();
        assert!(text.contains(&format!("{key} = \"{path}\"")), "{example}");
    }
}
