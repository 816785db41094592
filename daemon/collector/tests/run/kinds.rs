//! The three kinds of primary.

use crate::world::{DAY, NOW, Rsync, World, repomd};
use collector::run::tree::Tree;
use std::fs;

fn paths(tree: &Tree) -> Vec<&str> {
    tree.directories.iter().map(|directory| &*directory.path).collect()
}

#[test]
fn a_folder_an_rsync_daemon_and_a_list_of_files_are_the_same_tree() {
    let world = World::new();
    let local = world.tree(&world.primary, NOW).unwrap();
    assert_eq!(local.odd, [""; 0]);
    let tree = &local.tree;
    let expected = [
        "pub/example",
        "pub/example/9",
        "pub/example/9.1",
        "pub/example/9.1/BaseOS",
        "pub/example/9.1/BaseOS/aarch64",
        "pub/example/9.1/BaseOS/aarch64/os",
        "pub/example/9.1/BaseOS/aarch64/os/Packages",
        "pub/example/9.1/BaseOS/aarch64/os/repodata",
        "pub/example/9.1/BaseOS/x86_64",
        "pub/example/9.1/BaseOS/x86_64/os",
        "pub/example/9.1/BaseOS/x86_64/os/Packages",
        "pub/example/9.1/BaseOS/x86_64/os/repodata",
        "pub/example/9.1/same",
        "pub/example/9.1/same/os",
        "pub/example/9.1/same/os/Packages",
        "pub/example/9.1/same/os/repodata",
    ];
    assert_eq!(paths(tree)[..16], expected);
    let all: Vec<&str> = paths(tree).into_iter().filter(|path| !path.starts_with("pub/example/9")).collect();
    let others = [
        "pub/example",
        "pub/example/dists",
        "pub/example/dists/stable",
        "pub/example/dists/stable/main",
        "pub/example/empty",
        "pub/images",
        "pub/images/9.1",
    ];
    assert_eq!(all, others);
    let repositories: Vec<_> = tree
        .units
        .iter()
        .filter_map(|unit| {
            Some((&*unit.repository.as_ref()?.name, &*unit.repository.as_ref()?.arch, unit.newest.len()))
        })
        .collect();
    assert_eq!(
        repositories,
        [
            ("BaseOS-9.1", "aarch64", 1),
            ("BaseOS-9.1", "x86_64", 2),
            ("BaseOS-9", "aarch64", 1),
            ("BaseOS-9", "x86_64", 2),
            ("stable", "all", 1),
        ]
    );
    let x86 = tree.units.iter().find(|unit| unit.path == "pub/example/9.1/BaseOS/x86_64/os").unwrap();
    let version = &x86.repository.as_ref().unwrap().versions[0];
    assert_eq!((version.time, version.size), (NOW - DAY, repomd(NOW).len() as u64));
    assert_eq!(x86.newest[0].path, "pub/example/9.1/BaseOS/x86_64/os/Packages/b c#.rpm");
    let image = &tree.images[0];
    assert_eq!((tree.images.len(), &*image.path, image.version.size), (1, "pub/images/9.1/a.iso", 5));
    assert_eq!(image.version.sha256, "ab".repeat(32));
    let marker = tree.categories[0].marker.as_ref().unwrap();
    assert_eq!((&*marker.path, marker.size), ("pub/example/TIME", Some(4)));
    // sha256sum of "123\n".
    assert_eq!(
        marker.sha256.as_deref(),
        Some("181210f8f9c779c26da1d9b2075bde0127302ee0e3fca38c9a83f5b1dd8e5d3b")
    );
    assert_eq!((&tree.categories[1].marker, tree.time), (&None, NOW));

    let files = world.files();
    let base = format!("checksum-base = '{}'\nprefix = 'pub'", files.url(""));
    let daemon = Rsync::start(&world);
    let by_rsync = world.tree(&format!("rsync = '{}'\n{base}", daemon.url("pub")), NOW).unwrap();
    assert_eq!(by_rsync.tree, local.tree);
    assert_eq!((by_rsync.indexes, by_rsync.odd), (local.indexes.clone(), local.odd.clone()));
    fs::write(world.at("pub/all-files"), world.file_list()).unwrap();
    let by_list = world.tree(&format!("file-list = 'all-files'\n{}", world.primary), NOW).unwrap();
    assert_eq!((&by_list.tree, &by_list.indexes), (&local.tree, &local.indexes));
    // Where links lead cannot be seen over HTTP.
    let remote = world.tree(&format!("file-list = 'all-files'\n{base}"), NOW).unwrap().tree;
    let without_links = |path: &&&str| {
        !path.starts_with("pub/example/9/") && !path.contains("/same") && **path != "pub/example/9"
    };
    assert_eq!(paths(&remote), paths(tree).iter().filter(without_links).copied().collect::<Vec<_>>());
}

#[test]
fn a_primary_that_is_not_there_or_half_there_is_an_error() {
    let world = World::new();
    let files = world.files();
    let base = format!("checksum-base = '{}'\nprefix = 'pub'", files.url(""));
    let daemon = Rsync::start(&world);
    let (by_rsync, url) = (|url: &str| format!("rsync = '{url}'\n{base}"), daemon.url("pub"));
    files.refuse(&["/x86_64/os/repodata/repomd.xml"]);
    fs::write(world.at("pub/half"), "[Files]\n1\td\t0\texample\n").unwrap();
    let at = world.folder.path().display().to_string();
    for (primary, cause) in [
        (format!("path = '{at}/gone'"), "gone cannot be read (No such file or directory (os error 2))"),
        (format!("path = '{at}/pub/example/TIME'"), "TIME is no folder"),
        (
            format!("path = '{at}/pub'\nprefix = 'other'"),
            "category `Example Linux`: there is no directory pub/example",
        ),
        (by_rsync(&daemon.url("gone")), "rsync fails, exit status: 5: @ERROR: Unknown module 'gone'"),
        (
            by_rsync(&url),
            "2 of its 5 indexes cannot be read, such as index pub/example/9.1/BaseOS/x86_64/os/repodata/repomd.xml: http://127.0.0.1:",
        ),
        (format!("file-list = 'half'\n{}", world.primary), "file-list half has no [End]: it is cut short"),
        (format!("file-list = 'gone'\n{base}"), "/gone: status 404"),
    ] {
        let said = world.tree(&primary, NOW).map(|read| read.tree.directories.len()).unwrap_err().to_string();
        assert!(said.contains(cause), "{primary}: {said}");
    }
    drop(daemon);
    let said = world.tree(&by_rsync(&url), NOW).unwrap_err().to_string();
    assert!(
        said.starts_with("rsync fails, exit status: 10: ") && said.contains("Connection refused"),
        "{said}"
    );
}
