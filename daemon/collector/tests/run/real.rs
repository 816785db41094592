//! AlmaLinux' 530 mirrors as files of mirrors, and the directories of its mirror list as a list of files.
//!
//! The data are outside of this repository; where they are not, the test says so and does nothing.

use crate::world::{NOW, World, repomd};
use interchange::message::MirrorList;
use prost::Message as _;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

const SITE: &str = r#"
[[category]]
name = "almalinux"
top = "almalinux"
origin = "https://repo.almalinux.org/almalinux"
[[category]]
name = "kitten"
top = "almalinux-kitten"
[[category]]
name = "vault"
top = "vault"
[[repository]]
path = '^(?:almalinux|almalinux-kitten|vault)/(?<version>[^/]+)/(?<repo>[^/]+)/(?<arch>[^/]+)/(?:os|kickstart)$'
name = "$repo-$version"
arch = "$arch"
"#;

/// A TOML file of what a line of the data says.
fn file(mirror: &Value) -> String {
    let text = |key: &str| mirror[key].as_str();
    let mut file = String::new();
    if let Some(country) = text("country") {
        writeln!(file, "country = \"{country}\"").unwrap();
    }
    if let (Some(lat), Some(lon)) = (mirror["lat"].as_f64(), mirror["lon"].as_f64()) {
        writeln!(file, "place = [{lat:?}, {lon:?}]").unwrap();
    }
    for (key, name) in [("asn", "asn"), ("subnets", "netblocks")] {
        writeln!(file, "{name} = {}", mirror[key]).unwrap();
    }
    // Those of clouds are for these alone.
    let is_private = mirror["private"] == true || mirror["cloud_type"].is_string();
    writeln!(file, "private = {is_private}\nup-to-date = true\n[urls]").unwrap();
    let urls = |urls: &Value| {
        // Some of rsync are written as rsync takes them on its command line, or name a user.
        let is_url =
            |url: &&str| url::Url::parse(url).is_ok_and(|url| url.has_host() && url.username().is_empty());
        let of = |scheme: &str| urls[scheme].as_str().filter(is_url).map(|url| format!("{url:?}"));
        ["https", "http", "rsync"].into_iter().filter_map(of).collect::<Vec<_>>().join(", ")
    };
    writeln!(file, "almalinux = [{}]", urls(&mirror["urls"])).unwrap();
    let kitten = urls(&mirror["module_urls"]["kitten"]);
    if !kitten.is_empty() {
        writeln!(file, "kitten = [{kitten}]").unwrap();
    }
    file
}

#[test]
fn the_mirrors_and_the_tree_of_almalinux_come_out_as_they_went_in() {
    let Ok(lines) = fs::read_to_string(Path::new(DATA).join("mirrors.jsonl")) else {
        eprintln!("skipped: there is no {DATA}/mirrors.jsonl");
        return;
    };
    let given =
        MirrorList::decode(&*fs::read(Path::new(DATA).join("almalinux.proto-cache")).unwrap()).unwrap();
    let mut world = World::new();
    fs::remove_dir_all(world.at("mirrors.d")).unwrap();
    let mirrors: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(mirrors.len(), 530);
    let mut trusted = Vec::new();
    for mirror in &mirrors {
        let name = mirror["name"].as_str().unwrap();
        world.mirror(name, &file(mirror));
        trusted.push(format!("'{name}'"));
    }
    let vault = "https://vault.almalinux.org";
    world.mirror("vault.almalinux.org", &format!("up-to-date = true\n[urls]\nvault = '{vault}'\n"));
    trusted.push("'vault.almalinux.org'".into());
    world.options = world.options.replace("'a.example', 'b.example', 'private.example'", &trusted.join(", "));
    world.site = SITE.into();
    world.primary = format!("path = '{}'\nfile-list = 'all'\n", world.at("pub").display());
    fs::remove_dir_all(world.at("pub")).unwrap();
    let mut list = String::from("[Version]\n2\n[Files]\n");
    let mut above = BTreeSet::new();
    for record in &given.mirror_list {
        let directory = String::from_utf8(record.directory.clone().unwrap()).unwrap();
        above.extend(directory.match_indices('/').map(|(at, _)| directory[..at].to_owned()));
        if directory.ends_with("/repodata") {
            let index = repomd(1_784_156_400);
            fs::create_dir_all(world.at("pub").join(&directory)).unwrap();
            fs::write(world.at("pub").join(&directory).join("repomd.xml"), &index).unwrap();
            writeln!(list, "1784156400\tf\t{}\t{directory}/repomd.xml", index.len()).unwrap();
        }
        above.insert(directory);
    }
    above.iter().for_each(|directory| writeln!(list, "1\td\t0\t{directory}").unwrap());
    list.push_str("[End]\n");
    fs::write(world.at("pub/all"), list).unwrap();

    let summary = world.run(NOW).unwrap();
    assert_eq!((summary.as_before.len(), summary.left_out), (0, Vec::<String>::new()));
    let made = world.list();
    let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap_or_default()).unwrap();
    let directories = |list: &MirrorList| {
        list.mirror_list.iter().map(|record| text(&record.directory)).collect::<BTreeSet<_>>()
    };
    assert_eq!(directories(&made), above);
    assert!(directories(&given).is_subset(&above));
    // By directory, the names of hosts; private ones too.
    let names: BTreeMap<i64, String> =
        made.host.iter().map(|host| (host.id.unwrap(), text(&host.name))).collect();
    let listed = |list: &MirrorList, path: &str, name: &dyn Fn(i64) -> String| {
        let record = list.mirror_list.iter().find(|record| text(&record.directory) == path).unwrap();
        let private = |host: &i64| !record.global.contains(host);
        let hosts =
            record.by_host_id.iter().map(|host| (name(host.key.unwrap()), private(&host.key.unwrap())));
        hosts.collect::<BTreeSet<_>>()
    };
    let given_name = |id: i64| {
        let mirror = mirrors.iter().find(|mirror| mirror["id"] == id);
        mirror.map_or("vault.almalinux.org".into(), |mirror| {
            mirror["name"].as_str().unwrap().to_ascii_lowercase()
        })
    };
    for path in ["almalinux/9/BaseOS/x86_64/os", "almalinux-kitten/10-kitten/BaseOS/x86_64/os/repodata"] {
        let made = listed(&made, path, &|id| names[&id].clone());
        let given = listed(&given, path, &given_name);
        let missing: Vec<_> = given.difference(&made).collect();
        assert_eq!((missing.len(), made.difference(&given).count()), (0, 0), "{path}: {missing:?}");
    }
    let repositories = made.repo_arch_to_directory.len();
    assert!(repositories > 700, "{repositories}");
}
