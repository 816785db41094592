//! dnf, the client that most users have, through the whole service and plain mirrors on loopback addresses.
//!
//! Needs dnf, createrepo_c and rpmbuild; without them the tests say so and do nothing, or fail where
//! MIRRORLIST_REAL_CLIENTS=1 promises that they are there. Nothing but loopback is used. Source: spec.md §11.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod mirror;
mod repository;
mod service;

use client::Dnf;
use mirror::Mirror;
use repository::Repository;
use service::{Carrier, service};

/// Whether to go on: the tools are there.
fn has_tools() -> bool {
    let missing: Vec<&str> = ["dnf", "createrepo_c", "rpmbuild", "unshare"]
        .into_iter()
        .filter(|tool| !client::is_installed(tool))
        .collect();
    let promised = std::env::var_os("MIRRORLIST_REAL_CLIENTS").is_some_and(|value| value == "1");
    assert!(!promised || missing.is_empty(), "not installed: {}", missing.join(", "));
    if !missing.is_empty() {
        eprintln!("skipped: not installed: {}", missing.join(", "));
    }
    missing.is_empty()
}

#[test]
fn a_stale_first_mirror_is_passed_over_and_the_package_comes_from_the_fresh_one() {
    if !has_tools() {
        return;
    }
    let (old, new) = (Repository::build("1.0"), Repository::build("1.1"));
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let carriers = [Carrier::of(&stale), Carrier::of(&fresh)];
    let stack = service(&carriers, &[new.repomd()]);
    let dnf = Dnf::new(&stack, "metalink");
    dnf.run(&["makecache"]).expect("metadata");
    assert_eq!(dnf.repomd(), new.repomd());
    assert_eq!(stale.asked_for("repomd.xml"), 1, "the stale one is first: {:?}", stale.asked());
    dnf.run(&["install", "--downloadonly", "tiny"]).expect("package");
    assert_eq!(dnf.packages(), ["tiny-1.1-1.noarch.rpm"]);
    assert_eq!(fresh.asked_for("tiny-1.1-1.noarch.rpm"), 1);
    stack.stop().unwrap();
}

#[test]
fn a_stale_first_mirror_will_do_when_the_metalink_names_its_metadata_as_an_alternate() {
    if !has_tools() {
        return;
    }
    let (old, new) = (Repository::build("1.0"), Repository::build("1.1"));
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let carriers = [Carrier::of(&stale), Carrier::of(&fresh)];
    let stack = service(&carriers, &[new.repomd(), old.repomd()]);
    let dnf = Dnf::new(&stack, "metalink");
    dnf.run(&["install", "--downloadonly", "tiny"]).expect("package");
    assert_eq!(dnf.repomd(), old.repomd());
    assert_eq!(dnf.packages(), ["tiny-1.0-1.noarch.rpm"]);
    assert_eq!(fresh.asked(), Vec::<String>::new());
}

#[test]
fn metadata_that_no_hash_knows_is_taken_from_nobody() {
    if !has_tools() {
        return;
    }
    let (old, new) = (Repository::build("1.0"), Repository::build("1.1"));
    let (stale, as_stale) = (Mirror::serve(old.folder()), Mirror::serve(old.folder()));
    let stack = service(&[Carrier::of(&stale), Carrier::of(&as_stale)], &[new.repomd()]);
    let dnf = Dnf::new(&stack, "metalink");
    let said = dnf.run(&["makecache"]).expect_err("metadata without a known hash");
    assert!(said.contains("repomd.xml"), "{said}");
    assert!(stale.asked_for("repomd.xml") > 0 && as_stale.asked_for("repomd.xml") > 0);
}

#[test]
fn broken_first_mirrors_are_passed_over() {
    if !has_tools() {
        return;
    }
    let new = Repository::build("1.1");
    let empty = tempfile::tempdir().unwrap();
    let (hollow, fresh) = (Mirror::serve(empty.path()), Mirror::serve(new.folder()));
    let gone = Mirror::serve(new.folder());
    let carriers = [Carrier::of(&gone), Carrier::of(&hollow), Carrier::of(&fresh)];
    drop(gone);
    let stack = service(&carriers, &[new.repomd()]);
    let dnf = Dnf::new(&stack, "metalink");
    dnf.run(&["install", "--downloadonly", "tiny"]).expect("package");
    assert_eq!((dnf.repomd(), dnf.packages()), (new.repomd(), vec!["tiny-1.1-1.noarch.rpm".to_owned()]));
    assert!(hollow.asked_for("repomd.xml") > 0, "it is tried before: {:?}", hollow.asked());
}

#[test]
fn a_client_of_lists_is_not_sent_to_a_mirror_with_old_metadata() {
    if !has_tools() {
        return;
    }
    let (old, new) = (Repository::build("1.0"), Repository::build("1.1"));
    let (stale, fresh) = (Mirror::serve(old.folder()), Mirror::serve(new.folder()));
    let carriers = [Carrier::known_as_stale(&stale), Carrier::of(&fresh)];
    let stack = service(&carriers, &[new.repomd()]);
    let dnf = Dnf::new(&stack, "mirrorlist");
    dnf.run(&["install", "--downloadonly", "tiny"]).expect("package");
    assert_eq!(dnf.packages(), ["tiny-1.1-1.noarch.rpm"]);
    assert_eq!(stale.asked(), Vec::<String>::new());
}
