//! Other forms of what a path leads to.

use super::fixture::{Asked, BOTH, HTTPS_DE, Mirror, Redirects, World};
use cache::scheme::Scheme;
use wire::UrlScheme;

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

/// A name that ends as what asks for a page does is a name, and links keep it.
#[test]
fn a_page_links_to_forms_of_what_it_is_about() {
    let mut world = World::new();
    world.only("pub/weekly.mirrorlist", &["de1", "fr1"]);
    let redirects = Redirects::of(world, &["/dl/"]);
    for (path, about) in [
        ("pub/weekly.mirrorlist", ".example/pub/weekly.mirrorlist/"),
        ("pub/iso/F-9.iso.mirrorlist", ".example/pub/iso/F-9.iso"),
        ("pub/iso/F-9.iso", ".example/pub/iso/F-9.iso"),
    ] {
        let page = redirects.ask(HTTPS_DE, &format!("/dl/{path}?format=html&exclude=FR"));
        assert_eq!(page.status, 200, "{path}");
        let links = page.body.split("href=\"./").skip(1).filter_map(|rest| rest.split('"').next());
        let (folder, _) = path.rsplit_once('/').unwrap();
        let mut count = 0;
        for link in links {
            let reply = redirects.ask(HTTPS_DE, &format!("/dl/{folder}/{}", link.replace("&amp;", "&")));
            assert_eq!(reply.status, 200, "{path}: {link}");
            let mut urls =
                reply.body.split(['"', '>', '<', '\t', '\n']).filter(|part| part.contains(".example/"));
            assert!(urls.next().is_some_and(|url| url.ends_with(about)), "{path}: {link}: {}", reply.body);
            count += 1;
        }
        assert!(count >= 5, "{path}: {count} links in {}", page.body);
    }
}

#[test]
fn a_list_has_a_url_of_each_protocol_that_was_asked_for() {
    let all: &[Scheme] = &[Scheme::Https, Scheme::Http, Scheme::Rsync];
    let world = World::of(&[("de1", Some("DE"), all, 100), ("de2", Some("DE"), &[Scheme::Rsync], 100)]);
    let redirects = Redirects::of(world, &["/dl/"]);
    let http = Asked { scheme: UrlScheme::Http, ..HTTPS_DE };
    let urls = |asked: Asked<'_>, protocol: &str| -> Vec<String> {
        let reply = redirects
            .ask(asked, &format!("/dl/pub/iso/F-9.iso?format=text&protocol={protocol}&exclude=origin"));
        assert_eq!(reply.status, 200, "{reply:?}");
        let urls = reply.body.lines().skip(1).map(|line| line.split(".example").next().unwrap_or_default());
        urls.map(str::to_owned).collect()
    };
    assert_eq!(urls(http, "http,https"), ["https://de1", "http://de1"]);
    assert_eq!(urls(http, "rsync,http"), ["http://de1", "rsync://de1"]);
    assert_eq!(urls(http, "http"), ["http://de1"]);
    assert_eq!(urls(HTTPS_DE, "http,https,rsync"), ["https://de1"]);
}
