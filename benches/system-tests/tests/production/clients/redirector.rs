//! Files by their path alone: clients of every kind are led on by the redirector, behind nginx and behind Apache.
//!
//! The first mirror is that of every answer; what aria2 and wget2 do with the links to the others is seen in their exit
//! codes, and in the file by its hash.

use super::{
    Check,
    apt::Apt,
    archive::Archive,
    dnf::Dnf,
    mirror::Mirror,
    repository::{PACKAGE, Repository},
    service::{ARCHIVE, DIRECTORY, Known, Service, hash},
    zypper,
};
use crate::support::{curl::curl, tool, web_server::Kind};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

pub const CHECKS: &[Check] = &[
    ("dnf", "baseurl: metadata and package, nginx", || dnf(Kind::Nginx)),
    ("dnf", "baseurl: metadata and package, Apache", || dnf(Kind::Apache)),
    ("zypper", "baseurl: metadata and package, nginx", || zypper(Kind::Nginx)),
    ("zypper", "baseurl: metadata and package, Apache", || zypper(Kind::Apache)),
    ("apt", "deb http: index and package, nginx", || apt(Kind::Nginx)),
    ("apt", "deb http: index and package, Apache", || apt(Kind::Apache)),
    ("aria2", "file: a dead first mirror is passed over, nginx", || aria2_dead_first(Kind::Nginx)),
    ("aria2", "file: a dead first mirror is passed over, Apache", || aria2_dead_first(Kind::Apache)),
    ("aria2", "file: what is not the file is never taken for it, nginx", || aria2_wrong(Kind::Nginx)),
    ("aria2", "file: what is not the file is never taken for it, Apache", || aria2_wrong(Kind::Apache)),
    ("wget2", "file: one file, once, nginx", || wget2_one_file(Kind::Nginx)),
    ("wget2", "file: one file, once, Apache", || wget2_one_file(Kind::Apache)),
    ("wget2", "file: a mirror that is away is left out for who says so", wget2_without),
    ("curl", "file: a long path and its links pass, nginx", || long_path(Kind::Nginx)),
    ("curl", "file: a long path and its links pass, Apache", || long_path(Kind::Apache)),
];

/// A file without a size, which is known by its hash alone.
const UNSIZED: &str = "unsized.iso";

/// Two mirrors of a repository, and the service in front of them.
struct Site {
    new: Repository,
    first: Mirror,
    second: Mirror,
    service: Service,
}

impl Site {
    fn start(kind: Kind) -> Site {
        let new = Repository::build("1.1");
        fs::write(new.folder().join("os/noarch").join(UNSIZED), new.package()).unwrap();
        let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
        let service = downloads(kind, &[&first, &second], &new);
        Site { new, first, second, service }
    }

    /// What was asked of the mirrors for this name.
    fn asked_for(&self, name: &str) -> (usize, usize) {
        (self.first.asked_for(name), self.second.asked_for(name))
    }
}

/// The service that knows the hashes of the package and of the file without a size.
fn downloads(kind: Kind, mirrors: &[&Mirror], new: &Repository) -> Service {
    let package = new.package();
    let known = [Known::of(PACKAGE, &package), Known::without_size(UNSIZED, &package)];
    Service::downloads(kind, mirrors, &[new.repomd(), b"another version".to_vec()], &known)
}

/// The path of a file in the folder of packages.
fn package(name: &str) -> String {
    format!("{DIRECTORY}/noarch/{name}")
}

fn dnf(kind: Kind) {
    let site = Site::start(kind);
    let dnf = Dnf::with(&format!("baseurl={}", site.service.url(DIRECTORY)));
    dnf.download();
    assert_eq!((dnf.repomd(), dnf.packages()), (site.new.repomd(), vec![PACKAGE.to_owned()]));
    // Index and packages come from one mirror.
    assert_eq!(site.asked_for(PACKAGE), (1, 0));
    assert_eq!(site.second.asked(), Vec::<String>::new());
}

fn zypper(kind: Kind) {
    let site = Site::start(kind);
    let url = format!("baseurl={}", site.service.url(DIRECTORY));
    assert_eq!(zypper::download(&url), site.new.package());
    assert_eq!(site.asked_for(PACKAGE), (1, 0));
    assert_eq!(site.second.asked(), Vec::<String>::new());
}

fn apt(kind: Kind) {
    let archive = Archive::build();
    let (first, second) = (Mirror::serve(archive.folder()), Mirror::serve(archive.folder()));
    let service = Service::downloads(kind, &[&first, &second], &[b"index".to_vec()], &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::with(&service.url(ARCHIVE), root.path());
    apt.update();
    assert_eq!(apt.download(), archive.package());
    assert_eq!((first.asked_for("tiny_1.1_all.deb"), second.asked_for("tiny_1.1_all.deb")), (1, 0));
}

/// A client's run in a folder of its own: how it ended, and the files that it left.
struct Ran {
    output: Output,
    files: Vec<(String, Vec<u8>)>,
}

impl Ran {
    fn of(command: &mut Command, folder: &Path) -> Ran {
        let output = command.current_dir(folder).output().unwrap();
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let file =
            |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        Ran { output, files: entries.map(file).collect() }
    }

    /// It has ended well, with this file alone, by its hash.
    fn has_only(&self, name: &str, content: &[u8]) {
        assert_eq!(self.output.status.code(), Some(0), "{:?}", self.output);
        let names: Vec<&str> = self.files.iter().map(|file| &*file.0).collect();
        assert_eq!(names, [name], "{:?}", self.output);
        assert_eq!(hash("sha256sum", &self.files[0].1), hash("sha256sum", content), "{:?}", self.output);
    }
}

fn aria2(url: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool("aria2c");
    command.args(["--no-conf", "--disable-ipv6", "--max-tries=2", "--retry-wait=0", "--connect-timeout=5"]);
    Ran::of(command.args(["--check-integrity", "--allow-overwrite", url]), folder.path())
}

fn aria2_dead_first(kind: Kind) {
    let new = Repository::build("1.1");
    let (away, fresh) = (Mirror::away(), Mirror::serve(new.folder()));
    let service = downloads(kind, &[&away, &fresh], &new);
    let ran = aria2(&service.url(&package(PACKAGE)));
    ran.has_only(PACKAGE, &new.package());
    assert!(fresh.asked_for(PACKAGE) > 0, "{:?}", fresh.asked());
}

/// openSUSE/mirrorbrain#68: a mirror with other content. It is told by the digest of the redirect.
fn aria2_wrong(kind: Kind) {
    let new = Repository::build("1.1");
    let damaged = new.copy().with_damaged_package();
    let mirror = Mirror::serve(damaged.folder());
    let service = downloads(kind, &[&mirror], &new);
    let ran = aria2(&service.url(&package(PACKAGE)));
    // 32: checksum validation failed.
    assert_eq!(ran.output.status.code(), Some(32), "{:?}", ran.output);
    assert!(mirror.asked_for(PACKAGE) > 0, "{:?}", mirror.asked());
    // The same mirror's good file is taken.
    let good = Mirror::serve(new.folder());
    let service = downloads(kind, &[&good], &new);
    aria2(&service.url(&package(PACKAGE))).has_only(PACKAGE, &new.package());
}

fn wget2(url: &str, options: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tool("wget2");
    command.args(["--no-config", "--no-proxy", "--tries=1", "--timeout=20", "--no-hsts"]);
    Ran::of(command.args(options).arg(url), folder.path())
}

/// What makes the redirect tell of other mirrors.
const ASKING: &str = "--header=Want-Digest: SHA-256";

/// wget2#375: a second copy was saved.
fn wget2_one_file(kind: Kind) {
    let site = Site::start(kind);
    let content = site.new.package();
    for (name, options) in [(PACKAGE, &[][..]), (PACKAGE, &[ASKING]), (UNSIZED, &[]), (UNSIZED, &[ASKING])] {
        let url = site.service.url(&package(name));
        wget2(&url, options).has_only(name, &content);
        let asked: Vec<&str> = if options.is_empty() { vec![] } else { vec!["--header", &ASKING[9..]] };
        let answer = curl(site.service.web.http, &url, &asked);
        let links: Vec<&str> =
            answer.headers.iter().filter(|header| header.0 == "link").map(|header| &*header.1).collect();
        let described = links.iter().any(|link| link.contains("rel=describedby"));
        assert_eq!(described, name == PACKAGE && !options.is_empty(), "{answer:?}");
        assert_eq!(answer.header("digest").is_empty(), options.is_empty(), "{answer:?}");
        if !options.is_empty() {
            let first = links.iter().find(|link| link.contains("pri=1")).unwrap();
            assert!(first.starts_with(&format!("<{}>", answer.header("location"))), "{answer:?}");
        }
    }
    // An index of more than one version has neither, and is saved as it is.
    let url = site.service.url(&format!("{DIRECTORY}/repodata/repomd.xml"));
    wget2(&url, &[ASKING]).has_only("repomd.xml", &site.new.repomd());
    let answer = curl(site.service.web.http, &url, &["--header", &ASKING[9..]]);
    assert!(!answer.headers.iter().any(|header| ["link", "digest"].contains(&&*header.0)), "{answer:?}");
}

/// wget2 1.99 tries a mirror that is away again and again; whoever knows it leaves it out.
fn wget2_without() {
    let new = Repository::build("1.1");
    let (away, fresh) = (Mirror::away(), Mirror::serve(new.folder()));
    let service = downloads(Kind::Nginx, &[&away, &fresh], &new);
    let url = service.url(&package(PACKAGE));
    let ran = wget2(&url, &[]);
    assert!(ran.files.is_empty(), "{:?}", ran.output);
    let name = away.url().split('/').nth(2).unwrap().split(':').next().unwrap().to_owned();
    let output = format!("--output-document={PACKAGE}");
    wget2(&format!("{url}?exclude={name}"), &[&output]).has_only(PACKAGE, &new.package());
}

/// MirrorBrain#11, nginx's 502: a head that was too large for a proxy, whose buffer is of one page.
fn long_path(kind: Kind) {
    let mirrors = [0; 5].map(|_| Mirror::away());
    let name = "x".repeat(1000);
    let known = Known::of(&name, b"content");
    let service = Service::downloads(kind, &mirrors.each_ref(), &[b"index".to_vec()], &[known]);
    let url = service.url(&package(&name));
    let answer = curl(service.web.http, &url, &["--header", &ASKING[9..]]);
    assert_eq!(answer.status, 302, "{answer:?}");
    assert!(answer.header("location").ends_with(&name) && !answer.header("digest").is_empty(), "{answer:?}");
    assert!(answer.headers.iter().any(|header| header.0 == "link"), "{answer:?}");
    let head: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    assert!(head <= 3 << 10, "{head} bytes: {answer:?}");
}
