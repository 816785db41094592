//! zypper, with a root and caches of its own. It takes a metalink for a list of mirrors, whatever their metadata is.

use super::{
    Check,
    mirror::Mirror,
    repository::{PACKAGE, Repository},
    service::{Carrier, Service},
};
use crate::support::{run, tool};
use nix::unistd::geteuid;
use std::fs;

pub const CHECKS: &[Check] = &[
    ("zypper", "metalink: metadata and package", || takes_the_package("metalink")),
    ("zypper", "metalink: broken first mirrors are passed over", || broken_first("metalink")),
    ("zypper", "list: metadata and package", || takes_the_package("mirrorlist")),
    ("zypper", "list: broken first mirrors are passed over", || broken_first("mirrorlist")),
    ("zypper", "list: a mirror known as stale is not in it", known_as_stale),
];

/// Downloads the package into a root of its own and returns what was downloaded.
fn download_by(service: &Service, kind: &str) -> Vec<u8> {
    let url = service.url(&format!("{kind}?repo=tiny-42&arch=x86_64"));
    download(&format!("mirrorlist={url}"))
}

/// The same with this line to say where the repository is.
pub fn download(line: &str) -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let repos = root.path().join("etc/zypp/repos.d");
    fs::create_dir_all(&repos).unwrap();
    let text = format!("[tiny]\nname=tiny\nenabled=1\ngpgcheck=0\ntype=rpm-md\n{line}\n");
    fs::write(repos.join("tiny.repo"), text).unwrap();
    let zypper = |arguments: &[&str]| {
        let mut command = match geteuid().is_root() {
            true => tool("zypper"),
            false => {
                let mut command = tool("unshare");
                command.args(["--user", "--map-root-user", "zypper"]);
                command
            }
        };
        command.args(["--non-interactive", "--no-gpg-checks", "--root"]).arg(root.path()).args(arguments);
        run(&mut command)
    };
    zypper(&["refresh"]).unwrap();
    zypper(&["install", "--download-only", "--no-recommends", "tiny"]).unwrap();
    let found = super::find(root.path(), |name| name.ends_with(".rpm"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].file_name().unwrap(), PACKAGE);
    fs::read(&found[0]).unwrap()
}

fn takes_the_package(kind: &str) {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    assert_eq!(download_by(&service, kind), new.package());
    assert!(first.asked_for("repomd.xml") > 0, "{:?} {:?}", first.asked(), second.asked());
}

fn broken_first(kind: &str) {
    let new = Repository::build("1.1");
    let empty = tempfile::tempdir().unwrap();
    let (away, hollow, fresh) = (Mirror::away(), Mirror::serve(empty.path()), Mirror::serve(new.folder()));
    let service = Service::of(&[&away, &hollow, &fresh], &[new.repomd()]);
    assert_eq!(download_by(&service, kind), new.package());
}

fn known_as_stale() {
    let (old, new) = Repository::old_and_new();
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let service = Service::start(&[Carrier::known_as_stale(&stale), Carrier::of(&fresh)], &[new.repomd()]);
    assert_eq!(download_by(&service, "mirrorlist"), new.package());
    assert_eq!(stale.asked(), Vec::<String>::new());
}
