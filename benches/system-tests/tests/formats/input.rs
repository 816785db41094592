//! The tests' sample, and what it has not: one of everything that a reader could take for something else.

use crate::said::of;
use interchange::message::{Host, IntInts, MirrorList, MirrorListDirectory, StringInts, StringString};
use prost::Message as _;
use serde_json::{Value, json};
use std::{fs, io, path::Path};
use testkit::{inputs::MIRRORMANAGER, sample};

/// A directory that is elsewhere below the hosts' URLs, and where.
pub const ODD: &str = "pub/fedora/linux/odd";
pub const ODD_SUBPATH: &str = "another/place";

/// Writes all inputs into a folder.
pub fn write(folder: &Path) -> io::Result<()> {
    sample::write(folder)?;
    let mut list = sample::mirror_list();
    extend(&mut list);
    let mut bytes = list.encode_to_vec();
    // Field 999, which nobody knows.
    bytes.extend([0xba, 0x3e, 3, b'n', b'e', b'w']);
    fs::write(folder.join(MIRRORMANAGER), bytes)
}

fn extend(list: &mut MirrorList) {
    let hosts = |key: &str, value: &[i64]| StringInts { key: Some(key.into()), value: value.to_vec() };
    // One prefix within another, and one within half of an IPv6 address.
    list.host_netblock.extend([hosts("192.0.2.0/24", &[5]), hosts("2001:db8:33:1::/80", &[4])]);
    // No mirror carries it.
    let (key, value) = (Some("epel-11+x86_64".into()), Some("pub/epel/11/Everything/x86_64".into()));
    list.repo_arch_to_directory.push(StringString { key, value });
    // A host that stands for two countries, and a directory whose subpath is not the end of its path.
    let urls = |host: i64| IntInts { key: Some(host), value: vec![host * 10] };
    list.mirror_list.push(MirrorListDirectory {
        directory: Some(ODD.into()),
        subpath: Some(ODD_SUBPATH.into()),
        global: vec![4, 6],
        by_country: vec![hosts("FR", &[4]), hosts("BE", &[4]), hosts("US", &[6])],
        by_host_id: vec![urls(4), urls(6)],
        ..MirrorListDirectory::default()
    });
    list.host.push(Host {
        id: Some(1),
        name: Some("elbe.example.org".into()),
        latitude: Some(53.55),
        longitude: Some(-9.99),
        families: vec![4, 6],
        exclusive: vec!["192.0.2.0/26".into(), "AS64496".into()],
        only: Some("continent".into()),
        ..Host::default()
    });
}

/// What the reader of the interchange file should find in the field that is ours.
pub fn named() -> Value {
    json!([{"id": 1, "name": "elbe.example.org", "latitude": 53.55, "longitude": -9.99}])
}

/// Repositories as the program lists them, from the maps of an interchange file.
pub fn repositories(read: &Value) -> Value {
    let map = |name: &str| read[name].as_object().unwrap().clone();
    let (redirects, disabled) = (map("redirects"), map("disabled"));
    let carried = |path: &Value| {
        let all = read["directories"].as_array().unwrap();
        all.iter().any(|row| row["directory"] == *path).then(|| path.clone())
    };
    let row = |repo: &str, arch: Option<&str>, directory: Option<Value>| {
        json!({
            "repo": repo,
            "arch": arch,
            "directory": directory,
            "redirect": redirects.get(repo),
            "disabled": disabled.get(repo).unwrap_or(&false.into()),
        })
    };
    let pairs = map("repo_archs");
    let mut rows: Vec<Value> = Vec::new();
    for (pair, directory) in &pairs {
        let (repo, arch) = pair.rsplit_once('+').unwrap();
        rows.push(row(repo, Some(arch), carried(directory)));
    }
    rows.extend(redirects.keys().chain(disabled.keys()).map(|repo| row(repo, None, None)));
    of(&rows.into(), "")
}
