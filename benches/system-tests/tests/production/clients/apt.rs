//! apt, whose `mirror` method takes a mirror of a list at random, and another one when that fails.

use super::{
    Check,
    archive::Archive,
    mirror::Mirror,
    service::{ARCHIVE, Service},
};
use crate::support::{run, tool};
use std::{fs, path::Path};

pub const CHECKS: &[Check] = &[
    ("apt", "list: index and package", takes_the_package),
    ("apt", "list: broken first mirrors are passed over", broken_first),
    ("apt", "list: comes whole though apt has a part of it", goes_on),
];

/// apt with all its folders in this one, and this list of mirrors.
pub struct Apt<'a> {
    root: &'a Path,
}

impl Apt<'_> {
    fn new<'a>(service: &Service, root: &'a Path) -> Apt<'a> {
        Apt::with(&format!("mirror+{}", service.url(&format!("mirrorlist?path={ARCHIVE}"))), root)
    }

    /// One with this source.
    pub fn with<'a>(url: &str, root: &'a Path) -> Apt<'a> {
        for folder in ["etc", "state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("etc/sources.list"), format!("deb [trusted=yes] {url} ./\n")).unwrap();
        fs::write(root.join("state/status"), "").unwrap();
        Apt { root }
    }

    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let root = self.root.display();
        let mut command = tool("apt-get");
        for option in [
            format!("Dir={root}"),
            format!("Dir::Etc={root}/etc"),
            "Dir::Etc::Parts=none".into(),
            "Dir::Etc::SourceParts=none".into(),
            format!("Dir::State={root}/state"),
            format!("Dir::State::status={root}/state/status"),
            format!("Dir::Cache={root}/cache"),
            "APT::Sandbox::User=".into(),
            "APT::Architecture=amd64".into(),
            "Acquire::Languages=none".into(),
            "Acquire::http::Proxy=DIRECT".into(),
            "Acquire::Retries=0".into(),
        ] {
            command.arg("-o").arg(option);
        }
        run(command.args(arguments).current_dir(self.root))
    }

    /// Fetches the index.
    pub fn update(&self) {
        let said = self.run(&["update"]).unwrap();
        assert!(!said.contains("\nW: ") && !said.contains("\nErr:"), "{said}");
    }

    /// Fetches the package.
    pub fn download(&self) -> Vec<u8> {
        self.run(&["download", "tiny"]).unwrap();
        fs::read(self.root.join("tiny_1.1_all.deb")).unwrap()
    }
}

fn takes_the_package() {
    let archive = Archive::build();
    let (first, second) = (Mirror::serve(archive.folder()), Mirror::serve(archive.folder()));
    let service = Service::of(&[&first, &second], &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::new(&service, root.path());
    apt.update();
    assert_eq!(apt.download(), archive.package());
    let asked = first.asked_for("tiny_1.1_all.deb") + second.asked_for("tiny_1.1_all.deb");
    assert_eq!(asked, 1, "{:?} {:?}", first.asked(), second.asked());
}

fn broken_first() {
    let archive = Archive::build();
    let empty = tempfile::tempdir().unwrap();
    let (first, hollow, fresh) =
        (Mirror::serve(archive.folder()), Mirror::serve(empty.path()), Mirror::serve(archive.folder()));
    let service = Service::of(&[&first, &hollow, &fresh], &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::new(&service, root.path());
    apt.update();
    // apt takes mirrors in any order, and for one that is away it waits with a whole index.
    drop(first);
    assert_eq!(apt.download(), archive.package());
}

/// apt asks for the rest of a list that it has already.
fn goes_on() {
    let archive = Archive::build();
    let mirror = Mirror::serve(archive.folder());
    let service = Service::of(&[&mirror], &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::new(&service, root.path());
    for _ in 0..2 {
        apt.update();
        assert_eq!(apt.download(), archive.package());
        fs::remove_file(root.path().join("tiny_1.1_all.deb")).unwrap();
    }
    assert!(service.web.requests("/mirrorlist?") >= 2);
    assert!(service.web.log().contains("\" 200 \"bytes="), "{}", service.web.log());
}
