//! wget: files by way of a redirect, and lists.

use super::{
    Check,
    curl::{asked_for, by_path},
    mirror::Mirror,
    repository::{PACKAGE, Repository},
    service::Service,
};
use crate::support::{run, tool};
use std::{fs, path::Path};

pub const CHECKS: &[Check] = &[
    ("wget", "redirect: a file", || redirect(&|service| service.url(&asked_for("&redirect=1")))),
    ("wget", "redirect: a file by its path alone", || redirect(&|_| by_path())),
    ("wget", "metalink: the same with compression as without", compression),
];

fn wget(service: &Service, file: &Path, url: &str, options: &[&str]) {
    // It is to ask nginx for every host but the mirror, as it would ask a proxy.
    let (host, rest) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let header = format!("Host: {host}");
    let url = service.url(rest);
    run(tool("wget")
        .args(["--no-config", "--quiet", "--tries=1", "--timeout=20", "--no-proxy", "--header", &header])
        .args(options)
        .arg("--output-document")
        .arg(file)
        .arg(url))
    .unwrap();
}

fn redirect(url: &dyn Fn(&Service) -> String) {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let file = tempfile::NamedTempFile::new().unwrap();
    wget(&service, file.path(), &url(&service), &[]);
    assert_eq!(fs::read(file.path()).unwrap(), new.package());
    assert_eq!((first.asked_for(PACKAGE), second.asked_for(PACKAGE)), (1, 0));
}

fn compression() {
    let new = Repository::build("1.1");
    let mirror = Mirror::away();
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let [plain, packed] = [&[][..], &["--compression=auto"]].map(|options| {
        let file = tempfile::NamedTempFile::new().unwrap();
        wget(&service, file.path(), &service.metalink(), options);
        let text = fs::read_to_string(file.path()).unwrap();
        text.lines().filter(|line| !line.contains("pubdate=")).map(str::to_owned).collect::<Vec<_>>()
    });
    assert!(plain.len() > 10, "{plain:?}");
    assert_eq!(packed, plain);
}
