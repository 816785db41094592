//! What the service answers from its cache at this moment: which mirrors each repository has.
//!
//! The answers are those of the service itself ([`answer`]), to a client of whom nothing is known: no table beside it can
//! say something else, and what is private or suspended is not in them.

use answer::{
    Fragments, Scratch, Service,
    rules::Rules,
    suspended::{Suspended, Usable},
};
use cache::{CacheBytes, RepositoryId, View, files};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use program::failure::Failure;
use rand::{SeedableRng as _, rngs::SmallRng};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Display, path::Path};
use wire::{Accept, Method, Request, UrlScheme};

/// All mirrors and repositories.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By country, then by name.
    pub(super) mirrors: Vec<Mirror>,
    /// By name.
    pub(super) repositories: Vec<Repository>,
    /// When MirrorManager or the collector made the data, in seconds since the epoch.
    pub(super) time: u64,
}

/// A mirror that is for everybody.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    /// The host part of its URLs.
    pub(super) name: String,
    /// Its country's code, empty if it has none.
    pub(super) country: String,
    /// Protocols of its URLs.
    pub(super) schemes: Vec<String>,
    /// The versions of IP by which it answers; none if they are not known.
    pub(super) families: Vec<u8>,
    /// Repositories that it has.
    pub(super) repositories: usize,
}

/// A repository, of whatever architecture.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) archs: Vec<String>,
    /// By mirror: where it is, and the architectures that it has.
    pub(super) carried: BTreeMap<usize, Carried>,
}

/// What a mirror has of a repository.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Its URL of the first architecture.
    pub(super) url: String,
    /// Places among the repository's architectures.
    pub(super) archs: Vec<usize>,
}

/// The service's own JSON, as far as it is needed.
#[derive(Deserialize)]
struct Listed {
    mirrors: Vec<ListedMirror>,
}

#[derive(Deserialize)]
struct ListedMirror {
    url: String,
    urls: BTreeMap<String, String>,
    hostname: String,
    #[serde(default)]
    country: String,
    #[serde(default)]
    families: Vec<u8>,
}

impl Contents {
    /// Reads a cache, without what a list says is suspended at `now`.
    ///
    /// An error when either cannot be read.
    pub(super) fn read(path: &Path, suspended: Option<&Path>, now: u64) -> Result<Contents, Failure> {
        let refused = |cause: &dyn Display| Failure::cache(format!("cache {}: {cause}", path.display()));
        let bytes = CacheBytes::read(path).map_err(|error| refused(&error))?;
        let view = answer::taken(&bytes).map_err(|error| refused(&error))?;
        let usable = suspended.map_or(Ok(Usable::default()), |list| usable(&view, list, now))?;
        let fragments = Fragments::of_usable(&view, usable).map_err(|error| refused(&error))?;
        let version = env!("CARGO_PKG_VERSION");
        let service =
            Service { view, fragments: &fragments, rules: Rules::default(), redirector: None, version };
        Asking { service, now, mirrors: BTreeMap::new(), scratch: Scratch::default() }.all()
    }
}

fn usable(view: &View<'_>, path: &Path, now: u64) -> Result<Usable, Failure> {
    let refused = |cause: &dyn Display| Failure::cache(format!("suspended {}: {cause}", path.display()));
    let file = files::open(path).map_err(|cause| refused(&cause))?;
    let list = Suspended::read(file).map_err(|cause| refused(&cause))?;
    Usable::of(view, &list, now).map_err(|cause| refused(&cause))
}

/// Asking for all that there is.
struct Asking<'a> {
    service: Service<'a>,
    now: u64,
    /// By country and name, each with its place in the order in which they were met.
    mirrors: BTreeMap<(String, String), (usize, Mirror)>,
    scratch: Scratch,
}

impl Asking<'_> {
    fn all(mut self) -> Result<Contents, Failure> {
        let view = self.service.view;
        let mut repositories = Vec::new();
        for repository in (0..view.repository_count() as u32).map(RepositoryId) {
            let name = view.repository(repository).map_or("", |repository| repository.name);
            let mut all = Repository { name: name.to_owned(), archs: Vec::new(), carried: BTreeMap::new() };
            for repo_arch in view.repo_archs(repository) {
                let arch = view.arch_of(repo_arch);
                let listed = self.ask(name, arch)?;
                let place = all.archs.len();
                all.archs.push(arch.to_owned());
                for mirror in listed {
                    let url = mirror.url.clone();
                    let carried = all.carried.entry(self.met(mirror)).or_default();
                    if carried.archs.is_empty() {
                        carried.url = url;
                    }
                    // Two hosts of one name are one mirror here.
                    if carried.archs.last() != Some(&place) {
                        carried.archs.push(place);
                    }
                }
            }
            repositories.push(all);
        }
        Ok(self.in_order(repositories))
    }

    /// The mirrors that the service names.
    fn ask(&mut self, repository: &str, arch: &str) -> Result<Vec<ListedMirror>, Failure> {
        let [repository, arch] = [repository, arch].map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC));
        let query = format!("repo={repository}&arch={arch}&country=global&format=json");
        let request = Request {
            method: Method::Get,
            scheme: UrlScheme::Http,
            accept: Accept::default(),
            client: None,
            path: b"mirrorlist",
            query: query.as_bytes(),
        };
        // The order does not matter.
        let mut dice = SmallRng::seed_from_u64(0);
        let mut reply = Vec::new();
        let answer = self.service.answer(&request, self.now, &mut dice, &mut self.scratch, &mut reply);
        if answer.head.status != 200 {
            // A repository that no public mirror has.
            return Ok(Vec::new());
        }
        let listed: Listed = serde_json::from_slice(&reply[answer.headers_len..])
            .map_err(|error| Failure::bug(format!("answer to {query}: {error}")))?;
        Ok(listed.mirrors)
    }

    /// A mirror that was named; its place among those that were met.
    fn met(&mut self, listed: ListedMirror) -> usize {
        let next = self.mirrors.len();
        let ListedMirror { urls, hostname, country, families, .. } = listed;
        let (place, mirror) = self.mirrors.entry((country.clone(), hostname.clone())).or_insert_with(|| {
            (next, Mirror { name: hostname, country, schemes: Vec::new(), families, repositories: 0 })
        });
        for scheme in urls.into_keys() {
            if !mirror.schemes.contains(&scheme) {
                mirror.schemes.push(scheme);
            }
        }
        *place
    }

    fn in_order(self, mut repositories: Vec<Repository>) -> Contents {
        let mut places = vec![0; self.mirrors.len()];
        let mut mirrors: Vec<Mirror> = Vec::with_capacity(self.mirrors.len());
        for (at, (met, mirror)) in self.mirrors.into_values().enumerate() {
            places[met] = at;
            mirrors.push(mirror);
        }
        for repository in &mut repositories {
            let carried = std::mem::take(&mut repository.carried);
            repository.carried = carried.into_iter().map(|(met, carried)| (places[met], carried)).collect();
            repository.carried.keys().for_each(|place| mirrors[*place].repositories += 1);
        }
        Contents { mirrors, repositories, time: self.service.view.source_time() }
    }
}
