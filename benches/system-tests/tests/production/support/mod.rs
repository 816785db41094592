//! What the tests here share: tools of the machine, web servers with a configuration of their own, requests by curl.

pub mod curl;
pub mod example;
pub mod folder;
pub mod server;
pub mod web_server;

use std::{
    env,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use testkit::stack::Programs;

/// How long anything here may take; only what has failed takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The built programs.
pub fn programs() -> Programs {
    Programs::build().unwrap()
}

/// Whether to go on: these tools are there, and MIRRORLIST_REAL_CLIENTS does not say 0. A failure where it says 1,
/// which promises that they are.
pub fn has(tools: &[&str]) -> bool {
    let says = |word: &str| env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == word);
    if says("0") {
        eprintln!("skipped: MIRRORLIST_REAL_CLIENTS=0");
        return false;
    }
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| found(tool).is_none()).collect();
    assert!(!says("1") || missing.is_empty(), "not installed: {}", missing.join(", "));
    if !missing.is_empty() {
        eprintln!("skipped: not installed: {}", missing.join(", "));
    }
    missing.is_empty()
}

/// A tool of the machine, without the variables that would have it go through a proxy.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(found(name).unwrap_or_else(|| panic!("not installed: {name}")));
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// Web servers are where the path of plain users does not lead.
fn found(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.find_map(|folder| Some(folder.join(tool)).filter(|file| file.is_file()))
}

/// Runs a command to its end and returns what it said, as an error if it failed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{command:?}: {}: {said}", output.status)) }
}

/// Waits until something is so, and fails when it does not become so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}
