//! Real clients download a small repository through the whole service, nginx in front, from mirrors of which some are
//! stale, broken or away. `MIRRORLIST_CLIENT=NAME` has that client's checks alone.
//!
//! Every need of SPEC.md §11 has a check that fails when it is not met:
//!
//! | need | check |
//! | --- | --- |
//! | content types exactly | aria2: takes the file and not the XML; curl: content types |
//! | `type=` on every URL | aria2: takes the file and not the XML |
//! | no white space in URLs, and no query | dnf, zypper, aria2: metalink; curl: lines of a list |
//! | the prefix `mm0:` | dnf: it will do as long as its metadata is an alternate |
//! | the name `repomd.xml` | dnf: metalink |
//! | mirrors in document order | dnf: a stale first mirror |
//! | `preference`, descending | aria2: begins with the first mirror; zypper: metalink |
//! | names of hashes, values in lower case, the strong ones among them | dnf: asks for unchanged metadata no second time |
//! | hashes that are true | dnf: metadata that no hash knows; aria2: what a stale mirror has |
//! | lists: LF only, no blank line, no indentation, no comment after a URL, short lines | dnf, zypper: list; curl: lines of a list |
//! | `Range` is ignored | apt: comes whole; curl: a range |
//! | parameters in any order | zypper: metalink |
//! | no `Content-Encoding` unless asked for, then `Vary` | curl, wget: compression |
//! | an answer that is no 2xx costs a dozen requests | dnf: a disabled repository costs one |
//! | comments without `--`, text escaped | aria2: reads a refusal |

mod apt;
mod apt_lists;
mod archive;
mod aria2;
mod curl;
mod dnf;
mod dnf_checks;
mod metalink4;
mod mirror;
mod redirector;
mod repository;
mod run;
mod service;
mod wget;
mod zypper;

use crate::support::{has, programs};
use std::{
    any::Any,
    env,
    fmt::Write as _,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::Instant,
};

const TOOLS: [&str; 17] = [
    "apache2",
    "dnf",
    "zypper",
    "aria2c",
    "apt-get",
    "wget",
    "wget2",
    "curl",
    "nginx",
    "openssl",
    "createrepo_c",
    "rpmbuild",
    "unshare",
    "dpkg-deb",
    "sha256sum",
    "sha512sum",
    "md5sum",
];

/// A client, what is expected of it, and the test of that, which fails by panicking.
type Check = (&'static str, &'static str, fn());

#[test]
fn real_clients() {
    if !has(&TOOLS) {
        return;
    }
    // Once, and not with every check.
    programs();
    let lists = [dnf_checks::CHECKS, zypper::CHECKS, aria2::CHECKS, apt::CHECKS, curl::CHECKS, wget::CHECKS];
    let checks: Vec<Check> =
        [&lists[..], &[redirector::CHECKS, metalink4::CHECKS, apt_lists::CHECKS, run::CHECKS]]
            .concat()
            .concat();
    let mut table = String::from("\n| client | check | | seconds |\n| --- | --- | --- | ---: |\n");
    let mut failures = Vec::new();
    let wanted = env::var("MIRRORLIST_CLIENT").ok();
    let is_wanted = |client: &str| wanted.as_ref().is_none_or(|name| name == client);
    for (client, what, check) in checks.into_iter().filter(|(client, ..)| is_wanted(client)) {
        let begun = Instant::now();
        let outcome = catch_unwind(check);
        let verdict = if outcome.is_ok() { "PASS" } else { "FAIL" };
        writeln!(table, "| {client} | {what} | {verdict} | {:.1} |", begun.elapsed().as_secs_f64()).unwrap();
        if let Err(cause) = outcome {
            failures.push(format!("{client}: {what}: {}", reason(cause.as_ref())));
        }
    }
    eprintln!("{table}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Files below a folder with such names.
fn find(folder: &Path, is_wanted: fn(&str) -> bool) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && is_wanted(&entry.file_name().to_string_lossy()) {
                found.push(entry.path());
            }
        }
    }
    found
}

/// What a panic said.
fn reason(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or_default()
}
