//! Programs that are built for release are the same wherever they are built, so that whoever doubts a package can build it anew
//! and compare.

use super::{TOP, files, made, made::Make, run};
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

const PROGRAMS: [&str; 5] =
    ["mirrorlist-cache", "mirrorlist-collect", "mirrorlist-http", "mirrorlist-report", "mirrorlistd"];

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

#[test]
fn installed_programs_name_no_folder_of_who_built_them() {
    let (target, profile) = made::place();
    if profile != "release" {
        eprintln!(
            "skipped: MIRRORLIST_PROFILE is not release, and only what is built for release names no folder"
        );
        return;
    }
    let make = Make::all();
    let root = tempfile::tempdir().unwrap();
    make.run(&["install", "PREFIX=/usr", &format!("DESTDIR={}", root.path().display())]);
    let top = Path::new(TOP).canonicalize().unwrap();
    for program in PROGRAMS {
        let bytes = fs::read(root.path().join("usr/bin").join(program)).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for folder in [&top, &target, &cargo_home()] {
            assert!(!has(folder.to_str().unwrap()), "{program} names {}", folder.display());
        }
        // They do say where a panic was.
        assert!(has("/cargo/registry/src/"), "{program}");
    }
}

/// Builds the sources of this repository in a folder, with a home of cargo's that has another name, and installs what was built
/// into `root`, for a look at each byte.
fn build(folder: &Path, root: &Path) {
    fs::create_dir_all(folder).unwrap();
    let copy = "git ls-files -z | tar --create --null --files-from=- | tar --extract --directory \"$0\"";
    run(Command::new("sh").args(["-c", copy]).arg(folder).current_dir(TOP));
    let home = folder.join("cargo-home");
    fs::create_dir(&home).unwrap();
    symlink(cargo_home().canonicalize().unwrap().join("registry"), home.join("registry")).unwrap();
    let make = |arguments: &[OsString]| {
        run(Command::new("nice")
            .args(["make", "--no-print-directory", "PREFIX=/usr"])
            .arg(format!("CARGO={}", env!("CARGO")))
            .args(arguments)
            .current_dir(folder)
            .envs([("MIRRORLIST_COMMIT", "one"), ("SOURCE_DATE_EPOCH", "1700000000")])
            .env("CARGO_HOME", &home)
            // That cargo's own: rustup's would look for a crate's file about toolchains.
            .env("RUSTC", Path::new(env!("CARGO")).with_file_name("rustc"))
            .env_remove("MAKEFLAGS")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .env_remove("CFLAGS"));
    };
    make(&["all".into()]);
    let mut destination = OsString::from("DESTDIR=");
    destination.push(root);
    make(&["install".into(), destination]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn two_builds_in_two_folders_are_the_same() {
    if env::var_os("MIRRORLIST_LONG").is_none_or(|value| value != "1") {
        eprintln!("skipped: MIRRORLIST_LONG=1 asks for two builds for release");
        return;
    }
    let place = tempfile::tempdir_in(made::place().0).unwrap();
    let installed = ["one", "another/one/further/down"].map(|folder| {
        let root = place.path().join(format!("root-{}", folder.len()));
        build(&place.path().join(folder), &root);
        let read = |file: String| (file.clone(), fs::read(root.join(&file[1..])).unwrap());
        files(&root).into_iter().map(read).collect::<BTreeMap<_, _>>()
    });
    let [one, other] = &installed;
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let differing: Vec<&String> = one.keys().filter(|file| one[*file] != other[*file]).collect();
    assert!(differing.is_empty(), "{differing:?}");
    for program in PROGRAMS {
        println!("{program}: {} bytes, twice the same", one[&format!("/usr/bin/{program}")].len());
    }
}
