//! The built program, and the file that it writes.

use crate::world::{DAY, NOW, World, mirror, repomd};
use interchange::message::{FileDetailsFile, MirrorListDirectory};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output, Stdio},
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mirrorlist-collect");

/// How a run ended: its code, what it printed, what it said.
pub type Ended = (Option<i32>, String, String);

pub fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

impl World {
    /// The program with these options, to be told more.
    pub fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config", &self.config()]).args(more).stdin(Stdio::null());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_ascii_lowercase());
        }
        command
    }

    pub fn end(&self, more: &[&str]) -> Ended {
        ended(self.command(more).output().unwrap())
    }
}

fn text(bytes: &Option<Vec<u8>>) -> &str {
    std::str::from_utf8(bytes.as_deref().unwrap_or_default()).unwrap()
}

/// The record of a directory.
fn directory<'l>(list: &'l [MirrorListDirectory], path: &str) -> &'l MirrorListDirectory {
    list.iter().find(|record| text(&record.directory) == path).unwrap()
}

#[test]
fn everything_that_is_known_stands_in_the_file() {
    let world = World::new();
    world.mirror(
        "a.example",
        "country = 'de'\nplace = [52.5, 13.4]\nbandwidth = '2 Gbit/s'\nweight = 7\nasn = [64501]\nnetblocks = ['192.0.2.0/24']\n\
         exclusive = ['AS64500']\nonly = 'continent'\ncountries-allowed = ['DE', 'AT']\nup-to-date = true\n\
         [urls]\n'Example Linux' = ['https://a.example/pub/', 'rsync://a.example/pub']\n",
    );
    let (code, printed, said) = world.end(&["--json"]);
    assert_eq!((code, &*said), (Some(0), ""));
    let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&summary["mirrors"], &summary["listed"]), (&4.into(), &3.into()), "{printed}");
    assert_eq!((&summary["repositories"], &summary["files"]), (&5.into(), &6.into()), "{printed}");
    let output = world.at("out/mirrorlist.proto-cache");
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(summary["bytes"], fs::metadata(&output).unwrap().len());
    let list = world.list();
    let names: BTreeMap<&str, i64> =
        list.host.iter().map(|host| (text(&host.name), host.id.unwrap())).collect();
    assert_eq!(names, BTreeMap::from([("a.example", 1), ("b.example", 2), ("private.example", 4)]));
    let a = &list.host[0];
    assert_eq!(
        (a.latitude, a.longitude, a.weight, a.up_to_date),
        (Some(52.5), Some(13.4), Some(7), Some(true))
    );
    assert_eq!((&a.exclusive[..], a.only.as_deref()), (&[b"AS64500".to_vec()][..], Some(&b"continent"[..])));
    let urls: BTreeMap<i64, &str> =
        list.hcurl.iter().map(|url| (url.key.unwrap(), text(&url.value))).collect();
    let record = directory(&list.mirror_list, "pub/example/9/BaseOS/x86_64/os/repodata");
    assert_eq!((text(&record.subpath), &record.global[..]), ("9/BaseOS/x86_64/os/repodata", &[1, 2][..]));
    let by_host: Vec<(i64, Vec<&str>)> = record
        .by_host_id
        .iter()
        .map(|host| (host.key.unwrap(), host.value.iter().map(|url| urls[url]).collect()))
        .collect();
    assert_eq!(
        by_host,
        [
            (1, vec!["https://a.example/pub", "rsync://a.example/pub"]),
            (2, vec!["http://b.example"]),
            (4, vec!["https://p.example"]),
        ]
    );
    assert_eq!((text(&record.by_country[0].key), &record.by_country[0].value[..]), ("DE", &[1, 2][..]));
    let images = directory(&list.mirror_list, "pub/images/9.1");
    assert_eq!((&images.global[..], text(&images.subpath)), (&[2][..], "9.1"));
    assert_eq!(text(&directory(&list.mirror_list, "pub/example").subpath), "");
    let pairs = |records: &[interchange::message::StringString]| {
        records
            .iter()
            .map(|pair| (text(&pair.key).to_owned(), text(&pair.value).to_owned()))
            .collect::<Vec<_>>()
    };
    let owned = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert!(
        pairs(&list.repo_arch_to_directory)
            .contains(&owned("BaseOS-9+x86_64", "pub/example/9/BaseOS/x86_64/os"))
    );
    assert_eq!(pairs(&list.origin), [owned("pub/example", "https://dl.example.org/pub/example")]);
    assert_eq!(pairs(&list.alias), [owned("example/latest", "pub/example/9")]);
    assert_eq!((list.host_asn[0].key, &list.host_asn[0].value[..]), (Some(64501), &[1][..]));
    assert_eq!((list.host_bandwidth[0].value, list.host_bandwidth.len()), (Some(2000), 1));
    assert_eq!(list.host_country_allowed[0].value, [b"AT".to_vec(), b"DE".to_vec()]);
    let netblocks: Vec<_> =
        list.host_netblock.iter().map(|pair| (text(&pair.key), &pair.value[..])).collect();
    assert_eq!(netblocks, [("10.0.0.0/8", &[4][..]), ("192.0.2.0/24", &[1][..])]);
    let details =
        list.file_details.iter().find(|record| text(&record.directory) == "pub/images/9.1").unwrap();
    assert_eq!(details.files[0].details[0].sha256.as_deref(), Some("ab".repeat(32).as_bytes()));
}

/// The versions of an index, by their times.
fn versions(world: &World) -> Vec<u64> {
    let list = world.list();
    let folder = "pub/example/9.1/BaseOS/x86_64/os/repodata";
    let details = list.file_details.iter().find(|record| text(&record.directory) == folder).unwrap();
    let FileDetailsFile { details, .. } = &details.files[0];
    details.iter().map(|version| version.timestamp.unwrap()).collect()
}

#[test]
fn versions_of_an_index_and_numbers_are_kept_from_run_to_run() {
    let world = World::new();
    let index = "example/9.1/BaseOS/x86_64/os/repodata/repomd.xml";
    world.run(NOW).unwrap();
    assert_eq!(versions(&world), [NOW - DAY]);
    let first = fs::read(world.at("out/mirrorlist.proto-cache")).unwrap();
    world.run(NOW).unwrap();
    assert_eq!(
        fs::read(world.at("out/mirrorlist.proto-cache")).unwrap(),
        first,
        "the same facts, the same bytes"
    );
    world.put(index, &repomd(NOW));
    world.run(NOW + 60).unwrap();
    assert_eq!(versions(&world), [NOW, NOW - DAY]);
    // The one before goes when the current one is three days old, unless it is younger than four itself.
    world.run(NOW + 3 * DAY - 1).unwrap();
    assert_eq!(versions(&world), [NOW, NOW - DAY]);
    world.put(index, &repomd(NOW + 2 * DAY));
    world.run(NOW + 3 * DAY).unwrap();
    assert_eq!(versions(&world), [NOW + 2 * DAY, NOW]);
    world.run(NOW + 30 * DAY).unwrap();
    assert_eq!(versions(&world), [NOW + 2 * DAY]);

    let numbers = |world: &World| -> Vec<(i64, String)> {
        world.list().host.iter().map(|host| (host.id.unwrap(), text(&host.name).to_owned())).collect()
    };
    assert_eq!(
        numbers(&world),
        [(1, "a.example".into()), (2, "b.example".into()), (4, "private.example".into())]
    );
    fs::remove_file(world.at("mirrors.d/a.example.toml")).unwrap();
    world.mirror("aa.example", &mirror("https://aa.example"));
    world.mirror("a.example", &mirror("https://new.example"));
    world.run(NOW + 30 * DAY).unwrap();
    // Nobody looked at aa.example yet, and it is not trusted: its file is wrong.
    assert_eq!(numbers(&world)[0], (1, "a.example".into()));
    let urls: BTreeMap<String, i64> =
        world.list().hcurl.iter().map(|url| (text(&url.value).to_owned(), url.key.unwrap())).collect();
    assert_eq!(urls["https://new.example"], 6, "{urls:?}");
    assert!(!urls.contains_key("https://a.example/pub"));
}

#[test]
fn over_http_only_indexes_that_have_changed_are_asked_for() {
    let mut world = World::new();
    let files = world.files();
    fs::write(world.at("pub/all"), world.file_list()).unwrap();
    world.primary = format!("file-list = 'all'\nchecksum-base = '{}'\nprefix = 'pub'\n", files.url(""));
    world.run(NOW).unwrap();
    let asked = |files: &crate::files::Files| {
        let mut requests = files.requests();
        requests.retain(|path| path.ends_with("repomd.xml") || path.ends_with("InRelease"));
        requests
    };
    assert_eq!(asked(&files).len(), 3);
    world.run(NOW + 60).unwrap();
    assert_eq!(asked(&files), [""; 0]);
    world.put("example/9.1/BaseOS/x86_64/os/repodata/repomd.xml", &format!("{}\n", repomd(NOW)));
    fs::write(world.at("pub/all"), world.file_list()).unwrap();
    world.run(NOW + 120).unwrap();
    assert_eq!(asked(&files), ["/example/9.1/BaseOS/x86_64/os/repodata/repomd.xml"]);
    assert_eq!(versions(&world), [NOW, NOW - DAY]);
}

#[test]
fn over_http_an_index_that_is_not_the_listed_one_is_read_again() {
    let mut world = World::new();
    let index = "example/9.1/BaseOS/x86_64/os/repodata/repomd.xml";
    let files = world.files();
    let list = |world: &World| fs::write(world.at("pub/all"), world.file_list()).unwrap();
    list(&world);
    world.primary = format!("file-list = 'all'\nchecksum-base = '{}'\nprefix = 'pub'\n", files.url(""));
    world.run(NOW).unwrap();
    // The list knows of another one, and the base answers with what it had.
    for (text, odd) in [
        (format!("{}\n", repomd(NOW)), 1),
        // Of the same size: by its time alone.
        (format!("{}\n", repomd(NOW + 1)), 0),
    ] {
        let old = fs::read_to_string(world.at("pub").join(index)).unwrap();
        let before = versions(&world);
        world.put(index, &text);
        fs::File::options()
            .write(true)
            .open(world.at("pub").join(index))
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW + odd))
            .unwrap();
        list(&world);
        world.put(index, &old);
        let summary = world.run(NOW + 60).unwrap();
        assert_eq!((summary.odd.len(), versions(&world)), (odd as usize, before), "{:?}", summary.odd);
        if odd > 0 {
            assert_eq!(
                summary.odd,
                [format!(
                    "index pub/{index}: has {} bytes, {} are listed; the next run reads it again",
                    old.len(),
                    text.len()
                )]
            );
        }
        world.put(index, &text);
        assert_eq!(world.run(NOW + 120).unwrap().odd, [""; 0]);
    }
    assert_eq!(versions(&world), [NOW + 1, NOW, NOW - DAY]);
}

#[test]
fn what_is_wrong_with_the_configuration_is_told_with_file_line_and_key() {
    let mut world = World::new();
    let (code, printed, said) = world.end(&["--check"]);
    assert_eq!(
        (code, &*printed, &*said),
        (Some(0), "well: 4 mirrors, 2 categories, 2 patterns of repositories\n", "")
    );
    assert!(!world.at("state.db").exists() && !world.at("out/mirrorlist.proto-cache").exists());
    world.mirror("wrong.example", "country = 'DE'\n[urls]\n'Example Linx' = 'https://wrong.example/'\n");
    world.mirror("other.example", "weight = 5\n");
    let (code, printed, said) = world.end(&["--check"]);
    assert_eq!((code, &*printed), (Some(78), ""));
    let folder = world.at("mirrors.d").display().to_string();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            format!(
                "error: config {folder}/other.example.toml line 1: `weight`: is only for mirrors that the option trusted names; other.example is not among them"
            ),
            format!(
                "error: config {folder}/wrong.example.toml line 3: `Example Linx` in [urls]: there is no such category; did you mean `Example Linux`?"
            ),
            format!("error: mirrors {folder}: 2 of 6 files are wrong"),
        ]
    );
    world.site.push_str("[[repository]]\npath = 'x'\nnmae = 'y'\n");
    let (code, _, said) = world.end(&[]);
    assert_eq!(code, Some(78));
    assert!(said.contains("`nmae` in [repository]: unknown; did you mean `name`?"), "{said}");
    // What is for `run` is checked by others, too.
    let mut status = Command::new(PROGRAM);
    let (code, _, said) = ended(status.args(["status", "--config", &world.config()]).output().unwrap());
    assert!(code == Some(78) && said.contains("`nmae` in [repository]"), "{said}");
    let (code, _, said) = ended(Command::new(PROGRAM).arg("run").output().unwrap());
    assert_eq!(code, Some(78));
    assert!(said.contains("config: no file is named that says what there is to be mirrored"), "{said}");
}
