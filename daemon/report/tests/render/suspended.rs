//! Pages beside a list of what is suspended.

use crate::{
    Site,
    mirrors::{GONE, Rendered, inventory, listed, now, url, usual},
    program, well,
};
use cache::{
    inventory::{Carrier, Directory, HostUrl, SetPosition},
    scheme::Scheme,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, process::Output};

/// The list by which these hosts' own URLs are suspended.
pub(super) fn list_of(hosts: &[i64]) -> String {
    let line = |id: &i64| format!("{}\tx\t{}\t{}\tno answer\n", url(*id, "pub"), now() - 600, now() + 3000);
    let lines: String = hosts.iter().map(line).collect();
    format!("# mirrorlist-suspended 1\n{lines}# end {}\n", hosts.len())
}

/// Renders a site anew, of its cache and of this list alone.
fn render(site: &Site, list: &str) -> Output {
    fs::write(site.path("suspended"), list).unwrap();
    let [database, cache, suspended] =
        ["db", "cache", "suspended"].map(|name| site.path(name).display().to_string());
    let arguments =
        ["render", "--database", &database, "--cache", &cache, "--suspended", &suspended, "--output"];
    program(&arguments, &[&site.path("site")])
}

#[test]
fn a_list_of_suspended_urls_that_is_broken_suspends_nobody() {
    let site = usual().site;
    let output = render(&site, "nonsense");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("as if none were suspended"), "{output:?}");
    let is_listed = |(mirror, urls): &(Value, BTreeMap<String, String>)| {
        mirror["state"] == "unknown" && urls.contains_key("fedora-42+x86_64")
    };
    assert!(listed(&site).iter().all(is_listed));
}

#[test]
fn what_is_suspended_of_a_mirror_is_told_and_not_among_its_protocols() {
    let Rendered { site, .. } = usual();
    let mut inventory = inventory();
    let text = url(1, "pub").replace("https:", "http:");
    let (position, _) = inventory.urls.insert_full(HostUrl { scheme: Scheme::Http, text });
    inventory.placements = std::mem::take(&mut inventory.placements)
        .into_iter()
        .map(|mut placement| {
            if placement.host == 0 {
                placement.urls.push(position as u32);
            }
            placement
        })
        .collect();
    let (bytes, _) = cache::write(&inventory, 0).unwrap();
    fs::write(site.path("cache"), &*bytes).unwrap();
    well(&render(&site, &list_of(&[1])));
    let page = site.read("mirrors/elbe.example.org.html");
    let rows: Vec<&str> = page.split("<tr>").filter(|row| row.contains("rel=\"nofollow\"")).collect();
    let of = |scheme: &str| *rows.iter().find(|row| row.contains(&format!("href=\"{scheme}://"))).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(of("https").contains("suspended") && !of("https").contains("get it"), "{rows:?}");
    assert!(of("http").contains("get it") && !of("http").contains("suspended"), "{rows:?}");
    let list = listed(&site);
    let (elbe, _) = list.iter().find(|(mirror, _)| mirror["id"] == 1).unwrap();
    assert_eq!(elbe["schemes"], json!(["http"]));
}

#[test]
fn hosts_that_share_a_url_are_one_mirror_of_each_country_and_never_suspended_for_another() {
    let Rendered { site, .. } = usual();
    let mut inventory = inventory();
    let text = "https://shared.example.net/pub".to_owned();
    let (shared, _) = inventory.urls.insert_full(HostUrl { scheme: Scheme::Https, text });
    // Two of them are in a country.
    const SHARE: [i64; 3] = [4, 6, 8];
    inventory.hosts[&6].country = inventory.hosts[&8].country;
    inventory.placements = std::mem::take(&mut inventory.placements)
        .into_iter()
        .map(|mut placement| {
            if SHARE.contains(&(i64::from(placement.host) + 1)) {
                placement.urls = vec![shared as u32];
            }
            placement
        })
        .collect();
    // Each of them is drawn as often; which others come before them is different.
    inventory.hosts.values_mut().for_each(|host| host.bandwidth = 100);
    let roster = &mut inventory.rosters[0];
    let carriers: Vec<Carrier> = roster.carriers.iter().cloned().collect();
    let has = |number: usize, id: i64| {
        let bit = [1, 2, 3, GONE].iter().position(|other| *other == id);
        SHARE.contains(&id) || bit.is_some_and(|bit| number >> bit & 1 != 0)
    };
    for number in 0..16 {
        let set =
            roster.set_of((1..).zip(&carriers).filter(|(id, _)| has(number, *id)).map(|(_, of)| of.clone()));
        let path = format!("pub/many/{number}");
        let subpath = path["pub/".len()..].to_owned();
        let directory = Directory { carriers: SetPosition { roster: 0, set }, subpath };
        inventory.directories.insert(path.clone(), directory);
        let repository = inventory.repositories.entry(format!("many-{number}")).or_default();
        repository.archs.insert("x86_64".to_owned(), path);
    }
    let (bytes, _) = cache::write(&inventory, 0).unwrap();
    fs::write(site.path("cache"), &*bytes).unwrap();
    for suspended in [&[][..], &[GONE]] {
        well(&render(&site, &list_of(suspended)));
        let list = listed(&site);
        let many = |id: i64| {
            let urls = list.iter().find(|(mirror, _)| mirror["id"] == id).map(|(_, urls)| urls);
            urls.map_or(0, |urls| urls.keys().filter(|name| name.starts_with("many-")).count())
        };
        assert_eq!(many(8), 0, "of two in a country the first stands for both");
        assert_eq!((many(4) > 0, many(6) > 0, many(4) + many(6)), (true, true, 16));
        let found: Vec<i64> = list
            .iter()
            .filter(|(mirror, _)| mirror["state"] == "suspended")
            .map(|(mirror, _)| mirror["id"].as_i64().unwrap())
            .collect();
        assert_eq!(found, suspended);
        for number in 0..16 {
            let page = site.read(&format!("repositories/many-{number}.html"));
            let has_gone = has(number, GONE);
            let left_out = page.matches("answers leave it out").count();
            assert_eq!(left_out, if has_gone { suspended.len() } else { 0 }, "many-{number}");
        }
    }
}
