//! aria2, which takes metalinks as its authors meant them: mirrors by preference, and the file verified.

use super::{Check, mirror::Mirror, repository::Repository, service::Service};
use crate::support::{run, tool};
use std::{fs, path::Path};

pub const CHECKS: &[Check] = &[
    ("aria2", "takes the file and not the XML", takes_the_file),
    ("aria2", "begins with the first mirror", begins_with_the_first),
    ("aria2", "broken first mirrors are passed over", broken_first),
    ("aria2", "what a stale mirror has is not taken for the file", stale),
    ("aria2", "reads a refusal, whatever was asked", refusal),
];

fn aria2(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    run(tool("aria2c")
        .args(["--no-conf", "--disable-ipv6", "--check-integrity", "--max-tries=2", "--retry-wait=0"])
        .args(["--connect-timeout=5", "--follow-metalink=mem", "--dir"])
        .arg(folder)
        .args(arguments))
}

/// Names of the files in a folder, aria2's own notes aside.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| !name.ends_with(".aria2")).collect()
}

/// Follows the metalink; the folder holds the file alone then.
fn follow(service: &Service) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let said = aria2(folder.path(), &[&service.metalink()]).unwrap();
    assert_eq!(files(folder.path()), ["repomd.xml"], "{said}");
    fs::read(folder.path().join("repomd.xml")).unwrap()
}

fn takes_the_file() {
    let new = Repository::build("1.1");
    let mirror = Mirror::serve(new.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    assert_eq!(follow(&service), new.repomd());
}

fn begins_with_the_first() {
    let new = Repository::build("1.1");
    let mirrors = [0; 4].map(|_| Mirror::serve(new.folder()));
    let service = Service::of(&mirrors.each_ref(), &[new.repomd()]);
    assert_eq!(follow(&service), new.repomd());
    assert_eq!(mirrors.each_ref().map(|mirror| mirror.asked_for("repomd.xml")), [1, 0, 0, 0]);
}

fn broken_first() {
    let new = Repository::build("1.1");
    let empty = tempfile::tempdir().unwrap();
    let (away, hollow, fresh) = (Mirror::away(), Mirror::serve(empty.path()), Mirror::serve(new.folder()));
    let service = Service::of(&[&away, &hollow, &fresh], &[new.repomd()]);
    assert_eq!(follow(&service), new.repomd());
    assert!(hollow.asked_for("repomd.xml") > 0);
}

fn stale() {
    let (old, new) = Repository::old_and_new();
    let mirror = Mirror::serve(old.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let folder = tempfile::tempdir().unwrap();
    let said = aria2(folder.path(), &[&service.metalink()]).expect_err("a file that is another one");
    assert!(mirror.asked_for("repomd.xml") > 0, "{said}");
}

fn refusal() {
    let new = Repository::build("1.1");
    let mirror = Mirror::serve(new.folder());
    let service = Service::of(&[&mirror], &[new.repomd()]);
    let folder = tempfile::tempdir().unwrap();
    for odd in ["unheard-of", "--", "a--b-", "%3C%26%22%3E--%3E", "%C3%A4%FF", "%5D%5D%3E"] {
        let file = folder.path().join("refusal.metalink");
        let url = service.url(&format!("metalink?repo={odd}&arch=x86_64"));
        run(tool("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--output"])
            .arg(&file)
            .arg(url))
        .unwrap();
        // An empty table of files, or what is wrong with the document.
        let said = aria2(folder.path(), &["--show-files", "--metalink-file", file.to_str().unwrap()]);
        assert!(said.as_ref().is_ok_and(|said| said.contains("path/length")), "{odd}: {said:?}");
    }
}
