//! Fedora-like caches of any size, for tests and benches: seeded, so that the same options give the same bytes.
//!
//! Nothing in them is real: hosts live in documentation domains, AS numbers are private ones. They have what real
//! caches have and samples lack: private hosts, odd weights, allowed countries, nested netblocks, stale repodata,
//! redirects, disabled repositories, names that need escaping, a few broken records.
//!
//! [`encode`] writes record by record, so that a million directories need little memory.

mod addresses;
mod carriers;
mod countries;
mod details;
mod hosts;
mod repositories;
mod tree;

pub use addresses::{continents, geoip, netblocks};
use interchange::{
    message::MirrorList,
    write::{self, Writer},
};
use prost::Message as _;
use rand::{SeedableRng as _, rngs::Xoshiro256PlusPlus};
use std::io::{self, BufWriter, Write};

/// The dice of this module: fast, seedable, the same on every machine.
type Dice = Xoshiro256PlusPlus;

/// When every synthetic cache was made: 2026-11-21T12:00:00Z.
pub const SOURCE_TIME: u64 = 1_795_262_400;

/// The fewest directories that hold one of everything.
pub const FEWEST_DIRECTORIES: usize = 200;

/// What a synthetic cache is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many directories it has, exactly; at least [`FEWEST_DIRECTORIES`].
    pub directories: usize,
    /// How many mirror machines it has.
    pub hosts: usize,
    /// Where its dice start.
    pub seed: u64,
    /// Whether 7 % of the pairs of host and directory are stale at random, so that each directory has a set of hosts of
    /// its own; else directories share their sets.
    pub unfriendly: bool,
}

impl Options {
    /// A friendly cache of 600 hosts with this many directories.
    pub fn new(directories: usize) -> Options {
        Options { directories: directories.max(FEWEST_DIRECTORIES), hosts: 600, seed: 1, unfriendly: false }
    }

    /// The dice for one part of the cache, so that parts do not depend on each other's throws.
    fn dice(&self, part: &str) -> Dice {
        let part =
            part.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(0x100_0000_01b3) ^ u64::from(byte));
        Dice::seed_from_u64(self.seed.rotate_left(32) ^ part)
    }
}

/// Bytes gathered before they are written out.
const BATCH: usize = 1 << 18;

/// Writes the cache as MirrorManager writes its own.
pub fn encode(options: &Options, out: impl Write) -> io::Result<()> {
    let hosts = hosts::Hosts::invent(options);
    let repositories = repositories::Repositories::plan(options);
    let mut records = Writer::new(BufWriter::with_capacity(BATCH, out), SOURCE_TIME)?;
    addresses::overrides(options, &mut records)?;
    hosts.locations(&mut records)?;
    hosts.urls(&mut records)?;
    details::write(options, &repositories, &mut records)?;
    repositories.disabled(&mut records)?;
    addresses::continent_redirects(&mut records)?;
    repositories.redirects(&mut records)?;
    repositories.directories(&mut records)?;
    hosts.facts(&mut records)?;
    let mut carriers = carriers::Carriers::new(options, &hosts);
    for directory in tree::directories(options, &repositories) {
        records.add(&write::MIRROR_LIST, &carriers.place(&directory))?;
    }
    records.finish().map(drop)
}

/// The same cache as a message; all of it is in memory, so for small ones.
pub fn mirror_list(options: &Options) -> MirrorList {
    let mut bytes = Vec::new();
    encode(options, &mut bytes)
        .and_then(|()| MirrorList::decode(bytes.as_slice()).map_err(io::Error::other))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
