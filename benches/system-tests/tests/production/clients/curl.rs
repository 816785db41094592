//! curl: what goes over the wire, and files by way of a redirect.

use super::{
    Check,
    mirror::Mirror,
    repository::{PACKAGE, Repository},
    service::{DIRECTORY, Service},
};
use crate::support::{
    curl::{Answer, curl},
    run, tool,
};
use std::fs;

pub const CHECKS: &[Check] = &[
    ("curl", "redirect: a file", || redirect(&|service| service.url(&asked_for("&redirect=1")))),
    ("curl", "redirect: a file by its path alone", || redirect(&|_| by_path())),
    ("curl", "content types are those that clients know", content_types),
    ("curl", "lines of a list are bare URLs", lines),
    ("curl", "a range is passed over", range),
    ("curl", "compression only if asked for, and caches are told", compression),
];

/// The request for the package.
pub fn asked_for(more: &str) -> String {
    format!("mirrorlist?path={DIRECTORY}/noarch/{PACKAGE}{more}")
}

/// The package at the download redirector.
pub fn by_path() -> String {
    format!("http://download.example.org/{DIRECTORY}/noarch/{PACKAGE}")
}

fn redirect(url: &dyn Fn(&Service) -> String) {
    let new = Repository::build("1.1");
    let (first, second) = (Mirror::serve(new.folder()), Mirror::serve(new.folder()));
    let service = Service::of(&[&first, &second], &[new.repomd()]);
    let file = tempfile::NamedTempFile::new().unwrap();
    run(tool("curl")
        .args(["--silent", "--show-error", "--fail", "--location", "--noproxy", "*", "--output"])
        .arg(file.path())
        .args(["--connect-to", &format!("download.example.org:80:{}", service.web.http)])
        .arg(url(&service)))
    .unwrap();
    assert_eq!(fs::read(file.path()).unwrap(), new.package());
    assert_eq!((first.asked_for(PACKAGE), second.asked_for(PACKAGE)), (1, 0));
}

/// The service on two mirrors, asked for the list and the metalink.
fn ask(options: &[&str]) -> [Answer; 2] {
    let new = Repository::build("1.1");
    let mirrors = [Mirror::away(), Mirror::away()];
    let service = Service::of(&mirrors.each_ref(), &[new.repomd()]);
    [service.list(), service.metalink()].map(|url| curl(service.web.http, &url, options))
}

fn content_types() {
    let [list, metalink] = ask(&[]);
    assert_eq!((list.status, list.header("content-type")), (200, "text/plain"));
    assert_eq!((metalink.status, metalink.header("content-type")), (200, "application/metalink+xml"));
}

fn lines() {
    let [list, metalink] = ask(&[]);
    assert!(list.body.ends_with('\n') && !list.body.contains('\r'), "{list:?}");
    let (comment, urls) = list.body.split_once('\n').unwrap();
    assert!(comment.starts_with("# repo = tiny-42 arch = x86_64 "), "{comment}");
    assert_eq!(urls.lines().count(), 2, "{list:?}");
    let bare = |line: &str| {
        line.starts_with("http://")
            && line.ends_with("/tiny/os/")
            && line.len() < 4096
            && !line.contains([' ', '#'])
    };
    assert!(urls.lines().all(bare), "{list:?}");
    let urls: Vec<&str> = metalink.body.lines().filter(|line| line.contains("<url ")).collect();
    let whole = |line: &&str| {
        line.contains(" type=\"http\"")
            && line.ends_with("/tiny/os/repodata/repomd.xml</url>")
            && !line.contains('?')
    };
    assert!(urls.len() == 2 && urls.iter().all(whole), "{metalink:?}");
}

fn range() {
    for answer in ask(&["--range", "0-9"]) {
        let length: usize = answer.header("content-length").parse().unwrap();
        assert!(answer.status == 200 && length == answer.body.len() && length > 10, "{answer:?}");
        assert_eq!(answer.header("content-range"), "");
    }
}

fn compression() {
    for (options, encoding) in [(&[][..], ""), (&["--compressed"], "gzip")] {
        // The list is too short for it.
        let [_, metalink] = ask(options);
        let headers = [metalink.header("content-encoding"), metalink.header("vary")];
        assert_eq!(headers, [encoding, "Accept-Encoding"], "{metalink:?}");
        assert!(metalink.body.ends_with("</metalink>\n"), "{metalink:?}");
    }
}
