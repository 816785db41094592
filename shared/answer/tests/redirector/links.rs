//! What who asks is told of the file and of its other mirrors.

use super::fixture::{Asked, BOTH, HTTPS_DE, Mirror, Redirects, World};
use wire::Accept;

const ASKING: Asked<'_> = Asked { accept: Accept::DIGEST, ..HTTPS_DE };

/// wget2#375: a second copy was saved.
#[test]
fn links_are_for_who_asks_and_the_first_is_the_location() {
    let redirects = Redirects::new();
    let quiet = redirects.ask(HTTPS_DE, "/dl/pub/iso/F-9.iso");
    assert!(quiet.all("Link").is_empty() && quiet.all("Digest").is_empty(), "{quiet:?}");
    assert_eq!(quiet.all("Vary"), ["Accept, Want-Digest"]);
    for accept in [Accept::DIGEST, Accept::METALINK3.with(Accept::ANY), Accept::METALINK4.with(Accept::ANY)] {
        let told = redirects.ask(Asked { accept, ..HTTPS_DE }, "/dl/pub/iso/F-9.iso");
        assert_eq!(told.location(), quiet.location());
        assert_eq!(told.all("Digest"), ["SHA-256=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]);
        let links = told.all("Link");
        let document = "<https://dl.example.org/pub/iso/F-9.iso.meta4>; rel=describedby; type=\"application/metalink4+xml\"";
        assert_eq!(links[0], document);
        assert_eq!(links.len(), 6, "{links:?}");
        assert!(links[1].starts_with(&format!("<{}>; rel=duplicate; pri=1", told.location())), "{links:?}");
        let hosts: std::collections::BTreeSet<&str> =
            links[1..].iter().map(|link| link.split(';').next().unwrap()).collect();
        assert_eq!(hosts.len(), 5);
        assert!(links.iter().any(|link| link.ends_with("; geo=de")), "{links:?}");
    }
    // Without a size nobody is led to a document that would lack it.
    let links = redirects.ask(ASKING, "/dl/pub/iso/N-9.iso");
    assert!(
        links.all("Link").len() == 5 && links.all("Link").iter().all(|link| link.contains("rel=duplicate"))
    );
}

#[test]
fn what_may_have_changed_or_has_no_strong_hash_has_no_links() {
    let redirects = Redirects::new();
    for path in
        ["pub/os/9/repodata/repomd.xml", "pub/iso/md5.iso", "pub/iso", "pub/iso/other", "pub/new/x", "other"]
    {
        let reply = redirects.ask(ASKING, &format!("/dl/{path}"));
        let names: Vec<&str> = reply.headers.iter().map(|header| &*header.0).collect();
        assert!(!names.iter().any(|name| ["Link", "Digest", "Vary"].contains(name)), "{path}: {reply:?}");
    }
}

/// MirrorBrain#11, nginx's 502: a head that is too large.
#[test]
fn the_head_stays_within_three_kibibytes() {
    let names: Vec<&'static str> = (0..9).map(|n| &*format!("host-{n}").leak()).collect();
    let mirrors: Vec<Mirror> = names.iter().map(|name| (*name, Some("DE"), BOTH, 100)).collect();
    let mut world = World::of(&mirrors);
    let file = "x".repeat(1000);
    let version = world.inventory.files.values().find(|versions| versions.len() == 1).unwrap().clone();
    world.file("pub", &file, version);
    let redirects = Redirects::of(world, &["/dl/"]);
    let reply = redirects.ask(ASKING, &format!("/dl/pub/{file}"));
    assert!(reply.location().ends_with(&file));
    assert!(reply.head <= 3072 - 256, "{}", reply.head);
    // Fewer of them, and those that are there whole.
    assert!(reply.all("Link").iter().all(|link| link.starts_with('<') && link.contains("rel=")));
    assert_eq!(reply.all("Digest").len(), 1);
}
