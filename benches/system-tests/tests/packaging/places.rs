//! Units, configuration, examples, manual pages and documents name the same files, folders, ports and units.
//!
//! What units and configuration say is so; everything else may only name what is there.

use super::TOP;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Where our files are.
const FOLDERS: [&str; 4] =
    ["/etc/mirrorlist", "/run/mirrorlist", "/var/lib/mirrorlist", "/var/log/mirrorlist"];
const UNIT_TYPES: [&str; 4] = ["service", "socket", "path", "timer"];
const ADDRESSES: [&str; 4] = ["127.0.0.1:", "localhost:", "[::1]:", "0.0.0.0:"];

/// An example with a second front end on the same machine, so that there are two to choose from.
const SECOND: (&str, u16) = ("haproxy.cfg", 8081);

fn files(folder: &str, is_one: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
    let all = fs::read_dir(Path::new(TOP).join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = all.filter(|path| path.is_file() && is_one(path));
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// Units and configuration.
fn rules() -> Vec<(PathBuf, String)> {
    let mut rules =
        files("systemd", |path| UNIT_TYPES.contains(&extension(path)) || extension(path) == "toml");
    rules.extend(files("systemd/tmpfiles.d", |_| true));
    assert_eq!(rules.len(), 18 + 5 + 1);
    rules
}

/// Everything that people read, and what they copy.
fn documents() -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for folder in ["", "benches", "daemon", "frontend", "shared", "shared/answer", "systemd"] {
        documents.extend(files(folder, |path| extension(path) == "md"));
    }
    for folder in ["man", "examples", "packaging", "packaging/debian", "packaging/rpm"] {
        documents.extend(files(&format!("systemd/{folder}"), |_| true));
    }
    assert!(documents.len() > 25, "{}", documents.len());
    documents
}

/// The paths of ours in a text; `{a,b}` in one is two of them.
fn paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in FOLDERS.iter().flat_map(|folder| text.match_indices(folder)) {
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/._-{},".contains(c);
        let path: String = text[at..].chars().take_while(|c| is_path(*c)).collect();
        let path = path.trim_end_matches(['.', ',', '/']);
        match path.split_once('{').and_then(|(begin, rest)| Some((begin, rest.split_once('}')?))) {
            Some((begin, (names, end))) => {
                found.extend(names.split(',').map(|name| format!("{begin}{name}{end}")));
            }
            None => drop(found.insert(path.to_owned())),
        }
    }
    found
}

/// The ports of this machine that a text names.
fn ports(text: &str) -> BTreeSet<u16> {
    let begins = ADDRESSES.iter().flat_map(|address| text.match_indices(address));
    let digits = begins.map(|(at, address)| {
        let digits: String = text[at + address.len()..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse()
    });
    digits.filter_map(Result::ok).filter(|port| *port > 0).collect()
}

/// The units of ours that a text names.
fn units(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let words = text.split(|c| !is_name(c)).map(|word| word.trim_end_matches('.'));
    let is_unit = |word: &&str| {
        let kind = word.rsplit_once('.').map(|(_, kind)| kind);
        word.starts_with("mirrorlist") && kind.is_some_and(|kind| UNIT_TYPES.contains(&kind))
    };
    words.filter(is_unit).map(str::to_owned).collect()
}

#[test]
fn documents_name_only_files_and_folders_that_units_and_configuration_name() {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (path, text) in rules() {
        known.extend(paths(&text));
        if extension(&path) == "toml" {
            known.insert(format!("/etc/mirrorlist/{}", path.file_name().unwrap().to_str().unwrap()));
        }
        for (setting, folder) in [("RuntimeDirectory=", "/run/"), ("LogsDirectory=", "/var/log/")] {
            known.extend(
                text.lines()
                    .filter_map(|line| line.strip_prefix(setting))
                    .map(|name| format!("{folder}{name}")),
            );
        }
    }
    let is_known = |path: &str| {
        known
            .iter()
            .any(|known| known == path || known.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    };
    let mut count = 0;
    for (document, text) in documents() {
        for path in paths(&text) {
            count += 1;
            assert!(is_known(&path), "{}: {path} is named nowhere else: {known:?}", document.display());
        }
    }
    assert!(count > 30 && !is_known("/var/lib/mirrorlist/cache.bin"), "{count}");
    assert_eq!(
        paths("in /etc/mirrorlist/{a,b}.toml, and /run/mirrorlistd/."),
        ["/etc/mirrorlist/a.toml", "/etc/mirrorlist/b.toml", "/run/mirrorlistd"].map(str::to_owned).into()
    );
}

#[test]
fn documents_name_only_ports_that_units_and_configuration_name() {
    let known: BTreeSet<u16> = rules().iter().flat_map(|(_, text)| ports(text)).collect();
    assert_eq!(known, [8080, 9180].into());
    let mut count = 0;
    for (document, text) in documents() {
        for port in ports(&text) {
            count += 1;
            let is_second = document.ends_with(SECOND.0) && port == SECOND.1;
            assert!(known.contains(&port) || is_second, "{}: port {port}", document.display());
        }
    }
    assert!(count > 5 && ports("at localhost:3000") == [3000].into(), "{count}");
}

#[test]
fn units_that_are_named_are_there() {
    let mut count = 0;
    for (document, text) in rules().into_iter().chain(documents()) {
        for unit in units(&text) {
            count += 1;
            assert!(Path::new(TOP).join("systemd").join(&unit).is_file(), "{}: {unit}", document.display());
        }
    }
    assert!(
        count > 20 && units("see mirrorlist-fetch.timer.") == ["mirrorlist-fetch.timer".to_owned()].into()
    );
}

#[test]
fn inputs_have_the_same_names_in_configuration_and_documents() {
    let example = fs::read_to_string(Path::new(TOP).join("systemd/mirrorlist-cache.toml")).unwrap();
    let inputs: Vec<String> = paths(&example).into_iter().filter(|path| path.contains("/input/")).collect();
    assert_eq!(inputs.len(), 4);
    for document in ["systemd/README.md", "systemd/man/mirrorlist-cache.1", "systemd/mirrorlist-cache.path"] {
        let text = fs::read_to_string(Path::new(TOP).join(document)).unwrap();
        for input in &inputs {
            let name = input.rsplit('/').next().unwrap();
            assert!(text.contains(name), "{document}: does not name {name}");
        }
    }
}

/// systemd removes a service's runtime folder when that ends, with the files of sockets that it goes on holding.
#[test]
fn a_folder_with_a_socket_that_systemd_holds_outlives_the_service() {
    let mut count = 0;
    for (socket, text) in files("systemd", |path| extension(path) == "socket") {
        let service = fs::read_to_string(socket.with_extension("service")).unwrap();
        let folder = service.lines().find_map(|line| line.strip_prefix("RuntimeDirectory=")).unwrap();
        // Also one that is only there to be put to use.
        if text.contains(&format!("ListenStream=/run/{folder}/")) {
            count += 1;
            assert!(service.contains("\nRuntimeDirectoryPreserve=yes\n"), "{}", socket.display());
        }
    }
    assert_eq!(count, 2);
}
