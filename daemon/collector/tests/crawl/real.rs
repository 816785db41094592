//! AlmaLinux' 530 mirrors, a server each, with the directories of its mirror list: most have everything, some are behind, some
//! lack a part, some are dead. From the files of its inventory to answers, which lead to those alone that have what is asked for.
//!
//! The data are outside of this repository; where they are not, the test says so and does nothing.

use crate::{
    primary::{Files, repomd},
    server::Server,
    site::{NOW, Site, text},
};
use interchange::message::MirrorList;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use testkit::stack::Programs;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

const DAY: u64 = 86_400;

/// Categories, their tops, and the modules that they are in the inventory.
const CATEGORIES: [(&str, &str); 3] =
    [("AlmaLinux", "almalinux"), ("Kitten", "almalinux-kitten"), ("Vault", "vault")];

/// By directory, the names of mirrors that are listed for it.
type Listed = BTreeMap<String, BTreeSet<String>>;

/// What a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Everything,
    /// All but the marker, so that it is asked for everything.
    AllButTheMarker,
    /// What there was before.
    TheOld,
    /// All but paths with this in them, and the marker.
    AllBut(&'static str),
    /// Nothing: it refuses connections.
    Nothing,
}

impl Has {
    fn any(dice: &mut StdRng) -> Has {
        match dice.random_range(0..100) {
            0..8 => Has::Nothing,
            8..13 => Has::TheOld,
            13..15 => Has::AllBut("/s390x/"),
            15..16 => Has::AllBut("/isos/"),
            16..17 => Has::AllBut("almalinux/8"),
            17..18 => Has::AllBut("/Packages/"),
            18..20 => Has::AllButTheMarker,
            _ => Has::Everything,
        }
    }

    fn files(self, old: &Files, new: &Files) -> Files {
        let without = |part: &str| {
            let rest = new.iter().filter(|(path, _)| !path.contains(part) && !path.ends_with("/TIME"));
            rest.map(|(path, content)| (path.clone(), content.clone())).collect()
        };
        match self {
            Has::Everything => new.clone(),
            Has::AllButTheMarker => without("/TIME"),
            Has::TheOld => old.clone(),
            Has::AllBut(part) => without(part),
            Has::Nothing => Files::new(),
        }
    }
}

/// The files of a tree of these directories, some of whose repositories have been updated.
fn tree(directories: &BTreeSet<String>, images: &BTreeMap<String, Vec<String>>, is_new: bool) -> Files {
    let mut dice = StdRng::seed_from_u64(25);
    let mut files = Files::new();
    for path in directories {
        if let Some(repository) = path.strip_suffix("/repodata") {
            let is_updated = is_new && dice.random_bool(0.15);
            let time = NOW - if is_updated { DAY } else { 20 * DAY };
            files.insert(format!("{path}/repomd.xml"), repomd(0, time).into_bytes());
            let packages = format!("{repository}/Packages");
            if directories.contains(&packages) {
                files.insert(format!("{packages}/a-1.rpm"), b"a package".to_vec());
                if is_updated {
                    files.insert(format!("{packages}/b-2.rpm"), b"a newer package".to_vec());
                }
            }
        }
        let names = images.get(path).into_iter().flatten();
        let mut sums = String::new();
        for name in names {
            let content = format!("fixture {name}\n").into_bytes();
            writeln!(sums, "SHA256 ({name}) = {}", crate::primary::sha256(&content)).unwrap();
            files.insert(format!("{path}/{name}"), content);
        }
        if !sums.is_empty() {
            files.insert(format!("{path}/CHECKSUM"), sums.into_bytes());
        }
    }
    for (_, top) in CATEGORIES {
        files.insert(format!("{top}/TIME"), if is_new { b"2 days".into() } else { b"1 days".into() });
    }
    files
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A list of all of it, as Fedora's script makes it.
fn file_list(directories: &BTreeSet<&str>, files: &Files) -> Vec<u8> {
    let mut list = String::from("[Version]\n2\n[Files]\n");
    directories.iter().for_each(|path| writeln!(list, "1\td\t0\t{path}").unwrap());
    for (path, content) in files {
        writeln!(list, "{}\tf\t{}\t{path}", NOW - 2 * DAY, content.len()).unwrap();
    }
    (list + "[End]\n").into_bytes()
}

/// A mirror of the inventory, and its server.
struct Mirror {
    name: String,
    has: Has,
    server: Arc<Server>,
    /// By category, where its top is on the server.
    bases: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whether anybody asks it.
    is_public: bool,
}

impl Mirror {
    /// Serves what it has of a tree.
    fn serve(&self, files: &Files) {
        let mut served = Files::new();
        for (category, top) in CATEGORIES {
            for base in self.bases.get(category).into_iter().flatten() {
                let of_it = files.iter().filter(|(path, _)| is_below(path, top));
                served.extend(of_it.map(|(path, content)| {
                    let below = format!("{base}{}", &path[top.len()..]);
                    (below.trim_start_matches('/').to_owned(), content.clone())
                }));
            }
        }
        self.server.set(&Arc::new(served));
    }

    /// Whether it is listed for a directory, if what it has is good for that.
    fn is_of(&self, path: &str) -> bool {
        let is_its =
            |category: &str| CATEGORIES.iter().any(|(name, top)| *name == category && is_below(path, top));
        self.is_public && self.has != Has::Nothing && self.bases.keys().any(|category| is_its(category))
    }
}

/// Files by directory.
fn by_directory(files: &Files) -> BTreeMap<&str, Vec<(&str, &Vec<u8>)>> {
    let mut folders: BTreeMap<&str, Vec<(&str, &Vec<u8>)>> = BTreeMap::new();
    for (path, content) in files {
        let (folder, _) = path.rsplit_once('/').unwrap();
        folders.entry(folder).or_default().push((path, content));
    }
    folders
}

/// For which directories these files are good, found out without the program.
fn good<'d>(directories: &[&'d String], its: &Files, new: &Files) -> BTreeSet<&'d str> {
    let folders = by_directory(new);
    let index = |path: &str| format!("{path}/repodata/repomd.xml");
    let same = |folder: &str| {
        let is_there =
            |(path, content): &(&str, &Vec<u8>)| its.get(*path).is_some_and(|own| own.len() == content.len());
        folders.get(folder).into_iter().flatten().all(is_there)
    };
    let is_good = |path: &str| {
        let mut steps =
            std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above));
        match steps.find(|path| new.contains_key(&index(path))) {
            Some(repository) => {
                let index = index(repository);
                its.get(&index) == new.get(&index) && same(&format!("{repository}/Packages"))
            }
            None if folders.contains_key(path) => same(path),
            // Where nothing can be asked for, it has what it has anything of.
            None => true,
        }
    };
    directories.iter().map(|path| path.as_str()).filter(|path| is_good(path)).collect()
}

/// A URL of the inventory on a server of ours.
fn moved(url: &Value, server: &Server) -> Option<(String, String)> {
    let mut url = url::Url::parse(url.as_str()?).ok().filter(url::Url::has_host)?;
    url.set_scheme("http").ok()?;
    url.set_ip_host(server.address.ip()).ok()?;
    url.set_port(Some(server.address.port())).ok()?;
    Some((url.to_string(), url.path().trim_end_matches('/').to_owned()))
}

/// A server, and the file that the inventory has of its mirror: YAML, of which JSON is a part.
fn mirror(given: &Value, has: Has) -> (Mirror, Value) {
    let server = Server::start(&Arc::default());
    let mut bases: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let mut addresses = |category, urls: &Value| {
        let web = ["https", "http"].into_iter().filter_map(|scheme| moved(&urls[scheme], &server));
        let web: Vec<_> = web.collect();
        bases.entry(category).or_default().extend(web.iter().map(|(_, path)| path.clone()));
        // Two protocols may have two paths, and both are of http here.
        let urls = ["http", "https"].into_iter().zip(web).map(|(scheme, (url, _))| (scheme, url));
        json!(urls.collect::<BTreeMap<_, _>>())
    };
    let mut file = json!({ "name": given["name"], "address": addresses("AlmaLinux", &given["urls"]) });
    if given["module_urls"]["kitten"].is_object() {
        file["address_optional"] = json!({ "kitten": addresses("Kitten", &given["module_urls"]["kitten"]) });
    }
    for key in ["asn", "subnets", "private", "monopoly", "cloud_type", "sponsor", "sponsor_url"] {
        if !given[key].is_null() && given[key] != json!([]) {
            file[key] = given[key].clone();
        }
    }
    file["geolocation"] = json!({ "country": given["country"].as_str().unwrap_or_default() });
    let name = given["name"].as_str().unwrap().to_ascii_lowercase();
    let is_public = given["private"] != true && !given["cloud_type"].is_string();
    (Mirror { name, has, server, bases, is_public }, file)
}

/// Runs a program well; what it printed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_mirrors_of_almalinux_are_answered_for_what_they_have() {
    let Ok(lines) = fs::read_to_string(Path::new(DATA).join("mirrors.jsonl")) else {
        eprintln!("skipped: there is no {DATA}/mirrors.jsonl");
        return;
    };
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    if most < 8_000 {
        eprintln!("skipped: 530 servers take 8,000 descriptors, this process may have {most}");
        return;
    }
    let given =
        MirrorList::decode(&*fs::read(Path::new(DATA).join("almalinux.proto-cache")).unwrap()).unwrap();
    let directories: BTreeSet<String> =
        given.mirror_list.iter().map(|record| text(&record.directory)).collect();
    let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in &given.file_details {
        let names =
            record.files.iter().map(|file| text(&file.filename)).filter(|name| name.ends_with(".iso"));
        images.entry(text(&record.directory)).or_default().extend(names);
    }
    let [old, new] = [false, true].map(|is_new| tree(&directories, &images, is_new));

    // The primary, and the inventory as the distribution has it.
    let sections = CATEGORIES
        .map(|(name, top)| format!("[[category]]\nname = '{name}'\ntop = '{top}'\nmarker = 'TIME'\n"));
    let repository = "[[repository]]\npath = '^[^/]+/(?<version>[^/]+)/(?<repo>[^/]+)/(?<arch>[^/]+)/(?:os|kickstart)$'\n\
                      name = '$repo-$version'\narch = '$arch'\n";
    let mut site = Site::new(&format!("{}{repository}", sections.concat()));
    let above = directories.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
    let above: BTreeSet<&str> = above.chain(directories.iter().map(String::as_str)).collect();
    let mut files = new.clone();
    files.insert("fullfiletimelist".into(), file_list(&above, &new));
    let primary = Server::start(&Arc::new(files));
    site.primary = format!("file-list = 'fullfiletimelist'\nchecksum-base = '{}'\n", primary.url());
    fs::create_dir(site.at("inventory")).unwrap();
    let mut dice = StdRng::seed_from_u64(530);
    let mut mirrors = Vec::new();
    for line in lines.lines() {
        let given: Value = serde_json::from_str(line).unwrap();
        let (mirror, file) = mirror(&given, Has::any(&mut dice));
        fs::write(site.at("inventory").join(format!("{}.yml", mirror.name)), file.to_string()).unwrap();
        mirrors.push(mirror);
    }
    let mut import = Command::new(env!("CARGO_BIN_EXE_mirrorlist-collect"));
    import.args(["import", "--json", "--category", "AlmaLinux", "--module", "kitten=Kitten"]);
    let summary: Value =
        serde_json::from_str(&printed(import.arg(site.at("inventory")).arg(site.at("mirrors.d")))).unwrap();
    assert_eq!((summary["written"].as_array().unwrap().len(), &summary["refused"]), (530, &json!({})));
    site.options = format!("trusted = {}\n", summary["trusted"]);
    let vault = Server::start(&Arc::default());
    site.mirror("vault.almalinux.org", &format!("[urls]\nVault = '{}'\n", vault.url()));
    let bases = [("Vault", [String::new()].into())].into();
    let (name, has) = ("vault.almalinux.org".into(), Has::Everything);
    mirrors.push(Mirror { name, has, server: vault, bases, is_public: true });
    for mirror in &mirrors {
        match mirror.has {
            Has::Nothing => mirror.server.die(),
            has => mirror.serve(&has.files(&old, &new)),
        }
    }

    let summary = site.run(NOW).unwrap();
    println!("{summary}");
    let dead = mirrors.iter().filter(|mirror| mirror.is_public && mirror.has == Has::Nothing).count();
    assert_eq!(summary.crawl.silent.len(), dead);
    let listed = check(&site, &mirrors, [&old, &new]);
    assert!(listed.keys().map(String::as_str).eq(above));
    let hashes = |list: &MirrorList| {
        let files = list.file_details.iter().flat_map(|record| &record.files);
        let images = files.filter(|file| text(&file.filename).ends_with(".iso"));
        images.map(|file| (text(&file.filename), text(&file.details[0].sha256))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(hashes(&site.list()), hashes(&given));
    Answers::of(&site).check(&listed, &mirrors);

    // Whoever was behind has caught up, and the dead live.
    for mirror in mirrors.iter_mut().filter(|mirror| [Has::TheOld, Has::Nothing].contains(&mirror.has)) {
        if mirror.has == Has::Nothing {
            mirror.server.revive();
        }
        mirror.has = Has::Everything;
        mirror.serve(&new);
    }
    println!("{}", site.run(NOW + 3600).unwrap());
    let listed = check(&site, &mirrors, [&old, &new]);
    Answers::of(&site).check(&listed, &mirrors);
}

/// Compares who is listed for what with what there is on the servers.
fn check(site: &Site, mirrors: &[Mirror], [old, new]: [&Files; 2]) -> Listed {
    let listed = site.listed();
    let directories: Vec<&String> = listed.keys().collect();
    let mut kinds: Vec<(Has, BTreeSet<&str>)> = Vec::new();
    for mirror in mirrors {
        if !kinds.iter().any(|(has, _)| *has == mirror.has) {
            kinds.push((mirror.has, good(&directories, &mirror.has.files(old, new), new)));
        }
    }
    for (path, names) in &listed {
        let is_good = |mirror: &&Mirror| {
            let (_, good) = kinds.iter().find(|(has, _)| *has == mirror.has).unwrap();
            mirror.is_of(path) && good.contains(&**path)
        };
        let good: BTreeSet<&String> = mirrors.iter().filter(is_good).map(|mirror| &mirror.name).collect();
        let differ: Vec<_> = good.symmetric_difference(&names.iter().collect()).copied().collect();
        assert!(differ.is_empty(), "{path}: {differ:?}");
    }
    listed
}

/// A cache that is compiled from what a run has written.
struct Answers {
    program: PathBuf,
    cache: PathBuf,
}

impl Answers {
    fn of(site: &Site) -> Answers {
        let (program, cache) = (Programs::build().unwrap().cache, site.at("cache.mlc"));
        let mut build = Command::new(&program);
        build.args(["build", "--mirrormanager"]).arg(site.at("out/mirrorlist.proto-cache"));
        printed(build.arg("--output").arg(&cache));
        Answers { program, cache }
    }

    fn ask(&self, request: &str) -> String {
        let mut query = Command::new(&self.program);
        printed(query.args(["query", "--client", "203.0.113.7"]).arg(&self.cache).arg(request))
    }

    /// Whether answers lead to some that are listed, and to nobody else.
    fn check(&self, listed: &Listed, mirrors: &[Mirror]) {
        let mut dice = StdRng::seed_from_u64(7);
        let mut repositories: Vec<&String> = listed.keys().filter(|path| path.ends_with("/os")).collect();
        repositories.shuffle(&mut dice);
        for path in repositories.into_iter().filter(|path| !path.starts_with("vault/")).take(8) {
            let [_, version, name, arch, _] = path.split('/').collect::<Vec<_>>()[..] else {
                panic!("{path}")
            };
            for country in ["", "&country=de", "&country=us,jp"] {
                let answer = self.ask(&format!("mirrorlist?repo={name}-{version}&arch={arch}{country}"));
                let urls = answer.lines().filter(|line| !line.starts_with('#'));
                let told = urls.map(|url| {
                    let is_its = |mirror: &&Mirror| url.starts_with(&mirror.server.url());
                    mirrors.iter().find(is_its).unwrap_or_else(|| panic!("{url}")).name.clone()
                });
                let told: BTreeSet<String> = told.collect();
                assert!(!told.is_empty() && told.is_subset(&listed[path]), "{path}{country}: {answer}");
            }
        }
    }
}
