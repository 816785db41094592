//! Other forms of what a path leads to.

use super::fixture::{BOTH, HTTPS_DE, Mirror, Redirects, World};

/// MirrorBrain#76, zsync#274: a huge metalink for a small file.
#[test]
fn a_metalink_of_two_hundred_hosts_names_ten_unless_it_is_told_how_many() {
    let name = |number: usize| -> &'static str { format!("host{number}").leak() };
    let mirrors: Vec<Mirror> = (0..200).map(|number| (name(number), Some("DE"), BOTH, 100)).collect();
    let redirects = Redirects::of(World::of(&mirrors), &["/dl/"]);
    let urls = |target: &str| {
        let document = redirects.ask(HTTPS_DE, target);
        assert_eq!(document.status, 200, "{document:?}");
        (document.body.matches("</url>").count(), document.body.len())
    };
    let (count, bytes) = urls("/dl/pub/iso/F-9.iso.meta4");
    assert!(count == 10 && bytes < 4096, "{count} in {bytes} bytes");
    assert_eq!(urls("/dl/pub/iso/F-9.iso.meta4?limit=3").0, 3);
    // What dnf reads stays as it was: all hosts, each by every protocol.
    let old = redirects.ask(HTTPS_DE, "/metalink?path=pub/iso/F-9.iso");
    assert_eq!(old.body.matches("<url protocol=\"https\"").count(), 200, "{}", old.body.len());
}
