//! A service with everything that forms of an answer can tell: places, families, private hosts, an origin, hashes.

use super::programs;
use interchange::message::{
    FileDetails, FileDetailsDirectory, FileDetailsFile, Host, IntInts, IntString, MirrorList,
    MirrorListDirectory, StringInts, StringString,
};
use prost::Message as _;
use std::fs;
use testkit::{inputs, stack::Stack};

/// A file whose hashes are known, and the directory that it is in.
pub const FILE: &str =
    "pub/os/42/iso/Workstation-Live-42-1.14.x86_64-with-a-name-that-is-as-long-as-those-of-images-are.iso";
pub const DIRECTORY: &str = "pub/os/42/iso";

/// Country, place, and how many mirrors are there.
const COUNTRIES: [(&str, [f64; 2], usize); 8] = [
    ("DE", [52.5, 13.4], 9),
    ("FR", [48.9, 2.4], 8),
    ("CZ", [50.1, 14.4], 3),
    ("SE", [59.3, 18.1], 6),
    ("US", [40.7, -74.0], 14),
    ("BA", [43.9, 18.4], 1),
    ("JP", [35.7, 139.7], 5),
    ("NZ", [-41.3, 174.8], 2),
];

/// The daemon with the redirector below `/dl/`, and the front end.
pub fn stack() -> Stack {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(inputs::MIRRORMANAGER), list().encode_to_vec()).unwrap();
    fs::write(
        folder.path().join(inputs::CONTINENTS),
        "DE,EU\nFR,EU\nCZ,EU\nSE,EU\nBA,EU\nUS,NA\nJP,AS\nNZ,OC\n",
    )
    .unwrap();
    let site = "[policy]\nnear-hosts = 3\n[origins]\n'pub' = 'https://origin.example.org/pub'\n";
    let (cache, config) = (folder.path().join("cache.mlc"), folder.path().join("mirrorlist-cache.toml"));
    fs::write(&config, site).unwrap();
    let programs = programs();
    let built =
        inputs::build_command(&programs, folder.path(), &cache).arg("--config").arg(config).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Stack::start(&programs, &cache, &["--workers", "2", "--redirector", "/dl/"], &[]).unwrap()
}

fn list() -> MirrorList {
    let mut list = MirrorList { time: Some(1_795_250_000), ..MirrorList::default() };
    let mut directory = MirrorListDirectory {
        directory: Some(DIRECTORY.into()),
        subpath: Some("os/42/iso".into()),
        ..MirrorListDirectory::default()
    };
    for (country, [north, east], count) in COUNTRIES {
        let mut of_country = Vec::new();
        for number in 0..count {
            let id = list.host_country.len() as i64 + 1;
            let lower = country.to_lowercase();
            let name = match number {
                0 => {
                    format!("a-mirror-with-quite-a-long-name.computing-centre.university.{lower}.example.org")
                }
                _ => format!("mirror{number}.{lower}.example.org"),
            };
            let schemes: &[&str] = if number % 4 == 3 { &["http"] } else { &["https", "http", "rsync"] };
            for scheme in schemes {
                let url = list.hcurl.len() as i64 + 1;
                list.hcurl
                    .push(IntString { key: Some(url), value: Some(format!("{scheme}://{name}/pub").into()) });
                match directory.by_host_id.last_mut().filter(|last| last.key == Some(id)) {
                    Some(of_host) => of_host.value.push(url),
                    None => directory.by_host_id.push(IntInts { key: Some(id), value: vec![url] }),
                }
            }
            list.host_country.push(IntString { key: Some(id), value: Some(country.into()) });
            // Of some mirrors nothing more is known.
            if number % 3 < 2 {
                list.host.push(Host {
                    id: Some(id),
                    latitude: Some(north + number as f64 / 3.0),
                    longitude: Some(east - number as f64 / 2.0),
                    families: [vec![4, 6], vec![4], vec![]][number % 3].clone(),
                    ..Host::default()
                });
            }
            // The last one of each country is for a network of its own.
            if number + 1 < count || count == 1 {
                of_country.push(id);
                directory.global.push(id);
            } else {
                let network = format!("192.0.2.{}/28", id / 4 * 16 % 256);
                list.host_netblock.push(StringInts { key: Some(network.into()), value: vec![id] });
            }
        }
        directory.by_country.push(StringInts { key: Some(country.into()), value: of_country });
    }
    for (network, country) in [("127.0.0.0/8", "DE"), ("192.0.2.0/24", "FR"), ("198.51.100.0/24", "JP")] {
        list.netblock_country.push(StringString { key: Some(network.into()), value: Some(country.into()) });
    }
    let details = FileDetails {
        timestamp: Some(1_795_000_000),
        size: Some(2_398_523_392),
        sha256: Some("0123456789abcdef".repeat(4).into()),
        sha512: Some("fedcba9876543210".repeat(8).into()),
        ..FileDetails::default()
    };
    let filename = FILE.rsplit('/').next().map(Into::into);
    list.file_details.push(FileDetailsDirectory {
        directory: Some(DIRECTORY.into()),
        files: vec![FileDetailsFile { filename, details: vec![details] }],
    });
    list.mirror_list.push(directory);
    list
}
