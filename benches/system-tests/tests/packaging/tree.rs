//! `make install`: what goes where, and that it goes again.

use super::{files, found, made::Make, or_promised, run};
use std::{fs, path::Path, process::Command};

/// What `make install PREFIX=/usr` installs.
pub fn listed() -> impl Iterator<Item = String> {
    include_str!("installed").lines().map(str::to_owned)
}

/// Installs into a folder, with further arguments for make.
fn install(make: &Make, root: &Path, arguments: &[&str]) {
    let destination = format!("DESTDIR={}", root.display());
    make.run(&[&["install", &destination], arguments].concat());
}

#[test]
fn everything_is_installed_in_its_place_and_nothing_else() {
    let make = Make::all();
    let root = tempfile::tempdir().unwrap();
    install(&make, root.path(), &["PREFIX=/usr"]);
    assert_eq!(files(root.path()), listed().collect::<Vec<_>>());
    // With the usual folders texts are as they are here.
    for (here, there) in [
        ("systemd/mirrorlistd.service", "usr/lib/systemd/system/mirrorlistd.service"),
        ("systemd/mirrorlistd.toml", "etc/mirrorlist/mirrorlistd.toml"),
        ("systemd/mirrorlist-cache.toml", "etc/mirrorlist/mirrorlist-cache.toml"),
        ("systemd/man/mirrorlistd.8", "usr/share/man/man8/mirrorlistd.8"),
    ] {
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!(read(&Path::new(super::TOP).join(here)), read(&root.path().join(there)), "{here}");
    }
    shells_understand_the_completions(root.path());
    links_lead_somewhere(&root.path().join("usr/share/doc/mirrorlistd"));
    let destination = format!("DESTDIR={}", root.path().display());
    make.run(&["uninstall", &destination, "PREFIX=/usr"]);
    assert_eq!(files(root.path()), Vec::<String>::new());
}

#[test]
fn what_was_configured_stays() {
    let make = Make::all();
    let root = tempfile::tempdir().unwrap();
    install(&make, root.path(), &[]);
    let configuration = root.path().join("etc/mirrorlist/mirrorlistd.toml");
    fs::write(&configuration, "workers = 3\n").unwrap();
    install(&make, root.path(), &[]);
    assert_eq!(fs::read_to_string(&configuration).unwrap(), "workers = 3\n");
    make.run(&["uninstall", &format!("DESTDIR={}", root.path().display())]);
    assert_eq!(files(root.path()), ["/etc/mirrorlist/mirrorlistd.toml"]);
}

#[test]
fn texts_follow_the_folders() {
    let make = Make::all();
    let root = tempfile::tempdir().unwrap();
    let folders =
        ["PREFIX=/opt/lists", "sysconfdir=/opt/etc", "localstatedir=/srv", "unitdir=/etc/systemd/system"];
    install(&make, root.path(), &folders);
    let found = files(root.path());
    for file in [
        "/opt/lists/bin/mirrorlistd",
        "/opt/etc/mirrorlist/mirrorlist-http.toml",
        "/etc/systemd/system/mirrorlistd.service",
        "/opt/lists/lib/sysusers.d/mirrorlist.conf",
        "/opt/lists/share/man/man1/mirrorlist-cache.1",
    ] {
        assert!(found.iter().any(|installed| installed == file), "{file}: {found:?}");
    }
    for file in found.iter().filter(|file| !file.starts_with("/opt/lists/bin/")) {
        // Documents for readers of the sources name the usual places; pictures none.
        if [".md", "LICENSE", "Containerfile", ".png"].iter().any(|end| file.ends_with(end)) {
            continue;
        }
        let text = fs::read_to_string(root.path().join(&file[1..])).unwrap();
        for usual in ["/usr/bin/mirrorlist", "/etc/mirrorlist", "/var/lib/mirrorlist"] {
            let bare = text.replace("/opt/etc/mirrorlist", "").contains(usual);
            assert!(!bare, "{file} names {usual}");
        }
    }
    // The daemon's own default is elsewhere.
    let configuration = fs::read_to_string(root.path().join("opt/etc/mirrorlist/mirrorlistd.toml")).unwrap();
    assert!(configuration.contains("\ncache = \"/srv/lib/mirrorlist/cache.mlc\"\n"), "{configuration}");
    let configuration =
        fs::read_to_string(root.path().join("opt/etc/mirrorlist/mirrorlist-cache.toml")).unwrap();
    assert!(configuration.contains("\noutput = \"/srv/lib/mirrorlist/cache.mlc\"\n"), "{configuration}");
    // So are the collector's.
    let configuration =
        fs::read_to_string(root.path().join("opt/etc/mirrorlist/mirrorlist-collect.toml")).unwrap();
    for line in [
        "state = \"/srv/lib/mirrorlist-collect/state.db\"",
        "output = \"/srv/lib/mirrorlist-collect/out\"",
        "mirrors = \"/opt/etc/mirrorlist/mirrors.d\"",
    ] {
        assert!(configuration.lines().any(|one| one == line), "no {line}: {configuration}");
    }
}

#[test]
fn without_programs_nothing_is_installed() {
    let make = Make::all();
    let root = tempfile::tempdir().unwrap();
    let destination = format!("DESTDIR={}", root.path().display());
    let (said, well) = make.outcome(&["install", &destination, "builddir=/nonexistent"]);
    assert!(!well && said.contains("run make first"), "{said}");
    assert_eq!(files(root.path()), Vec::<String>::new());
}

/// What documents link to and show is installed with them.
fn links_lead_somewhere(folder: &Path) {
    let documents = files(folder).into_iter().filter(|file| file.ends_with(".md"));
    let mut count = 0;
    for document in documents.map(|file| folder.join(&file[1..])) {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if link.contains("://") || file.is_empty() {
                continue;
            }
            count += 1;
            // Debian has it under another name.
            assert!(file != "LICENSE" && !file.ends_with("CHANGELOG.md"), "{}: {link}", document.display());
            let linked = document.parent().unwrap().join(file);
            assert!(linked.is_file(), "{}: links to {link}", document.display());
        }
    }
    assert!(count > 30, "only {count} links are found");
}

fn shells_understand_the_completions(root: &Path) {
    for (shell, folder, prefix) in [
        ("bash", "usr/share/bash-completion/completions", ""),
        ("zsh", "usr/share/zsh/site-functions", "_"),
        ("fish", "usr/share/fish/vendor_completions.d", ""),
    ] {
        for program in
            ["mirrorlistd", "mirrorlist-http", "mirrorlist-cache", "mirrorlist-collect", "mirrorlist-report"]
        {
            let extension = if shell == "fish" { ".fish" } else { "" };
            let file = root.join(folder).join(format!("{prefix}{program}{extension}"));
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains("version"), "{}: {text}", file.display());
            if or_promised(found(shell).is_some(), &format!("not installed: {shell}")) {
                run(Command::new(shell).arg("-n").arg(&file));
            }
        }
    }
}
