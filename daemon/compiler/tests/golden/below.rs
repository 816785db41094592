//! Forms of answers to paths of the redirector: suffixes, flags and Accept, on the cache of the goldens. SPEC.md §12.

use crate::{FOLDER, cache_toml, script::NOW};
use answer::{
    Fragments, Scratch, Service,
    redirector::Redirector,
    rules::Rules,
    suspended::{Suspended, Usable},
};
use cache::{CacheBytes, View};
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use std::{fs, path::Path};
use wire::{Accept, Kind, Method, Request, UrlScheme};

const ISO: &str = "/dl/fedora/42/x86_64/iso/Fedora%2042.iso";
const REPOMD: &str = "/dl/fedora/42/x86_64/os/repodata/repomd.xml";

pub fn world() -> CacheBytes {
    let text = fs::read_to_string(Path::new(FOLDER).join("base.toml")).expect("the cache of the goldens");
    cache_toml::world(&text).compile()
}

/// A service below `/dl/`, and what it gives: kind, status, header lines, body.
pub struct Site<'a> {
    view: View<'a>,
    fragments: Fragments,
    redirector: Redirector,
    scratch: Scratch,
    rng: Xoshiro256PlusPlus,
}

pub struct Given {
    pub kind: Kind,
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl<'a> Site<'a> {
    pub fn of(bytes: &'a CacheBytes) -> Site<'a> {
        Site::suspending(bytes, "")
    }

    /// With these lines of a list of suspended URLs.
    pub fn suspending(bytes: &'a CacheBytes, lines: &str) -> Site<'a> {
        let view = View::check(bytes).expect("a good cache");
        let list = format!("# mirrorlist-suspended 1\n{lines}# end {}\n", lines.lines().count());
        let list = Suspended::parse(list.as_bytes()).expect("a list");
        let usable = Usable::of(&view, &list, NOW).expect("a short list");
        Site {
            view,
            fragments: Fragments::of_usable(&view, usable).expect("a small cache"),
            redirector: Redirector::new(vec!["/dl/".parse().expect("a prefix")], 3600),
            scratch: Scratch::default(),
            rng: Xoshiro256PlusPlus::seed_from_u64(7),
        }
    }

    pub fn ask(&mut self, target: &str, client: &str, accept: Accept) -> Given {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept,
            client: client.parse().ok(),
            path: path.as_bytes(),
            query: query.as_bytes(),
        };
        let service = Service {
            view: self.view,
            fragments: &self.fragments,
            rules: Rules::default(),
            redirector: Some(&self.redirector),
            version: "1",
        };
        let mut out = Vec::new();
        let answer = service.answer(&request, NOW, &mut self.rng, &mut self.scratch, &mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        let (headers, body) = text.split_at(answer.headers_len);
        Given {
            kind: answer.head.kind,
            status: answer.head.status,
            headers: headers.into(),
            body: body.into(),
        }
    }
}

pub const DE: &str = "203.0.113.10";

#[test]
fn suffixes_and_flags_name_forms_and_the_first_counts() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let (html, json) = (Accept::HTML, Accept::JSON);
    let os = "/dl/fedora/42/x86_64/os";
    for (target, accept, kind, status) in [
        (format!("{ISO}.meta4"), Accept::NONE, Kind::Metalink4, 200),
        (format!("{ISO}?meta4"), html, Kind::Metalink4, 200),
        (format!("{ISO}.metalink"), Accept::METALINK4, Kind::Metalink, 200),
        (format!("{ISO}?metalink&sha256"), Accept::NONE, Kind::Metalink, 200),
        (format!("{ISO}?json=1"), Accept::NONE, Kind::Json, 200),
        (format!("{ISO}?json=0&sha256"), Accept::NONE, Kind::Hash, 200),
        (format!("{ISO}?sha512"), Accept::NONE, Kind::Hash, 404),
        (format!("{ISO}?mirrorlist"), html.with(json), Kind::Page, 200),
        (format!("{ISO}.mirrorlist"), json, Kind::Json, 200),
        (format!("{ISO}?mirrorlist&json"), Accept::ANY, Kind::Mirrorlist, 200),
        (format!("{os}/?mirrorlist"), html, Kind::Page, 200),
        (format!("{os}/never-scanned?mirrorlist"), html, Kind::Page, 200),
        (format!("{os}.apt"), Accept::ANY, Kind::Apt, 200),
        (format!("{os}?format=apt"), Accept::NONE, Kind::Apt, 200),
        (format!("{ISO}?format=apt"), Accept::NONE, Kind::Apt, 404),
        (format!("{ISO}?format=xml"), Accept::NONE, Kind::Mirrorlist, 400),
        // A signature is a file of its own, whatever the client takes.
        (format!("{ISO}.sig"), Accept::METALINK4, Kind::File, 302),
        (format!("{os}/never-scanned.meta4"), Accept::NONE, Kind::File, 302),
    ] {
        let given = site.ask(&target, DE, accept);
        assert_eq!((given.kind, given.status), (kind, status), "{target}: {}", given.body);
        let negotiates = target.contains("mirrorlist") && status == 200;
        assert_eq!(given.headers.contains("Vary: Accept\r\n"), negotiates, "{target}: {}", given.headers);
    }
    let hash = site.ask(&format!("{ISO}?sha256"), DE, Accept::NONE).body;
    assert_eq!(hash, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff  Fedora 42.iso\n");
}

#[test]
fn a_metalink_in_place_of_a_redirect_is_for_who_takes_nothing_else() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let (four, three) = (Accept::METALINK4, Accept::METALINK3);
    for (target, accept, kind) in [
        (ISO, four, Kind::Metalink4),
        (ISO, four.with(three), Kind::Metalink4),
        (ISO, three, Kind::Metalink),
        (ISO, four.with(three).with(Accept::ANY), Kind::File),
        (ISO, Accept::HTML, Kind::File),
        // Of several versions nobody knows which a mirror has.
        (REPOMD, four, Kind::File),
    ] {
        let given = site.ask(target, DE, accept);
        assert_eq!(given.kind, kind, "{target}: {accept:?}");
    }
}

/// The first mirror of a page, an object, a list, and where a redirect leads.
fn firsts(site: &mut Site<'_>, path: &str, client: &str) -> [String; 4] {
    let location = site.ask(path, client, Accept::NONE).body.trim_end().to_owned();
    let page = site.ask(&format!("{path}?mirrorlist"), client, Accept::HTML).body;
    let link = page.split("<li><a href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let json = site.ask(&format!("{path}?json"), client, Accept::NONE).body;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let list = site.ask(&format!("{path}?mirrorlist"), client, Accept::NONE).body;
    let line = list.lines().nth(1).unwrap_or_default();
    let url = json["mirrors"][0]["url"].as_str().unwrap_or_default();
    [location, link.unwrap_or_default().to_owned(), url.to_owned(), line.to_owned()]
}

#[test]
fn every_form_begins_with_the_mirror_of_the_redirect() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let path = "/dl/fedora/42/x86_64/os/Packages/l/a.rpm";
    for client in (1..250).map(|last| format!("203.0.{last}.10")).chain(["192.0.2.70".to_owned()]) {
        let [location, others @ ..] = firsts(&mut site, path, &client);
        assert!(location.starts_with("http"), "{location}");
        assert!(others.iter().all(|other| *other == location), "{client}: {location}, {others:?}");
    }
}

#[test]
fn requests_leave_nothing_to_the_next_and_private_hosts_are_for_their_clients() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let path = "/dl/fedora/42/x86_64/os/Packages/l/a.rpm";
    let forms = ["?json", "?mirrorlist", "?mirrorlist&format=html", "?format=text", ""];
    let alone: Vec<String> =
        forms.iter().map(|form| site.ask(&format!("{path}{form}"), DE, Accept::NONE).body).collect();
    assert!(alone.iter().all(|body| !body.contains("campus")), "{alone:?}");
    let noise = [
        "?json&exclude=DE",
        "?mirrorlist&country=FR&limit=1",
        ".mirrorlist?protocol=https",
        "?exclude=FR,JP",
    ];
    for round in 0..10_000 {
        let inside =
            site.ask(&format!("{path}{}", noise[round % noise.len()]), "192.0.2.70", Accept::HTML).body;
        assert_eq!(
            inside.contains("campus"),
            round % noise.len() == 0 || round % noise.len() == 3,
            "{inside}"
        );
        let at = round % forms.len();
        assert_eq!(site.ask(&format!("{path}{}", forms[at]), DE, Accept::NONE).body, alone[at]);
    }
}

#[test]
fn whatever_a_name_is_every_form_is_well_formed() {
    let bytes = world();
    let mut site = Site::of(&bytes);
    let pieces = [
        "a",
        "<",
        ">",
        "\"",
        "'",
        "&",
        "%25",
        "%0A",
        "%00",
        "%C3%A9",
        "%FF",
        "%EF%BF%BF",
        "--",
        "]]%3E",
        "\\",
        "%20",
        "..",
        ";",
    ];
    let forms = ["html", "json", "text", "metalink4", "apt"];
    let mut seed = 1_u64;
    for round in 0..100_000 {
        let mut name = String::new();
        for _ in 0..1 + round % 6 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            name += pieces[(seed >> 33) as usize % pieces.len()];
        }
        let form = forms[round % forms.len()];
        let target = format!("/dl/fedora/42/x86_64/os/{}?format={form}", name.replace('?', ""));
        let given = site.ask(&target, DE, Accept::NONE);
        assert!([200, 404].contains(&given.status), "{target}: {}", given.status);
        match given.kind {
            Kind::Page if given.status == 200 => {
                let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
                let page = roxmltree::Document::parse_with_options(&given.body, options);
                let page = page.unwrap_or_else(|error| panic!("{target}: {error}"));
                assert!(!page.descendants().any(|node| node.has_tag_name("script")), "{target}");
            }
            Kind::Json => drop(serde_json::from_str::<serde_json::Value>(&given.body).expect("JSON")),
            _ => assert!(given.body.lines().all(|line| !line.contains(char::is_control)), "{target}"),
        }
    }
}
