//! What packagers and operators get besides the programs: manual pages, completions, `make install`, packages, a
//! container image, a bill of materials, `--version`.
//!
//! Packages are installed, upgraded under load, removed and purged on a copy of this machine that is thrown away
//! ([`machine`]), with a stand-in for systemd ([`manager`]) that starts what the installed units say.
//! MIRRORLIST_PROFILE is the cargo profile that programs are packaged with; without it, that of the tests. A tool that
//! is not installed makes a test say so and do nothing, or fail where MIRRORLIST_REAL_CLIENTS=1 promises that all are
//! there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod container;
mod containerfile;
mod debian;
mod first_start;
mod machine;
mod made;
mod manager;
mod manual;
mod messages;
mod places;
mod reproducible;
mod rpm;
mod sbom;
mod tree;
mod unit;
mod version;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// The top of the repository.
const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How long anything here may take; only what has failed takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether to go on: these tools are there. A failure where MIRRORLIST_REAL_CLIENTS=1 promises that they are.
fn has(tools: &[&str]) -> bool {
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| found(tool).is_none()).collect();
    or_promised(missing.is_empty(), &format!("not installed: {}", missing.join(", ")))
}

/// Whether something is so; says that a test is skipped if not, and fails where that was promised not to happen.
fn or_promised(is_so: bool, else_said: &str) -> bool {
    let promised = env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == "1");
    assert!(is_so || !promised, "{else_said}");
    if !is_so {
        eprintln!("skipped: {else_said}");
    }
    is_so
}

fn found(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.find_map(|folder| Some(folder.join(tool)).filter(|file| file.is_file()))
}

/// Runs a command to its end and returns what it printed; fails if it fails.
fn run(command: &mut Command) -> String {
    let (said, well) = outcome(command);
    assert!(well, "{command:?}: {said}");
    said
}

/// What a command printed, and whether it ended well.
fn outcome(command: &mut Command) -> (String, bool) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (said, output.status.success())
}

/// Waits until something is there, and fails when it does not come.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Every file below a folder, as its path from there, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(format!("/{}", entry.path().strip_prefix(folder).unwrap().display()));
            }
        }
    }
    found.sort();
    found
}
