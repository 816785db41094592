//! `--version`: version, commit and cache format, from wherever it is built.

use super::{TOP, made, made::Make, run};
use cache::FORMAT;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn programs_tell_version_and_source_and_the_cache_format_if_they_know_it() {
    let _make = Make::all();
    let mut sources = Vec::new();
    for name in
        ["mirrorlistd", "mirrorlist-http", "mirrorlist-cache", "mirrorlist-collect", "mirrorlist-report"]
    {
        let said = run(Command::new(made::program(name)).arg("--version"));
        let version = env!("CARGO_PKG_VERSION");
        let rest =
            said.trim_end().strip_prefix(&format!("{name} {version} (")).unwrap_or_else(|| panic!("{said}"));
        // The others never see a cache.
        let end = if matches!(name, "mirrorlist-http" | "mirrorlist-collect" | "mirrorlist-report") {
            ")".to_owned()
        } else {
            format!(", cache format {FORMAT})")
        };
        let source = rest.strip_suffix(&end).unwrap_or_else(|| panic!("{said}"));
        sources.push(source.to_owned());
    }
    sources.dedup();
    assert!(
        matches!(&sources[..], [one] if one == "debug build" || one.starts_with("commit ")),
        "{sources:?}"
    );
}

/// The build script of the crate that knows the version, compiled.
fn build_script(folder: &Path) -> PathBuf {
    let program = folder.join("build-script");
    let compiler = env::var_os("RUSTC").unwrap_or("rustc".into());
    let source = Path::new(TOP).join("shared/program/build.rs");
    run(Command::new(compiler).args(["--edition", "2024", "-o"]).arg(&program).arg(source));
    program
}

/// What the build script says that the programs are built from, and whether it looks at a folder's commits again.
fn source(script: &Path, manifest: &Path, given: &str, profile: &str) -> (String, bool) {
    let said = run(Command::new(script)
        .env("CARGO_MANIFEST_DIR", manifest)
        .env("MIRRORLIST_COMMIT", given)
        .env("PROFILE", profile));
    let source = said.lines().find_map(|line| line.strip_prefix("cargo::rustc-env=MIRRORLIST_SOURCE="));
    (source.unwrap().to_owned(), said.contains("logs/HEAD"))
}

#[test]
fn the_commit_is_the_packagers_or_that_of_the_checkout_or_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let script = build_script(folder.path());
    let top = folder.path().join("top");
    let manifest = top.join("shared/program");
    fs::create_dir_all(&manifest).unwrap();
    assert_eq!(source(&script, &manifest, "", "release"), ("commit unknown".into(), false));
    assert_eq!(source(&script, &manifest, "abc", "release"), ("commit abc".into(), false));
    if !super::has(&["git"]) {
        return;
    }
    let git = |at: &Path, arguments: &[&str]| {
        let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"];
        run(Command::new("git").arg("-C").arg(at).args(who).args(arguments))
    };
    // A checkout around the source, as packagers have it, is not that of the source.
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["commit", "--quiet", "--allow-empty", "--message", "theirs"]);
    assert_eq!(source(&script, &manifest, "", "release"), ("commit unknown".into(), false));
    git(&top, &["init", "--quiet"]);
    git(&top, &["commit", "--quiet", "--allow-empty", "--message", "ours"]);
    let commit = git(&top, &["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(source(&script, &manifest, "", "release"), (format!("commit {}", commit.trim()), true));
    assert_eq!(source(&script, &manifest, "abc", "debug"), ("commit abc".into(), false));
    // A commit is no reason to compile everything again while one works on it.
    assert_eq!(source(&script, &manifest, "", "debug"), ("debug build".into(), false));
}
