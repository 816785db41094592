//! Readers in another language, written from shared/README.md alone, see in real files what our programs see in them.
//!
//! One reads a cache file, the other an interchange file, and each is compared with what `mirrorlist-cache` says of the
//! cache that was built. The reader of the wire is in `end_to_end`, for it needs a daemon.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod input;
mod said;

use said::{Said, of};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use testkit::{
    inputs::{self, MIRRORMANAGER},
    stack::Programs,
    synthetic::Options,
};

/// Of each kind that is known, of none, and at the edges of ranges.
const ADDRESSES: [&str; 12] = [
    "0.0.0.0",
    "192.0.2.10",
    "192.0.2.127",
    "192.0.2.200",
    "203.0.113.200",
    "255.255.255.255",
    "::",
    "::ffff:192.0.2.200",
    "2001:db8:33:1::1",
    "2001:db8:33:1:1::1",
    "2001:db8:49::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

/// What a reader prints; nothing where there is no Python.
fn read_by(script: &str, arguments: &[&str], file: &Path) -> Option<Value> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 on this machine");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats")).join(script));
    if script == "cache_file.py" {
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/README.md"));
    }
    let output = command.arg(file).args(arguments).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A cache and its inputs in a folder.
struct Built {
    folder: tempfile::TempDir,
    cache: PathBuf,
    programs: Programs,
}

impl Built {
    fn new(write: impl FnOnce(&Path) -> std::io::Result<()>) -> Built {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let (programs, cache) = (Programs::build().unwrap(), folder.path().join("cache.mlc"));
        inputs::compile(&programs, folder.path(), &cache).unwrap();
        Built { folder, cache, programs }
    }

    fn said(&self) -> Said<'_> {
        Said { program: &self.programs.cache, cache: &self.cache }
    }
}

#[track_caller]
fn same(what: &str, read: &Value, said: &Value) {
    if read == said {
        return;
    }
    if let (Some(read), Some(said)) = (read.as_array(), said.as_array()) {
        assert_eq!(read.len(), said.len(), "{what}");
        for (read, said) in read.iter().zip(said) {
            assert_eq!(read, said, "{what}");
        }
    }
    assert_eq!(read, said, "{what}");
}

fn same_files(read: &Value, said: &Said) {
    let known = said.files(read);
    let all = read.as_object().unwrap().len();
    assert!(
        known.len() > 5 && known.len() * 10 > all * 9,
        "only {} of {all} files are answered",
        known.len()
    );
    for (path, versions) in &known {
        same(path, &read[path], versions);
    }
}

fn the_cache_file_says_what_the_program_says(built: &Built) -> Option<Value> {
    let read = read_by("cache_file.py", &ADDRESSES, &built.cache)?;
    let said = built.said();
    let contents = said.json(&["inspect"]);
    for fact in ["format", "checksum", "build_time", "source_time"] {
        same(fact, &read[fact], &contents[fact]);
    }
    let inputs = [MIRRORMANAGER, inputs::NETBLOCKS, inputs::CONTINENTS, inputs::GEOIP];
    let lengths = inputs.map(|name| built.folder.path().join(name).metadata().unwrap().len());
    let [mirrormanager, netblocks, continents, geoip] = lengths;
    let sources = json!({
        "mirrormanager": mirrormanager, "netblocks": netblocks, "continents": continents, "geoip": geoip
    });
    same("sources", &read["sources"], &sources);
    same("hosts", &of(&read["hosts"], "id"), &said.hosts());
    same("repositories", &of(&read["repositories"], ""), &said.repositories());
    same("directories", &of(&read["directories"], "directory"), &said.directories());
    assert_eq!(read["files"].as_object().unwrap().len(), contents["files"].as_u64().unwrap() as usize);
    same_files(&read["files"], &said);
    let addresses = ADDRESSES.map(|address| said.json(&["inspect", "--address", address]));
    same("addresses", &read["addresses"], &addresses.to_vec().into());
    Some(read)
}

#[test]
fn a_cache_of_the_sample_reads_as_the_program_says() {
    let built = Built::new(input::write);
    let Some(read) = the_cache_file_says_what_the_program_says(&built) else { return };
    // It has one of everything that there is to misread.
    let directory = |path: &str| {
        read["directories"].as_array().unwrap().iter().find(|one| one["directory"] == path).unwrap().clone()
    };
    assert_eq!(directory(input::ODD)["subpath"], input::ODD_SUBPATH);
    let elbe = read["hosts"].as_array().unwrap().iter().find(|host| host["id"] == 1).unwrap();
    assert_eq!((&elbe["families"], &elbe["only"]), (&json!([4, 6]), &json!("continent")));
    assert_eq!(elbe["exclusive"], json!(["192.0.2.0/26", "AS64496"]));
    let stands_for = |id: i64| {
        let hosts = directory(input::ODD)["hosts"].as_array().unwrap().clone();
        hosts.into_iter().find(|host| host["id"] == id).unwrap()["stands_for"].clone()
    };
    assert_eq!((stands_for(4), stands_for(6)), (json!(["BE", "FR"]), json!(["US"])));
    let addresses = read["addresses"].as_array().unwrap();
    assert_eq!((&addresses[3]["netblocks"][1]["hosts"], &addresses[3]["asn"]), (&json!([5]), &json!(64496)));
    assert_eq!((&addresses[4]["country"], &addresses[4]["corrected"]), (&json!("AU"), &json!(true)));
    // These two differ in the lower half alone.
    assert_ne!(addresses[8]["netblocks"], addresses[9]["netblocks"]);
    assert_eq!(read["locations"], json!({"munich": built.said().location("munich")}));
    let missing = |row: &Value| row["repo"] == "epel-11" && row["directory"].is_null();
    assert!(read["repositories"].as_array().unwrap().iter().any(missing));
}

/// Sets of several words, several rosters, tens of thousands of ranges.
#[test]
fn a_cache_of_a_hundred_hosts_reads_as_the_program_says() {
    let options = Options { hosts: 100, unfriendly: true, ..Options::new(300) };
    let built = Built::new(|folder| inputs::write_synthetic(&options, folder));
    the_cache_file_says_what_the_program_says(&built);
}

#[test]
fn an_interchange_file_of_the_sample_reads_as_the_program_says_of_its_cache() {
    let built = Built::new(input::write);
    let Some(read) = read_by("interchange_file.py", &[], &built.folder.path().join(MIRRORMANAGER)) else {
        return;
    };
    let said = built.said();
    same("time", &read["time"], &said.json(&["inspect"])["source_time"]);
    let hosts = said.hosts();
    for host in hosts.as_array().unwrap() {
        let id = host["id"].to_string();
        same("countries", &read["countries"][&id], &host["country"]);
        // A weight of 0 counts as 1.
        let bandwidth = read["bandwidths"][&id].as_i64().unwrap().max(1);
        same("bandwidths", &bandwidth.into(), &host["bandwidth"]);
        same("countries allowed", &read["countries_allowed"][&id], &host["countries_allowed"]);
    }
    same("repositories", &input::repositories(&read), &said.repositories());
    same("directories", &of(&read["directories"], "directory"), &said::without_sets(said.directories()));
    same_files(&read["files"], &said);
    let mut near = read["locations"]["munich"].as_array().unwrap().clone();
    near.sort_by_key(Value::as_i64);
    same("locations", &near.into(), &said.location("munich"));
    for (prefix, address) in [("192.0.2.128/25", "192.0.2.200"), ("2001:db8:33:1::/80", "2001:db8:33:1::1")] {
        let known = said.json(&["inspect", "--address", address]);
        same(prefix, &known["netblocks"][0], &json!({"prefix": prefix, "hosts": read["netblocks"][prefix]}));
    }
    let known = said.json(&["inspect", "--address", "192.0.2.10"]);
    same("asns", &read["asns"]["64496"], &known["asn_hosts"]);
    let known = said.json(&["inspect", "--address", "203.0.113.200"]);
    same("overrides", &read["overrides"]["203.0.113.128/25"], &known["country"]);
    same("our own field", &read["hosts"], &input::named());
}
