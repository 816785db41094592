//! Tells the crate which commit it is built from: MIRRORLIST_COMMIT if a packager sets it, else what git says.
//!
//! Only where it is meant to be kept, in release builds: a debug build would otherwise be compiled anew, and all that
//! depends on it, after each commit. Without git, or outside of a checkout, the commit is unknown.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MIRRORLIST_COMMIT");
    let given = env::var("MIRRORLIST_COMMIT").ok().filter(|commit| !commit.is_empty());
    let kept = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let source = match (given, kept) {
        (Some(commit), _) => format!("commit {commit}"),
        (None, true) => checkout().map_or("commit unknown".into(), |commit| format!("commit {commit}")),
        (None, false) => "debug build".into(),
    };
    println!("cargo::rustc-env=MIRRORLIST_SOURCE={source}");
}

/// The commit of the checkout that this folder is in; none if the folder above is not the top of one.
fn checkout() -> Option<String> {
    let top = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
    if !top.join(".git").exists() {
        return None;
    }
    // Every commit, checkout and reset writes a line there.
    let log = top.join(git(&top, &["rev-parse", "--git-path", "logs/HEAD"])?);
    if log.exists() {
        println!("cargo::rerun-if-changed={}", log.display());
    }
    git(&top, &["rev-parse", "--short=12", "HEAD"])
}

/// The line that a git command prints.
fn git(top: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(top).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
