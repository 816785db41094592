//! A URL in the files of two mirrors: it stays with the one that had it, whatever becomes of its file for a while.

use crate::world::{NOW, World, mirror};
use interchange::message::IntString;
use std::collections::BTreeSet;

const URL: &str = "https://v.example/pub";

/// A mirror that has the URL, and has been listed.
fn world() -> World {
    let world = unlisted();
    world.run(NOW).unwrap();
    world
}

/// The same, before the first run.
fn unlisted() -> World {
    let mut world = World::new();
    world.options = world.options.replace("'b.example', ", "'b.example', 'v.example', ");
    world.mirror("v.example", &mirror(URL));
    world
}

/// Has another mirror say that it is its own.
fn claim(world: &World) {
    world.mirror("a.example", &mirror(&format!("https://a.example/pub', '{URL}")));
}

/// Which mirrors are as before and which are left out.
fn told(world: &World, after: u64) -> (Vec<String>, Vec<String>) {
    let summary = world.run(NOW + after).unwrap();
    (summary.as_before, summary.left_out)
}

/// Mirrors of which the file has the URL.
fn owners(world: &World) -> BTreeSet<String> {
    let list = world.list();
    let is_it = |url: &&IntString| text(&url.value).starts_with(URL);
    let its: BTreeSet<i64> = list.hcurl.iter().filter(is_it).map(|url| url.key.unwrap()).collect();
    let records = list.mirror_list.iter().flat_map(|directory| &directory.by_host_id);
    let hosts = records.filter(|of| of.value.iter().any(|url| its.contains(url)));
    let hosts: BTreeSet<i64> = hosts.map(|of| of.key.unwrap()).collect();
    let names = list.host.iter().filter(|host| hosts.contains(&host.id.unwrap()));
    names.map(|host| String::from_utf8(host.name.clone().unwrap()).unwrap()).collect()
}

fn text(bytes: &Option<Vec<u8>>) -> String {
    String::from_utf8(bytes.clone().unwrap_or_default()).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn who_is_disabled_for_a_while_comes_back_with_its_url() {
    let world = world();
    world.mirror("v.example", &format!("disabled = true\n{}", mirror(URL)));
    assert_eq!(told(&world, 60), (vec![], vec![]));
    assert_eq!(owners(&world), BTreeSet::new());
    claim(&world);
    for run in 0..2 {
        assert_eq!(told(&world, 120 + run), (names(&["a.example"]), vec![]));
        assert_eq!(owners(&world), BTreeSet::new());
    }
    world.mirror("v.example", &mirror(URL));
    assert_eq!(told(&world, 180), (names(&["a.example"]), vec![]));
    assert_eq!(owners(&world), BTreeSet::from(["v.example".into()]));
}

#[test]
fn whose_file_is_wrong_for_a_run_keeps_its_url() {
    let world = world();
    world.mirror("v.example", "country = 'DE");
    claim(&world);
    assert_eq!(told(&world, 60), (names(&["a.example", "v.example"]), vec![]));
    assert_eq!(owners(&world), BTreeSet::from(["v.example".into()]));
    world.mirror("v.example", &mirror(URL));
    assert_eq!(told(&world, 120), (names(&["a.example"]), vec![]));
    assert_eq!(owners(&world), BTreeSet::from(["v.example".into()]));
    // It lets go of it.
    world.mirror("v.example", &mirror("https://v.example/elsewhere"));
    assert_eq!(told(&world, 180), (vec![], vec![]));
    assert_eq!(owners(&world), BTreeSet::from(["a.example".into()]));
}

#[test]
fn among_files_that_nobody_knows_a_url_is_nobodys() {
    let world = unlisted();
    claim(&world);
    assert_eq!(told(&world, 0), (vec![], names(&["a.example", "v.example"])));
    let (code, _, said) = world.end(&["--check"]);
    assert_eq!(code, Some(78));
    let file = |name: &str| world.at("mirrors.d").join(format!("{name}.toml")).display().to_string();
    let cause = format!("{} line 4: {URL}/ stands in {} line 4, too; ", file("a.example"), file("v.example"));
    assert!(said.contains(&cause) && said.contains("2 of 5 files are wrong"), "{said}");
}
