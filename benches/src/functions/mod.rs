//! The functions that an answer is made of, ready to be called again and again: for times and for instruction counts.
//!
//! [`ALL`] is the list. Each function asks something else each time it is called, in an order that does not change, so
//! that neither caches of the machine nor branch prediction know the answer beforehand. No system call is made.

mod answers;
mod cache;
mod lookups;
mod stages;
pub mod time;
mod wire;

use ::cache::{self as archive, CacheBytes, Families, View, inventory::Inventory};
use answer::{Fragments, rules::Rules};
use compiler::compile::{Skipped, continents, geoip, mirrormanager, routes};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use testkit::synthetic::{self, Options};

/// Makes something that can be called.
pub type Make = for<'a> fn(&'a Parts) -> Call<'a>;
/// One call.
pub type Call<'a> = Box<dyn FnMut() + 'a>;

/// Every function, by what it does.
pub const ALL: &[(&str, Make)] = &[
    ("look up a directory", lookups::known_directory),
    ("look up an unknown directory", lookups::unknown_directory),
    ("classify an IPv4 client", lookups::ipv4_client),
    ("classify an IPv6 client", lookups::ipv6_client),
    ("resolve a request", stages::resolve),
    ("select the mirrors of a metalink", stages::select),
    ("order the mirrors of a metalink", stages::order),
    ("render a metalink", stages::render_metalink),
    ("render a mirrorlist", stages::render_mirrorlist),
    ("render a redirect", stages::render_redirect),
    ("render the list of near repositories", stages::render_refusal),
    ("answer a metalink of 200 URLs", answers::metalink),
    ("answer a mirrorlist of up to 100 hosts", answers::mirrorlist),
    ("answer a redirect", answers::redirect),
    ("answer a path of the redirector", answers::file),
    ("answer a metalink of 5 hosts or more", answers::usual_metalink),
    ("answer a mirrorlist of 5 hosts or more", answers::usual_mirrorlist),
    ("answer a page of 5 hosts or more", answers::usual_page),
    ("answer a JSON object of 5 hosts or more", answers::usual_object),
    ("answer an apt list of 5 hosts or more", answers::usual_archives),
    ("answer a mirrorlist with near-hosts = 5", answers::near_mirrorlist),
    ("answer a mirrorlist with exclude and family", answers::filtered_mirrorlist),
    ("refuse an unknown path", answers::unknown_path),
    ("refuse an unknown repository", answers::unknown_repository),
    ("refuse a metalink of an unknown repository", answers::unknown_repository_metalink),
    ("refuse a disabled repository", answers::disabled_repository),
    ("frame and read a request", wire::request),
    ("frame and read a reply of 26 kB", wire::reply),
    ("count a request", wire::count),
    ("tell the counters of 32 workers", wire::counters),
    ("check a cache", cache::check),
    ("open a checked cache", cache::open),
    ("prepare what rendering needs", cache::prepare),
    ("import a protobuf cache of 300 directories", cache::import),
    ("build a cache of 300 directories", cache::build),
];

/// Rules by which lists hold every host that there is.
pub const EVERY_HOST: Rules = Rules { minimum: 1000, ..RULES };
const RULES: Rules = Rules {
    minimum: 5,
    netblock: answer::rules::NetblockMode::First,
    log_address: answer::rules::LogAddress::Off,
};

/// The site file's `near-hosts` as packages install it.
const NEAR_HOSTS: u32 = 5;
/// The file of a choosy site's cache, beside the other.
const CHOOSY: &str = "choosy.mlc";

/// What the functions work on.
#[derive(Debug)]
pub struct Parts {
    bytes: CacheBytes,
    fragments: Fragments,
    small: OnceLock<Small>,
    choosy: OnceLock<Box<Parts>>,
    origin: Origin,
}

/// Where the cache of a choosy site is to be had.
#[derive(Debug)]
enum Origin {
    /// It is made of these.
    Options(Options),
    /// It is in this file.
    File(PathBuf),
}

/// A small cache before it is one.
#[derive(Debug)]
struct Small {
    protobuf: Vec<u8>,
    inventory: Inventory,
}

impl Parts {
    /// A synthetic cache, compiled in this process.
    pub fn synthetic(options: &Options) -> Result<Parts, String> {
        let bytes = compile(options).and_then(|(_, inventory)| write(&inventory))?;
        Parts::of(bytes, Origin::Options(*options))
    }

    /// The cache of a file. Functions of a choosy site's cache need that beside it, as [`Parts::save`] writes it.
    pub fn open(file: &Path) -> Result<Parts, String> {
        let bytes = CacheBytes::read(file).map_err(|error| format!("cache {}: {error}", file.display()))?;
        Parts::of(bytes, Origin::File(file.with_file_name(CHOOSY)))
    }

    fn of(bytes: CacheBytes, origin: Origin) -> Result<Parts, String> {
        let view = View::check(&bytes).map_err(|error| format!("cache: {error}"))?;
        let fragments = Fragments::prepare(&view).map_err(|error| format!("cache: {error}"))?;
        Ok(Parts { bytes, fragments, small: OnceLock::new(), choosy: OnceLock::new(), origin })
    }

    /// Writes the cache into a folder, and that of a choosy site beside it. Returns the first file.
    pub fn save(&self, folder: &Path) -> io::Result<PathBuf> {
        let file = folder.join("cache.mlc");
        fs::write(&file, &*self.bytes)?;
        fs::write(folder.join(CHOOSY), &*self.choosy().bytes)?;
        Ok(file)
    }

    /// The same cache of a choosy site: it wants near mirrors, and knows of every second host that it answers by IPv4 alone.
    ///
    /// Made for those who ask for it. Panics if there is none beside the file of an opened cache.
    fn choosy(&self) -> &Parts {
        self.choosy.get_or_init(|| {
            let made = match &self.origin {
                Origin::File(file) => Parts::open(file),
                Origin::Options(options) => {
                    choosy(options).and_then(|bytes| Parts::of(bytes, Origin::Options(*options)))
                }
            };
            Box::new(made.expect("a choosy site's cache compiles, or lies beside the other"))
        })
    }

    /// Made for those who ask for it: it takes longer than most functions.
    fn small(&self) -> &Small {
        self.small.get_or_init(|| {
            let (protobuf, inventory) = compile(&Options::new(300)).expect("a synthetic cache compiles");
            Small { protobuf, inventory }
        })
    }

    fn view(&self) -> View<'_> {
        View::access(&self.bytes).expect("it was checked when the parts were made")
    }
}

/// The protobuf file of a synthetic cache, and everything in it and its other inputs.
fn compile(options: &Options) -> Result<(Vec<u8>, Inventory), String> {
    let (mut protobuf, mut networks, mut countries) = (Vec::new(), Vec::new(), Vec::new());
    // Writing to memory does not fail.
    let _ = synthetic::encode(options, &mut protobuf);
    let _ = synthetic::netblocks(options, &mut networks);
    let _ = synthetic::continents(&mut countries);
    let (mut inventory, mut skipped) = (Inventory::default(), Skipped::default());
    continents::import(&countries, &mut inventory, &mut skipped)
        .and_then(|()| mirrormanager::import(&protobuf, &mut inventory, &mut skipped))
        .and_then(|()| routes::import(&networks[..], &mut inventory, &mut skipped))
        .and_then(|()| geoip::import(&synthetic::geoip(options), &mut inventory, &mut skipped))
        .map_err(|error| format!("synthetic cache: not compiled ({error})"))?;
    Ok((protobuf, inventory))
}

/// The cache of a choosy site.
fn choosy(options: &Options) -> Result<CacheBytes, String> {
    let (_, mut inventory) = compile(options)?;
    inventory.choice.near_hosts = NEAR_HOSTS;
    for host in inventory.hosts.values_mut().step_by(2) {
        host.families = Families::V4;
    }
    write(&inventory)
}

fn write(inventory: &Inventory) -> Result<CacheBytes, String> {
    Ok(archive::write(inventory, 0).map_err(|error| format!("synthetic cache: not written ({error})"))?.0)
}

/// Walks through values again and again, so that no two calls in a row ask the same.
struct Round<T> {
    values: Vec<T>,
    at: usize,
}

impl<T> Round<T> {
    fn new(values: impl IntoIterator<Item = T>) -> Round<T> {
        let values: Vec<T> = values.into_iter().collect();
        assert!(!values.is_empty(), "nothing to ask");
        Round { values, at: 0 }
    }

    fn next(&mut self) -> &mut T {
        self.at = (self.at + 1) % self.values.len();
        &mut self.values[self.at]
    }
}
