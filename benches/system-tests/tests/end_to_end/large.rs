//! A deployment many times the largest known: answers have a bound, and nobody else pays for them.

use crate::support::{Client, programs};
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, IntInts, IntString, MirrorList, MirrorListDirectory,
};
use prost::Message as _;
use std::{fs, process::Command, thread, time::Duration};
use testkit::{inputs, stack::Stack};

/// What an answer has at most (spec, §4).
const MOST: usize = 1 << 20;
/// Mirrors of the directory `large`, each with three URLs: a metalink of all would have 6 MB.
const HOSTS: i64 = 12_000;

/// The first URL of the host with many.
const WIDE: i64 = HOSTS * 3;

fn bytes(text: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
    Some(text.into())
}

fn directory(name: &str, hosts: i64) -> MirrorListDirectory {
    let urls = |host: i64| IntInts { key: Some(host), value: (host * 3..host * 3 + 3).collect() };
    MirrorListDirectory {
        directory: bytes(name),
        subpath: bytes(name),
        global: (0..hosts).collect(),
        by_host_id: (0..hosts).map(urls).collect(),
        ..MirrorListDirectory::default()
    }
}

fn mirror_list() -> MirrorList {
    let url = |id: i64| {
        let (host, scheme) = (id / 3, ["https", "http", "rsync"][(id % 3) as usize]);
        IntString { key: Some(id), value: bytes(format!("{scheme}://mirror-{host}.example.org/some/where")) }
    };
    let version = FileDetails { sha256: bytes("ab".repeat(32)), ..FileDetails::default() };
    let file = FileDetailsFile { filename: bytes("file.iso"), details: vec![version] };
    let details = |name: &str| FileDetailsDirectory { directory: bytes(name), files: vec![file.clone()] };
    // One host whose lines alone are more than an answer holds.
    let wide: Vec<i64> = (WIDE..WIDE + 250).collect();
    let wide_url = |id: &i64| IntString {
        key: Some(*id),
        value: bytes(format!("http://wide-{id}.example.org/{}", "&".repeat(900))),
    };
    let wide_directory = MirrorListDirectory {
        directory: bytes("wide"),
        global: vec![1],
        by_host_id: vec![IntInts { key: Some(1), value: wide.clone() }],
        ..MirrorListDirectory::default()
    };
    // Many hosts that have a hundred URLs in common and one of their own.
    let shared = |host: i64| IntInts { key: Some(host), value: (0..100).chain([host * 3]).collect() };
    let shared_directory = MirrorListDirectory {
        directory: bytes("shared"),
        global: (100..4_000).collect(),
        by_host_id: (100..4_000).map(shared).collect(),
        ..MirrorListDirectory::default()
    };
    MirrorList {
        time: Some(1_795_000_000),
        hcurl: (0..HOSTS * 3).map(url).chain(wide.iter().map(wide_url)).collect(),
        file_details: ["large", "small", "wide", "shared"].map(details).into(),
        mirror_list: vec![directory("large", HOSTS), directory("small", 5), wide_directory, shared_directory],
        ..MirrorList::default()
    }
}

#[test]
fn answers_about_thousands_of_mirrors_are_bounded_and_cost_nobody_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(inputs::MIRRORMANAGER), mirror_list().encode_to_vec()).unwrap();
    let cache = folder.path().join("cache.mlc");
    let built: Command = inputs::build_command(&programs(), folder.path(), &cache);
    let built = { built }.output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(built.status.success(), "{said}");
    assert!(
        said.contains("an answer holds: 3; of shared, the largest, a metalink of all its 3,900 hosts"),
        "{said}"
    );
    let stack = Stack::start(&programs(), &cache, &["--workers", "2"], &["--deadline", "20"]).unwrap();
    let address = stack.http;
    let asking: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let mut client = Client::connect(address);
                for _ in 0..15 {
                    let answer = client.get("/metalink?path=large/file.iso");
                    let body = &answer.body;
                    assert_eq!(answer.status, 200);
                    assert!(body.len() <= MOST && body.len() > MOST - 2000, "{} bytes", body.len());
                    let document = roxmltree::Document::parse(body).unwrap();
                    let urls = document
                        .descendants()
                        .filter(|node| node.has_tag_name(("http://www.metalinker.org/", "url")));
                    assert_eq!(urls.count() % 3, 0, "a host is listed with all it has or not at all");
                    let list = client.get("/mirrorlist?path=large&protocol=https,http,rsync");
                    assert!(list.status == 200 && list.body.len() <= MOST, "{}", list.body.len());
                    let wide = client.get("/metalink?path=wide/file.iso");
                    let urls = wide.body.matches("<url ").count();
                    assert!(
                        wide.status == 200 && wide.body.len() <= MOST && urls > 200,
                        "{urls} of 250 URLs"
                    );
                    let shared = client.get("/metalink?path=shared/file.iso");
                    let urls = shared.body.matches("<url ").count();
                    assert_eq!((shared.status, urls), (200, 100 + 3_900), "each URL once");
                }
            })
        })
        .collect();
    let mut client = Client::connect(address);
    let mut answered = 0;
    while asking.iter().any(|asker| !asker.is_finished()) || answered < 100 {
        let answer = client.get("/metalink?path=small/file.iso");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body.matches("<url ").count(), 15);
        answered += 1;
        thread::sleep(Duration::from_millis(2));
    }
    asking.into_iter().for_each(|asker| asker.join().unwrap());
    stack.stop().unwrap();
}
