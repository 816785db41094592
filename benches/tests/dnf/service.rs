//! The service on a cache of these mirrors only, with the real hashes of their metadata.

use crate::{client::CLIENT, mirror::Mirror};
use benches::{
    inputs,
    stack::{Programs, Stack},
};
use daemon::compile::mirrormanager::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, MirrorList, MirrorListDirectory,
    StringInts, StringString,
};
use prost::Message as _;
use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

const DIRECTORY: &str = "pub/tiny/os";

/// A mirror as the cache knows it.
pub struct Carrier {
    url: String,
    /// Whether its repodata is known to be current.
    is_current: bool,
}

impl Carrier {
    pub fn of(mirror: &Mirror) -> Carrier {
        Carrier { url: mirror.url(), is_current: true }
    }

    /// One whose repodata MirrorManager's crawler has found to be old.
    pub fn known_as_stale(mirror: &Mirror) -> Carrier {
        Carrier { url: mirror.url(), is_current: false }
    }
}

/// Daemon and front end on a cache of these mirrors, which every client is told in this order, with these versions of
/// `repomd.xml`, the current one first.
pub fn service(carriers: &[Carrier], versions: &[Vec<u8>]) -> Stack {
    let programs = Programs::build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(inputs::MIRRORMANAGER), cache(carriers, versions).encode_to_vec()).unwrap();
    let file = folder.path().join("cache.mlc");
    inputs::compile(&programs, folder.path(), &file).unwrap();
    // The daemon has its own copy of the cache as soon as it is ready.
    Stack::start(&programs, &file, &["--workers", "1"], &["--deadline", "20"]).unwrap()
}

fn cache(carriers: &[Carrier], versions: &[Vec<u8>]) -> MirrorList {
    let numbered = || (1_i64..).zip(carriers);
    // Of the netblocks that hold a client the longest counts most, so these fix the order.
    let netblock =
        |host: i64| StringInts { key: Some(format!("{CLIENT}/{}", 33 - host).into()), value: vec![host] };
    let directory = |path: &str, subpath: &str, hosts: Vec<i64>| MirrorListDirectory {
        directory: Some(path.into()),
        global: hosts.clone(),
        subpath: Some(subpath.into()),
        by_host_id: hosts.iter().map(|host| IntInts { key: Some(*host), value: vec![*host] }).collect(),
        ..MirrorListDirectory::default()
    };
    let current = numbered().filter(|(_, carrier)| carrier.is_current).map(|(host, _)| host).collect();
    MirrorList {
        time: Some(1_790_000_000),
        hcurl: numbered()
            .map(|(host, carrier)| IntString { key: Some(host), value: Some(carrier.url.clone().into()) })
            .collect(),
        host_country: numbered()
            .map(|(host, _)| IntString { key: Some(host), value: Some("DE".into()) })
            .collect(),
        host_netblock: numbered().map(|(host, _)| netblock(host)).collect(),
        repo_arch_to_directory: vec![StringString {
            key: Some("tiny-42+x86_64".into()),
            value: Some(DIRECTORY.into()),
        }],
        file_details: vec![FileDetailsDirectory {
            directory: Some(format!("{DIRECTORY}/repodata").into()),
            files: vec![FileDetailsFile {
                filename: Some("repomd.xml".into()),
                details: versions.iter().map(|version| details(version)).collect(),
            }],
        }],
        mirror_list: vec![
            directory(DIRECTORY, "os", numbered().map(|(host, _)| host).collect()),
            directory(&format!("{DIRECTORY}/repodata"), "os/repodata", current),
        ],
        ..MirrorList::default()
    }
}

fn details(file: &[u8]) -> FileDetails {
    let hash = |tool: &str| Some(hash(tool, file).into());
    FileDetails {
        timestamp: Some(1_790_000_000),
        size: Some(file.len() as u64),
        sha1: hash("sha1sum"),
        md5: hash("md5sum"),
        sha256: hash("sha256sum"),
        sha512: hash("sha512sum"),
    }
}

/// A hash in hex, by the tool of this name.
fn hash(tool: &str, bytes: &[u8]) -> String {
    let mut child = Command::new(tool).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
