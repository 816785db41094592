//! The service on a cache of these mirrors only, with the real hashes of their metadata, and nginx in front of it.

use super::mirror::Mirror;
use crate::support::{
    programs, run,
    server::free_address,
    tool,
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

    /// One at this URL.
    pub fn at(url: String) -> Carrier {
        Carrier { url, is_current: true }
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
        let stack = stack(&cache(carriers, versions), "");
        let web = WebServer::start(Kind::Nginx, &FrontEnd::Tcp(stack.http));
        Service { web, _stack: stack }
    }

    /// The same with a web server that leads to files alone, whatever name it is asked for by, and knows these packages.
    pub fn downloads(kind: Kind, mirrors: &[&Mirror], versions: &[Vec<u8>], packages: &[Known]) -> Service {
        let carriers: Vec<Carrier> = mirrors.iter().map(|mirror| Carrier::of(mirror)).collect();
        let mut list = cache(&carriers, versions);
        list.file_details.push(FileDetailsDirectory {
            directory: Some(format!("{DIRECTORY}/noarch").into()),
            files: packages.iter().map(Known::entry).collect(),
        });
        let http = free_address();
        let stack = stack(&list, &format!("[policy]\npublic-url = \"http://{http}/\"\n"));
        let web = WebServer::downloads(kind, stack.http, http);
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

/// A file that the cache knows by its SHA-256.
pub struct Known {
    name: String,
    /// 0 where it is not known.
    size: u64,
    sha256: String,
}

impl Known {
    pub fn of(name: &str, content: &[u8]) -> Known {
        Known { name: name.into(), size: content.len() as u64, sha256: hash("sha256sum", content) }
    }

    /// Without its size.
    pub fn without_size(name: &str, content: &[u8]) -> Known {
        Known { size: 0, ..Known::of(name, content) }
    }

    fn entry(&self) -> FileDetailsFile {
        FileDetailsFile {
            filename: Some(self.name.clone().into()),
            details: vec![FileDetails {
                timestamp: Some(1_790_000_000),
                size: Some(self.size),
                sha256: Some(self.sha256.clone().into()),
                ..FileDetails::default()
            }],
        }
    }
}

/// Daemon and front end on a cache of this list and this site file.
fn stack(list: &MirrorList, site: &str) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(inputs::MIRRORMANAGER), list.encode_to_vec()).unwrap();
    let (file, options) = (folder.path().join("cache.mlc"), folder.path().join("mirrorlist-cache.toml"));
    fs::write(&options, site).unwrap();
    run(inputs::build_command(&programs(), folder.path(), &file).arg("--config").arg(options)).unwrap();
    // The daemon has its own copy of the cache as soon as it is ready.
    let redirector = ["--workers", "1", "--redirector", "/dl/"];
    Stack::start(&programs(), &file, &redirector, &["--deadline", "20"]).unwrap()
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
