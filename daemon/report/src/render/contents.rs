//! What the service answers from its cache at this moment: which mirrors each repository has.
//!
//! The answers are those of the service itself ([`answer`]), to a client of whom nothing is known: no table beside it can
//! say something else, and what is private is not in them. What is suspended is known to be there, and not listed.

use super::names::file_name;
use answer::{Fragments, Scratch, Service, rules::Rules, suspended::Usable};
use cache::{CacheBytes, HostId, PlacementId, RepositoryId, UrlId, View, place::Place, scheme::host_name};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use program::{failure::Failure, log};
use rand::{SeedableRng as _, rngs::SmallRng};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    fmt::Display,
    path::Path,
};
use wire::{Accept, Method, Request, UrlScheme};

/// All mirrors and repositories.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By country, then by name, then by number.
    pub(super) mirrors: Vec<Mirror>,
    /// By name.
    pub(super) repositories: Vec<Repository>,
    /// When MirrorManager or the collector made the data, in seconds since the epoch.
    pub(super) time: u64,
    /// What URLs begin with.
    bases: Vec<String>,
}

/// A mirror that is for everybody: a host, by one of its names.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    /// The host's number in the source.
    pub(super) id: i64,
    /// The host part of its URLs.
    pub(super) name: String,
    /// The name of its page, without its end.
    pub(super) file: String,
    /// Whether no other host has the name.
    pub(super) is_alone: bool,
    /// Its country's code, empty if it has none.
    pub(super) country: String,
    /// Where it is, if that is known better than by its country.
    pub(super) place: Option<Place>,
    /// In Mbit/s; `None` if the source does not say.
    pub(super) bandwidth: Option<u32>,
    /// The versions of IP by which it answers; none if they are not known.
    pub(super) families: Vec<u8>,
    /// The protocols by which answers name it, a bit each; see [`SCHEMES`].
    pub(super) schemes: u8,
    /// Its URLs, suspended ones too.
    pub(super) urls: BTreeSet<String>,
    /// Repositories for which answers name it.
    pub(super) listed: usize,
}

/// Protocols, in the order in which they are shown.
const SCHEMES: [&str; 4] = ["https", "http", "ftp", "rsync"];

impl Mirror {
    /// The protocols by which answers name it.
    pub(super) fn schemes(&self) -> Vec<&'static str> {
        let has = |at: &usize| self.schemes >> at & 1 != 0;
        (0..SCHEMES.len()).filter(has).map(|at| SCHEMES[at]).collect()
    }
}

/// A repository, of whatever architecture.
#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) archs: Vec<String>,
    /// Its mirrors, in their order.
    pub(super) carried: Vec<Carried>,
    /// What follows a host's URL, by architecture.
    ends: Vec<String>,
    /// Architectures that some mirror has, each by its place.
    sets: Vec<Vec<u16>>,
}

/// What a mirror has of a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried {
    /// The mirror's place.
    pub(super) mirror: u32,
    /// Whether answers name it; else all that it has of it is suspended.
    pub(super) is_listed: bool,
    base: u32,
    set: u16,
}

impl Repository {
    /// Places of the architectures that a mirror has.
    pub(super) fn archs_of(&self, carried: &Carried) -> &[u16] {
        &self.sets[usize::from(carried.set)]
    }

    /// How many mirrors answers name.
    pub(super) fn listed(&self) -> usize {
        self.carried.iter().filter(|carried| carried.is_listed).count()
    }
}

impl Contents {
    /// Reads a cache; what a list says is suspended at `now` is not listed.
    ///
    /// An error when the cache cannot be read. A list that cannot is told of, and nothing is suspended, as daemons do it.
    pub(super) fn read(path: &Path, suspended: Option<&Path>, now: u64) -> Result<Contents, Failure> {
        let refused = |cause: &dyn Display| Failure::cache(format!("cache {}: {cause}", path.display()));
        let bytes = CacheBytes::read(path).map_err(|error| refused(&error))?;
        let view = answer::taken(&bytes).map_err(|error| refused(&error))?;
        let fragments = |usable| Fragments::of_usable(&view, usable).map_err(|error| refused(&error));
        let usable = suspended.and_then(|list| match Usable::read(&view, list, now) {
            Ok(usable) => Some(usable).filter(|usable| usable.urls() > 0),
            Err(cause) => {
                log::warning(format_args!(
                    "suspended {}: {cause}; mirrors are listed as if none were suspended",
                    list.display()
                ));
                None
            }
        });
        let left = usable.map(&fragments).transpose()?;
        let all = fragments(Usable::default())?;
        let mut gathering = Gathering::of(view, now);
        // What is listed comes first: its URL is the one that clients get.
        let passes: Vec<(&Fragments, bool)> =
            left.iter().map(|left| (left, true)).chain([(&all, left.is_none())]).collect();
        let repositories = (0..view.repository_count() as u32)
            .map(|repository| gathering.repository(RepositoryId(repository), &passes))
            .collect::<Result<_, _>>()?;
        Ok(gathering.in_order(repositories))
    }

    /// The URL of a repository at a mirror, of the first architecture that it has there.
    pub(super) fn url(&self, repository: &Repository, carried: &Carried) -> String {
        let arch = repository.archs_of(carried).first().copied().unwrap_or_default();
        let end = repository.ends.get(usize::from(arch)).map_or("", |end| end);
        format!("{}{end}", self.bases[carried.base as usize])
    }

    /// Countries with a mirror.
    pub(super) fn countries(&self) -> usize {
        self.mirrors.chunk_by(|one, other| one.country == other.country).count()
    }
}

/// The service's own JSON, as far as it is needed.
#[derive(Deserialize)]
struct Listed<'j> {
    // A repository that is disabled is answered without any.
    #[serde(borrow, default)]
    mirrors: Vec<ListedMirror<'j>>,
}

#[derive(Deserialize)]
struct ListedMirror<'j> {
    #[serde(borrow)]
    url: Cow<'j, str>,
    urls: ListedUrls,
    #[serde(borrow)]
    hostname: Cow<'j, str>,
    #[serde(borrow, default)]
    country: Cow<'j, str>,
    lat: Option<f64>,
    lon: Option<f64>,
    #[serde(default)]
    families: Vec<u8>,
}

/// Which there are.
#[derive(Deserialize)]
struct ListedUrls {
    https: Option<IgnoredAny>,
    http: Option<IgnoredAny>,
    ftp: Option<IgnoredAny>,
    rsync: Option<IgnoredAny>,
}

impl ListedUrls {
    fn bits(&self) -> u8 {
        let there = [&self.https, &self.http, &self.ftp, &self.rsync].map(Option::is_some);
        there.iter().rev().fold(0, |bits, is_there| bits << 1 | u8::from(*is_there))
    }
}

/// Country, name and number.
type Key = (String, String, i64);

/// Asking for all that there is.
struct Gathering<'a> {
    view: View<'a>,
    now: u64,
    /// Whose each URL is.
    placements: HashMap<&'a str, Vec<PlacementId>>,
    /// Mirrors by key, each with its place in the order in which they were met.
    mirrors: BTreeMap<Key, (u32, Mirror)>,
    /// What URLs begin with: the place of the mirror and their own, by the host and the text.
    met: HashMap<(HostId, &'a str), (u32, u32)>,
    bases: Vec<String>,
    /// Protocols by which mirrors are named, in the order in which they were met.
    schemes: Vec<u8>,
    scratch: Scratch,
    reply: Vec<u8>,
}

/// A mirror's part of one repository, while it is asked for.
struct Part {
    base: u32,
    archs: Vec<u16>,
    is_listed: bool,
}

impl<'a> Gathering<'a> {
    fn of(view: View<'a>, now: u64) -> Gathering<'a> {
        let mut placements: HashMap<&str, Vec<PlacementId>> = HashMap::new();
        for placement in (0..view.placement_count() as u32).map(PlacementId) {
            for (_, url) in view.placement_urls(placement).filter_map(|url: UrlId| view.url(url)) {
                placements.entry(url).or_default().push(placement);
            }
        }
        Gathering {
            view,
            now,
            placements,
            mirrors: BTreeMap::new(),
            met: HashMap::new(),
            bases: Vec::new(),
            schemes: Vec::new(),
            scratch: Scratch::default(),
            reply: Vec::new(),
        }
    }

    /// Asks for a repository of each architecture.
    fn repository(&mut self, of: RepositoryId, passes: &[(&Fragments, bool)]) -> Result<Repository, Failure> {
        let view = self.view;
        let name = view.repository(of).map_or("", |repository| repository.name);
        let archs: Vec<&str> = view.repo_archs(of).map(|repo_arch| view.arch_of(repo_arch)).collect();
        let mut repository = Repository {
            name: name.to_owned(),
            archs: archs.iter().map(|arch| (*arch).to_owned()).collect(),
            ends: vec![String::new(); archs.len()],
            ..Repository::default()
        };
        let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
        for (fragments, is_listed) in passes {
            for (place, arch) in archs.iter().enumerate() {
                self.ask(fragments, name, arch)?;
                let reply = std::mem::take(&mut self.reply);
                self.named(&reply, *is_listed, place as u16, &mut repository.ends[place], &mut parts)?;
                self.reply = reply;
            }
        }
        let mut sets: BTreeMap<Vec<u16>, u16> = BTreeMap::new();
        for (mirror, Part { base, archs, is_listed }) in parts {
            let next = sets.len() as u16;
            let set = *sets.entry(archs).or_insert(next);
            repository.carried.push(Carried { mirror, is_listed, base, set });
        }
        repository.sets = vec![Vec::new(); sets.len()];
        for (archs, place) in sets {
            repository.sets[usize::from(place)] = archs;
        }
        Ok(repository)
    }

    /// Has the service answer; what it says is in `reply`, or nothing if no public mirror has it.
    fn ask(&mut self, fragments: &Fragments, repository: &str, arch: &str) -> Result<(), Failure> {
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
        let version = env!("CARGO_PKG_VERSION");
        let service =
            Service { view: self.view, fragments, rules: Rules::default(), redirector: None, version };
        // The order does not matter.
        let mut dice = SmallRng::seed_from_u64(0);
        self.reply.clear();
        let answer = service.answer(&request, self.now, &mut dice, &mut self.scratch, &mut self.reply);
        match answer.head.status {
            200 => drop(self.reply.drain(..answer.headers_len)),
            _ => self.reply.clear(),
        }
        Ok(())
    }

    /// Takes the mirrors that an answer names for an architecture.
    fn named(
        &mut self,
        reply: &[u8],
        is_listed: bool,
        arch: u16,
        end: &mut String,
        parts: &mut BTreeMap<u32, Part>,
    ) -> Result<(), Failure> {
        if reply.is_empty() {
            return Ok(());
        }
        let listed: Listed<'_> = serde_json::from_slice(reply)
            .map_err(|error| Failure::bug(format!("answer of the service: {error}")))?;
        for mirror in listed.mirrors {
            let Some(base) = self.base(&mirror.url, end) else {
                return Err(Failure::bug(format!("URL {} of an answer: no host has it", mirror.url)));
            };
            let (place, base) = self.met(&mirror, base);
            match parts.entry(place) {
                Entry::Vacant(free) => {
                    free.insert(Part { base, archs: vec![arch], is_listed });
                }
                // What is listed is what the mirror is said to have.
                Entry::Occupied(known) if known.get().is_listed && !is_listed => continue,
                Entry::Occupied(mut known) => {
                    let archs = &mut known.get_mut().archs;
                    // A host can be named twice.
                    if archs.last() != Some(&arch) {
                        archs.push(arch);
                    }
                }
            }
            self.schemes[place as usize] |= mirror.urls.bits();
        }
        Ok(())
    }

    /// The host's part of a URL. What follows it is the same in all of an answer, and kept in `end`.
    fn base(&self, url: &str, end: &mut String) -> Option<&'a str> {
        let known = |base: &str| self.placements.get_key_value(base).map(|(base, _)| *base);
        if let Some(base) = url.strip_suffix(&**end).filter(|_| !end.is_empty()).and_then(known) {
            return Some(base);
        }
        let base = url.rmatch_indices('/').find_map(|(at, _)| known(&url[..at])).or_else(|| known(url))?;
        url[base.len()..].clone_into(end);
        Some(base)
    }

    /// A mirror that was named: its place among those that were met, and that of its URL.
    fn met(&mut self, listed: &ListedMirror<'_>, base: &'a str) -> (u32, u32) {
        let view = self.view;
        let placements = self.placements.get(base).map_or(&[][..], |placements| placements);
        let code = |host| view.host_country(host).and_then(|country| view.country_code(country));
        let is_there = |host: &HostId| code(*host).is_some_and(|code| code.as_str() == listed.country);
        let hosts = || placements.iter().map(|placement| view.placement_host(*placement));
        // Two hosts that share a URL are told apart by no more than this.
        let Some(host) = hosts().find(is_there).or_else(|| hosts().next()) else { return (0, 0) };
        if let Some(known) = self.met.get(&(host, base)) {
            return *known;
        }
        let id = view.host_source_id(host);
        let key = (listed.country.clone().into_owned(), listed.hostname.clone().into_owned(), id);
        let next = self.mirrors.len() as u32;
        let (place, mirror) = self.mirrors.entry(key).or_insert_with(|| {
            let mirror = Mirror {
                id,
                name: listed.hostname.clone().into_owned(),
                country: listed.country.clone().into_owned(),
                place: listed.lat.zip(listed.lon).and_then(|(lat, lon)| Place::new(lat, lon)),
                // 1 is what stands for none.
                bandwidth: Some(view.bandwidth(host)).filter(|bandwidth| *bandwidth > 1),
                families: listed.families.clone(),
                ..Mirror::default()
            };
            (next, mirror)
        });
        let own = placements.iter().filter(|placement| view.placement_host(**placement) == host);
        let urls = own.flat_map(|placement| view.placement_urls(*placement));
        let urls = urls.filter_map(|url| Some(view.url(url)?.1));
        mirror.urls.extend(urls.filter(|url| host_name(url) == mirror.name).map(str::to_owned));
        if *place == next {
            self.schemes.push(0);
        }
        let known = (*place, self.bases.len() as u32);
        self.bases.push(base.to_owned());
        self.met.insert((host, base), known);
        known
    }

    fn in_order(self, mut repositories: Vec<Repository>) -> Contents {
        let mut places = vec![0; self.mirrors.len()];
        let mut mirrors: Vec<Mirror> = Vec::with_capacity(self.mirrors.len());
        for (at, (met, mirror)) in self.mirrors.into_values().enumerate() {
            places[met as usize] = at as u32;
            mirrors.push(Mirror { schemes: self.schemes[met as usize], ..mirror });
        }
        for repository in &mut repositories {
            for carried in &mut repository.carried {
                carried.mirror = places[carried.mirror as usize];
                mirrors[carried.mirror as usize].listed += usize::from(carried.is_listed);
            }
            repository.carried.sort_by_key(|carried| carried.mirror);
        }
        name_pages(&mut mirrors);
        Contents { mirrors, repositories, time: self.view.source_time(), bases: self.bases }
    }
}

/// Gives each mirror a page of its own: of those that share a name, the host of the lowest number has the plain one.
fn name_pages(mirrors: &mut [Mirror]) {
    let mut named: BTreeMap<String, Vec<(i64, usize)>> = BTreeMap::new();
    for (place, mirror) in mirrors.iter().enumerate() {
        named.entry(mirror.name.clone()).or_default().push((mirror.id, place));
    }
    for (name, mut hosts) in named {
        hosts.sort_unstable();
        for (at, (id, place)) in hosts.iter().enumerate() {
            // No name that is made safe has these characters in this order.
            let file = if at == 0 { file_name(&name) } else { format!("{}~id{id}", file_name(&name)) };
            mirrors[*place].file = file;
            mirrors[*place].is_alone = hosts.len() == 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_name_have_a_page_each() {
        let mirror = |id, name: &str| Mirror { id, name: name.into(), ..Mirror::default() };
        let mut mirrors = [mirror(7, "a"), mirror(3, "a"), mirror(9, "b")];
        name_pages(&mut mirrors);
        assert_eq!(mirrors.each_ref().map(|mirror| &*mirror.file), ["a~id7", "a", "b"]);
        assert_eq!(mirrors.map(|mirror| mirror.is_alone), [false, false, true]);
    }
}
