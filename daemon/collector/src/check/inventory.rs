//! Who is asked for what: the interchange file, as far as a round needs it.
//!
//! Hosts that a directory lists for everybody, by category; of each the http and https URLs, and the files that it is said
//! to carry: repomd.xml where a category has any, else others of which details are known. A category is what a directory's
//! path has in front of the part below a host's URL.

use interchange::{
    message::{FileDetailsDirectory, Host as HostRecord, IntString, StringString},
    read::{Field, Records, fields},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

/// Numbers of the tables that are read: those of `mirrorlist.proto`.
const URLS: u32 = 4;
const DETAILS: u32 = 5;
const REPO_ARCHES: u32 = 9;
const DIRECTORIES: u32 = 16;
const HOSTS: u32 = 1000;

/// Bytes of the file that are read at a time.
const BUFFER: usize = 1 << 18;

/// The name of a repository's index.
const REPOMD: &str = "repomd.xml";

/// Everything that is asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Inventory {
    /// The paths of categories' tops.
    pub categories: Vec<String>,
    /// Files that hosts are said to carry.
    pub files: Vec<Wanted>,
    /// A host in a category.
    pub places: Vec<Place>,
    /// Files by the repository, `PREFIX+ARCH`, whose index they are.
    pub repositories: BTreeMap<String, u32>,
}

/// A file that is asked for.
#[derive(Debug, PartialEq)]
pub struct Wanted {
    /// What comes after a host's URL, without a slash in front.
    pub path: String,
    /// Its category.
    pub category: u32,
    /// Whether it is a repository's index.
    pub is_repomd: bool,
    /// Of the current version, in seconds since the epoch; 0 if that is not known.
    pub time: u64,
    /// Of the current version, in bytes; 0 if that is not known.
    pub size: u64,
}

/// A host in a category, listed for everybody.
#[derive(Debug, PartialEq)]
pub struct Place {
    /// The host's number.
    pub host: i64,
    /// Its name: what its admins call it, or else what stands in its first URL.
    pub name: String,
    /// Its category.
    pub category: u32,
    /// Its http and https URLs, without slashes at their ends.
    pub urls: Vec<String>,
    /// Whether it has everything without being asked.
    pub is_up_to_date: bool,
    /// Files that it is said to carry, ascending.
    pub files: Vec<u32>,
}

impl Inventory {
    /// Reads an interchange file.
    pub fn read(path: &Path) -> io::Result<Inventory> {
        let open = || Ok::<_, io::Error>(BufReader::with_capacity(BUFFER, File::open(path)?));
        Inventory::of(open()?, open()?)
    }

    /// Reads it twice: records come in any order, and what a directory's mean is known only with the others.
    pub fn of(first: BufReader<impl Read>, second: BufReader<impl Read>) -> io::Result<Inventory> {
        let names = Names::read(first)?;
        let mut gathered = Gathered::default();
        let mut records = Records::new(second);
        while let Some((_, record)) = records.next_record(|number| number == DIRECTORIES)? {
            gathered.add(record, &names)?;
        }
        Ok(gathered.finish(&names))
    }
}

/// What the first reading is for.
#[derive(Default)]
struct Names {
    urls: HashMap<i64, String>,
    hosts: HashMap<i64, HostRecord>,
    /// By directory: the file to ask for, the time and the size of its current version.
    details: HashMap<String, (String, u64, u64)>,
    /// By directory: `PREFIX+ARCH`.
    repositories: HashMap<String, Vec<String>>,
}

fn text(bytes: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(bytes?).ok().filter(|text| !text.is_empty())
}

fn decoded<M: prost::Message + Default>(record: &[u8]) -> io::Result<M> {
    M::decode(record).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

impl Names {
    fn read(input: BufReader<impl Read>) -> io::Result<Names> {
        let mut names = Names::default();
        let mut records = Records::new(input);
        let wanted = |number| matches!(number, URLS | DETAILS | REPO_ARCHES | HOSTS);
        while let Some((number, record)) = records.next_record(wanted)? {
            match number {
                URLS => {
                    let record: IntString = decoded(record)?;
                    if let Some((id, url)) = record.key.zip(text(record.value)) {
                        names.urls.insert(id, url.trim_end_matches('/').to_owned());
                    }
                }
                DETAILS => names.add_details(decoded(record)?),
                REPO_ARCHES => {
                    let record: StringString = decoded(record)?;
                    if let Some((name, directory)) = text(record.key).zip(text(record.value)) {
                        names.repositories.entry(directory).or_default().push(name);
                    }
                }
                _ => {
                    let record: HostRecord = decoded(record)?;
                    if let Some(id) = record.id {
                        names.hosts.insert(id, record);
                    }
                }
            }
        }
        Ok(names)
    }

    fn add_details(&mut self, record: FileDetailsDirectory) {
        let Some(directory) = text(record.directory) else { return };
        let mut files: Vec<(String, u64, u64)> = Vec::new();
        for file in record.files {
            let Some(name) = text(file.filename) else { continue };
            let current = file.details.first();
            let of = |field: fn(&interchange::message::FileDetails) -> Option<u64>| {
                current.and_then(field).unwrap_or(0)
            };
            files.push((name, of(|details| details.timestamp), of(|details| details.size)));
        }
        files.sort();
        let at = files.iter().position(|(name, ..)| name == REPOMD).unwrap_or(0);
        if at < files.len() {
            self.details.insert(directory, files.swap_remove(at));
        }
    }
}

#[derive(Default)]
struct Gathered {
    categories: BTreeMap<String, u32>,
    files: Vec<Wanted>,
    repositories: BTreeMap<String, u32>,
    /// By host and category: the numbers of its URLs, and what it carries.
    places: BTreeMap<(i64, u32), (BTreeSet<i64>, Vec<u32>)>,
}

impl Gathered {
    fn add(&mut self, record: &[u8], names: &Names) -> io::Result<()> {
        let (mut directory, mut subpath) = (&[][..], &[][..]);
        let mut everybody = Vec::new();
        let mut by_host = Vec::new();
        fields(record, |number, field| {
            match (number, field) {
                (1, Field::Bytes(bytes)) => directory = bytes,
                (2, numbers) => numbers.numbers(|host| everybody.push(host))?,
                (3, Field::Bytes(bytes)) => subpath = bytes,
                (6, Field::Bytes(bytes)) => by_host.push(bytes),
                _ => {}
            }
            Ok(())
        })?;
        let (Ok(directory), Ok(subpath)) = (str::from_utf8(directory), str::from_utf8(subpath)) else {
            return Ok(());
        };
        let subpath = subpath.trim_matches('/');
        let Some(top) = directory.strip_suffix(subpath) else { return Ok(()) };
        let next = self.categories.len() as u32;
        let category = *self.categories.entry(top.trim_end_matches('/').to_owned()).or_insert(next);
        let file = self.wanted(directory, subpath, category, names);
        everybody.sort_unstable();
        for record in by_host {
            let (mut host, mut urls) = (None, Vec::new());
            fields(record, |number, field| {
                match (number, field) {
                    (1, Field::Number(number)) => host = Some(number.cast_signed()),
                    (2, numbers) => numbers.numbers(|url| urls.push(url))?,
                    _ => {}
                }
                Ok(())
            })?;
            let Some(host) = host.filter(|host| everybody.binary_search(host).is_ok()) else { continue };
            let place = self.places.entry((host, category)).or_default();
            place.0.extend(urls);
            place.1.extend(file);
        }
        Ok(())
    }

    /// The file that hosts which carry a directory are asked for, if one of its is known.
    fn wanted(&mut self, directory: &str, subpath: &str, category: u32, names: &Names) -> Option<u32> {
        let (name, time, size) = names.details.get(directory)?;
        let number = self.files.len() as u32;
        let path = if subpath.is_empty() { name.clone() } else { format!("{subpath}/{name}") };
        let is_repomd = name == REPOMD;
        self.files.push(Wanted { path, category, is_repomd, time: *time, size: *size });
        if let Some(repository) = directory.strip_suffix("/repodata").filter(|_| is_repomd) {
            for name in names.repositories.get(repository).into_iter().flatten() {
                self.repositories.insert(name.clone(), number);
            }
        }
        Some(number)
    }

    fn finish(self, names: &Names) -> Inventory {
        let has_index: BTreeSet<u32> =
            self.files.iter().filter(|file| file.is_repomd).map(|file| file.category).collect();
        let mut taken = BTreeSet::new();
        let mut places = Vec::new();
        for ((host, category), (urls, mut files)) in self.places {
            let urls = urls.iter().filter_map(|url| names.urls.get(url));
            let urls = urls.filter(|url| is_web(url) && taken.insert((*url).clone()));
            let urls: Vec<String> = urls.cloned().collect();
            let Some(first) = urls.first() else { continue };
            let known = names.hosts.get(&host);
            let named = known.and_then(|known| text(known.name.clone()));
            let name = named.unwrap_or_else(|| host_of(first).to_owned());
            let name = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let is_up_to_date = known.is_some_and(|known| known.up_to_date == Some(true));
            files.retain(|file| {
                let file = &self.files[*file as usize];
                file.is_repomd || !has_index.contains(&category)
            });
            files.sort_unstable();
            files.dedup();
            places.push(Place { host, name, category, urls, is_up_to_date, files });
        }
        let mut categories: Vec<(String, u32)> = self.categories.into_iter().collect();
        categories.sort_by_key(|(_, number)| *number);
        let categories = categories.into_iter().map(|(name, _)| name).collect();
        Inventory { categories, files: self.files, places, repositories: self.repositories }
    }
}

fn is_web(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use interchange::message::{
        FileDetails, FileDetailsFile, IntInts, MirrorList, MirrorListDirectory, StringString,
    };
    use prost::Message as _;

    fn directory(
        path: &str,
        subpath: &str,
        everybody: &[i64],
        by_host: &[(i64, &[i64])],
    ) -> MirrorListDirectory {
        let by_host = by_host.iter().map(|(host, urls)| IntInts { key: Some(*host), value: urls.to_vec() });
        MirrorListDirectory {
            directory: Some(path.into()),
            subpath: Some(subpath.into()),
            global: everybody.to_vec(),
            by_host_id: by_host.collect(),
            ..MirrorListDirectory::default()
        }
    }

    fn details(path: &str, files: &[&str]) -> FileDetailsDirectory {
        let version =
            |timestamp| FileDetails { timestamp: Some(timestamp), size: Some(9), ..FileDetails::default() };
        let files = files.iter().map(|name| FileDetailsFile {
            filename: Some((*name).into()),
            details: vec![version(200), version(100)],
        });
        FileDetailsDirectory { directory: Some(path.into()), files: files.collect() }
    }

    fn url(id: i64, url: &str) -> IntString {
        IntString { key: Some(id), value: Some(url.into()) }
    }

    fn read(list: &MirrorList) -> Inventory {
        let bytes = list.encode_to_vec();
        Inventory::of(BufReader::new(&bytes[..]), BufReader::new(&bytes[..])).unwrap()
    }

    #[test]
    fn hosts_are_asked_for_what_they_are_said_to_carry() {
        let os = "9/x86_64/os/repodata";
        let list = MirrorList {
            hcurl: vec![
                url(1, "http://a.example/epel/"),
                url(2, "https://a.example/epel"),
                url(3, "rsync://a.example/epel"),
                url(4, "https://b.example:8443/epel"),
                url(5, "http://private.example/epel"),
                url(6, "http://a.example/iso"),
            ],
            host: vec![
                HostRecord { id: Some(7), name: Some("A Mirror".into()), ..HostRecord::default() },
                HostRecord { id: Some(8), up_to_date: Some(true), ..HostRecord::default() },
            ],
            mirror_list: vec![
                directory(&format!("pub/epel/{os}"), os, &[7, 8], &[(7, &[1, 2, 3]), (8, &[4]), (9, &[5])]),
                directory("pub/epel", "", &[7], &[(7, &[1, 2])]),
                directory("pub/iso", "", &[7], &[(7, &[6])]),
            ],
            file_details: vec![
                details(&format!("pub/epel/{os}"), &["other.xml", "repomd.xml"]),
                details("pub/epel", &["KEY"]),
                details("pub/iso", &["b.iso", "a.iso"]),
                details("pub/nowhere", &["repomd.xml"]),
            ],
            repo_arch_to_directory: vec![StringString {
                key: Some("epel-9+x86_64".into()),
                value: Some("pub/epel/9/x86_64/os".into()),
            }],
            ..MirrorList::default()
        };
        let inventory = read(&list);
        assert_eq!(inventory.categories, ["pub/epel", "pub/iso"]);
        let paths: Vec<&str> = inventory.files.iter().map(|file| &*file.path).collect();
        assert_eq!(paths, ["9/x86_64/os/repodata/repomd.xml", "KEY", "a.iso"]);
        assert_eq!((inventory.files[0].time, inventory.files[0].size), (200, 9));
        assert_eq!(inventory.repositories, BTreeMap::from([("epel-9+x86_64".into(), 0)]));
        let place = |host, name: &str, category, urls: &[&str], is_up_to_date, files: &[u32]| Place {
            host,
            name: name.into(),
            category,
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            is_up_to_date,
            files: files.to_vec(),
        };
        assert_eq!(
            inventory.places,
            [
                // The key of a category with indexes is not asked for.
                place(7, "A Mirror", 0, &["http://a.example/epel", "https://a.example/epel"], false, &[0]),
                place(7, "A Mirror", 1, &["http://a.example/iso"], false, &[2]),
                place(8, "b.example", 0, &["https://b.example:8443/epel"], true, &[0]),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_a_shorter_list() {
        let bytes = MirrorList {
            mirror_list: vec![directory("pub", "", &[1], &[(1, &[1])])],
            hcurl: vec![url(1, "http://a")],
            ..MirrorList::default()
        }
        .encode_to_vec();
        let read = |bytes: &[u8]| Inventory::of(BufReader::new(bytes), BufReader::new(bytes)).map(|_| ());
        assert!(read(&bytes).is_ok());
        assert!(read(&bytes[..bytes.len() - 1]).is_err());
        assert!(read(b"<html>no cache</html>").is_err());
    }
}
