//! Files of mirrors from others: AlmaLinux' 530, put back into their form, and a list of URLs.

use crate::program::{PROGRAM, ended};
use collector::{
    config::{import::Options, site::Category},
    import::import,
    run::mirrors::{
        file::{Described, Reading, prefix},
        folder,
    },
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, process::Command};

/// A file as AlmaLinux has them.
fn yml(mirror: &Value) -> String {
    let mut text = format!("---\nname: {}\naddress:\n", mirror["name"].as_str().unwrap());
    let urls = |text: &mut String, urls: &Value, indent: &str| {
        for (protocol, url) in urls.as_object().into_iter().flatten() {
            writeln!(text, "{indent}{protocol}: {}", url.as_str().unwrap()).unwrap();
        }
    };
    urls(&mut text, &mirror["urls"], "  ");
    if mirror["module_urls"].as_object().is_some_and(|modules| !modules.is_empty()) {
        text.push_str("address_optional:\n");
        for (module, of_module) in mirror["module_urls"].as_object().unwrap() {
            writeln!(text, "  {module}:").unwrap();
            urls(&mut text, of_module, "    ");
        }
    }
    for key in ["update_frequency", "sponsor", "sponsor_url"] {
        if let Some(value) = mirror[key].as_str() {
            writeln!(text, "{key}: {}", serde_json::to_string(value).unwrap()).unwrap();
        }
    }
    text.push_str("email: someone@example.org\n");
    if mirror["country_source"] == "inventory" {
        let country = mirror["country_raw"].as_str().or(mirror["country"].as_str()).unwrap();
        writeln!(text, "geolocation:\n  country: {country}\n  city: {}", mirror["city"]).unwrap();
    }
    for (key, name) in [("asn", "asn"), ("subnets", "subnets")] {
        let list = mirror[key].as_array().unwrap();
        if !list.is_empty() {
            writeln!(text, "{name}:").unwrap();
            list.iter()
                .for_each(|value| writeln!(text, "  - {}", value.to_string().trim_matches('"')).unwrap());
        }
    }
    for key in ["private", "monopoly"] {
        if mirror[key] == true {
            writeln!(text, "{key}: true").unwrap();
        }
    }
    if let Some(cloud) = mirror["cloud_type"].as_str() {
        writeln!(text, "cloud_type: {cloud}\ncloud_region:\n  - all").unwrap();
    }
    text + "...\n"
}

/// What came out, read as `run` reads it.
fn read(path: &Path, names: &[&str], trusted: &[String]) -> Vec<Described> {
    let category =
        |name: &&str| Category { name: (*name).into(), top: (*name).into(), origin: None, marker: None };
    let categories: Vec<Category> = names.iter().map(category).collect();
    let trusted = trusted.iter().cloned().collect();
    let found = folder::read(path, &Reading { categories: &categories, trusted: &trusted }).unwrap();
    assert_eq!(found.wrong.len(), 0, "{:?}", found.wrong);
    found.good.into_values().map(|(described, _)| described).collect()
}

#[test]
fn the_530_mirrors_of_almalinux_come_out_as_they_are() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/mirrors.jsonl");
    let Ok(lines) = fs::read_to_string(data) else {
        eprintln!("skipped: there is no {data}");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (source, made) = (folder.path().join("yml"), folder.path().join("toml"));
    fs::create_dir(&source).unwrap();
    let mirrors: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(mirrors.len(), 530);
    for mirror in &mirrors {
        fs::write(source.join(format!("{}.yml", mirror["name"].as_str().unwrap())), yml(mirror)).unwrap();
    }
    let options = Options {
        source,
        folder: made.clone(),
        category: "AlmaLinux".into(),
        module: vec![("kitten".into(), "Kitten".into())],
        json: false,
    };
    let summary = import(&options).unwrap();
    // One is for ftp alone, or has no URL that can be used: it is refused by its name.
    assert_eq!(
        (summary.written.len() + summary.refused.len(), summary.refused.len()),
        (530, 0),
        "{:?}",
        summary.refused
    );
    assert_eq!(summary.dropped["email"], 530);
    let described = read(&made, &["AlmaLinux", "Kitten"], &summary.trusted);
    let mut compared = 0;
    for mirror in &mirrors {
        let name = mirror["name"].as_str().unwrap().to_ascii_lowercase();
        let Described { mirror: of_file, told, .. } =
            described.iter().find(|described| described.mirror.name == name).unwrap();
        for (category, urls) in [(0, &mirror["urls"]), (1, &mirror["module_urls"]["kitten"])] {
            let is_usable = |url: &str| {
                url::Url::parse(url)
                    .is_ok_and(|url| url.scheme() != "ftp" && url.has_host() && url.username().is_empty())
            };
            let spelled =
                |url: &str| format!("{}/", url::Url::parse(url).unwrap().as_str().trim_end_matches('/'));
            let given = urls.as_object().into_iter().flatten().filter_map(|(_, url)| url.as_str());
            let given: BTreeSet<String> = given.filter(|url| is_usable(url)).map(spelled).collect();
            let kept =
                of_file.urls.iter().filter(|(number, _)| *number == category).flat_map(|(_, urls)| urls);
            let kept: BTreeSet<String> = kept.map(|url| url.as_str().to_owned()).collect();
            assert_eq!(kept, given, "{name}");
            compared += kept.len();
        }
        let country = Some(&mirror["country"]).filter(|_| mirror["country_source"] == "inventory");
        assert_eq!(told.country.as_deref(), country.and_then(Value::as_str), "{name}");
        let asns: BTreeSet<u32> =
            mirror["asn"].as_array().unwrap().iter().map(|asn| asn.as_u64().unwrap() as u32).collect();
        assert_eq!(told.asns, asns, "{name}");
        let prefixes =
            mirror["subnets"].as_array().unwrap().iter().map(|text| prefix(text.as_str().unwrap()).unwrap());
        assert_eq!(told.netblocks, prefixes.collect(), "{name}");
        assert_eq!(
            !told.exclusive.is_empty(),
            mirror["monopoly"] == true && !(asns.is_empty() && told.netblocks.is_empty()),
            "{name}"
        );
        assert_eq!(of_file.private, mirror["private"] == true || mirror["cloud_type"].is_string(), "{name}");
    }
    assert!(compared > 1200, "{compared}");
    // What is there stays.
    let again = import(&options).unwrap();
    assert_eq!((again.written.len(), again.refused.len()), (0, 530));
}

#[test]
fn a_list_of_urls_becomes_files_and_what_is_left_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (source, made) = (folder.path().join("list"), folder.path().join("mirrors.d"));
    fs::write(
        &source,
        "https://a.example/x DE\nftp://a.example/x DE\nhttp://b.example/\nrsync://c.example/x NL\n",
    )
    .unwrap();
    let run = || {
        let mut command = Command::new(PROGRAM);
        ended(command.args(["import", "--category", "X"]).arg(&source).arg(&made).output().unwrap())
    };
    let (code, printed, said) = run();
    assert_eq!((code, &*said), (Some(0), ""));
    assert!(printed.starts_with("2 files of mirrors written, 1 mirror refused\n"), "{printed}");
    assert!(printed.contains("c.example.toml line 4: `X` in [urls]: has no https or http URL"), "{printed}");
    assert!(printed.contains("  a.example: `ftp://a.example/x` is a URL of ftp"), "{printed}");
    let described = read(&made, &["X"], &[]);
    let names: Vec<&str> = described.iter().map(|described| &*described.mirror.name).collect();
    assert_eq!((names, described[0].told.country.as_deref()), (vec!["a.example", "b.example"], Some("DE")));
    fs::write(&source, "# nothing\n").unwrap();
    let (code, _, said) = run();
    assert_eq!(code, Some(78));
    assert!(said.contains("list: cannot be read (there is no mirror in it)"), "{said}");
}

#[test]
fn a_second_document_and_more_mirrors_than_a_run_takes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (source, made) = (folder.path().join("source"), folder.path().join("mirrors.d"));
    fs::create_dir(&source).unwrap();
    let one = |name: &str| format!("---\nname: {name}\naddress:\n  http: http://{name}/x\n");
    fs::write(source.join("a.yml"), one("a.example") + &one("b.example")).unwrap();
    fs::write(source.join("c.yml"), one("c.example")).unwrap();
    let run = |source: &Path| {
        let mut command = Command::new(PROGRAM);
        ended(command.args(["import", "--category", "X"]).arg(source).arg(&made).output().unwrap())
    };
    let (code, printed, _) = run(&source);
    assert_eq!(code, Some(0), "{printed}");
    let expected = "1 file of a mirror written, 1 mirror refused\n  a.yml: has 2 documents: expected one, of one mirror\n";
    assert_eq!(printed, expected);
    let list = folder.path().join("list");
    let line = |number: u32| format!("http://m{number}.example/x\n");
    fs::write(&list, (0..20_000).map(line).collect::<String>()).unwrap();
    let (code, _, said) = run(&list);
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("makes 20001 mirrors in ")
            && said.ends_with("takes at most 20000; nothing is written\n"),
        "{said}"
    );
    assert_eq!(fs::read_dir(&made).unwrap().count(), 1);
}
