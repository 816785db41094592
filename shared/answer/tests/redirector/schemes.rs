//! By which scheme a client is led on.

use super::fixture::{Asked, HTTPS_DE, Redirects, World};
use wire::UrlScheme;

const HTTP_DE: Asked<'_> = Asked { scheme: UrlScheme::Http, ..HTTPS_DE };

/// software-o-o#190, MirrorBrain#143: from https to http.
#[test]
fn who_came_by_https_stays_there() {
    let redirects = Redirects::new();
    for again in 0..50 {
        for path in ["pub/os/9", "pub/iso/F-9.iso", "pub/new/x", "pub/os/9/Packages/a.rpm"] {
            let location = redirects.location(&format!("/dl/{path}?again={again}"));
            assert!(location.starts_with("https://"), "{location}");
        }
    }
    let mut world = World::new();
    world.only("pub/iso", &["de2"]);
    let redirects = Redirects::of(world, &["/dl/"]);
    assert_eq!(redirects.location("/dl/pub/iso/F-9.iso"), "https://origin.example/pub/iso/F-9.iso");
    // Not even to an origin.
    let mut world = World::new();
    world.only("pub/iso", &["de2"]);
    world.inventory.site.origins = [("pub".into(), "http://origin.example/pub".into())].into();
    let redirects = Redirects::of(world, &["/dl/"]);
    for path in ["/dl/pub/iso/F-9.iso", "/dl/pub/new/x", "/dl/pub/os/9?protocol=http"] {
        let reply = redirects.ask(HTTPS_DE, path);
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
    }
    assert_eq!(redirects.ask(HTTP_DE, "/dl/pub/new/x").location(), "http://origin.example/pub/new/x");
}

/// mirrorbits#97: an http client sent to a host of https alone although http exists.
#[test]
fn who_came_by_http_goes_on_by_it_where_that_is_possible() {
    let redirects = Redirects::new();
    for scheme in [UrlScheme::Http, UrlScheme::Unknown] {
        for again in 0..100 {
            let asked = Asked { scheme, ..HTTPS_DE };
            let reply = redirects.ask(asked, &format!("/dl/pub/iso/F-9.iso?again={again}"));
            assert!(reply.location().starts_with("http://de"), "{reply:?}");
        }
    }
    let mut world = World::new();
    world.only("pub/iso", &["fr1", "cdn"]);
    let reply = Redirects::of(world, &["/dl/"]).ask(HTTP_DE, "/dl/pub/iso/F-9.iso");
    assert_eq!(reply.location(), "https://fr1.example/pub/iso/F-9.iso");
    let by_wish = redirects.ask(HTTP_DE, "/dl/pub/iso/F-9.iso?protocol=https,rsync");
    assert!(by_wish.location().starts_with("https://"), "{by_wish:?}");
    assert_eq!(redirects.ask(HTTP_DE, "/dl/pub/iso/F-9.iso?protocol=rsync").status, 404);
}
