//! The inputs of a cache as a test has them, given to the model as they are and to the program through its own
//! compiler.

use crate::model::facts::{Facts, Geoip, Inputs};
use crate::model::prefix::Prefix;
use cache::{
    CacheBytes,
    inventory::{Choice, Site},
};
use compiler::compile;
use interchange::message::MirrorList;
use ipnetwork::IpNetwork;
use prost::Message;
use std::{
    fs,
    path::{Path, PathBuf},
};
use wire::{code::Country, net};

/// The inputs.
pub struct World {
    pub list: MirrorList,
    /// `PREFIX ASN` lines.
    pub routes: String,
    /// `CC,CONTINENT` lines.
    pub continents: String,
    pub geoip: GeoipSource,
    /// What the site wants of the choice among hosts.
    pub choice: Choice,
    /// What it says of its answers.
    pub site: Site,
}

/// Where countries come from.
pub enum GeoipSource {
    /// A MaxMind database on disk.
    Database(PathBuf),
    /// Prefix and country.
    Prefixes(Vec<(String, String)>),
}

impl World {
    /// The inputs in a folder: MirrorManager's cache, and beside it what there is of the others. `None` without the
    /// cache.
    pub fn read(folder: &Path) -> Option<World> {
        let there = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.exists());
        let bytes = |path: PathBuf| {
            let bytes =
                fs::read(&path).unwrap_or_else(|error| panic!("{}: not read ({error})", path.display()));
            match path.extension() {
                Some(end) if end == "zst" => zstd::decode_all(&bytes[..]).expect("it can be unpacked"),
                _ => bytes,
            }
        };
        let text = |names: &[&str]| there(names).map_or(String::new(), |path| lossless(bytes(path)));
        let list = bytes(there(&["mirrorlist.proto-cache", "almalinux.proto-cache"])?);
        Some(World {
            list: MirrorList::decode(&list[..]).expect("the cache can be decoded"),
            routes: text(&["global_netblocks.txt", "global_netblocks.txt.zst"]),
            continents: text(&["country_continent.csv"]),
            geoip: there(&["country.mmdb"]).map_or(GeoipSource::Prefixes(Vec::new()), GeoipSource::Database),
            choice: Choice::default(),
            site: Site::default(),
        })
    }

    /// The inputs as the model reads them.
    pub fn facts(&self) -> Facts {
        let geoip = match &self.geoip {
            GeoipSource::Database(path) => Geoip::Database(
                maxminddb::Reader::open_readfile(path).expect("the country database can be read"),
            ),
            GeoipSource::Prefixes(prefixes) => Geoip::Prefixes(
                prefixes
                    .iter()
                    .map(|(prefix, country)| (Prefix::parse(prefix).expect("a prefix"), country.clone()))
                    .collect(),
            ),
        };
        Facts::read(Inputs {
            list: &self.list,
            routes: &self.routes,
            continents: &self.continents,
            geoip,
            choice: &self.choice,
            site: &self.site,
        })
    }

    /// The inputs as files, through importers and writer, as `mirrorlist-cache build` does it.
    pub fn compile(&self) -> CacheBytes {
        let folder = tempfile::tempdir().expect("a folder for the inputs");
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).expect("an input can be written");
            path
        };
        // An empty one would be refused.
        let table = |name: &str, text: &str| (!text.is_empty()).then(|| file(name, text.as_bytes()));
        let inputs = compile::Inputs {
            mirrormanager: file("mirrorlist_cache.proto", &self.list.encode_to_vec()),
            netblocks: table("global_netblocks.txt", &self.routes),
            continents: table("country_continent.csv", &self.continents),
            geoip: match &self.geoip {
                GeoipSource::Database(path) => Some(path.clone()),
                GeoipSource::Prefixes(_) => None,
            },
        };
        let (mut inventory, _skipped) =
            compile::gather(&inputs, &compile::Policy::default(), |_| ()).expect("the inputs can be read");
        if let GeoipSource::Prefixes(prefixes) = &self.geoip {
            for (prefix, country) in prefixes {
                let prefix = net::canonical(prefix.parse::<IpNetwork>().expect("a prefix"));
                let prefix =
                    IpNetwork::new(prefix.network(), prefix.prefix()).expect("the same without host bits");
                inventory.geoip.push((prefix, Country::parse(country.as_bytes()).expect("a country")));
            }
        }
        inventory.choice.clone_from(&self.choice);
        inventory.site.clone_from(&self.site);
        cache::write(&inventory, BUILD_TIME).expect("a cache can be written").0
    }
}

fn lossless(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("the tables beside the cache are text")
}

/// When every cache of these tests was built; answers do not show it.
const BUILD_TIME: u64 = 1_795_255_000;
