//! Metalink 4 in the hands of those who read it: aria2, wget2 and zypper; and librepo, which must refuse it, so that dnf goes
//! nowhere by a document whose hashes it would not look at.

use super::{Check, mirror::Mirror, repository::Repository, service::Service};
use crate::support::{run, tool};
use std::{fs, path::Path};

pub const CHECKS: &[Check] = &[
    ("aria2", "metalink 4: broken first mirrors are passed over", aria2),
    ("aria2", "metalink 4: what a stale mirror has is not taken for the file", aria2_stale),
    ("wget2", "metalink 4: the file", wget2),
    ("zypper", "metalink 4: metadata and package", zypper),
    ("librepo", "refuses metalink 4", librepo),
];

const FILE: &str = "dl/pub/tiny/os/repodata/repomd.xml";

/// A service whose first mirrors are away and hollow, and the good repository.
fn with_broken_ones(use_it: impl FnOnce(&Service, &Repository)) {
    let new = Repository::build("1.1");
    let empty = tempfile::tempdir().unwrap();
    let (away, hollow, fresh) = (Mirror::away(), Mirror::serve(empty.path()), Mirror::serve(new.folder()));
    use_it(&Service::of(&[&away, &hollow, &fresh], &[new.repomd()]), &new);
    assert!(fresh.asked_for("repomd.xml") > 0, "{:?}", fresh.asked());
}

/// The document, as a file in a folder.
fn saved(service: &Service, folder: &Path) -> String {
    let file = folder.join("repomd.xml.meta4");
    let url = service.url(&format!("{FILE}.meta4"));
    run(tool("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--output"])
        .arg(&file)
        .arg(url))
    .unwrap();
    file.to_str().unwrap().to_owned()
}

fn follow(service: &Service, folder: &Path) -> Result<String, String> {
    run(tool("aria2c")
        .args(["--no-conf", "--disable-ipv6", "--check-integrity", "--max-tries=2", "--retry-wait=0"])
        .args(["--connect-timeout=5", "--follow-metalink=mem", "--dir"])
        .arg(folder)
        .arg(service.url(&format!("{FILE}.meta4"))))
}

fn aria2() {
    with_broken_ones(|service, new| {
        let folder = tempfile::tempdir().unwrap();
        follow(service, folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("repomd.xml")).unwrap(), new.repomd());
    });
}

fn aria2_stale() {
    let (old, new) = Repository::old_and_new();
    let mirror = Mirror::serve(old.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let folder = tempfile::tempdir().unwrap();
    let said = follow(&service, folder.path()).expect_err("a file that is another one");
    assert!(mirror.asked_for("repomd.xml") > 0, "{said}");
}

/// wget2 1.99 never leaves a mirror that is away, whatever else a metalink has.
fn wget2() {
    let new = Repository::build("1.1");
    let mirror = Mirror::serve(new.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let folder = tempfile::tempdir().unwrap();
    let document = saved(&service, folder.path());
    run(tool("wget2")
        .args(["--no-config", "--tries=1", "--timeout=20", "--no-proxy", "--metalink"])
        .args(["--force-metalink", "--input-file", &document])
        .current_dir(folder.path()))
    .unwrap();
    assert_eq!(fs::read(folder.path().join("repomd.xml")).unwrap(), new.repomd());
}

fn zypper() {
    with_broken_ones(|service, new| {
        let package = super::zypper::download(&format!("mirrorlist={}&format=metalink4", service.metalink()));
        assert_eq!(package, new.package());
    });
}

/// librepo by Debian's Python, as dnf uses it.
const LIBREPO: &str = "
import librepo, sys
handle = librepo.Handle()
handle.repotype = librepo.LR_YUMREPO
handle.metalinkurl, handle.destdir = sys.argv[1], sys.argv[2]
handle.fetchmirrors = True
try:
    handle.perform(librepo.Result())
    print('mirrors', len(handle.mirrors or []))
except librepo.LibrepoException as error:
    print('refused', error.args[1])
";

fn librepo() {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let folder = tempfile::tempdir().unwrap();
    let ask = |url: String| {
        // The system's, for which the package is.
        let mut python = tool("env");
        python.args(["/usr/bin/python3", "-c", LIBREPO, &url]).arg(folder.path());
        run(&mut python).unwrap()
    };
    // Metalink 3.0 is taken, so that a refusal means something.
    let old = ask(service.metalink());
    assert!(old.contains("mirrors 2"), "{old}");
    let new = ask(format!("{}&format=metalink4", service.metalink()));
    assert!(new.contains("refused"), "{new}");
}
