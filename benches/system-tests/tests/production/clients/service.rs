//! The service on a cache of these mirrors only, with the real hashes of their metadata, and nginx in front of it.

use super::mirror::Mirror;
use crate::support::{
    programs, tool,
    web_server::{FrontEnd, Kind, WebServer},
};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, MirrorList, MirrorListDirectory,
    StringBool, StringInts, StringString,
};
use prost::Message as _;
use std::{fs, io::Write as _, process::Stdio};
use testkit::{inputs, stack::Stack};

/// The repository, as a directory of the cache.
pub const DIRECTORY: &str = "pub/tiny/os";
/// The same for packages of Debian's.
pub const ARCHIVE: &str = "pub/tiny/deb";
/// Where clients come from.
const CLIENT: &str = "127.0.0.1";

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

/// The running service.
pub struct Service {
    // Ended before what it asks.
    pub web: WebServer,
    _stack: Stack,
}

impl Service {
    /// Daemon, front end and nginx on a cache of these mirrors, which every client is told in this order, with these
    /// versions of `repomd.xml`, the current one first.
    pub fn start(carriers: &[Carrier], versions: &[Vec<u8>]) -> Service {
        let folder = tempfile::tempdir().unwrap();
        let message = cache(carriers, versions).encode_to_vec();
        fs::write(folder.path().join(inputs::MIRRORMANAGER), message).unwrap();
        let file = folder.path().join("cache.mlc");
        inputs::compile(&programs(), folder.path(), &file).unwrap();
        // The daemon has its own copy of the cache as soon as it is ready.
        let stack = Stack::start(
            &programs(),
            &file,
            &["--workers", "1", "--redirector", "/dl/"],
            &["--deadline", "20"],
        )
        .unwrap();
        let web = WebServer::start(Kind::Nginx, &FrontEnd::Tcp(stack.http));
        Service { web, _stack: stack }
    }

    /// The service on mirrors that are all taken to be current.
    pub fn of(mirrors: &[&Mirror], versions: &[Vec<u8>]) -> Service {
        Service::start(&mirrors.iter().map(|mirror| Carrier::of(mirror)).collect::<Vec<_>>(), versions)
    }

    /// The URL of a request.
    pub fn url(&self, request: &str) -> String {
        format!("http://{}/{request}", self.web.http)
    }

    pub fn metalink(&self) -> String {
        self.url("metalink?repo=tiny-42&arch=x86_64")
    }

    pub fn list(&self) -> String {
        self.url("mirrorlist?repo=tiny-42&arch=x86_64")
    }
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
    let all = || numbered().map(|(host, _)| host).collect();
    let current = numbered().filter(|(_, carrier)| carrier.is_current).map(|(host, _)| host).collect();
    let repository = |name: &str| StringString { key: Some(name.into()), value: Some(DIRECTORY.into()) };
    MirrorList {
        time: Some(1_790_000_000),
        hcurl: numbered()
            .map(|(host, carrier)| IntString { key: Some(host), value: Some(carrier.url.clone().into()) })
            .collect(),
        host_country: numbered()
            .map(|(host, _)| IntString { key: Some(host), value: Some("DE".into()) })
            .collect(),
        host_netblock: numbered().map(|(host, _)| netblock(host)).collect(),
        repo_arch_to_directory: vec![repository("tiny-42+x86_64"), repository("tiny-41+x86_64")],
        disabled_repository: vec![StringBool { key: Some("tiny-41".into()), value: Some(true) }],
        file_details: vec![FileDetailsDirectory {
            directory: Some(format!("{DIRECTORY}/repodata").into()),
            files: vec![FileDetailsFile {
                filename: Some("repomd.xml".into()),
                details: versions.iter().map(|version| details(version)).collect(),
            }],
        }],
        mirror_list: vec![
            directory(DIRECTORY, "os", all()),
            directory(&format!("{DIRECTORY}/repodata"), "os/repodata", current),
            directory(&format!("{DIRECTORY}/noarch"), "os/noarch", all()),
            directory(ARCHIVE, "deb", all()),
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
pub fn hash(name: &str, bytes: &[u8]) -> String {
    let mut child = tool(name).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
