//! What a path leads to.

use super::fixture::{Asked, BR, HTTPS_DE, NOW, Redirects, World};
use cache::inventory::FileVersion;
use wire::{Counter, Tier};

/// MirrorManager#166, MirrorCache#518: a redirect to a mirror that lacks the tree.
#[test]
fn nobody_is_led_to_a_mirror_that_lacks_the_tree() {
    let redirects = Redirects::new();
    let asked = Asked { client: BR, ..HTTPS_DE };
    for again in 0..100 {
        let iso = redirects.ask(asked, &format!("/dl/pub/iso/F-9.iso?again={again}"));
        assert!(iso.status == 302 && iso.host() != "br1", "{iso:?}");
    }
    assert_eq!(redirects.ask(asked, "/dl/pub/os/9/repodata/repomd.xml").host(), "br1");
}

/// MirrorBrain#173, MirrorManager#259: links cut wrongly, 7Server unknown.
#[test]
fn an_alias_stands_for_whole_components_and_answers_have_the_real_path() {
    let redirects = Redirects::new();
    let location = redirects.location("/dl/pub/os/9Server/Packages/a.rpm");
    assert!(location.ends_with(".example/pub/os/9/Packages/a.rpm"), "{location}");
    assert!(redirects.location("/dl/pub/os/9Server").ends_with(".example/pub/os/9/"));
    assert_eq!(redirects.location("/dl/pub/os/9Serverx/"), "https://origin.example/pub/os/9Serverx/");
    // Lists know them, too.
    let list = redirects.ask(HTTPS_DE, "/mirrorlist?path=pub/os/9Server/Packages");
    assert!(list.body.starts_with("# path = pub/os/9/Packages "), "{list:?}");
}

/// get-o-o#171: an alias of the current file leads to 404.
#[test]
fn an_alias_of_a_file_is_that_file() {
    let redirects = Redirects::new();
    assert!(redirects.location("/dl/pub/iso/F-Current.iso").ends_with(".example/pub/iso/F-9.iso"));
    for name in ["F-Current.iso", "F-9.iso"] {
        let document = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/{name}.meta4"));
        assert!(document.body.contains("<file name=\"F-9.iso\">"), "{document:?}");
    }
    let archive = redirects.ask(HTTPS_DE, "/dl/pub/os/9Server.apt");
    assert!(archive.body.contains("/pub/os/9/\tpriority:1\n"), "{archive:?}");
}

/// MirrorCache#344: colons encoded on the way.
#[test]
fn a_path_is_decoded_once_and_encoded_as_a_path() {
    let redirects = Redirects::new();
    for (asked, expected) in [
        ("a%3Ab.rpm", "a:b.rpm"),
        ("a:b.rpm", "a:b.rpm"),
        ("x%2525y", "x%2525y"),
        ("a%26ip=1.2.3.4", "a&ip=1.2.3.4"),
        ("g++.rpm", "g++.rpm"),
        ("a%20b", "a%20b"),
        ("a%3Fb", "a%3Fb"),
        ("%C3%A4.rpm", "%C3%A4.rpm"),
        ("a%zz", "a%25zz"),
    ] {
        let location = redirects.location(&format!("/dl/pub/os/9/Packages/{asked}?x=%0d%0aSet-Cookie:y"));
        let (_, file) = location.split_once("/pub/os/9/Packages/").unwrap();
        assert_eq!(file, expected, "{asked}");
    }
    assert!(redirects.location("/dl/pub/os/9%2FPackages%2Fa").ends_with("/pub/os/9/Packages/a"));
}

/// Old MirrorBrain#72: doubled slashes reached the database.
#[test]
fn slashes_are_made_one() {
    let redirects = Redirects::new();
    assert_eq!(redirects.location("/dl//pub///iso/F-9.iso"), redirects.location("/dl/pub/iso/F-9.iso"));
}

/// Every byte that a path may hold, encoded: what names nothing is 404, all else comes out as it went in.
#[test]
fn each_byte_of_a_path_comes_out_as_it_went_in() {
    let redirects = Redirects::new();
    for byte in 0..=255_u8 {
        let reply = redirects.ask(HTTPS_DE, &format!("/dl/pub/os/9/Packages/a%{byte:02X}b"));
        let control = !(0x20..0x7f).contains(&byte);
        assert_eq!(reply.status, if control { 404 } else { 302 }, "{byte}");
        assert_eq!(reply.headers.len(), if control { 1 } else { 2 }, "{byte}: {reply:?}");
        if !control {
            let (_, name) = reply.location().rsplit_once("/a").unwrap();
            let decoded = match name.strip_suffix('b').unwrap() {
                text if text.len() == 3 => u8::from_str_radix(&text[1..], 16).unwrap(),
                // A slash ends the component before it.
                text => text.bytes().next().unwrap(),
            };
            assert_eq!(decoded, byte, "{reply:?}");
        }
    }
}

/// mirrorbits#48, MirrorBrain#21: 404 and 503 although the origin has it.
#[test]
fn what_no_mirror_has_is_at_the_origin() {
    let redirects = Redirects::new();
    let reply = redirects.ask(HTTPS_DE, "/dl/pub/new/x.rpm");
    assert_eq!(
        (reply.status, reply.tier, reply.location()),
        (302, Tier::Origin, "https://origin.example/pub/new/x.rpm")
    );
    assert_eq!(reply.counted, Some(Counter::RedirectorOriginUnknown));
    assert_eq!(reply.body, "https://origin.example/pub/new/x.rpm\n");
    for nowhere in ["/dl/other/x", "/dl/pub/new/x.rpm?exclude=origin", "/dl/pub/../etc", "/dl/pub/%2e%2e/x"] {
        let reply = redirects.ask(HTTPS_DE, nowhere);
        assert_eq!((reply.status, reply.counted), (404, Some(Counter::RedirectorInvalidPaths)), "{nowhere}");
        assert!(reply.body.ends_with("error: invalid path\n"), "{reply:?}");
    }
}

/// mirrorbits#197: a fallback without a slash at its end was malformed.
#[test]
fn between_origin_and_path_is_one_slash() {
    for (origin, expected) in [
        ("https://o.example/pub", "https://o.example/pub/new/x"),
        ("https://o.example", "https://o.example/new/x"),
    ] {
        let mut world = World::new();
        world.inventory.site.origins = [("pub".into(), origin.into())].into();
        assert_eq!(Redirects::of(world, &["/dl/"]).location("/dl/pub/new/x"), expected);
    }
    let mut world = World::new();
    world.inventory.site.origins = [(String::new(), "https://all.example/x".into())].into();
    let redirects = Redirects::of(world, &["/"]);
    assert_eq!(redirects.location("/any/thing/"), "https://all.example/x/any/thing/");
    assert_eq!(redirects.ask(HTTPS_DE, "/").status, 200);
}

#[test]
fn directories_have_a_slash_and_a_file_has_none() {
    let redirects = Redirects::new();
    for directory in ["/dl/pub/os/9", "/dl/pub/os/9/"] {
        assert!(redirects.location(directory).ends_with(".example/pub/os/9/"));
    }
    assert_eq!(redirects.ask(HTTPS_DE, "/dl/pub/iso/F-9.iso/").status, 404);
    // No file of this name is known: a directory that mirrors do not have yet.
    assert_eq!(redirects.location("/dl/pub/iso/new/"), "https://origin.example/pub/iso/new/");
    assert_eq!(redirects.ask(HTTPS_DE, "/dl/").body, redirects.ask(HTTPS_DE, "/").body);
}

#[test]
fn a_file_of_one_version_comes_from_the_origin_as_long_as_it_is_young() {
    let version =
        |timestamp| FileVersion { timestamp, sha256: Some([7; 32]), size: 1, ..FileVersion::default() };
    for (timestamp, young) in
        [(NOW, true), (NOW + 99, true), (NOW - 1799, true), (NOW - 1800, false), (0, false)]
    {
        let mut world = World::new();
        world.file("pub/iso", "new.iso", vec![version(timestamp)]);
        let reply = Redirects::of(world, &["/dl/"]).ask(HTTPS_DE, "/dl/pub/iso/new.iso");
        let expected = young.then_some(Counter::RedirectorOriginYoung);
        assert_eq!((reply.status, reply.counted, reply.tier == Tier::Origin), (302, expected, young));
    }
    // Whatever form its mirrors are asked for in, it is the origin that has it.
    let mut world = World::new();
    world.file("pub/iso", "new.iso", vec![version(NOW)]);
    let redirects = Redirects::of(world, &["/dl/"]);
    for form in ["?mirrorlist", "?json", "?meta4", "?metalink", "?format=html", ".mirrorlist"] {
        let reply = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/new.iso{form}"));
        assert_eq!((reply.status, reply.tier), (200, Tier::Origin), "{form}");
        let urls = reply
            .body
            .split(['"', '>', '<', '\n'])
            .filter(|part| part.starts_with("http") && part.contains(".iso"));
        assert!(urls.clone().count() > 0, "{form}: {}", reply.body);
        urls.for_each(|url| assert_eq!(url, "https://origin.example/pub/iso/new.iso", "{form}"));
    }
    // An index with alternates goes to mirrors as ever.
    assert_ne!(Redirects::new().ask(HTTPS_DE, "/dl/pub/os/9/repodata/repomd.xml").tier, Tier::Origin);
}

#[test]
fn what_the_origin_alone_has_comes_from_there() {
    let mut world = World::new();
    world.inventory.site.origin_only = vec!["*.torrent".into(), "pub/os/*".into()];
    let redirects = Redirects::of(world, &["/dl/"]);
    for (path, only) in [("pub/iso/x.torrent", true), ("pub/os/9", true), ("pub/iso/F-9.iso", false)] {
        let reply = redirects.ask(HTTPS_DE, &format!("/dl/{path}"));
        assert_eq!(reply.counted, only.then_some(Counter::RedirectorOriginOnly), "{path}");
    }
    assert_eq!(redirects.location("/dl/pub/os/9"), "https://origin.example/pub/os/9/");
    // In whatever form its mirrors are asked for, they have it not.
    for form in ["json", "mirrorlist", "format=apt"] {
        let reply = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/x.torrent?{form}"));
        assert_eq!(reply.location(), "https://origin.example/pub/iso/x.torrent", "{form}");
    }
    assert_eq!(redirects.ask(HTTPS_DE, "/dl/pub/iso/x.torrent?format=pdf").status, 400);
}

#[test]
fn an_ending_alone_is_the_name_of_a_file() {
    let redirects = Redirects::new();
    for name in [".mirrorlist", ".apt", ".meta4"] {
        let location = redirects.location(&format!("/dl/pub/iso/{name}"));
        assert!(location.ends_with(&format!(".example/pub/iso/{name}")), "{name}: {location}");
    }
}

#[test]
fn without_a_mirror_that_fits_it_is_the_origin_else_404() {
    let redirects = Redirects::new();
    let list = "exclude=DE,FR,US,AE,JP,CN,cdn.example";
    let reply = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/F-9.iso?{list}"));
    assert_eq!((reply.status, reply.counted), (302, Some(Counter::RedirectorOriginNoMirror)));
    assert_eq!(reply.location(), "https://origin.example/pub/iso/F-9.iso");
    let reply = redirects.ask(HTTPS_DE, &format!("/dl/pub/iso/F-9.iso?{list},origin"));
    assert_eq!((reply.status, reply.counted), (404, Some(Counter::RedirectorWithoutMirror)));
    assert!(reply.body.contains("error: no mirror for protocol = https"), "{reply:?}");
}

#[test]
fn a_tree_stands_in_front_of_what_follows_its_prefix() {
    let redirects = Redirects::of(World::new(), &["/dl/", "/pub/=pub/"]);
    assert!(redirects.location("/pub/iso/F-9.iso").ends_with(".example/pub/iso/F-9.iso"));
    assert_eq!(redirects.ask(HTTPS_DE, "/other/x").status, 404);
    assert_eq!(redirects.ask(HTTPS_DE, "/x/mirrorlist?path=pub/iso").status, 200);
}

/// bitcoin.org#880: a redirect for ever. Of the head only what a worker says is here; Cache-Control is the front end's.
#[test]
fn every_redirect_is_302_with_one_line_of_text() {
    let redirects = Redirects::new();
    for path in ["/dl/pub/iso/F-9.iso", "/dl/pub/os/9", "/dl/pub/new/x"] {
        let reply = redirects.ask(HTTPS_DE, path);
        assert_eq!((reply.status, &*reply.body), (302, &*format!("{}\n", reply.location())));
        assert_eq!(reply.all("Content-Type"), ["text/plain"]);
    }
}
