//! What the programs are built from: every crate comes from crates.io or this repository, under a licence that lets
//! anyone use, change and pass on the programs without terms beyond keeping notices. And no crate is built in two versions
//! without a reason that is known: each is more to read, to build and to mend.
//!
//! Advisories are not looked up: that takes a database from the network.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use spdx::{Expression, ParseMode};
use std::{collections::BTreeMap, process::Command};

const ALLOWED: [&str; 9] =
    ["0BSD", "Apache-2.0", "BSD-3-Clause", "BSL-1.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Zlib"];
/// Crates in several versions: how many, and who has which. Where it says *tests* or *macros*, no program holds both.
const SEVERAL: [(&str, usize, &str); 8] = [
    ("base64", 2, "postgres-protocol the older, hyper-util the newer one"),
    ("const-oid", 2, "x509-cert of tokio-postgres-rustls the older, digest of sha2 the newer one"),
    ("fallible-iterator", 2, "postgres the older, rusqlite the newer one"),
    ("getrandom", 3, "ring, ahash of jsonschema (tests), rand"),
    ("itertools", 2, "prometheus-parse (tests), prost-derive (macros)"),
    ("phf", 2, "tokio-postgres the older, rust_iso3166 and html5ever (tests) the newer one"),
    ("phf_shared", 2, "those two of phf"),
    ("syn", 2, "macros: half of those who write them have not moved yet"),
];
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
    source: Option<String>,
}

/// All crates that are built on Linux, those for tests too.
fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

/// Whether an expression can be met with allowed licences alone.
fn is_allowed(expression: &str) -> bool {
    // Older crates write a slash for OR.
    let expression = Expression::parse_mode(expression, ParseMode::LAX).unwrap();
    expression.evaluate(|asked| {
        asked.addition.is_none() && asked.license.id().is_some_and(|id| ALLOWED.contains(&id.name))
    })
}

#[test]
fn every_crate_may_be_used_and_passed_on() {
    let packages = packages();
    assert!(packages.len() > 50, "only {} crates", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| format!("{}: {}", package.name, package.license.as_deref().unwrap_or("no licence")))
        .collect();
    assert!(refused.is_empty(), "not among the licences allowed: {refused:#?}");
}

#[test]
fn every_crate_is_from_crates_io_or_from_here() {
    let stray: Vec<(String, String)> = packages()
        .into_iter()
        .filter_map(|package| Some((package.name, package.source?)))
        .filter(|(_, source)| source != CRATES_IO)
        .collect();
    assert!(stray.is_empty(), "{stray:#?}");
}

#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let mut counts = BTreeMap::<String, usize>::new();
    packages().into_iter().for_each(|package| *counts.entry(package.name).or_default() += 1);
    counts.retain(|_, count| *count > 1);
    let known: BTreeMap<String, usize> =
        SEVERAL.iter().map(|(name, count, _)| ((*name).into(), *count)).collect();
    assert_eq!(
        counts, known,
        "versions of a crate, found and known; cargo tree --workspace --edges all --invert CRATE@VERSION says whose it is"
    );
}

#[test]
fn expressions_are_understood() {
    for good in
        ["MIT", "MIT/Apache-2.0", "(MIT OR GPL-2.0-only) AND Unicode-3.0", "LGPL-2.1-or-later OR Zlib"]
    {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["GPL-3.0-only", "MIT AND MPL-2.0", "Apache-2.0 WITH LLVM-exception", "AGPL-3.0-or-later"] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
