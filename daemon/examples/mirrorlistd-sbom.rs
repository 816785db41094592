//! Prints the bill of materials of the installed programs, as CycloneDX 1.5 JSON: for `make`, and for packagers.
//!
//! Each argument is a list of packages that are built together, for they lend each other their features. What is named is what
//! is linked: nothing for tests, build scripts and macros. Crates are told by their purl and the hash in Cargo.lock; ours have
//! neither, for crates.io has others of these names. C code that a crate brings along (SQLite, zstd, ring's) is that crate's.
//! The time is `SOURCE_DATE_EPOCH`, so that one source has one bill.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs,
    process::Command,
};
use time::OffsetDateTime;

/// What the bill calls the package of all programs, and Rust's standard library.
const WHOLE: &str = "mirrorlistd-package";
const STD: &str = "rust-std";

/// A crate that is linked.
#[derive(Debug)]
struct Crate {
    name: String,
    version: String,
    licence: String,
    repository: String,
    /// How far from a program: 0 is one itself.
    depth: usize,
    own: bool,
    /// What it needs, by reference.
    needs: BTreeSet<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut crates = BTreeMap::new();
    for together in env::args().skip(1) {
        add(&cargo_tree(&together)?, &mut crates)?;
    }
    let compiler = said(Command::new(env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version"))?;
    let compiler = compiler.split(' ').nth(1).ok_or("rustc: tells no version")?;
    println!("{:#}", document(&crates, compiler, &checksums()?)?);
    Ok(())
}

/// What a command prints.
fn said(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Packages that are built together, with all that is linked into them: depth, crate, licence and repository, with tabs between.
fn cargo_tree(packages: &str) -> Result<String, Box<dyn Error>> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    command.args(["tree", "--locked", "--color=never", "--edges=normal,no-proc-macro"]);
    command.args(["--prefix=depth", "--format=\t{p}\t{l}\t{r}"]);
    command.args(packages.split_whitespace().flat_map(|package| ["--package", package]));
    said(&mut command)
}

fn add(tree: &str, crates: &mut BTreeMap<String, Crate>) -> Result<(), Box<dyn Error>> {
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        // Where a crate comes again, what it needs is not repeated.
        let fields: Vec<&str> = line.trim_end_matches(" (*)").split('\t').collect();
        let [depth, named, licence, repository] = fields[..] else {
            return Err(format!("cargo tree: {line}").into());
        };
        let depth: usize = depth.parse()?;
        let (name, rest) = named.split_once(" v").ok_or_else(|| format!("cargo tree: {line}"))?;
        let (version, path) = rest.split_once(' ').unwrap_or((rest, ""));
        let own = !path.is_empty();
        let reference = if own { name.to_owned() } else { purl(name, version) };
        above.truncate(depth);
        if let Some(needing) = above.last().and_then(|above| crates.get_mut(above)) {
            needing.needs.insert(reference.clone());
        }
        let one = crates.entry(reference.clone()).or_insert_with(|| Crate {
            name: name.into(),
            version: version.into(),
            // Older crates write a slash for OR.
            licence: licence.replace('/', " OR "),
            repository: repository.into(),
            depth,
            own,
            needs: BTreeSet::new(),
        });
        one.depth = one.depth.min(depth);
        above.push(reference);
    }
    Ok(())
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// The hashes of crates in Cargo.lock, by purl.
fn checksums() -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let lock: toml::Table = fs::read_to_string("Cargo.lock")?.parse()?;
    let packages =
        lock.get("package").and_then(|packages| packages.as_array()).ok_or("Cargo.lock: no package")?;
    let text = |package: &toml::Value, key| Some(package.get(key)?.as_str()?.to_owned());
    let checksum = |package| {
        Some((purl(&text(package, "name")?, &text(package, "version")?), text(package, "checksum")?))
    };
    Ok(packages.iter().filter_map(checksum).collect())
}

fn document(
    crates: &BTreeMap<String, Crate>,
    compiler: &str,
    checksums: &BTreeMap<String, String>,
) -> Result<Value, Box<dyn Error>> {
    let programs: Vec<(&String, &Crate)> = crates.iter().filter(|(_, one)| one.depth == 0).collect();
    let (_, first) = programs.first().ok_or("no package is named")?;
    let mut components = vec![json!({
        "type": "library",
        "bom-ref": STD,
        "name": STD,
        "version": compiler,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": format!("pkg:github/rust-lang/rust@{compiler}"),
    })];
    let mut dependencies = vec![
        json!({"ref": WHOLE, "dependsOn": programs.iter().map(|(reference, _)| reference).collect::<Vec<_>>()}),
        json!({"ref": STD, "dependsOn": []}),
    ];
    for (reference, one) in crates {
        let mut component = json!({
            "type": if one.depth == 0 { "application" } else { "library" },
            "bom-ref": reference,
            "name": one.name,
            "version": one.version,
            "licenses": [{"expression": one.licence}],
        });
        if !one.own {
            let checksum = checksums
                .get(reference)
                .ok_or_else(|| format!("{reference}: without a hash in Cargo.lock"))?;
            component["purl"] = json!(reference);
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        if !one.repository.is_empty() {
            component["externalReferences"] = json!([{"type": "vcs", "url": one.repository}]);
        }
        components.push(component);
        let std = (one.depth == 0).then_some(STD);
        let needs: Vec<&str> = one.needs.iter().map(String::as_str).chain(std).collect();
        dependencies.push(json!({"ref": reference, "dependsOn": needs}));
    }
    let mut metadata = json!({
        "component": {
            "type": "application",
            "bom-ref": WHOLE,
            "name": "mirrorlistd",
            "version": first.version,
            "licenses": [{"expression": first.licence}],
        },
    });
    if let Ok(seconds) = env::var("SOURCE_DATE_EPOCH") {
        let time = OffsetDateTime::from_unix_timestamp(seconds.parse()?)?;
        let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
        metadata["timestamp"] = json!(format!("{date}T{hour:02}:{minute:02}:{second:02}Z"));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": dependencies,
    }))
}
