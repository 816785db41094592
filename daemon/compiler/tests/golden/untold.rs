//! Hosts of which no form of an answer tells: private ones that the client does not reach, and suspended ones. SPEC.md §12.

use crate::{
    below::{DE, Given, Site, world},
    script::NOW,
};
use wire::Accept;

const PATH: &str = "fedora/42/x86_64/os/repodata/repomd.xml";
const DIRECTORY: &str = "fedora/42/x86_64/os";

/// Every way to be told of the mirrors of a file and of its directory, each with what the client takes.
fn ways() -> Vec<(String, Accept)> {
    let mut ways = Vec::new();
    for end in ["mirrorlist", "metalink"] {
        for format in ["", "&format=text", "&format=html", "&format=json", "&format=metalink4", "&redirect=1"]
        {
            ways.push((format!("/{end}?path={PATH}{format}"), Accept::NONE));
        }
        for format in ["", "&format=apt", "&format=html", "&format=json"] {
            ways.push((format!("/{end}?repo=fedora-42&arch=x86_64{format}"), Accept::NONE));
        }
    }
    for flag in ["", "?mirrorlist", "?json", "?meta4", "?metalink", ".mirrorlist", ".meta4", ".metalink"] {
        for accept in
            [Accept::NONE, Accept::HTML, Accept::JSON, Accept::METALINK4, Accept::METALINK3, Accept::DIGEST]
        {
            ways.push((format!("/dl/{PATH}{flag}"), accept));
        }
    }
    for flag in ["", "/", ".apt", "?mirrorlist", "?json", "?format=html"] {
        ways.push((format!("/dl/{DIRECTORY}{flag}"), Accept::NONE));
    }
    ways.push(("/dl/fedora/42/x86_64/iso/Fedora%2042.iso".into(), Accept::DIGEST.with(Accept::METALINK4)));
    let explained = |(target, accept): &(String, Accept)| {
        let and = if target.contains('?') { "&" } else { "?" };
        (format!("{target}{and}explain=1"), *accept)
    };
    let explained: Vec<_> = ways.iter().map(explained).collect();
    ways.extend(explained);
    ways
}

/// How many answers of all these have `text` in them.
fn told(site: &mut Site<'_>, client: &str, mut tells: impl FnMut(&Given) -> bool) -> (usize, usize) {
    let ways = ways();
    let count = ways.iter().filter(|(target, accept)| {
        let given = site.ask(target, client, *accept);
        assert!([200, 302, 404].contains(&given.status), "{target}: {}", given.body);
        tells(&given)
    });
    (count.count(), ways.len())
}

#[test]
fn a_private_host_is_in_no_form_for_who_does_not_reach_it() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let has = |given: &Given| given.headers.contains("campus") || given.body.contains("campus");
    for client in [DE, "203.0.113.200", "198.51.100.7", "203.0.113.250", "nobody", "2001:db8:d::7"] {
        assert_eq!(told(&mut site, client, has).0, 0, "{client}");
    }
    // Nor does a client get to it by asking for what is near to it.
    for query in ["&country=DE", "&country=global", "&limit=255", "&exclude=FR,US,JP", "&strict=1&country=DE"]
    {
        for form in ["text", "html", "json"] {
            let target = format!("/mirrorlist?path={PATH}&format={form}&explain=1{query}");
            assert!(!has(&site.ask(&target, DE, Accept::NONE)), "{target}");
        }
    }
    let (inside, all) = told(&mut site, "192.0.2.70", has);
    assert!(inside > all / 2, "{inside} of {all}");
}

#[test]
fn a_suspended_host_is_in_no_form_and_only_an_explanation_names_it() {
    let bytes = world();
    let until = NOW + 3600;
    let line = |url: &str| format!("{url}\tberlin\t{NOW}\t{until}\tno answer\n");
    let lines: String = ["https", "http", "rsync"]
        .map(|scheme| line(&format!("{scheme}://berlin.example.org/linux")))
        .concat();
    let mut site = Site::suspending(&bytes, &lines);
    let has_url = |given: &Given| {
        let text = format!("{}{}", given.headers, given.body);
        text.contains("//berlin.example.org")
    };
    let names = |given: &Given| given.body.contains("berlin.example.org");
    for client in [DE, "203.0.113.70", "192.0.2.70", "nobody"] {
        assert_eq!(told(&mut site, client, has_url).0, 0, "{client}");
        let (named, _) = told(&mut site, client, |given| {
            let explains =
                given.body.contains("\"excluded\":[") || given.body.contains("that are not listed");
            assert!(explains || !names(given), "{}", given.body);
            assert!(!names(given) || given.body.contains("suspended"), "{}", given.body);
            names(given)
        });
        assert!(named > 0, "{client}");
    }
    let mut before = Site::of(&bytes);
    let (listed, all) = told(&mut before, DE, has_url);
    assert!(listed > all / 2, "{listed} of {all}");
    // One URL of several leaves the others.
    let mut some = Site::suspending(&bytes, &line("https://berlin.example.org/linux"));
    assert_eq!(told(&mut some, DE, |given| given.body.contains("https://berlin")).0, 0);
    assert!(told(&mut some, DE, |given| given.body.contains("http://berlin")).0 > all / 2);
}
