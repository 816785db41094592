//! The bill of materials that `make` writes: what CycloneDX 1.5 asks of one, and that it names what the programs are linked from,
//! all of it and nothing else.

use super::{TOP, made, made::Make, or_promised, run};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

const PROGRAMS: [&str; 5] =
    ["mirrorlist-cache", "mirrorlist-collect", "mirrorlist-http", "mirrorlist-report", "mirrorlistd"];
/// Ours that are linked into them.
const OWN: [&str; 5] = ["answer", "cache", "interchange", "program", "wire"];

fn bill() -> Value {
    let _make = Make::all();
    let file = made::program("mirrorlistd").with_file_name("sbom.cdx.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}"))
}

#[test]
fn the_bill_of_materials_is_a_whole_cyclonedx_document() {
    let bill = bill();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"], &bill["version"]),
        (&"CycloneDX".into(), &"1.5".into(), &1.into())
    );
    let about = &bill["metadata"]["component"];
    assert_eq!((text(about, "type"), text(about, "version")), ("application", env!("CARGO_PKG_VERSION")));
    let time = text(&bill["metadata"], "timestamp");
    assert!(time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");

    let lock: toml::Table = fs::read_to_string(Path::new(TOP).join("Cargo.lock")).unwrap().parse().unwrap();
    let locked: BTreeMap<(&str, &str), &str> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| {
            let of = |key: &str| package.get(key)?.as_str();
            Some(((of("name")?, of("version")?), of("checksum")?))
        })
        .collect();
    let mut references = BTreeSet::from([text(about, "bom-ref")]);
    for component in bill["components"].as_array().unwrap() {
        let (name, version) = (text(component, "name"), text(component, "version"));
        assert!(["application", "library"].contains(&text(component, "type")), "{component}");
        assert!(references.insert(text(component, "bom-ref")), "twice: {component}");
        let licence = text(&component["licenses"][0], "expression");
        assert!(spdx::Expression::parse(licence).is_ok(), "{component}");
        if PROGRAMS.contains(&name) || OWN.contains(&name) {
            assert!(
                component["purl"].is_null() && component["hashes"].is_null(),
                "not on crates.io: {component}"
            );
            continue;
        }
        if name == "rust-std" {
            assert_eq!(text(component, "purl"), format!("pkg:github/rust-lang/rust@{version}"));
            continue;
        }
        assert_eq!(text(component, "purl"), format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")));
        let hash = &component["hashes"][0];
        assert_eq!((text(hash, "alg"), text(hash, "content")), ("SHA-256", locked[&(name, version)]));
    }
    let mut told = BTreeSet::new();
    for dependency in bill["dependencies"].as_array().unwrap() {
        assert!(told.insert(text(dependency, "ref")), "twice: {dependency}");
        for needed in dependency["dependsOn"].as_array().unwrap() {
            assert!(references.contains(needed.as_str().unwrap()), "not among the components: {needed}");
        }
    }
    assert_eq!(told, references, "what needs what is told of each");
}

#[test]
fn terms_and_notices_of_every_crate_go_with_the_programs() {
    let bill = bill();
    let file = made::program("mirrorlistd").with_file_name("THIRD-PARTY-NOTICES");
    let notices = fs::read_to_string(file).unwrap();
    let mut count = 0;
    for component in bill["components"].as_array().unwrap().iter().filter(|one| !one["hashes"].is_null()) {
        let (name, version) = (text(component, "name"), text(component, "version"));
        let line = format!("{name} {version} ({})", text(&component["licenses"][0], "expression"));
        assert!(notices.lines().any(|one| one == line), "no {line}");
        count += 1;
    }
    assert!(count > 100, "{count}");
    // C code that crates bring along has terms of its own.
    for whose in ["Copyright (c) Meta Platforms", "the fiat-crypto authors"] {
        assert!(notices.contains(whose), "nothing of {whose}");
    }
    assert!(!notices.contains("/registry/"), "names a folder of this machine");
}

#[test]
fn the_bill_names_what_programs_are_linked_from_and_nothing_else() {
    let bill = bill();
    let of_type = |kind: &str| -> BTreeSet<(&str, &str)> {
        let components = bill["components"].as_array().unwrap().iter();
        components
            .filter(|one| one["type"] == kind)
            .map(|one| (text(one, "name"), text(one, "version")))
            .collect()
    };
    let programs: Vec<&str> = of_type("application").into_iter().map(|(name, _)| name).collect();
    assert_eq!(programs, PROGRAMS);
    let named = of_type("library");
    // The programs' debug information has the files of all that was compiled into them.
    let mut linked = BTreeSet::new();
    for program in PROGRAMS {
        let bytes = fs::read(made::program(program)).unwrap();
        for word in bytes.split(|byte| !byte.is_ascii_graphic()).filter_map(|word| str::from_utf8(word).ok())
        {
            // Texts of programs stand one behind the other.
            let folders = word.split("/registry/src/").skip(1).filter_map(|rest| rest.split('/').nth(1));
            linked.extend(folders.map(str::to_owned));
        }
    }
    if !or_promised(!linked.is_empty(), "crates come from elsewhere than a registry") {
        return;
    }
    assert!(linked.len() > 40, "{linked:?}");
    let folders: BTreeSet<String> = named.iter().map(|(name, version)| format!("{name}-{version}")).collect();
    let missing: Vec<_> = linked.difference(&folders).collect();
    assert!(missing.is_empty(), "linked, but not named: {missing:?}");
    let tree = ["tree", "--locked", "--workspace", "--edges=all", "--prefix=none"];
    let tree = run(Command::new(env!("CARGO")).args(tree).current_dir(TOP));
    for (name, why) in [
        ("clap_complete", "of what writes completions"),
        ("divan", "of benches"),
        ("serde_derive", "a macro"),
        ("cc", "of build scripts"),
        ("jsonschema", "of tests"),
    ] {
        assert!(tree.contains(&format!("{name} v")), "{name} is nowhere");
        assert!(!named.iter().any(|one| one.0 == name), "{name}, {why}, is in no program");
    }
}
