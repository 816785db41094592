//! Trees of other kinds than rpm's: Debian's, Arch's, and plain files with an index of their own, each on a mirror that is
//! current, one that is behind, one that lacks a part, and one that has something else in the index's place.

use crate::{
    primary::Files,
    server::{Fault, Server},
    site::{NOW, Site},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    sync::Arc,
};

const DAY: u64 = 86_400;

const SECTIONS: &str = r"
[[category]]
name = 'All'
top = 'pub'
[[repository]]
path = '^pub/debian/dists/(?<suite>[\w-]+)$'
index = 'InRelease'
name = 'debian-$suite'
arch = 'all'
[[repository]]
path = '^pub/archlinux/(?<repo>\w+)/os/(?<arch>\w+)$'
index = '$repo.db'
name = 'arch-$repo'
arch = '$arch'
[[repository]]
path = '^pub/firmware/(?<version>\d+)$'
index = 'index/SUMMARY'
name = 'firmware-$version'
arch = 'noarch'
";

/// The directories of these repositories, their indexes, and a file beside each.
const REPOSITORIES: [(&str, &str, &str); 3] = [
    ("pub/debian/dists/stable", "InRelease", "main/binary-amd64/Packages.gz"),
    ("pub/archlinux/core/os/x86_64", "core.db", "base-1-1-any.pkg.tar.zst"),
    ("pub/firmware/7", "index/SUMMARY", "board.bin"),
];

/// What is in the tree when it has been changed so often.
fn files(version: u32) -> Files {
    let mut files = Files::new();
    let mut put = |path: String, content: String| files.insert(path, content.into_bytes());
    for (path, index, file) in REPOSITORIES {
        put(format!("{path}/{index}"), format!("index of {path}, version {version}\n"));
        if index == "core.db" {
            put(format!("{path}/{index}.tar.gz"), format!("index of {path}, version {version}\n"));
        }
        put(format!("{path}/{file}"), "x".repeat(10 + version as usize));
    }
    put("pub/debian/pool/main/b/bash/bash_5_amd64.deb".into(), "bash".into());
    put("pub/archlinux/lastupdate".into(), "1\n".into());
    files
}

/// Puts the tree into the primary. The index of Arch's is a link, as `repo-add` makes it.
fn put(site: &Site, version: u32) {
    for (path, content) in files(version) {
        let link = site.at(&path);
        if path.ends_with("core.db") {
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&link);
            symlink("core.db.tar.gz", link).unwrap();
        } else {
            let name = path.trim_start_matches("pub/");
            site.put(name, &content, NOW - 9 * DAY + u64::from(version) * 3600);
        }
    }
}

/// By mirror, for which of the repositories it is listed.
fn listed(site: &Site) -> BTreeMap<String, Vec<bool>> {
    let listed = site.listed();
    let names: BTreeSet<&String> = listed.values().flatten().collect();
    let of = |name: &String| REPOSITORIES.map(|(path, ..)| listed[path].contains(name)).to_vec();
    names.into_iter().map(|name| (name.clone(), of(name))).collect()
}

#[test]
fn mirrors_of_other_trees_are_judged_by_what_is_in_their_indexes() {
    let mut site = Site::new(SECTIONS);
    site.primary.push_str("prefix = 'pub'\n");
    put(&site, 1);
    let names = ["behind", "current", "other", "page", "partial", "without"];
    let servers = names.map(|name| (name, Server::start(&Arc::new(files(1)))));
    for (name, server) in &servers {
        site.mirror(name, &format!("[urls]\nAll = '{}pub'\n", server.url()));
    }
    let server = |of: &str| &servers.iter().find(|(name, _)| *name == of).unwrap().1;
    let is = |of: &[(&str, bool)]| {
        let all = names.map(|name| {
            let is_in = of.iter().find(|(other, _)| *other == name).is_none_or(|(_, is_in)| *is_in);
            (name.to_owned(), vec![is_in; 3])
        });
        BTreeMap::from(all)
    };
    assert_eq!((site.run(NOW).unwrap().repositories, listed(&site)), (3, is(&[])));

    put(&site, 2);
    names[1..].iter().for_each(|name| server(name).set(&Arc::new(files(2))));
    for (path, index, file) in REPOSITORIES {
        // As long as it should be.
        let content = String::from_utf8(files(2)[&format!("{path}/{index}")].clone()).unwrap();
        let other = content.replace("version 2", "version X").into_bytes();
        server("other").fault(&format!("{path}/{index}"), Fault::Content(other));
        server("page").fault(&format!("{path}/{index}"), Fault::Html);
        server("partial").fault(&format!("{path}/{file}"), Fault::Content(b"cut".into()));
        server("without").fault(&format!("{path}/{index}"), Fault::Status(404));
    }
    let out = [("other", false), ("page", false), ("partial", false), ("without", false)];
    site.run(NOW + 3600).unwrap();
    // The version before is good for three days.
    assert_eq!(listed(&site), is(&out));
    let details = site.list().file_details;
    let versions = details.iter().flat_map(|record| &record.files).map(|file| file.details.len());
    assert_eq!(versions.collect::<Vec<_>>(), [2; 3]);
    site.run(NOW + 4 * DAY).unwrap();
    assert_eq!(listed(&site), is(&[&out[..], &[("behind", false)]].concat()));
    // Nobody is worse for it where nothing has changed.
    let pool = &site.listed()["pub/debian/pool/main/b/bash"];
    assert_eq!(pool.len(), names.len());

    for (_, server) in &servers {
        server.mend();
        server.set(&Arc::new(files(2)));
    }
    site.run(NOW + 4 * DAY + 3600).unwrap();
    assert_eq!(listed(&site), is(&[]));
}
