//! apt by the redirector's `DIR.apt`: its method `mirror` reads priorities, and goes on where a mirror is away.

use super::{
    Check,
    apt::Apt,
    archive::Archive,
    mirror::Mirror,
    service::{ARCHIVE, Carrier, Service},
};
use std::os::unix::fs::symlink;

pub const CHECKS: &[Check] = &[
    ("apt", "DIR.apt: the first line is dead", first_dead),
    ("apt", "DIR.apt: mirrors by rsync alone are none", only_rsync),
    ("apt", "DIR.apt: a thousand hosts", thousand),
];

fn source(service: &Service) -> String {
    format!("mirror+{}", service.url(&format!("dl/{ARCHIVE}.apt")))
}

fn first_dead() {
    let archive = Archive::build();
    let (first, fresh) = (Mirror::serve(archive.folder()), Mirror::serve(archive.folder()));
    let service = Service::of(&[&first, &fresh], &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::with(&source(&service), root.path());
    apt.update();
    assert!(first.asked_for("Packages") > 0, "the first line has the first priority");
    // For an index apt does not leave a mirror that is away; for a package it does.
    drop(first);
    assert_eq!(apt.download(), archive.package());
    assert!(fresh.asked_for("tiny_1.1_all.deb") > 0 && service.web.requests(".apt") >= 2);
}

fn only_rsync() {
    let carriers =
        ["rsync://a.example.org/tiny", "rsync://b.example.org/tiny"].map(|url| Carrier::at(url.into()));
    let service = Service::start(&carriers, &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::with(&source(&service), root.path());
    let said = apt.run(&["update"]).unwrap_or_else(|error| error);
    assert!(said.contains(".apt") && said.contains("404"), "{said}");
}

fn thousand() {
    let archive = Archive::build();
    // One mirror under a thousand names.
    for number in 0..1000 {
        symlink(".", archive.folder().join(format!("{number}"))).unwrap();
    }
    let mirror = Mirror::serve(archive.folder());
    let carriers: Vec<Carrier> =
        (0..1000).map(|number| Carrier::at(format!("{}/{number}", mirror.url()))).collect();
    let service = Service::start(&carriers, &[]);
    let root = tempfile::tempdir().unwrap();
    let apt = Apt::with(&source(&service), root.path());
    apt.update();
    assert_eq!(apt.download(), archive.package());
}
