//! What the packages may depend on: who needs whom, and which crates never come near a program.
//!
//! Cargo sees to it that nobody uses what he does not name, and that there is no circle of packages; here stands what
//! may be named, and that files make no circle either. Crates for tests and build scripts are in no program and do not
//! count, but for the compiler, which nobody needs but benches and tests of the whole.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Who needs whom of this repository.
const ARROWS: [(&str, &[&str]); 13] = [
    ("wire", &[]),
    ("cache", &["wire"]),
    ("interchange", &[]),
    ("answer", &["cache", "wire"]),
    ("program", &[]),
    ("mirrorlistd", &["answer", "cache", "program", "wire"]),
    ("mirrorlist-cache", &["answer", "cache", "interchange", "program", "wire"]),
    ("mirrorlist-collect", &["interchange", "program"]),
    ("mirrorlist-report", &["answer", "cache", "program", "wire"]),
    ("mirrorlist-http", &["program", "wire"]),
    ("testkit", &["answer", "cache", "interchange", "wire"]),
    (
        "benches",
        &[
            "answer",
            "cache",
            "interchange",
            "mirrorlist-cache",
            "mirrorlist-http",
            "mirrorlistd",
            "testkit",
            "wire",
        ],
    ),
    ("system-tests", &[]),
];

/// Crates that are not to be in what a package is built from, however they would get there.
const KEPT_OUT: [(&str, &[&str]); 6] = [
    // Protobuf, GeoIP, compression, async. The last two come with the cache's writer.
    (
        "mirrorlistd",
        &[
            "interchange",
            "prost",
            "maxminddb",
            "flate2",
            "zstd",
            "tokio",
            "hyper",
            "indexmap",
            "tempfile",
            "tokio-postgres",
            "rustls",
            "rusqlite",
        ],
    ),
    (
        "mirrorlist-http",
        &["answer", "cache", "rkyv", "interchange", "prost", "tokio-postgres", "rustls", "rusqlite"],
    ),
    ("mirrorlist-cache", &["mio", "tokio", "hyper", "socket2", "tokio-postgres", "rustls", "rusqlite"]),
    // The only one with a network knows of no cache and of no client.
    ("mirrorlist-collect", &["answer", "cache", "wire", "rkyv", "maxminddb"]),
    // Figures and pages come from files, never from a network.
    ("mirrorlist-report", &["tokio", "hyper", "rustls", "prost", "mio", "socket2"]),
    // What answers takes no options, reads no configuration and talks to nobody; serde writes its JSON.
    ("answer", &["program", "clap", "toml", "mio", "tokio", "hyper", "prost", "tempfile"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `dev` or `build`; none for what programs hold.
    kind: Option<String>,
    /// Where the dependency is in this repository.
    path: Option<PathBuf>,
}

/// What cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The packages of this repository.
fn packages() -> Vec<Package> {
    let said = cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"]);
    serde_json::from_str::<Metadata>(&said).unwrap().packages
}

/// Everything that a package's library and programs are built from, by name, itself too.
fn tree(package: &str) -> BTreeSet<String> {
    let said = cargo(&[
        "tree",
        "--locked",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        "--package",
        package,
    ]);
    let names: BTreeSet<_> =
        said.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains(package), "{package}: {said}");
    names
}

#[test]
fn packages_need_each_other_as_planned() {
    let found: BTreeMap<String, BTreeSet<String>> = packages()
        .into_iter()
        .map(|package| {
            let needed = package.dependencies.into_iter();
            let needed = needed.filter(|needed| needed.path.is_some() && needed.kind.is_none());
            (package.name, needed.map(|needed| needed.name).collect())
        })
        .collect();
    let planned: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(name, needed)| ((*name).into(), needed.iter().map(|name| (*name).into()).collect()))
        .collect();
    assert_eq!(found, planned);
}

#[test]
fn nobody_needs_the_compiler_but_the_benches() {
    let who = |package: &Package| package.dependencies.iter().any(|needed| needed.name == "mirrorlist-cache");
    let mut needing: Vec<_> = packages().into_iter().filter(who).map(|package| package.name).collect();
    needing.sort();
    assert_eq!(needing, ["benches", "system-tests", "testkit"]);
}

#[test]
fn programs_hold_no_crate_that_they_have_no_use_for() {
    let trees: BTreeMap<&str, BTreeSet<String>> =
        ARROWS.iter().map(|(package, _)| (*package, tree(package))).collect();
    for (package, kept_out) in KEPT_OUT {
        let held: Vec<_> = kept_out.iter().filter(|name| trees[package].contains(**name)).collect();
        assert!(held.is_empty(), "{package} holds {held:?}; see cargo tree --edges normal --invert");
        // A name that is nowhere would keep nothing out.
        for name in kept_out {
            assert!(trees.values().any(|tree| tree.contains(*name)), "{name}: no package holds such a crate");
        }
    }
}

/// The files of a package's library, by the path of their module.
fn modules(source: &Path, at: &[String], into: &mut BTreeMap<Vec<String>, PathBuf>) {
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let inside = [at, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            // Programs of their own.
            if name != "bin" {
                modules(&path, &inside, into);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            match &*name {
                "main" | "tests" => None,
                "lib" | "mod" => into.insert(at.to_vec(), path),
                _ => into.insert(inside, path),
            };
        }
    }
}

/// The paths that a tree of `use` stands for.
fn paths(tree: &str) -> Vec<String> {
    let Some((before, inside)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inside = inside.trim_end().strip_suffix('}').unwrap();
    let mut depth = 0;
    let parts = inside.split(|sign| {
        depth += i32::from(sign == '{') - i32::from(sign == '}');
        sign == ',' && depth == 0
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts.flat_map(paths).map(|path| format!("{}{path}", before.trim())).collect()
}

/// The modules of its own package that a file names, without those for tests.
fn named(text: &str, own: &[String], modules: &BTreeMap<Vec<String>, PathBuf>) -> BTreeSet<Vec<String>> {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    let text = lines.collect::<Vec<_>>().join("\n");
    let of_a_path = |sign: char| sign.is_alphanumeric() || matches!(sign, ':' | '_');
    let mut found = Vec::new();
    for begin in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(begin) {
            if text[..at].ends_with(of_a_path) {
                continue;
            }
            let line = text[..at].rsplit([';', '}', '\n']).next().unwrap();
            let is_use = line.trim_start().starts_with("use ") || line.contains(" use ");
            let mut ends = text[at..].split(|sign| if is_use { sign == ';' } else { !of_a_path(sign) });
            found.extend(paths(ends.next().unwrap()));
        }
    }
    let mut named = BTreeSet::new();
    for path in found {
        let mut at = own.to_vec();
        for (place, name) in path.split("::").enumerate() {
            match name {
                "crate" => at.clear(),
                "self" if place == 0 => {}
                "super" => drop(at.pop()),
                name if modules.contains_key(&[&at[..], &[name.to_owned()]].concat()) => at.push(name.into()),
                _ => break,
            }
        }
        // What a file says to the folder that it is in is no circle: the folder is its table of contents.
        if !own.starts_with(&at) {
            named.insert(at);
        }
    }
    named
}

/// A way through `arrows` from a module back to itself.
fn circle(arrows: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<String>> {
    arrows.keys().find_map(|begin| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![vec![begin]]);
        while let Some(way) = open.pop() {
            for next in &arrows[*way.last()?] {
                if next == begin {
                    return Some(way.iter().map(|module| module.join("::")).collect());
                }
                if seen.insert(next) {
                    open.push([&way[..], &[next]].concat());
                }
            }
        }
        None
    })
}

#[test]
fn files_make_no_circle() {
    let mut arrows_in_all = 0;
    for package in packages() {
        let source = package.manifest_path.with_file_name("src");
        if !source.exists() {
            continue;
        }
        let mut files = BTreeMap::new();
        modules(&source, &[], &mut files);
        let arrows: BTreeMap<_, _> = files
            .iter()
            .map(|(module, file)| (module.clone(), named(&fs::read_to_string(file).unwrap(), module, &files)))
            .collect();
        arrows_in_all += arrows.values().map(BTreeSet::len).sum::<usize>();
        assert_eq!(circle(&arrows), None, "files of {} need each other", package.name);
    }
    assert!(arrows_in_all > 100, "only {arrows_in_all} files need another one");
}

#[test]
fn a_circle_is_found() {
    let names = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
    let files = ["a", "b", "b::c"].map(|path| (names(path), PathBuf::new())).into();
    let a = "use crate::{b::{self, c::Thing}, other};\n// use crate::b\n";
    assert_eq!(named(a, &names("a"), &files), [names("b"), names("b::c")].into());
    let c = "use super::{super::a::Thing, Own};\nfn f() { crate::a::g(); }\n#[cfg(test)]\nmod tests {\n use crate::b;\n}";
    assert_eq!(named(c, &names("b::c"), &files), [names("a")].into());
    let arrows = [("a", vec!["b::c"]), ("b", vec![]), ("b::c", vec!["a"])];
    let arrows = arrows.map(|(from, to)| (names(from), to.into_iter().map(names).collect()));
    assert_eq!(circle(&arrows.into()), Some(vec!["a".into(), "b::c".into()]));
}
